"""What the command line says about itself."""

from __future__ import annotations

import re
from importlib import import_module

import click
import pytest

from commands import Command
from rnnlm import __version__
from rnnlm.cli.main import COMMANDS


def options_of(name: str) -> list[click.Option]:
    command: click.Command = import_module(f"rnnlm.cli.{name}").command
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def test_overview(rnnlm: Command) -> None:
    """`rnnlm --help` names every command in a line each; `-h` is the same."""
    answer = rnnlm("--help")
    assert answer.status == 0
    lines = [line.split("  ")[1] for line in answer.lines if re.match(r"  [a-z]", line)]
    assert list(COMMANDS) == [name for name in lines if name in COMMANDS]
    assert rnnlm("-h").out == answer.out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(rnnlm: Command, name: str) -> None:
    """`--help` of each command says what it does, and names every option."""
    answer = rnnlm(name, "--help")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: rnnlm {name}")
    for option in options_of(name):
        assert all(flag in answer.out for flag in (*option.opts, *option.secondary_opts)), option.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_in_a_line(name: str) -> None:
    """Each option has a help text: one sentence, no longer than a line."""
    for option in options_of(name):
        assert option.help, f"{name} {option.opts[0]}"
        assert "\n" not in option.help
        assert len(option.help) <= 110, f"{name} {option.opts[0]}"
        assert re.search(r"[.)\]]$", option.help), f"{name} {option.opts[0]}"


def test_one_word_means_one_thing() -> None:
    """An option that several commands have means the same in each of them: the same kind of value."""
    seen: dict[str, tuple[str, str]] = {}
    for name in COMMANDS:
        for option in options_of(name):
            for flag in option.opts:
                if flag in ("--config", "--count", "--model", "--seed"):
                    continue  # of a run to train or to show; None stands for a setting; one or several runs
                kind = type(option.type).__name__
                assert seen.setdefault(flag, (kind, name))[0] == kind, (flag, name, seen[flag])


def test_version(rnnlm: Command) -> None:
    """`--version` names the version."""
    answer = rnnlm("--version")
    assert (answer.status, answer.out) == (0, f"rnnlm, version {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["predikt"], "Do you mean predict?"),
        (["xyz"], "there is no command 'xyz'"),
        (["predict", "--topp", "3"], "--topp"),
        (["predict", "--top", "none"], "'none' is not a valid integer"),
        (["predict", "--top", "0"], "0 is not in the range"),
        (["generate", "--temperature", "-1"], "-1"),
        (["generate", "--top-p", "0"], "is not in the range"),
        (["train", "--cell", "lsmt"], "lsmt"),
        (["score", "--level", "book"], "book"),
    ],
)
def test_wrong_usage(rnnlm: Command, arguments: list[str], told: str) -> None:
    """What cannot be meant is exit status 2, with a word on standard error and nothing on standard output."""
    answer = rnnlm(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert told in answer.err


def test_nothing_named(rnnlm: Command) -> None:
    """`rnnlm` alone shows its help."""
    answer = rnnlm()
    assert "Usage: rnnlm" in answer.out + answer.err
