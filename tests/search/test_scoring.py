"""Scores of lines: in their order, each for itself."""

from __future__ import annotations

import math

import pytest

from fakes import random_table
from rnnlm.search import scoring
from rnnlm.search.scoring import Line, score_lines
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

CODER = Coder(make_tokenizer("characters"), Vocabulary.from_words("我你他好"))
MODEL = random_table(6)


def alone(line: str) -> float:
    """log10 of a line's probability, by the table."""
    words = [0, 0, *CODER.encode(line).ids, 0]
    return float(sum(MODEL.log[tuple(words[at - 2 : at + 1])] for at in range(2, len(words)))) / math.log(10)


LINES = ["我好", "", "你好你好你好你", "  ", "他", "我们好", "好", "我" * 30]


@pytest.mark.parametrize(("block", "together"), [(1024, 64), (3, 2), (1, 1)])
def test_each_line_for_itself(monkeypatch: pytest.MonkeyPatch, block: int, together: int) -> None:
    """One score for each line, in their order, the same however they are batched."""
    monkeypatch.setattr(scoring, "BLOCK", block)
    monkeypatch.setattr(scoring, "TOGETHER", together)
    found = list(score_lines(MODEL, CODER, LINES))
    assert [line.text for line in found] == [line if line.strip() else "" for line in LINES]
    for line in found:
        assert line.log10_probability == pytest.approx(alone(line.text) if line.text else 0)


def test_counts() -> None:
    """Tokens and characters count the sentence end; 们 is unknown; an empty line has nothing."""
    found = list(score_lines(MODEL, CODER, ["我们 好,", ""]))
    assert found[0].to_json() == {
        "log10_probability": pytest.approx(alone("我们 好,")),
        "tokens": 6,  # 我 们 ␣ 好 ， and the end
        "oov": 3,  # 们, the blank and ，
        "characters": 6,
        "text": "我们 好,",
    }
    assert found[1] == Line(0, 0, 0, 0, "")
    assert list(found[1].to_json().values()) == [0, 0, 0, 0, ""]


def test_it_reads_as_it_writes() -> None:
    """Lines are read a block at a time: the first score is there before the last line is read."""
    read = []

    def lines() -> list[str]:
        read.append(1)
        return ["我"] * scoring.BLOCK

    source = (line for _ in range(3) for line in lines())
    next(score_lines(MODEL, CODER, source))
    assert len(read) == 1
