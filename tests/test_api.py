"""A model that takes text, against its table."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import rnnlm
from fakes import random_table
from rnnlm.api import Model
from rnnlm.errors import CheckpointError
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

TABLE = random_table(5)
MODEL = Model("fake", TABLE, Coder(make_tokenizer("characters"), Vocabulary.from_words("我你好")))
# 我 你 们: ids 2, 3 and 1; each word is given the two before it, the first ones the boundary
GIVEN = [TABLE.log[0, 0, 2], TABLE.log[0, 2, 3], TABLE.log[2, 3, 1], TABLE.log[3, 1, 0]]
EXPECTED = [float(value) / math.log(10) for value in GIVEN]


def test_scores() -> None:
    """A sentence's log10 probability is the sum over its words and its end, each with its count of words and OOV."""
    scores, counts, unknown = zip(*MODEL.full_scores("我你们"), strict=True)
    assert list(scores) == pytest.approx(EXPECTED)
    assert (counts, unknown) == ((1, 2, 3, 4), (False, False, True, False))
    assert MODEL.score("我你们") == pytest.approx(sum(EXPECTED))
    assert MODEL.perplexity("我你们") == pytest.approx(10 ** (-sum(EXPECTED) / 4))


def test_beginning_and_end() -> None:
    """Without `eos` the end is not counted, without `bos` the first word is not."""
    assert MODEL.score("我你们", eos=False) == pytest.approx(sum(EXPECTED[:3]))
    assert MODEL.score("我你们", bos=False) == pytest.approx(sum(EXPECTED[1:]))
    assert list(MODEL.full_scores("", eos=False)) == []
    assert MODEL.score("") == pytest.approx(float(TABLE.log[0, 0, 0]) / math.log(10))


def test_words() -> None:
    """`in` asks whether a word is known."""
    assert "我" in MODEL
    assert "们" not in MODEL


def test_load(character_run: Path) -> None:
    """`rnnlm.load` takes the folder of a run; a name that is none is an error of rnnlm."""
    model = rnnlm.load(character_run)
    assert model.name == str(character_run)
    assert "妹" in model
    assert model.score("妹妹喜欢画画。") > model.score("画欢。喜妹画妹")
    with pytest.raises(rnnlm.RnnlmError) as caught:
        rnnlm.load("none")
    assert isinstance(caught.value, CheckpointError)
