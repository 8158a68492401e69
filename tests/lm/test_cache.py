"""A cache expects the words read again: by hand, by step and by score, with a state that can be cut and reordered."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import flat, random_table
from rnnlm.errors import ConfigError
from rnnlm.lm.cache import Cached
from rnnlm.lm.mixture import Renumbered
from rnnlm.lm.protocol import LanguageModel, select


def test_by_hand() -> None:
    """Each word read has half the weight of the one behind it; what is left of the weight is the model's."""
    model: LanguageModel = Cached(flat(0.5, 0.25, 0.25), 0.4, 0.5)
    state = model.start(1)
    # Read 2: it has share 0.5. The model has 1 - 0.4·0.5 = 0.8.
    found, state = model.step(state, np.array([2]))
    np.testing.assert_allclose(np.exp(found), [[0.4, 0.2, 0.2 + 0.4 * 0.5]], rtol=1e-6)
    # Read 1: share 0.5, and 2 now 0.25. The model has 1 - 0.4·0.75 = 0.7.
    found, state = model.step(state, np.array([1]))
    np.testing.assert_allclose(np.exp(found), [[0.35, 0.175 + 0.4 * 0.5, 0.175 + 0.4 * 0.25]], rtol=1e-6)
    # Read 2 again: 0.5 + 0.125, and 1 now 0.25. The model has 1 - 0.4·0.875 = 0.65.
    found, state = model.step(state, np.array([2]))
    np.testing.assert_allclose(np.exp(found), [[0.325, 0.1625 + 0.4 * 0.25, 0.1625 + 0.4 * 0.625]], rtol=1e-6)


@pytest.mark.parametrize("decay", [0.3, 0.9, 0.99])
def test_score_is_chained_steps(decay: float) -> None:
    """`score` in windows gives the figures of `step`, longer than the cache holds, with sequences reordered."""
    model = Cached(random_table(5), 0.3, decay)
    ids = np.random.default_rng(0).integers(0, 5, (1200, 3))
    one, other = model.start(3), model.start(3)
    order = np.array([2, 0, 1])
    for first in range(0, 1199, 300):
        steps = min(300, 1199 - first)
        part = ids[first : first + steps + 1]
        scored, one = model.score(one, part[:-1], part[1:])
        for t in range(steps):
            found, other = model.step(other, part[t])
            np.testing.assert_allclose(found[np.arange(3), part[t + 1]], scored[t], rtol=1e-5)
        np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, rtol=1e-6)
        one, other, ids = select(one, order), select(other, order), ids[:, order]


def test_over_other_numbers() -> None:
    """A cache over a model whose words have other numbers, which gives its columns first: nothing is lost."""
    table = random_table(5)
    model = Cached(Renumbered(table, np.array([0, 1, 4, 2, 3])), 0.3)
    ids = np.random.default_rng(0).integers(0, 5, (20, 3))
    scored, _ = model.score(model.start(3), ids[:-1], ids[1:])
    state = model.start(3)
    for t in range(19):
        found, state = model.step(state, ids[t])
        np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(found[np.arange(3), ids[t + 1]], scored[t], rtol=1e-5)


def test_few_comparisons_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many comparisons are made at once, the figures are the same."""
    model = Cached(flat(0.5, 0.3, 0.2), 0.2, 0.95)
    ids = np.random.default_rng(0).integers(0, 3, (50, 2))
    whole, _ = model.score(model.start(2), ids[:-1], ids[1:])
    monkeypatch.setattr("rnnlm.lm.cache.CELLS", 1)
    pieces, _ = model.score(model.start(2), ids[:-1], ids[1:])
    np.testing.assert_array_equal(whole, pieces)


def test_no_weight_is_no_cache() -> None:
    """A cache of weight 0 leaves the model as it is."""
    model, table = Cached(random_table(4), 0), random_table(4)
    ids = np.array([[0], [3], [2], [2]])
    scored, _ = model.score(model.start(1), ids[:-1], ids[1:])
    np.testing.assert_allclose(scored, table.score(table.start(1), ids[:-1], ids[1:])[0], rtol=1e-6)


@pytest.mark.parametrize(("weight", "decay"), [(1.0, 0.9), (-0.1, 0.9), (0.1, 1.0), (0.1, 0.0)])
def test_impossible(weight: float, decay: float) -> None:
    """Weight and decay lie between 0 and 1."""
    with pytest.raises(ConfigError):
        Cached(flat(0.5, 0.5), weight, decay)
