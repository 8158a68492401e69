"""Training: equalities that need no reference, stopping and going on, and losing nothing when it fails."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlm.config import Config, Model, Train
from rnnlm.errors import CheckpointError, TrainingError
from rnnlm.lm.build import make_network, network_arguments
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.store.load import load_model
from rnnlm.store.run import Run
from rnnlm.text.coder import Coder
from rnnlm.text.corpus import Corpus
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary
from rnnlm.train.start import starting_weights
from rnnlm.train.team import Team
from rnnlm.train.trainer import Event, Stepped, Stopped, Trainer, Validated

V = 20
CODER = Coder(make_tokenizer("characters"), Vocabulary.from_words("abcdefghijklmnopqr"))


def random_corpus(seed: int, documents: int = 12, size: int = 18) -> Corpus:
    """Sentences of random words that mostly follow one another, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    ids, starts = [0], list[int]()
    for _ in range(documents):
        starts.append(len(ids) - 1)
        for _ in range(2):
            first = int(rng.integers(2, V))
            ids += [2 + (first + at) % (V - 2) for at in range(int(rng.integers(2, size)))] + [0]
    return Corpus(np.array(ids, np.int32), np.array(starts), np.empty(0, np.int64), 2 * documents, len(ids) - 1)


TRAIN, VALID = random_corpus(1), random_corpus(2, 3)
WINDOWS = 9  # of an epoch, with the settings below
SMALL: dict[str, Any] = {"batch": 6, "bptt": 5, "epochs": 3, "rate": 0.5}


def config_of(model: dict[str, Any], train: dict[str, Any]) -> Config:
    base: dict[str, Any] = {"cell": "lstm", "hidden": 7, "embedding": 5, "layers": 2}
    return Config(model=Model(**(base | model)), train=Train(**(SMALL | train)))


@contextmanager
def training(
    folder: Path, model: dict[str, Any] | None = None, workers: int = 1, text: str = "", **train: Any
) -> Iterator[Trainer]:
    """A trainer that has not begun, with a run in `folder`."""
    config = config_of(model or {}, train)
    arguments = network_arguments(config.model, V)
    network = make_network(arguments)
    run = Run(folder) if folder.exists() else Run.create(folder, config, CODER, [])
    columns = TRAIN.tokens // config.train.batch
    with Team(network, config.train, min(config.train.bptt or columns, columns), workers, arguments) as team:
        trainer = Trainer(config, network, team, TRAIN, VALID, run, text)
        trainer.begin(starting_weights(network, config, CODER.vocabulary))
        yield trainer


def run_to(trainer: Trainer, step: int | None = None) -> list[Event]:
    """Trains until a step has been made, then stops and saves; or to the end."""
    return list(trainer.train(lambda: trainer.at.step == step))


def weights_of(run: Run) -> Parameters:
    """The weights of a run's best checkpoint."""
    model = load_model(run)
    assert isinstance(model, RecurrentModel)
    return model.parameters


def memory(trainer: Trainer) -> dict[str, np.ndarray]:
    """A copy of all that training has in memory."""
    return {name: array.copy() for name, array in trainer.memory_arrays().items()}


MANNERS: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({}, {"optimizer": "sgd", "clip": 0.25}, 1),
    ({"dropout": 0.3, "dropout_input": 0.2}, {"optimizer": "adam", "rate": 0.01, "average": 0.9, "decay": 0.01}, 1),
    ({"dropout": 0.3, "dropout_words": 0.2}, {"optimizer": "adam", "rate": 0.01, "average": 0.9}, 2),
    ({"tied": True, "hidden": 5, "dropout_weights": 0.3}, {"optimizer": "momentum", "schedule": "plateau"}, 1),
    ({"cell": "gru"}, {"optimizer": "adamw", "decay": 0.1, "schedule": "cosine", "warmup": 0.3, "rate": 0.01}, 1),
]


