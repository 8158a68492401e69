"""Scores of lines and of tokens: in their order, each line for itself."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from fakes import flat, random_table
from rnnlm.lm import cloze as cloze_module
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.kneser_ney import estimate
from rnnlm.lm.protocol import LanguageModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.bidirectional import Bidirectional
from rnnlm.search import scoring
from rnnlm.search.blanks import distributions
from rnnlm.search.scoring import Line, blocks_of, score_lines, score_tokens, side_by_side
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

CODER = Coder(make_tokenizer("characters"), Vocabulary.from_words("我你他好"))
MODEL = random_table(6)
NGRAMS = estimate(np.random.default_rng(1).choice(6, 300, p=[0.2, 0.1, 0.3, 0.2, 0.1, 0.1]), 6, 3).model


def words(line: str) -> list[int]:
    return [0, 0, *CODER.encode(line).ids, 0]


def alone(line: str) -> float:
    """log10 of a line's probability, by the table."""
    read = words(line)
    return float(sum(MODEL.log[tuple(read[at - 2 : at + 1])] for at in range(2, len(read)))) / math.log(10)


LINES = ["我好", "", "你好你好你好你", "  ", "他", "我们好", "好", "我" * 30]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("block", "together"), [(1024, 64), (3, 2), (1, 1)])
def test_each_line_for_itself(monkeypatch: pytest.MonkeyPatch, block: int, together: int, threads: int) -> None:
    """One score for each line, in their order, the same however they are batched and by how many threads."""
    monkeypatch.setattr(scoring, "BLOCK", block)
    monkeypatch.setattr(scoring, "TOGETHER", together)
    monkeypatch.setattr(scoring, "FULL", 0)
    found = [line for part in score_lines(MODEL, CODER, blocks_of(LINES), threads) for line in part]
    assert [line.text for line in found] == [line if line.strip() else "" for line in LINES]
    for line in found:
        assert line.log10_probability == pytest.approx(alone(line.text) if line.text else 0)


@pytest.mark.parametrize("model", [MODEL, NGRAMS])
def test_a_long_line_among_short_ones(monkeypatch: pytest.MonkeyPatch, model: LanguageModel) -> None:
    """One long line does not make the others as long as itself: what stands side by side is bounded, and scores stay
    as they are."""
    lines = [*LINES * 20, "我" * 500]
    (whole,), (tokens,) = score_lines(model, CODER, [lines]), score_tokens(model, CODER, [lines])
    monkeypatch.setattr(scoring, "CELLS", 1000)
    (parted,), (others,) = score_lines(model, CODER, [lines]), score_tokens(model, CODER, [lines])
    totals = [line.log10_probability for line in whole]
    assert [line.log10_probability for line in parted] == pytest.approx(totals, rel=1e-12)  # another order of the sum
    assert others == tokens
    sentences: scoring.Sentences = [CODER.encode(line).ids for line in lines]
    groups = [(group, inside.size) for group, _, _, inside in side_by_side(sentences, len(lines), 1000)]
    assert sorted(at for group, _ in groups for at in group) == list(range(len(lines)))
    assert max(size for _, size in groups) <= 1000
    assert [len(group) for group, _, _, _ in side_by_side(sentences[-1:] * 2, 2, 1)] == [1, 1]


def test_counts() -> None:
    """Tokens and characters count the sentence end; 们 is unknown; an empty line has nothing."""
    (found,) = score_lines(MODEL, CODER, [["我们 好,", ""]])
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
    """A small block is answered before the next one is read, a large one when few are waiting."""
    read = 0

    def blocks(line: str) -> Iterator[list[str]]:
        nonlocal read
        read = 0
        for _ in range(9):
            read += 1
            yield [line] * 4

    next(score_lines(MODEL, CODER, blocks("我"), 3))
    assert read == 1
    next(score_lines(MODEL, CODER, blocks("我" * scoring.FULL), 3))
    assert read == 4


