"""What commands say of the encoding of what they read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Command
from conftest import TINY


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8"])
def test_files_that_are_not_utf8(
    rnnlm: Command, character_run: Path, small_config: Callable[[str], Path], tmp_path: Path, encoding: str
) -> None:
    """`train` and `evaluate` say once how they read a file that is not UTF-8, unless its encoding is named."""
    path = tmp_path / "text.txt"
    path.write_text(TINY.read_text(encoding="utf-8"), encoding=encoding)
    told = f"{path} is read as {encoding}; if that is wrong, name its encoding with --encoding\n"
    count = int(encoding != "utf-8")
    train = ["train", path, "--valid", path, "--epochs", "1", "--config", small_config("characters")]
    for command in (["evaluate", path, "-m", character_run, "-m", character_run], [*train, "--out", tmp_path / "a"]):
        answer = rnnlm(*command)
        assert (answer.status, answer.err.count(told)) == (0, count), answer.err
    assert "is read as" not in rnnlm("evaluate", path, "-m", character_run, "--encoding", encoding).err
