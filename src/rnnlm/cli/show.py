"""What commands share in showing results: widths of Chinese text, tables, bars, JSON lines; it knows no command."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click


def width(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters are two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, columns: int, right: bool = False) -> str:
    """The text with blanks up to a width."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = (), indent: str = "") -> str:
    """Rows as aligned columns; the columns numbered in `right` are set to the right."""
    wide = [max(width(row[at]) for row in rows) for at in range(len(rows[0]))]
    right = set(right)
    return "\n".join(
        (indent + "  ".join(pad(cell, wide[at], at in right) for at, cell in enumerate(row))).rstrip() for row in rows
    )


def bar(share: float, columns: int = 20) -> str:
    """A bar of eighths of a column, for a share of 0 to 1."""
    eighths = round(max(0.0, min(1.0, share)) * columns * 8)
    return "█" * (eighths // 8) + ("▏▎▍▌▋▊▉"[eighths % 8 - 1] if eighths % 8 else "")


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

            raise CorpusError(f"line {number} of standard input is not UTF-8 text", "convert it, say with iconv") from None


def visible(word: str) -> str:
    """A word as a table shows it: the sentence end and the blank have no letters of their own."""
    return {"</s>": "句末", " ": "␣"}.get(word, word)
