"""The figures of a model on a text, against a slow twin that reads word by word."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fakes import flat, random_table
from rnnlm.lm.protocol import LanguageModel
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network
from rnnlm.text.corpus import Corpus
from rnnlm.train import evaluate as module
from rnnlm.train.evaluate import Metrics, among, evaluate

V = 9


def random_corpus(documents: int = 7) -> Corpus:
    """Documents of one to five sentences, some of them empty but for their end."""
    rng = np.random.default_rng(3)
    ids, starts, sentences = [0], list[int](), 0
    for _ in range(documents):
        starts.append(len(ids) - 1)
        for _ in range(int(rng.integers(1, 6))):
            ids += [*rng.integers(1, V, rng.integers(0, 9)).tolist(), 0]
            sentences += 1
    row = np.array(ids, np.int32)
    return Corpus(row, np.array(starts), np.flatnonzero(row == 1), sentences, len(ids) + 40)


def random_network() -> RecurrentModel:
    network = Network(V, 4, 6, 2, "lstm")
    p = Parameters(network.shapes(), np.float64)
    network.initialise(p, np.random.default_rng(1), 0.9)
    return RecurrentModel(network, p)


def slowly(model: LanguageModel, corpus: Corpus, carried: bool, longest: int = 0) -> tuple[float, float]:
    """Nats of all tokens, and of those in the vocabulary: one word at a time, the state dropped where it must be."""
    nats = inside = 0.0
    begun = 0
    for at in range(corpus.tokens):
        if at in corpus.starts or (not carried and corpus.ids[at] == 0) or (longest and at - begun == longest):
            state, begun = model.start(1), at
        log_probs, state = model.step(state, corpus.ids[at : at + 1])
        value = -float(log_probs[0, corpus.ids[at + 1]])
        nats += value
        inside += value if at + 1 not in corpus.oov else 0
    return nats, inside


@pytest.mark.parametrize("model", [random_table(V), random_network()], ids=["table", "network"])
@pytest.mark.parametrize("carried", [True, False])
@pytest.mark.parametrize("longest", [0, 4])
@pytest.mark.parametrize("window", [128, 3])
def test_the_same_as_word_by_word(
    monkeypatch: pytest.MonkeyPatch, model: LanguageModel, carried: bool, longest: int, window: int
) -> None:
    """Reading many pieces side by side, in windows, changes nothing."""
    monkeypatch.setattr(module, "WINDOW", window)
    monkeypatch.setattr(module, "SIDE_BY_SIDE", 3)
    corpus = random_corpus()
    found = evaluate(model, corpus, carried, longest)
    nats, inside = slowly(model, corpus, carried, longest)
    assert found.nats == pytest.approx(nats)
    assert found.nats_without_oov == pytest.approx(inside)
    assert (found.tokens, found.oov, found.sentences) == (corpus.tokens, len(corpus.oov), corpus.sentences)
    assert found.carried_state is carried


def test_carried_or_not_matters() -> None:
    """A model with a memory finds another figure where its state is carried."""
    corpus = random_corpus()
    carried, fresh = (evaluate(random_network(), corpus, carry) for carry in (True, False))
    assert carried.nats != pytest.approx(fresh.nats)


def test_a_figure_worked_out() -> None:
    """A model that gives every word 1/4 has perplexity 4 and 2 bits a token."""
    corpus = Corpus(np.array([0, 2, 1, 3, 0], np.int32), np.array([0]), np.array([2]), 1, 8)
    found = evaluate(flat(1, 1, 1, 1), corpus)
    assert found.nats == pytest.approx(4 * math.log(4))
    assert found.perplexity == pytest.approx(4)
    assert found.perplexity_without_oov == pytest.approx(4)
    assert found.bits_per_character == pytest.approx(4 * 2 / 8)
    assert found.character_perplexity == pytest.approx(2)


def test_metrics() -> None:
    """The figures of the design, from their sums; `perplexity_without_oov` leaves <unk> out of sum and count."""
    found = Metrics(3, 10, 2, 25, nats=20.0, nats_without_oov=12.0, carried_state=True)
    assert found.to_json() == {
        "sentences": 3,
        "tokens": 10,
        "oov": 2,
        "characters": 25,
        "nats": 20.0,
        "perplexity": pytest.approx(math.exp(2)),
        "perplexity_without_oov": pytest.approx(math.exp(1.5)),
        "character_perplexity": pytest.approx(math.exp(0.8)),
        "bits_per_character": pytest.approx(0.8 / math.log(2)),
        "carried_state": True,
    }


def test_a_hopeless_model_has_an_infinite_perplexity() -> None:
    """A figure too large for a number is infinite, and no error."""
    assert replace(Metrics(1, 1, 0, 1, 0, 0, False), nats=1e9).perplexity == math.inf


@pytest.mark.parametrize("ordered", [[], [3], [0, 4, 5, 9]])
def test_among(ordered: list[int]) -> None:
    """Positions are found in a sorted list wherever they stand, in any order and shape; in an empty one none is."""
    positions = np.random.default_rng(0).permutation(12).reshape(3, 4)
    found = among(positions, np.array(ordered, np.int64))
    assert sorted(positions[found].tolist()) == ordered


def test_progress() -> None:
    """Every token is reported once."""
    told: list[int] = []
    corpus = random_corpus()
    evaluate(random_table(V), corpus, progress=told.append)
    assert sum(told) == corpus.tokens
