"""A mixture of known distributions is their weighted sum, and its fitted weights are the likeliest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import flat, random_table
from rnnlm.errors import ConfigError
from rnnlm.lm.mixture import Mixture, Renumbered, fit_weights, log_mixture
from rnnlm.lm.protocol import LanguageModel, select

A, B = flat(0.5, 0.25, 0.25), flat(0.1, 0.1, 0.8)


def test_two_known_distributions() -> None:
    """P is the weighted sum of the members' P."""
    model: LanguageModel = Mixture([A, B], [0.7, 0.3])
    found, state = model.step(model.start(2), np.array([0, 0]))
    # 0.7·0.5 + 0.3·0.1 = 0.38;   0.7·0.25 + 0.3·0.1 = 0.205;   0.7·0.25 + 0.3·0.8 = 0.415
    np.testing.assert_allclose(np.exp(found), [[0.38, 0.205, 0.415]] * 2)
    scored, _ = model.score(state, np.array([[2, 1]]), np.array([[2, 0]]))
    np.testing.assert_allclose(np.exp(scored), [[0.415, 0.38]])
    assert model.size == 3


def test_score_is_chained_steps() -> None:
    """`score` gives the figures of `step` along time, and a state can be reordered on the way."""
    model = Mixture([random_table(5, 1), random_table(5, 2), random_table(5, 3)], [0.2, 0.5, 0.3])
    ids = np.random.default_rng(0).integers(0, 5, (7, 3))
    whole, _ = model.score(model.start(3), ids[:-1], ids[1:])
    state = model.start(3)
    order = np.array([2, 0, 1])
    for t in range(6):
        found, state = model.step(state, ids[t])
        np.testing.assert_allclose(found[np.arange(3), ids[t + 1]], whole[t])
        np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)
        state, ids, whole = select(state, order), ids[:, order], whole[:, order]


def test_other_numbers() -> None:
    """A model with other numbers for the same words answers with ours."""
    # Word 1 of ours is its word 2, and the other way round.
    model: LanguageModel = Renumbered(flat(0.5, 0.2, 0.3), np.array([0, 2, 1]))
    found, state = model.step(model.start(1), np.array([1]))
    np.testing.assert_allclose(np.exp(found), [[0.5, 0.3, 0.2]])
    scored, _ = model.score(state, np.array([[1]]), np.array([[1]]))
    np.testing.assert_allclose(np.exp(scored), [[0.3]])
    table = random_table(4)
    turned = Renumbered(table, np.array([0, 2, 3, 1]))
    inputs, targets = np.array([[0], [1], [2]]), np.array([[1], [2], [3]])
    scored, _ = turned.score(turned.start(1), inputs, targets)
    expected = [table.log[0, 0, 2], table.log[0, 2, 3], table.log[2, 3, 1]]
    np.testing.assert_allclose(scored[:, 0], expected)


def test_extreme_figures() -> None:
    """Probabilities that float32 cannot hold are mixed all the same, and what is impossible for all stays so."""
    low = np.array([-1000, -np.inf, -2000, -0.5], np.float32)
    other = np.array([-1001, -np.inf, -0.1, -np.inf], np.float32)
    found = log_mixture([low, other], np.array([0.5, 0.5]))
    assert found.dtype == np.float32
    # log(0.5 (1 + 1/e)) - 1000
    np.testing.assert_allclose(found, [-1000.3799, -np.inf, -0.1 + np.log(0.5), -0.5 + np.log(0.5)], rtol=1e-6)
    np.testing.assert_array_equal(log_mixture([low, other], np.array([1.0, 0.0])), low)


@pytest.mark.parametrize("weights", [[0.5], [0.7, 0.7], [1.5, -0.5], [0.0, 0.0]])
def test_weights_that_are_no_shares(weights: list[float]) -> None:
    """Weights are one for each model, not negative, 1 in all."""
    with pytest.raises(ConfigError):
        Mixture([A, B], weights)


def test_em_finds_the_better_model() -> None:
    """Where one model is better on every token, all the weight goes to it."""
    better = np.log(np.full(100, 0.5))
    weights = fit_weights(np.stack([better - 0.5, better, better - 1]))
    np.testing.assert_allclose(weights, [0, 1, 0], atol=1e-3)


@given(st.floats(0.05, 0.95))
def test_em_finds_the_shares_of_a_source(share: float) -> None:
    """Tokens of which a share is certain to one model and impossible to the other get that share as weights."""
    tokens = 1000
    first = round(share * tokens)
    with np.errstate(divide="ignore"):
        log_probs = np.log([[1.0] * first + [0.0] * (tokens - first), [0.0] * first + [1.0] * (tokens - first)])
    np.testing.assert_allclose(fit_weights(log_probs), [first / tokens, 1 - first / tokens], atol=1e-6)


def test_em_is_the_likeliest() -> None:
    """No other weights of two models give a text more probability: compared with every hundredth."""
    draw = np.random.default_rng(3)
    log_probs = np.log(draw.uniform(0.01, 1, (2, 500)))
    fitted = log_mixture(list(log_probs), fit_weights(log_probs)).mean()
    for share in np.linspace(0.01, 0.99, 99):
        assert fitted >= log_mixture(list(log_probs), np.array([share, 1 - share])).mean() - 1e-9
