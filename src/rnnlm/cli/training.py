"""A training as the person at the terminal sees it: preparing, the progress bar, the last words; it decides nothing
of its course."""

from __future__ import annotations

import math
import shlex
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from rnnlm.cli.course import Course
from rnnlm.cli.reading import tell_encodings
from rnnlm.cli.show import remark, width
from rnnlm.cli.train import new_run_name, polite_interrupt
from rnnlm.config import Config, load_config, with_values
from rnnlm.errors import CheckpointError, ConfigError, CorpusError
from rnnlm.lm.build import make_network, network_arguments
from rnnlm.report.inside import saturation
from rnnlm.report.run import figures
from rnnlm.share import find_config, shared_folder
from rnnlm.store.place import in_use, is_run, replaced
from rnnlm.store.run import RUNS, Run, find_run, newest_run
from rnnlm.text.coder import Coder
from rnnlm.text.corpus import Corpus
from rnnlm.text.reader import characters_in
from rnnlm.train.counting import train_ngram
from rnnlm.train.prepare import Prepared, find_files, prepare, splits
from rnnlm.train.start import starting_weights
from rnnlm.train.team import Team, worker_count
from rnnlm.train.trainer import Stepped, Stopped, Trainer, Validated

TRY = "我昨天上学迟到了，老师批评了"
BLANKED = "我的手机坏了，我打算____一部新手机。"


def start_new(
    out: Path | None, files: Sequence[str], valid: Sequence[str], name: str, settings: Sequence[str], force: bool
) -> None:
    """Trains into a new run."""
    config = load_config(find_config(name), settings)
    check_files(files, valid, config)
    if out is not None and out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        if not force:
            raise CheckpointError(
                f"{out} exists", "go on with it (--resume), replace it (--force), or name another --out"
            )
        if not is_run(out):
            raise CheckpointError(f"{out} is not a run, and is not replaced", "name another --out")
    prepared = prepare_with_bar(files, valid, config)
    config = resolved(config, prepared)
    path = out or new_run_name(config)
    with in_use(path), replaced(Run(path)) if force and is_run(path) else nullcontext():
        if not force and is_run(path):  # somebody else was faster
            raise CheckpointError(f"{path} exists", "name another --out")
        stored = with_values(config, "model", embeddings="")
        run = Run.create(path, stored, prepared.coder, prepared.user_words)
        if config.model.kind != "ngram":
            work(run, config, prepared, files, valid, resume=False)
            return
        try:
            count(run, config, prepared)
        except BaseException:
            if not run.index:  # a count that was stopped leaves nothing to go on with
                run.remove()
            raise


def go_on(
    out: str | None, files: Sequence[str], valid: Sequence[str], name: str | None, settings: Sequence[str]
) -> None:
    """Goes on with a run where it stopped; only how long and by how many may change."""
    run = find_run(out)[0] if out else newest_run()  # $RNNLM_MODEL is a model to use, not one to train further
    if run.config.model.kind == "ngram":
        raise ConfigError(f"{run.path} is a counting model: there is nothing to go on with", "train anew with --force")
    if name:
        raise ConfigError("--config does not go with --resume", "a run goes on with the settings it began with")
    late = ("train.epochs=", "train.threads=", "train.patience=")
    if odd := [item for item in settings if not item.startswith(late)]:
        raise ConfigError(f"{odd[0]} cannot change in a run", "only --epochs, --threads and train.patience can")
    config = run.config
    if settings:
        config = load_config(run.path / "config.toml", settings)
    check_files(files, valid, config)
    prepared = prepare_with_bar(files, valid, config, run.coder)
    with in_use(run.path):
        work(run, config, prepared, files, valid, resume=True)


def check_files(files: Sequence[str], valid: Sequence[str], config: Config) -> None:
    """Refuses what cannot be read before any work is done."""
    named = [
        *files,
        *valid,
        *(f for f in (config.text.vocabulary, config.text.user_dict, config.model.embeddings) if f),
    ]
    from rnnlm.text.reader import is_pipe, open_binary

    if named.count("-") > 1:
        raise CorpusError("standard input was named twice, but can be read once", "write it into a file")
    for file in named:
        if not is_pipe(file) and not Path(file).is_dir():
            open_binary(file).close()


