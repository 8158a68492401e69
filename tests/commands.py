"""The command line inside a test: arguments and input in, exit status and both outputs back."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from click.testing import CliRunner

from rnnlm.cli.main import main


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[Any]:
        """The JSON objects of standard output, one a line and nothing else."""
        return [json.loads(line) for line in self.lines]


class Command(Protocol):
    """Runs `rnnlm` with some arguments."""

    def __call__(self, *arguments: str | Path, input: str | bytes | None = None) -> Answer: ...


def run_command(*arguments: str | Path, input: str | bytes | None = None) -> Answer:
    """`rnnlm ARGUMENTS < input`, by way of `main`, so that errors become what a person sees."""
    argv = sys.argv
    sys.argv = ["rnnlm", *map(str, arguments)]
    status: Any = None
    try:
        with CliRunner().isolation(input) as (out, err, _):
            try:
                main()
            except SystemExit as stop:
                status = stop.code
            sys.stdout.flush()
            sys.stderr.flush()
            return Answer(status, out.getvalue().decode(), err.getvalue().decode())
    finally:
        sys.argv = argv
