"""Text laid out for a terminal."""

from __future__ import annotations

import pytest

from rnnlm.report.terminal import table, width


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("word", 4),
        ("我们", 4),
        ("，", 2),
        ("é", 1),
        ("e\u0301", 1),
        ("\u2764\ufe0f", 1),
        ("\U0001f468\u200d\U0001f469", 4),
        ("", 0),
    ],
)
def test_width(text: str, columns: int) -> None:
    """Wide characters are two columns; accents, selectors of a form and joiners are none of their own."""
    assert width(text) == columns


def test_columns_stand_under_each_other() -> None:
    """However wide the characters before them."""
    lines = table([["我们", "1", "a"], ["we", "10", "b"], ["\u2764\ufe0f", "100", "c"]], right=(1,)).splitlines()
    assert [width(line[: line.rindex(end)]) for line, end in zip(lines, "abc", strict=True)] == [11] * 3
