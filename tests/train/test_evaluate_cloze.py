"""The figures of a model of both sides on a text, against a slow twin that reads one sentence after another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rnnlm.lm import cloze
from rnnlm.lm.cloze import ClozeModel
from rnnlm.nn.arrays import Array, Names, Parameters
from rnnlm.nn.bidirectional import Bidirectional
from rnnlm.text.corpus import Corpus
from rnnlm.train import evaluate_cloze as module
from rnnlm.train.evaluate_cloze import evaluate_cloze

V = 9


def random_corpus() -> Corpus:
    """Documents of one to five sentences, some of them empty but for their end."""
    rng = np.random.default_rng(3)
    ids, starts = [0], list[int]()
    for _ in range(7):
        starts.append(len(ids) - 1)
        for _ in range(int(rng.integers(1, 6))):
            ids += [*rng.integers(1, V, rng.integers(0, 9)).tolist(), 0]
    row = np.array(ids, np.int32)
    return Corpus(row, np.array(starts), np.flatnonzero(row == 1), 20, len(ids))


def random_model() -> ClozeModel:
    network = Bidirectional(V, 4, 5, 2, "gru")
    p = Parameters(network.shapes(), np.float64)
    network.initialise(p, np.random.default_rng(1), 0.9)
    return ClozeModel(network, p)


def slowly(model: ClozeModel, corpus: Corpus, carried: bool) -> tuple[list[float], float]:
    """The ranks of all words, and their nats."""
    ranks, nats = [], 0.0
    ends = np.flatnonzero(corpus.ids == 0)
    for begin, end in pairwise(ends):
        if not carried or begin in corpus.starts:
            state = model.start(1)
        words = corpus.ids[begin : end + 1, None]
        found, state = model.fill(state, words[:-1], words[1:], np.array([end - begin]))
        for word, log_probs in zip(words[1:-1, 0], found[:-1, 0], strict=True):
            ranks.append(np.inf if word == 1 else 1 + sum(log_probs > log_probs[word]))
            nats -= float(log_probs[word])
    return ranks, nats


@pytest.mark.parametrize("carried", [True, False])
@pytest.mark.parametrize("cells", [1 << 24, 5 * V, 1])
def test_the_same_as_one_by_one(monkeypatch: pytest.MonkeyPatch, carried: bool, cells: int) -> None:
    """Reading sentences side by side changes nothing; however many probabilities are held at once."""
    monkeypatch.setattr(module, "SIDE_BY_SIDE", 3)
    monkeypatch.setattr(cloze, "CELLS", cells)
    model, corpus = random_model(), random_corpus()
    found = evaluate_cloze(model, corpus, carried)
    ranks, nats = slowly(model, corpus, carried)
    assert found.positions == len(ranks)
    assert found.accuracy_at_1 == pytest.approx(np.mean(np.array(ranks) <= 1))
    assert found.accuracy_at_5 == pytest.approx(np.mean(np.array(ranks) <= 5))
    assert found.mean_reciprocal_rank == pytest.approx(np.mean(1 / np.array(ranks)))
    assert found.nats == pytest.approx(nats)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than CELLS probabilities are held at once, however long and many the sentences are."""
    monkeypatch.setattr(cloze, "CELLS", 4 * V)
    model, held = random_model(), list[int]()
    log_probs = model.network.head.log_probs

    def watched(p: Names, h: Array) -> Array:
        held.append(len(h))
        return log_probs(p, h)

    monkeypatch.setattr(model.network.head, "log_probs", watched)
    evaluate_cloze(model, random_corpus())
    assert max(held) == 4
