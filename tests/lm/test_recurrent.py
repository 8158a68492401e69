"""The network as a language model: `score` is chained `step`, sequences do not mix, states can be picked and kept."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlm.lm import recurrent
from rnnlm.lm.protocol import select
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.cells import CELLS
from rnnlm.nn.network import Network

V, T, B = 11, 7, 3
RNG = np.random.default_rng(1)
INPUTS, TARGETS = RNG.integers(0, V, (2, T, B))


def random_model(cell: str = "lstm", layers: int = 2, tied: bool = False) -> RecurrentModel:
    """A model with weights large enough that states matter, in float64."""
    network = Network(V, 5, 5 if tied else 4, layers, cell, tied)
    p = Parameters(network.shapes(), np.float64)
    network.initialise(p, np.random.default_rng(2), 0.8)
    return RecurrentModel(network, p)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_score_is_chained_step(cell: str, tied: bool) -> None:
    """The log probabilities of `score` are those of `step` along time, and so is the state; each sums to one."""
    model = random_model(cell, tied=tied)
    found, end = model.score(model.start(B), INPUTS, TARGETS)
    state = model.start(B)
    for t in range(T):
        log_probs, state = model.step(state, INPUTS[t])
        assert log_probs.shape == (B, model.size)
        assert np.exp(log_probs).sum(axis=1) == pytest.approx(np.ones(B))
        assert found[t] == pytest.approx(log_probs[np.arange(B), TARGETS[t]])
    for ours, theirs in zip(flattened(end), flattened(state), strict=True):
        assert ours == pytest.approx(theirs)


def flattened(state: object) -> list[np.ndarray]:
    """The arrays of a state."""
    return [array for part in state for array in flattened(part)] if isinstance(state, tuple) else [state]  # type: ignore[list-item]


def test_the_state_is_carried() -> None:
    """A text in two pieces scores as in one; without its state the second piece does not."""
    model = random_model()
    whole, _ = model.score(model.start(B), INPUTS, TARGETS)
    first, state = model.score(model.start(B), INPUTS[:3], TARGETS[:3])
    second, _ = model.score(state, INPUTS[3:], TARGETS[3:])
    assert np.concatenate([first, second]) == pytest.approx(whole)
    fresh, _ = model.score(model.start(B), INPUTS[3:], TARGETS[3:])
    assert not np.allclose(fresh, second)


def test_sequences_do_not_mix() -> None:
    """Each sequence of a batch scores as it does alone."""
    model = random_model()
    whole, _ = model.score(model.start(B), INPUTS, TARGETS)
    for column in range(B):
        alone, _ = model.score(model.start(1), INPUTS[:, column, None], TARGETS[:, column, None])
        assert alone[:, 0] == pytest.approx(whole[:, column])


def test_states_are_plain_data() -> None:
    """A state stays what it was when the model goes on, and its sequences can be picked, doubled and reordered."""
    model = random_model()
    _, state = model.step(model.start(B), INPUTS[0])
    kept = [array.copy() for array in flattened(state)]
    expected, _ = model.step(state, INPUTS[1])
    model.score(state, INPUTS, TARGETS)
    assert all(np.array_equal(a, b) for a, b in zip(flattened(state), kept, strict=True))
    order = np.array([2, 0, 0])
    found, _ = model.step(select(state, order), INPUTS[1][order])
    assert found == pytest.approx(expected[order])


def test_results_are_not_overwritten() -> None:
    """What `step` and `score` gave is not touched by the next call of the same shape."""
    model = random_model()
    first, _ = model.step(model.start(B), INPUTS[0])
    scores, _ = model.score(model.start(B), INPUTS, TARGETS)
    kept = first.copy(), scores.copy()
    model.step(model.start(B), INPUTS[1])
    model.score(model.start(B), TARGETS, INPUTS)
    assert np.array_equal(first, kept[0])
    assert np.array_equal(scores, kept[1])


def test_long_texts_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text longer than the workspace scores the same, a part at a time."""
    model = random_model()
    whole, end = model.score(model.start(B), INPUTS, TARGETS)
    monkeypatch.setattr(recurrent, "TOGETHER", 2 * B)
    parts, state = model.score(model.start(B), INPUTS, TARGETS)
    assert parts == pytest.approx(whole)
    for ours, theirs in zip(flattened(state), flattened(end), strict=True):
        assert ours == pytest.approx(theirs)
