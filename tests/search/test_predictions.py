"""The most probable next words."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import flat, random_table
from rnnlm.lm.protocol import UNKNOWN
from rnnlm.search.predictions import GROUP, best, read


def test_the_best_words_with_their_own_probabilities() -> None:
    """The best come first, the unknown word is passed over, and nothing is renormalised."""
    log_probs = np.log(np.array([0.2, 0.4, 0.1, 0.25, 0.05]))
    found = best(log_probs, 3)
    assert [p.id for p in found] == [3, 0, 2]
    assert [p.probability for p in found] == pytest.approx([0.25, 0.2, 0.1])


def test_more_than_there_are() -> None:
    """Asking for more words than the model has gives them all, but for <unk>; words alike come by their id."""
    found = best(np.log(np.full(5, 0.2)), 99)
    assert [p.id for p in found] == [0, 2, 3, 4]
    assert UNKNOWN not in [p.id for p in best(np.log(np.array([0.1, 0.8, 0.1])), 2)]


@pytest.mark.parametrize("words", [5, GROUP, 12 * GROUP - 1, 12 * GROUP + 5, 5000])
@pytest.mark.parametrize("count", [1, 10, 100])
@pytest.mark.parametrize("levels", [1, 3, 10**6])
def test_the_best_are_those_of_a_full_sort(words: int, count: int, levels: int) -> None:
    """Sorting only the candidates finds what sorting all words finds, also where many words are alike."""
    log_probs = -np.random.default_rng(words).integers(0, levels, words).astype(np.float32)
    order = [word for word in np.lexsort((np.arange(words), -log_probs)) if word != UNKNOWN]
    assert [p.id for p in best(log_probs, count)] == order[:count]


@pytest.mark.parametrize("ids", [[], [3], [2, 4, 3]])
def test_reading_begins_at_the_boundary(ids: list[int]) -> None:
    """`read` gives what `step` gives after the boundary and the words; the state goes on from there."""
    model = random_table(5)
    found, state = read(model, ids)
    before, last = ([0, 0, *ids])[-2:]
    assert np.array_equal(found, model.log[before, last])
    after, _ = model.step(state, np.array([2]))
    assert np.array_equal(after[0], model.log[last, 2])


def test_an_input_is_left_as_it_was() -> None:
    """Looking for the best words does not change the distribution."""
    log_probs, _ = read(flat(0.2, 0.5, 0.3), [])
    kept = log_probs.copy()
    best(log_probs, 2)
    assert np.array_equal(log_probs, kept)