@pytest.mark.parametrize("stopped", [5, 9, 11])
@pytest.mark.parametrize(("model", "train", "workers"), MANNERS)
def test_stopping_changes_nothing(
    tmp_path: Path, model: dict[str, Any], train: dict[str, Any], workers: int, stopped: int
) -> None:
    """12 steps are some, a save, a load in another trainer and the rest, bit for bit: in epochs and between them."""
    with training(tmp_path / "whole", model, workers, **train) as trainer:
        assert trainer.windows == WINDOWS
        run_to(trainer, 12)
        whole, position = memory(trainer), trainer.at
    with training(tmp_path / "parts", model, workers, **train) as trainer:
        assert run_to(trainer, stopped)[-1] == Stopped("interrupted", stopped // WINDOWS)
    with training(tmp_path / "parts", model, workers, **train) as trainer:
        trainer.resume()
        assert trainer.at.step == stopped
        run_to(trainer, 12)
        found = memory(trainer)
        assert (trainer.at.epoch, trainer.at.window) == (position.epoch, position.window)
        assert trainer.at.epoch_nats == position.epoch_nats
        assert trainer.schedule.best < math.inf
    assert found.keys() == whole.keys()
    for name, array in whole.items():
        assert np.array_equal(found[name], array), name


@pytest.mark.parametrize(("model", "train"), [manner[:2] for manner in MANNERS])
def test_workers_change_nothing(tmp_path: Path, model: dict[str, Any], train: dict[str, Any]) -> None:
    """One, two and three workers make the same steps, to rounding."""
    found = []
    for workers in (1, 2, 3):
        with training(tmp_path / str(workers), model, workers, **train) as trainer:
            assert trainer.team.size == workers
            run_to(trainer, 4)
            found.append((trainer.at.epoch_nats, memory(trainer)))
    # Adam divides a gradient by its own size, and so makes a step of the rounding of a gradient that is nearly 0
    tolerance = 1e-2 if train["optimizer"].startswith("adam") else 1e-5
    for nats, arrays in found[1:]:
        assert nats == pytest.approx(found[0][0], rel=1e-5)
        for name, array in found[0][1].items():
            assert np.linalg.norm(arrays[name] - array) <= tolerance * np.linalg.norm(array), name


def test_no_more_workers_than_columns(tmp_path: Path) -> None:
    """A batch of two columns has work for two."""
    with training(tmp_path / "run", workers=3, batch=2) as trainer:
        assert trainer.team.size == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_loss(tmp_path: Path, workers: int) -> None:
    """Before it has learnt anything the model is near the uniform distribution: ln V nats a word."""
    with training(tmp_path / "run", {"init": 0.01}, workers, rate=1e-12, epochs=1) as trainer:
        events = run_to(trainer)
    ended = next(event for event in events if isinstance(event, Validated))
    assert ended.train_loss == pytest.approx(math.log(V), rel=1e-3)
    assert ended.loss == pytest.approx(math.log(V), rel=1e-3)


def test_long_and_short_windows(tmp_path: Path) -> None:
    """The state is carried: windows of 20, of 5, and whole columns read the text with one and the same loss."""
    losses = []
    for bptt in (20, 5, 0):
        with training(tmp_path / str(bptt), {"init": 0.9}, bptt=bptt, rate=1e-12, epochs=1) as trainer:
            losses.append(next(e.train_loss for e in run_to(trainer) if isinstance(e, Validated)))
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-5)


def test_it_learns(tmp_path: Path) -> None:
    """The loss falls far below that of a uniform guess, and what is saved is what was measured."""
    with training(tmp_path / "run", {"hidden": 16}, optimizer="adam", rate=0.02, epochs=12) as trainer:
        events = run_to(trainer)
        best = min((e for e in events if isinstance(e, Validated)), key=lambda e: e.loss)
        assert best.train_loss < 0.7 * math.log(V)
        assert best.best
        assert events[-1] == Stopped("done", 12)
        logged = [entry for entry in trainer.run.metrics() if entry["kind"] == "valid"]
        assert [entry["valid_loss"] for entry in logged] == [e.loss for e in events if isinstance(e, Validated)]
        weights = weights_of(trainer.run)
    config = config_of({"hidden": 16}, {"optimizer": "adam", "rate": 0.02, "epochs": 12})
    with training(tmp_path / "run", {"hidden": 16}, optimizer="adam", rate=0.02, epochs=12) as trainer:
        trainer.begin(weights)
        assert trainer.measure()[1] == pytest.approx(best.loss)
        assert trainer.run.config == config


def test_events_count_everything(tmp_path: Path) -> None:
    """The words of an epoch's events are the words of its columns, and steps are counted through."""
    with training(tmp_path / "run", epochs=2, clip=1e-6) as trainer:
        events = run_to(trainer)
        words = trainer.columns.length * 6
    stepped = [event for event in events if isinstance(event, Stepped)]
    assert sum(event.words for event in stepped) == 2 * words
    assert stepped[-1].step == 2 * WINDOWS
    assert all(event.clipped == 1 and event.norm > 0 for event in stepped)


