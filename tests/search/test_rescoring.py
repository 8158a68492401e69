"""N-best lists: scores put together by hand, hypotheses each for itself, common beginnings scored once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import TableModel, random_table
from rnnlm.errors import CorpusError
from rnnlm.lm.protocol import Floats, Ids, State
from rnnlm.search import rescoring
from rnnlm.search.rescoring import Hypothesis, Weights, columns_of, read_nbest, rescore, tree_scores
from rnnlm.search.scoring import sentence_scores
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

CODER = Coder(make_tokenizer("whitespace"), Vocabulary.from_words(["a", "b", "c", "d"]), "unk")
MODEL = random_table(6)


class Counting:
    """A model that counts the words it is asked for."""

    def __init__(self, model: TableModel) -> None:
        self.model, self.asked, self.size = model, 0, model.size

    def start(self, batch: int) -> State:
        return self.model.start(batch)

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        return self.model.step(state, ids)

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        self.asked += targets.size
        return self.model.score(state, inputs, targets)


@given(st.lists(st.lists(st.integers(1, 5), max_size=6), min_size=1, max_size=12))
def test_as_sentence_by_sentence(sentences: list[list[int]]) -> None:
    """Whatever the hypotheses share, each has the score of a sentence alone."""
    expected = sentence_scores(MODEL, list(sentences))
    np.testing.assert_allclose(tree_scores(MODEL, sentences), expected)


def test_common_beginnings_are_scored_once() -> None:
    """A word is asked for once in every place of the tree."""
    model = Counting(MODEL)
    tree_scores(model, [[2, 3, 4], [2, 3, 5], [2, 3], [2, 3, 4], [4]])
    # 2, 4 | 2 3, 4 </s> | 2 3 4, 2 3 5, 2 3 </s> | the ends of 2 3 4 and 2 3 5
    assert model.asked == 2 + 2 + 3 + 2


def test_identical_lines_have_identical_scores() -> None:
    """A hypothesis has one score, whatever stands around it and however many are walked together."""
    texts = ["a b c", "b", "a b c", "c a d d", "", "a b c"]
    lines = [Hypothesis(f"u{number % 2}", text) for number, text in enumerate(texts * 40)]
    lines.sort(key=lambda line: line.utterance)
    found: dict[str, set[float]] = {}
    for ranked in rescore(MODEL, CODER, lines, Weights()):
        for one in ranked:
            found.setdefault(one.text, set()).add(one.log10_probability)
    assert {text: len(scores) for text, scores in found.items()} == dict.fromkeys(texts, 1)


def test_by_hand() -> None:
    """score = acoustic + scale (share log10 P + (1 - share) old) + insertion words; the best stands first."""
    lines = [Hypothesis("u", "a b", -10, -1), Hypothesis("u", "c", -9, -4), Hypothesis("v", "d")]
    first, second = rescore(MODEL, CODER, lines, Weights(2, 0.5, 0.25))
    scores = sentence_scores(MODEL, [[2, 3], [4], [5]])
    new = {text: score / math.log(10) for text, score in zip(["a b", "c", "d"], scores, strict=True)}
    expected = {
        "a b": -10 + 2 * (0.25 * new["a b"] + 0.75 * -1) + 0.5 * 2,
        "c": -9 + 2 * (0.25 * new["c"] + 0.75 * -4) + 0.5 * 1,
    }
    assert {one.text: one.score for one in first} == pytest.approx(expected)
    assert [one.rank for one in first] == [1, 2]
    assert first[0].score > first[1].score
    assert [one.utterance for one in second] == ["v"]
    assert second[0].score == pytest.approx(2 * 0.25 * new["d"] + 0.5)


def test_utterances_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Utterances come out in their order and whole, however few hypotheses are walked together."""
    lines = [Hypothesis(f"u{number // 3}", "a b c d"[: number % 4 * 2 + 1]) for number in range(30)]
    whole = list(rescore(MODEL, CODER, lines, Weights()))
    assert [ranked[0].utterance for ranked in whole] == [f"u{n}" for n in range(10)]
    assert {len(ranked) for ranked in whole} == {3}
    monkeypatch.setattr(rescoring, "TOGETHER", 4)
    for one, other in zip(whole, rescore(MODEL, CODER, lines, Weights()), strict=True):
        assert [r.text for r in one] == [r.text for r in other]
        assert [r.score for r in one] == pytest.approx([r.score for r in other])


@pytest.mark.parametrize(
    ("line", "columns", "expected"),
    [
        ("u1 a b c", None, Hypothesis("u1", "a b c")),
        ("u1 7 8", None, Hypothesis("u1", "7 8")),
        ("u1\ta b", None, Hypothesis("u1", "a b")),
        ("u1\t-3.5\ta b", None, Hypothesis("u1", "a b", -3.5)),
        ("u1\t-3.5\t-2\ta b", None, Hypothesis("u1", "a b", -3.5, -2)),
        ("u1 -3.5 -2 a b", ("acoustic", "lm"), Hypothesis("u1", "a b", -3.5, -2)),
        ("u1 -3.5 -2 a b", ("lm", "acoustic"), Hypothesis("u1", "a b", -2, -3.5)),
        ("u1 4 -2 a b", ("length", "lm"), Hypothesis("u1", "a b", 0, -2)),
        ("u1", None, Hypothesis("u1", "")),
        ("u1\t-1\t", None, Hypothesis("u1", "", -1)),
    ],
)
def test_columns(line: str, columns: tuple[str, ...] | None, expected: Hypothesis) -> None:
    """Scores are named, or told by tabs: acoustic, then lm; without tabs all behind the utterance are words."""
    names = columns_of(line) if columns is None else columns
    assert next(read_nbest(["", line], names, "list")) == expected


def test_no_words_at_all() -> None:
    """Lines without a place for words are refused at the end; an empty place is an empty hypothesis."""
    assert [one.text for one in read_nbest(["u1", "u1 a"], (), "list")] == ["", "a"]
    assert [one.text for one in read_nbest(["u1\t"], (), "list")] == [""]
    with pytest.raises(CorpusError, match="list: no line has words"):
        list(read_nbest(["a", "b"], (), "list"))


@pytest.mark.parametrize("line", ["u1\tx\ta b", "u1\ta b", "u1"])
def test_a_missing_score(line: str) -> None:
    """A line without the scores that it should have is named."""
    with pytest.raises(CorpusError, match="list, line 3"):
        list(read_nbest(["u0\t-1\ta", "", line], ("acoustic",), "list"))
