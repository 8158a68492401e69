"""What commands share in showing results and reading lines; it knows no command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from rnnlm.report.terminal import bar, pad, table, width

__all__ = ["bar", "echo_json", "lines_of_input", "pad", "remark", "table", "visible", "width"]


def echo_json(value: Any) -> None:
    """One JSON object on a line of standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))


def remark(text: str) -> None:
    """A line for the person, on standard error."""
    click.echo(text, err=True)


def lines_of_input(what: str) -> Iterator[str]:
    """The lines of standard input; says that it waits where that is a terminal."""
    if sys.stdin.isatty():
        remark(f"reading {what} from the terminal, a line each; end with Ctrl-D")
    reader = sys.stdin.buffer
    for number, raw in enumerate(reader, 1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            from rnnlm.errors import CorpusError

            raise CorpusError(
                f"line {number} of standard input is not UTF-8 text", "convert it, say with iconv"
            ) from None


def visible(word: str) -> str:
    """A word as a table shows it: the sentence end and the blank have no letters of their own."""
    return {"</s>": "句末", " ": "␣"}.get(word, word)