def prepare_with_bar(
    files: Sequence[str], valid: Sequence[str], config: Config, coder: Coder | None = None
) -> Prepared:
    """Reads the texts, and says what is held out."""
    found = find_files(files or [shared_folder("data")], valid)
    if not files:
        remark("no file named: training on the bundled corpus")
    for folder in filter(Path.is_dir, map(Path, files)):
        if not splits(folder, "train"):
            remark(listed(f"{folder}: training on", [path.name for path in found.train if path.parent == folder]))
    dictionaries = [name for name in (config.text.user_dict, config.text.vocabulary) if name]
    tell_encodings([*found.train, *found.valid, *dictionaries], config.text.encoding)
    sizes = [characters_in(path, config.text.encoding) for path in (*found.train, *found.valid)]
    with Bars(0 if None in sizes else sum(filter(None, sizes))) as bars:
        prepared = prepare(found, config, bars.tell, coder)
    for line in remarks(prepared, found.hold_out, config):
        remark(line)
    return prepared


def listed(begin: str, names: Sequence[str], columns: int = 80) -> str:
    """A line with the first of the names and how many more there are; with one name it may be too long."""
    for count in range(len(names), 0, -1):
        rest = f" and {len(names) - count:,} more" if count < len(names) else ""
        line = f"{begin} {', '.join(names[:count])}{rest}"
        if width(line) <= columns:
            break
    return line


class Bars:
    """A bar for each stage of preparing, with the time that is left."""

    def __init__(self, characters: int) -> None:
        """`characters`: about how many there are to read, 0 where that is not known."""
        self.characters, self.stage = characters, ""
        self.bar: Any = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()

    def tell(self, stage: str, done: int, total: int) -> None:
        if stage != self.stage:
            self.close()
            self.stage, unit = stage, {"reading": "char", "encoding": "word"}[stage]
            self.bar = tqdm(
                desc=stage, unit=unit, unit_scale=True, leave=False, delay=1, disable=None,
                total=total or self.characters or None,
            )  # fmt: skip
        self.bar.update(done)


def remarks(prepared: Prepared, held_out: bool, config: Config) -> list[str]:
    """What was read, and what looks wrong about it."""
    train, valid, words = prepared.train, prepared.valid, len(prepared.coder.vocabulary)
    read = f"{train.tokens:,} words in {train.sentences:,} sentences to train on, {valid.tokens:,} to validate"
    lines = [f"{read}; vocabulary {words:,}"]
    if held_out:
        what = "passage" if len(train.starts) >= 19 else "line"
        lines.append(f"no --valid: every 20th {what} is held out ({valid.sentences:,} sentences)")
    for what, text in (("training", train), ("validation", valid)):
        share = len(text.oov) / max(1, text.tokens - text.sentences)
        if share > 0.3:
            lines.append(f"warning: {share:.0%} of the {what} words are unknown; look at --tokenizer and --min-count")
    if prepared.overlap > 0.1:
        lines.append(f"warning: {prepared.overlap:.0%} of the validation sentences stand in the training text too")
        lines.append("  the validation figures will look better than they are; name another text with --valid")
    if "<s>" in prepared.coder.vocabulary:
        lines.append("warning: <s> stands in the text as a word; sentences get their marks here")
    if train.tokens < 20_000 and config.model.kind != "ngram":
        lines.append("the text is small: expect a model that repeats it; a smaller --hidden and more --dropout help")
    return lines


def resolved(config: Config, prepared: Prepared) -> Config:
    """The settings with everything that was chosen from the text written in, and with no path in them."""
    text = with_values(config, "text", vocabulary="", user_dict="")
    if config.model.head == "adaptive" and not config.model.cutoffs:
        from rnnlm.nn.adaptive import choose_cuts

        features = config.model.hidden * (2 if config.model.kind == "cloze" else 1)
        cuts = choose_cuts(prepared.counts, features)
        return with_values(text, "model", cutoffs=cuts)
    return text


def fingerprint(corpus: Corpus) -> str:
    """Tells one training text from another."""
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    for first in range(0, len(corpus.ids), 1 << 20):
        digest.update(corpus.ids[first : first + (1 << 20)].tobytes())
    return digest.hexdigest()


