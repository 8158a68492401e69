"""What commands say of the encoding of what they read, and how they read a pipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Command
from conftest import TINY

TEXT = "我每天七点起床。\n妹妹喜欢画画。\n"


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8"])
def test_files_that_are_not_utf8(
    rnnlm: Command, character_run: Path, small_config: Callable[[str], Path], tmp_path: Path, encoding: str
) -> None:
    """`train` and `evaluate` say once how they read a file that is not UTF-8, unless its encoding is named."""
    path = tmp_path / "text.txt"
    path.write_text(TINY.read_text(encoding="utf-8"), encoding=encoding)
    told = f"{path} is read as {encoding}; if that is wrong, name its encoding with --encoding\n"
    count = int(encoding != "utf-8")
    train: list[str | Path] = ["train", path, "--valid", path, "--epochs", "1", "--config", small_config("characters")]
    twice: list[str | Path] = ["evaluate", path, "-m", character_run, "-m", character_run]
    for command in (twice, [*train, "--out", tmp_path / "a"]):
        answer = rnnlm(*command)
        assert (answer.status, answer.err.count(told)) == (0, count), answer.err
    assert "is read as" not in rnnlm("evaluate", path, "-m", character_run, "--encoding", encoding).err


def commands(run: Path) -> dict[str, list[str | Path]]:
    return {name: [name, "--model", run] for name in ("predict", "score", "tokenize", "rescore")}


@pytest.mark.parametrize("name", commands(Path()))
def test_gb18030_in_a_pipe(rnnlm: Command, character_run: Path, name: str) -> None:
    """Lines in GB18030 are read as those in UTF-8, and a person is told so once."""
    command = commands(character_run)[name]
    text = "\nutterance 1\n" + "".join(f"utterance {line}\n" for line in TEXT.splitlines())
    expected, found = rnnlm(*command, input=text), rnnlm(*command, input=text.encode("gb18030"))
    assert (found.status, found.out) == (0, expected.out)
    hint = "name its encoding with --encoding" if name in ("score", "rescore") else "convert it, say with iconv"
    assert found.err.count(f"standard input is read as gb18030; if that is wrong, {hint}\n") == 1


@pytest.mark.parametrize("name", commands(Path()))
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"a\n\xff\xfe\n", "line 2 of standard input is not UTF-8 or GB18030 text"),
        ("我 我\n".encode() + "中文\n".encode("gb18030"), "line 2 of standard input is not UTF-8 text"),
        ("中文 我\n".encode("gb18030") + b"\xff\xfe\n", "line 2 of standard input is not GB18030 text"),
    ],
)
def test_what_is_no_text(rnnlm: Command, character_run: Path, name: str, data: bytes, told: str) -> None:
    """What is neither, or not what it began as, is an error that names the line and what to do."""
    answer = rnnlm(*commands(character_run)[name], input=data)
    assert answer.status == 1
    assert told in answer.err
    assert ("--encoding" if name in ("score", "rescore") else "iconv") in answer.err.splitlines()[-1]
