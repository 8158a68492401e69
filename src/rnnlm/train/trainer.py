"""The training loop, as a generator of small events: windows in, weights out; it prints nothing and reads no text.

Each epoch walks the columns of the corpus from the left, window by window, and carries the state along (truncated
BPTT); then it validates, and saves. Whoever iterates may stop: the state of everything is saved first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlm.config import Config
from rnnlm.errors import CheckpointError, TrainingError
from rnnlm.lm.build import make_model
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network
from rnnlm.store.files import read_json
from rnnlm.store.run import Run, read_arrays
from rnnlm.text.corpus import Columns, Corpus, columns
from rnnlm.train.evaluate import Metrics, evaluate
from rnnlm.train.evaluate_cloze import ClozeMetrics, evaluate_cloze
from rnnlm.train.schedule import Schedule
from rnnlm.train.shard import state_widths
from rnnlm.train.team import Team, blas_threads

TELL = 0.25  # seconds between two events of progress
LOG_PARTS = 20  # lines of metrics.jsonl in an epoch
HOPELESS = 3  # windows in a row whose gradient is not finite


@dataclass(frozen=True)
class Stepped:
    """Progress inside an epoch: sums since the epoch began."""

    epoch: int
    window: int
    windows: int
    step: int
    loss: float  # mean nats a word since the last event
    norm: float  # of the gradient before clipping, mean since the last event
    clipped: float  # share of steps that were clipped, since the last event
    rate: float
    words: int  # read since the last event
    seconds: float  # that they took


@dataclass(frozen=True)
class Validated:
    """The end of an epoch."""

    epoch: int
    train_loss: float
    metrics: Metrics | ClozeMetrics
    loss: float  # mean nats a word of the validation text
    best: bool
    seconds: float


@dataclass(frozen=True)
class Stopped:
    """The end of training: `reason` is "done", "patience" or "interrupted"."""

    reason: str
    epoch: int


Event = Stepped | Validated | Stopped


@dataclass
class Position:
    """Where training stands; all of it is saved."""

    epoch: int = 0
    window: int = 0
    step: int = 0
    seconds: float = 0.0
    epoch_nats: float = 0.0
    epoch_words: int = 0
    schedule: dict[str, float] = field(default_factory=dict)


@dataclass
class Since:
    """Sums since the last event."""

    nats: float = 0.0
    words: int = 0
    norm: float = 0.0
    steps: int = 0
    clipped: int = 0
    begun: float = field(default_factory=time.perf_counter)

    def event(self, at: Position, windows: int, rate: float) -> Stepped:
        steps = max(1, self.steps)
        return Stepped(
            at.epoch, at.window, windows, at.step, self.nats / max(1, self.words), self.norm / steps,
            self.clipped / steps, rate, self.words, time.perf_counter() - self.begun,
        )  # fmt: skip


class Trainer:
    """One training of a network on a corpus, by a team of workers, into a run."""

    def __init__(
        self, config: Config, network: Network, team: Team, train: Corpus, valid: Corpus, run: Run, text: str = ""
    ) -> None:
        """`text` is a fingerprint of the training text, so that a run is not resumed on another.

        Raises CorpusError where the text is shorter than one row of the batch.
        """
        self.settings = config.train
        self.network, self.team, self.run, self.valid, self.text = network, team, run, valid, text
        self.columns: Columns = columns(train, config.train.batch)
        self.bptt = min(config.train.bptt or self.columns.length, self.columns.length)
        self.windows = -(-self.columns.length // self.bptt)
        self.schedule = Schedule(config.train, self.windows * config.train.epochs)
        self.at = Position()
        self.weights = Parameters(network.shapes(), flat=team.memory["parameters"])
        average = team.memory["average"]
        self.kept = Parameters(network.shapes(), flat=average) if len(average) else self.weights
        self.not_finite = 0

    def begin(self, parameters: Parameters) -> None:
        """Starts from these weights."""
        self.weights.flat[:] = parameters.flat
        self.kept.flat[:] = parameters.flat

    def resume(self, name: str = "last") -> None:
        """Goes on from a checkpoint of the run. Raises CheckpointError where it is of another text or training."""
        path = self.run.checkpoint(name)
        state = read_json(path / "trainer.json")
        arrays = read_arrays(path / "trainer.safetensors")
        try:
            if state["text"] != self.text:
                raise CheckpointError(
                    "the run was trained on another text", "resume it with the same files, or train anew"
                )
            for key, value in self.memory_arrays().items():
                value[...] = arrays[key]
            self.at = Position(**state["position"])
            for key, number in self.at.schedule.items():
                setattr(self.schedule, key, number)
            self.run.forget(self.at.step)
        except (KeyError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path} does not fit this training: {error}") from None

    def train(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Trains to the end, or until `stop()`; yields events.

        Raises TrainingError when the loss is no longer a number.
        """
        with blas_threads(1 if self.team.workers else self.team.size):
            while self.at.epoch < self.settings.epochs and not self.schedule.finished:
                for event in self.epoch(stop):
                    yield event
                    if isinstance(event, Stopped):
                        return
                yield self.validate()
            yield Stopped("patience" if self.at.epoch < self.settings.epochs else "done", self.at.epoch)

    def epoch(self, stop: Callable[[], bool]) -> Iterator[Event]:
        """The windows of one epoch that are left."""
        at = self.at
        if at.window == 0:
            at.epoch_nats, at.epoch_words = 0.0, 0
            for name in state_widths(self.network):
                self.team.memory[name][...] = 0
        since, logged, told = Since(), Since(), time.perf_counter()
        while at.window < self.windows:
            if stop():
                self.check(self.schedule.rate(at.epoch, at.step))
                at.seconds += time.perf_counter() - told
                self.save(best=False)
                yield Stopped("interrupted", at.epoch)
                return
            rate = self.schedule.rate(at.epoch, at.step)
            self.one_window(rate, (since, logged))
            now = time.perf_counter()
            at.seconds, told = at.seconds + now - told, now
            if at.window * LOG_PARTS // self.windows != (at.window - 1) * LOG_PARTS // self.windows:
                self.log_step(logged.event(at, self.windows, rate))
                logged = Since()
            if now - since.begun >= TELL or at.window == self.windows:
                yield since.event(at, self.windows, rate)
                since = Since()

    def one_window(self, rate: float, sums: tuple[Since, ...]) -> None:
        """One training step on the next window."""
        at, memory = self.at, self.team.memory
        first, last = at.window * self.bptt, min((at.window + 1) * self.bptt, self.columns.length)
        inputs, targets = self.columns.window(first, last)
        memory["inputs"][: inputs.size] = inputs.reshape(-1)
        memory["targets"][: targets.size] = targets.reshape(-1)
        resets = [
            (time, int(column))
            for time, some in enumerate(self.columns.resets(first, last) or [])
            if some is not None
            for column in some
        ]
        words = self.network.predicted(targets)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the norm tells
            nats, norm = self.team.step(last - first, at.step, words, resets, rate, self.settings.clip)
        if not math.isfinite(norm) or not math.isfinite(nats):
            self.recover(rate)
        else:
            self.not_finite = 0
            if self.settings.decay:
                self.network.head.pin(self.weights.layer("head"))
            if self.kept is not self.weights:
                self.team.call("blend", keep=min(self.settings.average, (at.step + 1) / (at.step + 10)))
            at.epoch_nats += nats
            at.epoch_words += words
            for since in sums:
                since.nats += nats
                since.words += words
                since.norm += norm
                since.clipped += bool(self.settings.clip and norm > self.settings.clip)
                since.steps += 1
        at.step += 1
        at.window += 1

    def recover(self, rate: float) -> None:
        """A window whose gradient is not finite was not applied; its state is dropped. Several in a row are the end."""
        self.not_finite += 1
        for name in state_widths(self.network):
            self.team.memory[name][...] = 0
        self.check(rate)

    def check(self, rate: float, loss: float = 0.0) -> None:
        """Raises TrainingError where training has lost its way for good; what was saved before stays as it is."""
        if self.not_finite >= HOPELESS or not math.isfinite(loss) or not np.isfinite(self.weights.flat).all():
            raise TrainingError(
                f"the loss is no longer a number at step {self.at.step} (rate {rate:g})",
                f"train again with a lower rate, say --lr {rate / 4:.2g}, or a smaller --clip",
            )

    def model(self) -> RecurrentModel | ClozeModel:
        """The model as it would be saved now."""
        return make_model(self.network, self.kept)

    def measure(self) -> tuple[Metrics | ClozeMetrics, float]:
        """The validation metrics, and the mean nats a word by which models are compared."""
        model = self.model()
        if isinstance(model, ClozeModel):
            found = evaluate_cloze(model, self.valid)
            return found, found.nats / max(1, found.positions)
        metrics = evaluate(model, self.valid, longest=max(256, self.valid.tokens // 32))
        return metrics, metrics.nats / max(1, metrics.tokens)

    def validate(self) -> Validated:
        """Ends an epoch: validates, moves the schedule on, logs and saves."""
        at, began = self.at, time.perf_counter()
        rate = self.schedule.rate(at.epoch, at.step - 1)
        self.check(rate)
        with blas_threads(self.team.size), np.errstate(over="ignore", invalid="ignore"):
            metrics, valid_loss = self.measure()
        self.check(rate, valid_loss)
        best = self.schedule.validated(valid_loss)
        at.epoch, at.window = at.epoch + 1, 0
        at.seconds += time.perf_counter() - began
        loss = at.epoch_nats / max(1, at.epoch_words)
        entry = {"kind": "valid", "epoch": at.epoch, "step": at.step, "seconds": round(at.seconds, 3)}
        self.run.log(entry | {"train_loss": loss, "valid_loss": valid_loss} | metrics.to_json())
        self.save(best)
        return Validated(at.epoch, loss, metrics, valid_loss, best, at.seconds)

    def log_step(self, event: Stepped) -> None:
        entry = {key: value for key, value in asdict(event).items() if key not in ("window", "windows", "words")}
        speed = event.words / event.seconds if event.seconds else 0.0
        self.run.log(
            {"kind": "train", **entry, "seconds": round(self.at.seconds, 3), "words_per_second": round(speed, 1)}
        )

    def memory_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything in memory that a resumed training needs, under its name."""
        wanted = ["parameters", *(["average"] if self.kept is not self.weights else []), *state_widths(self.network)]
        wanted += [name for name in self.team.memory.arrays if name.startswith("slot.")]
        return {name: self.team.memory[name] for name in wanted}

    def save(self, best: bool) -> None:
        """Writes a checkpoint of this moment."""
        values = {key: getattr(self.schedule, key) for key in ("scale", "best", "worse")}
        self.at.schedule = {key: value for key, value in values.items() if math.isfinite(value)}
        state = {"position": asdict(self.at), "text": self.text}
        self.run.save(f"{self.at.step:06d}", self.kept.views, self.memory_arrays(), state, best)
