"""`rnnlm train`: from text files to a run, with a progress bar; Ctrl-C saves and stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnlm.cli.options import Number, threads_option
from rnnlm.cli.show import remark

if TYPE_CHECKING:
    from rnnlm.config import Config

# Options that stand for a setting: the flag, the names of the field beside ours, and the key.
SHORT = [
    (
        ("--tokenizer",),
        "text.tokenizer",
        click.Choice(["jieba", "characters", "whitespace"]),
        "How text is cut into words.",
    ),
    (("--user-dict",), "text.user_dict", str, "Words for jieba, one a line: word [count] [tag]."),
    (("--oov",), "text.oov", click.Choice(["characters", "unk"]), "Unknown words: spelled in characters, or <unk>."),
    (("--min-count",), "text.min_count", click.IntRange(1), "A word joins the vocabulary if it occurs this often."),
    (
        ("--max-vocab",),
        "text.max_vocab",
        click.IntRange(0),
        "Most words in the vocabulary; characters for spelling come on top.",
    ),
    (("--vocabulary",), "text.vocabulary", str, "A file with the vocabulary, one word a line."),
    (("--encoding",), "text.encoding", str, "Encoding of the text files."),
    (("--cell",), "model.cell", click.Choice(["tanh", "sigmoid", "relu", "lstm", "gru"]), "The recurrent cell."),
    (("--layers", "--nlayers"), "model.layers", click.IntRange(1), "Recurrent layers."),
    (("--hidden", "--nhid"), "model.hidden", click.IntRange(1), "Units of a layer."),
    (("--embedding", "--emsize"), "model.embedding", click.IntRange(1), "Size of a word's vector."),
    (("--dropout",), "model.dropout", Number(0, 1, max_open=True), "Share of each layer's output dropped."),
    (("--optimizer",), "train.optimizer", str, "sgd, momentum, adagrad, rmsprop, adam or adamw."),
    (("--rate", "--lr"), "train.rate", Number(0), "Learning rate."),
    (("--batch", "--batch-size"), "train.batch", click.IntRange(1), "Columns of text read side by side."),
    (("--bptt",), "train.bptt", click.IntRange(0), "Time steps of a window; 0: full BPTT."),
    (("--clip",), "train.clip", Number(0), "Largest norm of the gradient."),
    (("--epochs",), "train.epochs", click.IntRange(1), "Passes over the text."),
    (("--seed",), "train.seed", click.IntRange(0), "Seed of weights and dropout."),
]


def setting_options(command: Any) -> Any:
    """Adds the options of SHORT; each one is left None unless it is given."""
    for flags, key, kind, text in reversed(SHORT):
        command = click.option(*flags, key.replace(".", "__"), type=kind, default=None, help=text)(command)
    command = click.option(
        "--tied/--untied", "model__tied", default=None, help="One matrix as embedding and output weights."
    )(command)
    return click.option(
        "--normalize/--no-normalize", "text__normalize", default=None, help="Make widths and punctuation alike."
    )(command)


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option(
    "--config",
    "-c",
    "name",
    metavar="NAME or FILE",
    help="Settings: a shipped configuration or a TOML file.  [default: default]",
)
@click.option(
    "--set",
    "-s",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting, such as model.hidden=300 (see `rnnlm info --keys`).",
)
@click.option(
    "--valid",
    multiple=True,
    metavar="FILE",
    help="Validation text.  [default: every 20th passage of the text, or line where there are few]",
)
@click.option("--out", "-o", metavar="DIR", help="The run's folder.  [default: a new one under runs/]")
@click.option("--resume", is_flag=True, help="Go on with the run in --out (or the newest) where it stopped.")
@click.option("--force", is_flag=True, help="Replace an existing run in --out.")
@threads_option
@setting_options
def command(
    files: tuple[str, ...], name: str | None, settings: tuple[str, ...], valid: tuple[str, ...],
    out: str | None, resume: bool, force: bool, threads: int | None, **short: Any,
) -> None:  # fmt: skip
    """Train a model on FILES: texts with one sentence a line, or a folder with train.txt, valid.txt.

    Without FILES the bundled corpus is read. `-` is standard input.
    """
    from rnnlm.cli.training import go_on, start_new

    settings = (*settings, *(setting(key, value) for key, value in short.items() if value is not None))
    if threads:
        settings = (*settings, f"train.threads={threads}")
    if resume:
        go_on(out, files, valid, name, settings)
    else:
        start_new(Path(out) if out else None, files, valid, name or "default", settings, force)


def setting(key: str, value: Any) -> str:
    """An option's value as `section.key=value`."""
    key = key.replace("__", ".")
    if key == "text.normalize":
        value = "on" if value else "off"
    return f"{key}={str(value).lower() if isinstance(value, bool) else value}"


@contextmanager
def polite_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C once sets the event, and training ends its step and saves; twice interrupts at once."""
    stop = threading.Event()

    def first(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        with suppress(OSError):  # the terminal has gone
            remark("\nfinishing this step, then saving (Ctrl-C again to stop at once)")

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    kept = {
        number: signal.signal(number, first) for number in numbers if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def new_run_name(config: Config) -> Path:
    """runs/<date>-<time>-<cell>, not yet there."""
    model = config.model
    what = model.cell if model.kind == "rnn" else model.kind
    base = Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{what}"
    path, number = base, 2
    while path.exists():
        path, number = base.with_name(f"{base.name}-{number}"), number + 1
    return path
