"""The command `rnnlm`: finds the command that was named and turns errors into two lines; it does no work itself.

A command's file is loaded when the command runs: `rnnlm --help` needs neither NumPy nor jieba.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from rnnlm import __version__
from rnnlm.errors import RnnlmError

COMMANDS = {
    "train": "Train a model on text files, or on the bundled corpus.",
    "predict": "Show the most probable next words.",
    "generate": "Write text from a model.",
    "evaluate": "Measure how well models predict a text.",
    "score": "Give each line of a text its probability.",
    "rescore": "Reorder n-best lists.",
    "export": "Write a model in another form.",
    "inspect": "Look into a network: forward pass, gradients, words.",
    "plot": "Draw the curves of runs.",
    "tokenize": "Show how text is cut into words.",
    "info": "Show what a run is, or what a setting means.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name, and loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return import_module(f"rnnlm.cli.{name}").command  # type: ignore[no-any-return]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Do you mean {close[0]}?" if close else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='Begin with `rnnlm train`, then `rnnlm predict "我昨天上学迟到了，老师批评了"`.',
)
@click.version_option(__version__, prog_name="rnnlm")
def cli() -> None:
    """Recurrent language models: train on your text, predict, generate, score."""


def main() -> None:
    """Runs the command line. Exit status: 0 success, 1 an error told in one or two lines, 2 wrong usage, 130 Ctrl-C."""
    # Where the caller closed one of them, as some daemons do, nothing is read and nothing is written.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        setattr(sys, name, getattr(sys, name) or Path(os.devnull).open(mode))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # bytes of an argument that are no text
    if threading.current_thread() is threading.main_thread():
        for name in (
            "SIGTERM",
            "SIGHUP",
        ):  # `kill`, or a closed terminal: end as after Ctrl-C, and leave nothing behind
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
    try:
        status = cli(standalone_mode=False, prog_name="rnnlm")
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted", err=True)
        status = 130
    except (BrokenPipeError, SystemExit):  # the reader of our output has gone, as `head` does; click then says exit(1)
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 0
    except RnnlmError as error:
        click.echo(f"rnnlm: {error}", err=True)
        if error.hint:
            click.echo(f"       {error.hint}", err=True)
        status = 1
    except OSError as error:  # what no part of the library has put into words
        what = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        click.echo(f"rnnlm: {what}" + (f": {error.filename}" if error.filename else ""), err=True)
        status = 1
    except MemoryError:
        click.echo("rnnlm: there is not enough memory\n       try a smaller --batch, --hidden or --max-vocab", err=True)
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