def work(
    run: Run, config: Config, prepared: Prepared, files: Sequence[str], valid: Sequence[str], resume: bool
) -> None:
    """Runs the trainer and shows its events. From here on Ctrl-C saves; before, there is nothing to save."""
    arguments = network_arguments(config.model, len(prepared.coder.vocabulary))
    network = make_network(arguments)
    columns = prepared.train.tokens // config.train.batch
    steps = min(config.train.bptt or columns, columns) or 1
    workers = worker_count(config.train.threads)
    with polite_interrupt() as stop, Team(network, config.train, steps, workers, arguments) as team:
        trainer = Trainer(config, network, team, prepared.train, prepared.valid, run, fingerprint(prepared.train))
        if resume:
            trainer.resume()
            run.change(config)
        else:
            trainer.begin(starting_weights(network, config, prepared.coder.vocabulary))
        remark(describe(config, trainer, team))
        follow(trainer, config, run, files, valid, stop)


def count(run: Run, config: Config, prepared: Prepared) -> None:
    """Estimates a counting model and tells what it holds."""
    counted = train_ngram(config, prepared, run)
    found = counted.estimate
    if found.fallback:
        orders = ", ".join(map(str, found.fallback))
        remark(f"the text gives no discounts of order {orders}: 0.5, 1 and 1.5 stand in")
    grams = ", ".join(f"{n:,}" for n in found.model.counts)
    remark(f"n-grams of order 1 to {found.model.order}: {grams}")
    say_goodbye("done", run, (), (), counted.seconds)


def describe(config: Config, trainer: Trainer, team: Team) -> str:
    """The model in a line."""
    model, count = config.model, trainer.weights.flat.size
    workers = "1 worker" if team.size == 1 else f"{team.size} workers"
    network = f"{model.layers} x {model.cell} of {model.hidden}, {count:,} parameters"
    return f"{network}; {config.train.epochs} epochs, {workers}"


def follow(
    trainer: Trainer, config: Config, run: Run, files: Sequence[str], valid: Sequence[str], stop: threading.Event
) -> None:
    """The progress bar, a line for each epoch, and the last words."""
    reason, course = "done", Course(config, trainer.network.words, trainer.at.step)
    level, top = len(trainer.network.stack.layers) - 1, trainer.network.stack.layers[-1].cell
    state = trainer.team.memory[f"state.{level}.{top.slots[-1]}"]
    remark(course.header)
    total = trainer.windows * config.train.epochs
    with tqdm(
        total=total, initial=trainer.at.step, bar_format=BAR, leave=False, disable=None, dynamic_ncols=True
    ) as bar:
        for event in trainer.train(stop.is_set):
            if isinstance(event, Stepped):
                bar.update(event.step - bar.n)
                course.see(event)
                speed = event.words / max(event.seconds, 1e-9)
                perplexity = math.exp(min(event.loss, 50))
                bar.set_description_str(f"epoch {event.epoch + 1}/{config.train.epochs}", refresh=False)
                bar.set_postfix_str(
                    f"{speed:,.0f} words/s, loss {event.loss:.3f}, perplexity {perplexity:.1f}", refresh=False
                )
            elif isinstance(event, Validated):
                with tqdm.external_write_mode():
                    remark("\n".join(course.end(event, saturation(top, state))))
            elif isinstance(event, Stopped):
                reason = event.reason
    say_goodbye(reason, run, files, valid, trainer.at.seconds)


BAR = "{desc} {percentage:3.0f}%|{bar:16}| {elapsed}<{remaining}{postfix}"


def say_goodbye(reason: str, run: Run, files: Sequence[str], valid: Sequence[str], seconds: float) -> None:
    """Where the run is, how good it is, and what to do next."""
    if reason == "interrupted":
        words = ["rnnlm", "train", *files, *(part for file in valid for part in ("--valid", file))]
        remark(f"saved in {run.path}; go on with")
        click.echo("  " + shlex.join([*words, "--out", str(run.path), "--resume"]), err=True)
        raise KeyboardInterrupt
    if reason == "patience":
        remark("the validation loss stopped falling: training ended early")
    best = min((e for e in run.metrics() if e["kind"] == "valid"), key=lambda e: e["valid_loss"], default=None)
    click.echo(f"run: {run.path}")
    if best:
        click.echo(f"{figures(best)} (epoch {best['epoch']}, {seconds:.0f} s)")
    named = "" if run.path.parent == Path(RUNS) else f" --model {shlex.quote(str(run.path))}"
    if run.config.text.tokenizer == "whitespace":
        click.echo(f"next: rnnlm generate{named}")
    else:
        click.echo(f'next: rnnlm predict{named} "{BLANKED if run.config.model.kind == "cloze" else TRY}"')
