"""What commands share in showing results; it knows no command."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from rnnlm.report.terminal import bar, table, width

__all__ = ["bar", "echo_json", "json_of", "remark", "table", "visible", "width"]


def echo_json(value: Any) -> None:
    """One JSON object on a line of standard output."""
    click.echo(json_of(value))


def json_of(value: Any) -> str:
    """The value as JSON on one line."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(finite(value), ensure_ascii=False)


def finite(value: Any) -> Any:
    """The value with null in the place of numbers that JSON does not know: infinity and what is none."""
    if isinstance(value, dict):
        return {key: finite(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [finite(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def remark(text: str) -> None:
    """A line for the person, on standard error."""
    click.echo(text, err=True)


def visible(word: str) -> str:
    """A word as a table shows it: the sentence end and the blank have no letters of their own."""
    return {"</s>": "句末", " ": "␣"}.get(word, word)
