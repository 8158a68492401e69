"""Options that several commands share, so that one word means one thing everywhere; it does no work."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A number within bounds; click's own lets nan pass, for which no bound is too small or too large."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no number to compute with.", param, ctx)
        return found

    def _describe_range(self) -> str:
        return super()._describe_range() if (self.min, self.max) != (None, None) else ""


def model_option(command: F) -> F:
    return click.option(
        "--model",
        "-m",
        metavar="RUN",
        help="A run, a checkpoint in it, a mixture or an ARPA file.  [default: $RNNLM_MODEL, or the newest run]",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a line, and nothing else.")(command)


def encoding_option(command: F) -> F:
    return click.option("--encoding", metavar="NAME", help="Encoding of the files.  [default: recognised]")(command)


def seed_option(command: F) -> F:
    return click.option(
        "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the random choices."
    )(command)


def threads_option(command: F) -> F:
    return click.option("--threads", type=click.IntRange(1), help="Cores to use.  [default: all, at most 8]")(command)
