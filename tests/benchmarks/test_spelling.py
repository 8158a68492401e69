"""The sums of models that benchmarks/spelling.py asks, and the sentences it turns; not how good a model is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(FOLDER))

import spelling  # noqa: E402


def test_a_sum_has_signs() -> None:
    """A name may hold options and a hyphen; only a sign between blanks parts models."""
    assert spelling.members("a-b --mix c --lambda 0.7 + ~d - one - one") == [
        (1, "a-b --mix c --lambda 0.7"),
        (1, "~d"),
        (-1, "one"),
        (-1, "one"),
    ]


def test_a_turned_sentence() -> None:
    """Words from the last to the first, each as it was; blanks go between all of them."""
    assert spelling.turned("我昨天上学迟到了\n") == "了 迟到 上学 昨天 我"
    assert spelling.turned("他 会 Python 。") == "。 Python 会 他"


def test_a_model_behind_a_tilde_reads_turned_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one before it does not."""
    asked: list[tuple[str, ...]] = []

    def rnnlm(*arguments: str, text: str) -> str:
        asked.append((*arguments, text))
        return "-1.5\t2\n"

    monkeypatch.setattr(spelling, "rnnlm", rnnlm)
    for model in ("run --cache 0.1", "~run"):
        assert spelling.scores(model, ("上学迟到了",)) == [-1.5]
    assert asked == [
        ("score", "--model", "run", "--cache", "0.1", "上学迟到了\n"),
        ("score", "--model", "run", "了 迟到 上学\n"),
    ]


def test_only_turning() -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / "spelling.py"), "--turn"],
        input="我昨天上学迟到了\n好。\n", stdout=subprocess.PIPE, encoding="utf-8", check=True,
    )  # fmt: skip
    assert done.stdout == "了 迟到 上学 昨天 我\n。 好\n"