def test_clipping(tmp_path: Path) -> None:
    """A clipped step of plain SGD has the length rate · clip."""
    with training(tmp_path / "run", clip=0.01, rate=3.0) as trainer:
        before = trainer.weights.flat.copy()
        run_to(trainer, 1)
        assert np.linalg.norm(trainer.weights.flat - before) == pytest.approx(3.0 * 0.01, rel=1e-3)


def test_patience(tmp_path: Path) -> None:
    """A model that does not get better stops early, and says why."""
    with training(tmp_path / "run", rate=1e-12, patience=2, epochs=50) as trainer:
        assert run_to(trainer)[-1] == Stopped("patience", trainer.at.epoch)
        assert trainer.at.epoch < 10


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_loss_that_is_no_number(
    tmp_path: Path, optimizer: str, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """A huge rate ends in a TrainingError with advice, without noise; the checkpoint from before stays whole."""
    with training(tmp_path / "run", workers=workers, optimizer=optimizer, epochs=9, clip=0) as trainer:
        run_to(trainer, 3)
        kept = trainer.weights.flat.copy()
    with training(tmp_path / "run", workers=workers, optimizer=optimizer, epochs=9, clip=0, rate=1e38) as trainer:
        trainer.resume()
        with pytest.raises(TrainingError, match="no longer a number") as caught:
            run_to(trainer)
        assert "--lr" in caught.value.hint
        assert trainer.run.index == {"last": "000003", "best": "000003"}
    assert np.array_equal(weights_of(Run(tmp_path / "run")).flat, kept)
    assert "Warning" not in capfd.readouterr().err


def test_one_bad_window_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window whose gradient is not finite is not applied, and training goes on."""
    with training(tmp_path / "run", epochs=1) as trainer:
        step = trainer.team.step
        seen: list[int] = []

        def bad_once(*arguments: Any) -> tuple[float, float]:
            seen.append(1)
            return (math.nan, math.nan) if len(seen) == 2 else step(*arguments)

        monkeypatch.setattr(trainer.team, "step", bad_once)
        events = run_to(trainer)
    assert events[-1] == Stopped("done", 1)
    assert math.isfinite(next(e.train_loss for e in events if isinstance(e, Validated)))


@pytest.mark.parametrize("step", [WINDOWS, 3])
def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Neither an epoch's end nor an interrupt replaces a good checkpoint with a broken one."""
    with training(tmp_path / "run", epochs=1) as trainer:
        run_to(trainer, step - 1)
        kept, one_window = trainer.run.index, trainer.one_window

        def spoil(*arguments: Any) -> None:
            one_window(*arguments)
            trainer.weights.flat[0] = np.inf

        monkeypatch.setattr(trainer, "one_window", spoil)
        with pytest.raises(TrainingError):
            run_to(trainer, step)
        assert trainer.run.index == kept


def test_a_run_goes_on_with_its_own_text_only(tmp_path: Path) -> None:
    """Another training text, or a training of another shape, is refused."""
    with training(tmp_path / "run", text="one") as trainer:
        run_to(trainer, 1)
    with (
        training(tmp_path / "run", text="two") as trainer,
        pytest.raises(CheckpointError, match="another text"),
    ):
        trainer.resume()
    with (
        training(tmp_path / "run", {"hidden": 9}, text="one") as trainer,
        pytest.raises(CheckpointError, match="does not fit"),
    ):
        trainer.resume()


def test_a_dead_worker_is_told(tmp_path: Path) -> None:
    """When a worker process ends, training ends with an error that says how to go on."""
    with training(tmp_path / "run", workers=2) as trainer:
        trainer.team.workers[0].kill()
        trainer.team.workers[0].wait()
        with pytest.raises(TrainingError, match="worker") as caught:
            run_to(trainer)
    assert "--resume" in caught.value.hint


def test_parameters_are_shared_and_not_copied(tmp_path: Path) -> None:
    """What is saved is what the workers stepped: the trainer's weights are views of the shared memory."""
    with training(tmp_path / "run", workers=2) as trainer:
        assert isinstance(trainer.weights, Parameters)
        assert np.shares_memory(trainer.weights.flat, trainer.team.memory["parameters"])
