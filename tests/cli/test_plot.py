"""`rnnlm plot`: which runs it draws, what it writes, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from commands import Command


def test_several_runs(rnnlm: Command, character_run: Path, word_run: Path, in_folder: Path) -> None:
    """The named runs are drawn into the named picture, which is told on standard error."""
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        answer = rnnlm("plot", character_run, word_run, "--out", "both.svg")
    assert (answer.status, answer.out, answer.err) == (0, "", "wrote both.svg\n")
    text = Path("both.svg").read_text(encoding="utf-8")
    assert str(character_run) in text
    assert str(word_run) in text


def test_the_newest_run(rnnlm: Command, character_run: Path, in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name it is the newest run, or the one in $RNNLM_MODEL, and curves.png."""
    pytest.importorskip("matplotlib")
    answer = rnnlm("plot")
    assert (answer.status, answer.out) == (1, "")
    monkeypatch.setenv("RNNLM_MODEL", str(character_run))
    assert rnnlm("plot").status == 0
    assert (in_folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_metrics(rnnlm: Command, character_run: Path, in_folder: Path) -> None:
    """A run that has measured nothing yet is told."""
    import shutil

    shutil.copytree(character_run, "copy")
    Path("copy/metrics.jsonl").unlink()
    answer = rnnlm("plot", "copy")
    assert answer.status == 1
    assert "no metrics yet" in answer.err


def test_without_matplotlib(
    rnnlm: Command, character_run: Path, in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lines: what is missing, and how to install it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    answer = rnnlm("plot", character_run)
    assert answer.status == 1
    assert answer.err.splitlines() == ["rnnlm: plots need matplotlib", "       pip install 'rnnlm-zh[plot]'"]
    assert list(in_folder.iterdir()) == []