def test_tokens() -> None:
    """Each token and the end has its log10 probability and its rank among all words, whatever stands beside."""
    found = [line for part in score_tokens(MODEL, CODER, blocks_of(LINES)) for line in part]
    assert [text for text, _ in found] == [line if line.strip() else "" for line in LINES]
    for text, tokens in found:
        if not text:
            assert tokens == []
            continue
        assert [token.token for token in tokens] == [*text, "</s>"]
        read = words(text)
        for at, token in enumerate(tokens, 2):
            given = MODEL.log[read[at - 2], read[at - 1]]
            assert token.log10_probability == pytest.approx(given[read[at]] / math.log(10))
            assert token.rank == 1 + sum(given > given[read[at]])
            assert token.oov == (token.token == "们")
            assert token.order is None


def test_ranks_of_equal_words() -> None:
    """A word's rank is one more than the number of words that are more probable."""
    coder = Coder(CODER.tokenizer, Vocabulary.from_words("我你"))
    ((_, tokens),) = next(score_tokens(flat(0.2, 0.3, 0.2, 0.3), coder, [["我你"]]))
    assert [token.rank for token in tokens] == [3, 1, 3]  # 我 0.2, 你 0.3, the end 0.2


def test_orders_of_ngrams() -> None:
    """An n-gram model's tokens tell the length of the n-gram used, and their sum is the line's score."""
    lines = ["我好", "你好我我你", "们"]
    (totals,) = score_lines(NGRAMS, CODER, [lines])
    (found,) = score_tokens(NGRAMS, CODER, [lines])
    for line, (text, tokens), total in zip(lines, found, totals, strict=True):
        ids = CODER.encode(line).ids
        _, orders, _ = NGRAMS.score_with_order(
            NGRAMS.start(1), np.array([0, *ids])[:, None], np.array([*ids, 0])[:, None]
        )
        assert text == line
        assert [token.order for token in tokens] == orders[:, 0].tolist()
        assert sum(token.log10_probability for token in tokens) == pytest.approx(total.log10_probability, rel=1e-6)
        assert list(tokens[0].to_json()) == ["token", "log10_probability", "rank", "oov", "order"]


def cloze() -> ClozeModel:
    """A small network that reads both sides, with random weights, over the words of CODER."""
    network = Bidirectional(6, 4, 5, 1, "lstm")
    p = Parameters(network.shapes())
    network.initialise(p, np.random.default_rng(3), scale=1.0)
    return ClozeModel(network, p)


@pytest.mark.parametrize(("cells", "held"), [(1 << 24, 1 << 14), (1, 1 << 14), (1, 20)])
def test_both_sides(monkeypatch: pytest.MonkeyPatch, cells: int, held: int) -> None:
    """A model of both sides scores each word given all the others, as the blank in its place would have it; a line is
    the sum, its end no token; however lines are batched."""
    monkeypatch.setattr(cloze_module, "CELLS", cells)
    monkeypatch.setattr(scoring, "HELD", held)
    model = cloze()
    found = [line for block in score_lines(model, CODER, blocks_of(LINES)) for line in block]
    tokens = [line for block in score_tokens(model, CODER, blocks_of(LINES)) for line in block]
    for text, line, (_, own) in zip(LINES, found, tokens, strict=True):
        ids = CODER.encode(text).ids
        if not text.strip():
            assert line == Line(0, 0, 0, 0, "")
            assert own == []
            continue
        alone = distributions(model, np.array([ids]))[0]  # (n, V), the whole sentence read: no word sees itself
        expected = alone[np.arange(len(ids)), ids] / math.log(10)
        assert [token.log10_probability for token in own] == pytest.approx(expected.tolist(), rel=1e-5)
        ranks = 1 + (alone > alone[np.arange(len(ids)), ids][:, None]).sum(axis=1)
        assert [token.rank for token in own] == ranks.tolist()
        assert (line.tokens, line.characters) == (len(ids), len(text))
        assert line.log10_probability == pytest.approx(expected.sum(), rel=1e-5)
