"""Text laid out for a terminal: widths of Chinese text, tables, bars; it prints nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def width(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters are two; marks above others and joiners none."""
    return sum(columns_of(character) for character in text)


def columns_of(character: str) -> int:
    """Columns of one character."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


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
