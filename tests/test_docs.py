"""The documents tell the truth: pages written by the program are fresh, commands in them parse, links lead
somewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from pathlib import Path

import click
import pytest

from rnnlm.cli.main import COMMANDS, LazyGroup, cli
from rnnlm.share import config_names

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]
PLACES = ("*.md", "docs/*.md", "[!.]*/README.md", "benchmarks/*.md")
PAGES = sorted({str(path.relative_to(ROOT)) for place in PLACES for path in ROOT.glob(place)})


def written() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("write_pages", ROOT / "docs" / "write_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: page() for name, page in module.PAGES.items()}


def test_pages_written_by_the_program_are_fresh() -> None:
    """docs/cli.md and docs/configuration.md are what docs/write_pages.py writes now."""
    for name, text in written().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"run python docs/write_pages.py ({name})"


def commands_of(page: str) -> list[str]:
    """The lines of shell blocks that call rnnlm, without their remarks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if re.match(r"(\.venv/bin/)?rnnlm ", part)]


@pytest.mark.parametrize("page", READMES)
def test_commands_in_the_readmes_parse(page: str) -> None:
    """Every rnnlm command of a README names a command and options that exist."""
    found = commands_of(page)
    assert len(found) > 10
    for line in found:
        words = shlex.split(line, comments=True)[1:]
        group: LazyGroup = cli
        with click.Context(group) as context:
            command = group.get_command(context, words[0])
            assert command is not None, line
            command.make_context(words[0], words[1:], parent=context)


def test_both_readmes_say_the_same() -> None:
    """The English and the Chinese README show the same commands and the same Python."""
    first, second = (commands_of(page) for page in READMES)
    assert [shlex.split(line, comments=True) for line in first] == [shlex.split(line, comments=True) for line in second]
    blocks = [re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S) for page in READMES]
    assert [re.sub("#.*", "", block).split() for block in blocks[0]] == [
        re.sub("#.*", "", block).split() for block in blocks[1]
    ]
    for block in blocks[0]:
        ast.parse(block)


@pytest.mark.parametrize("page", READMES)
def test_configurations_are_listed(page: str) -> None:
    """Each README names every shipped configuration that is meant for users."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in config_names():
        if name != "mikolov-example":
            assert f"`{name}`" in text, name


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every link to a file of the project leads to one."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", re.sub(r"\$[^$]*\$", "", text)):
        if not target.startswith("http"):
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_ci_runs_the_readmes_own_line() -> None:
    """The line that .ci/run reads from the README is the one that passes the tests."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- test line -->\n```sh\n(.*?)\n```", text, re.S)
    assert block is not None
    assert block[1].endswith("-m pytest")
    assert "test line" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_command_is_documented() -> None:
    """Every command has its section in docs/cli.md."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"## rnnlm {name}" in text
