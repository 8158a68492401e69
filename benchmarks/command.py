"""Runs a command of rnnlm in a process of its own and gives its standard output; it measures nothing."""

from __future__ import annotations

import subprocess
import sys

MAIN = [sys.executable, "-c", "from rnnlm.cli.main import main; main()"]


def rnnlm(*arguments: str, text: str | None = None) -> str:
    """The output of `rnnlm ARGUMENTS`, with `text` as its standard input. Raises CalledProcessError where it fails."""
    done = subprocess.run([*MAIN, *arguments], check=True, input=text, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout
