"""Writes docs/cli.md and docs/configuration.md from the program itself; a test compares them.

    python docs/write_pages.py
"""

from __future__ import annotations

from pathlib import Path

import click

from rnnlm.cli.info import describe_keys
from rnnlm.cli.main import COMMANDS, LazyGroup, cli

DOCS = Path(__file__).parent


def cli_page() -> str:
    """The help of every command."""
    parts = ["# Commands", "", "What `rnnlm COMMAND --help` says. Written by `docs/write_pages.py`.", ""]
    for name in COMMANDS:
        parts += [f"## rnnlm {name}", "", "```text", help_text(name), "```", ""]
    return "\n".join(parts)


def help_text(name: str) -> str:
    """The help of one command, and of the commands in it where it is a group."""
    group: LazyGroup = cli  # type: ignore[assignment]
    wide = {"terminal_width": 100, "max_content_width": 100, "resilient_parsing": True}
    context = group.make_context("rnnlm", [], **wide)
    command = group.get_command(context, name)
    assert command is not None
    own = command.make_context(name, [], parent=context, **wide)
    texts = [command.get_help(own).rstrip()]
    if isinstance(command, click.Group):
        for part in command.list_commands(own):
            inner = command.get_command(own, part)
            assert inner is not None
            texts.append(inner.get_help(inner.make_context(part, [], parent=own, **wide)).rstrip())
    lines = "\n\n".join(texts).splitlines()
    return "\n".join(line.rstrip() for line in lines)


def configuration_page() -> str:
    """Every key of a configuration."""
    return "\n".join(
        [
            "# Settings",
            "",
            "What `rnnlm info --keys` says: every key with its default, what it may be and what it means. A file names",
            "what differs; `--set section.key=value` changes one. Written by `docs/write_pages.py`.",
            "",
            "```text",
            describe_keys(),
            "```",
            "",
        ]
    )


PAGES = {"cli.md": cli_page, "configuration.md": configuration_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
