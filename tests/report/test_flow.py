"""The flow of an error: against finite differences of the nets, within the bound, as a sum over time, and in words."""

from __future__ import annotations

import numpy as np
import pytest

from by_hand import IDS, random_model, walk
from rnnlm.errors import ModelError
from rnnlm.nn.arrays import Array
from rnnlm.nn.cells import CELLS
from rnnlm.report.flow import Flow, flow, untrained

STEPS = len(IDS)


def deltas(cell: str, layers: int) -> list[list[Array]]:
    """δ of each layer at each step of the error of the last word: the net is nudged, element by element."""
    model, tiny = random_model(cell, layers), 1e-6
    width = len(model.parameters["rnn.0.b"])

    def loss(level: int, t: int, nudge: Array) -> float:
        moments = walk(model, cell, IDS[:-1], {(level, t): nudge})
        return -float(np.log(moments[-1].o[IDS[-1]]))

    units = tiny * np.eye(width)
    return [
        [
            np.array([(loss(level, t, unit) - loss(level, t, -unit)) / (2 * tiny) for unit in units])
            for t in range(STEPS)
        ]
        for level in range(layers)
    ]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_norms_are_those_of_finite_differences(cell: str, layers: int) -> None:
    """(6.1), (6.5) |δ| of every layer and step is the length of the measured derivative by its net."""
    found = flow(random_model(cell, layers), IDS)
    for norms, slow in zip(found.norms, deltas(cell, layers), strict=True):
        np.testing.assert_allclose(norms, [np.linalg.norm(delta) for delta in reversed(slow)], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("cell", ["tanh", "lstm"])
def test_shares(cell: str) -> None:
    """(6.6) A step's share is the part of δ_t s_{t-1}ᵀ along the whole gradient, seen from the error on backwards."""
    model = random_model(cell)
    states = [np.zeros(5), *(moment.layers[0].s for moment in walk(model, cell, IDS))]
    parts = [np.outer(delta, before) for delta, before in zip(deltas(cell, 1)[0], states, strict=False)]
    whole = np.sum(parts, axis=0)
    expected = [(part * whole).sum() / (whole * whole).sum() for part in reversed(parts)]
    np.testing.assert_allclose(flow(model, IDS).shares, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("tied", "cuts"), [(False, ()), (True, ()), (False, (4, 9))])
@pytest.mark.parametrize("cell", CELLS)
def test_the_steps_sum_to_the_gradient(cell: str, tied: bool, cuts: tuple[int, ...]) -> None:
    """The shares sum to 1 and the parts to the gradient, whatever the cell and the head; the first step has no part,
    since the state before it is 0."""
    found = flow(random_model(cell, 2, tied, cuts), IDS)
    assert found.shares.sum() == pytest.approx(1)
    assert found.difference < 1e-5
    assert found.shares[-1] == 0


@pytest.mark.parametrize("scale", [0.1, 0.6, 2.0])
@pytest.mark.parametrize("cell", ["tanh", "sigmoid", "relu"])
def test_the_bound_is_never_exceeded(cell: str, scale: float) -> None:
    """(8.1) |δ_k| <= |δ_t| (β_W β_f)^(t-k), with β_W the largest singular value and β_f the largest slope met."""
    model = random_model(cell, scale=scale)
    found = flow(model, IDS * 3)
    assert found.bound is not None and found.beta_w is not None and found.beta_f is not None
    assert (found.norms[0] <= found.bound * (1 + 1e-12)).all()
    w = model.parameters["rnn.0.Wh"]
    assert found.beta_w == pytest.approx(np.sqrt(np.linalg.eigvalsh(w @ w.T)[-1]))
    assert found.beta_f <= {"tanh": 1, "sigmoid": 0.25, "relu": 1}[cell]
    ratio = found.bound[1:] / found.bound[:-1]
    np.testing.assert_allclose(ratio, found.beta_w * found.beta_f, rtol=1e-9)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_have_no_such_bound(cell: str) -> None:
    """A cell with gates has its measured norms alone."""
    found = flow(random_model(cell), IDS)
    assert (found.bound, found.beta_w, found.beta_f) == (None, None, None)
    assert found.cell == cell.upper()


def flow_of(*norms: float) -> Flow:
    """A flow with these norms of its one layer."""
    return Flow("RNN", [np.array(norms)], None, None, None, np.zeros(len(norms)), 0.0)


@pytest.mark.parametrize(
    ("norms", "verdict"),
    [
        ((4.0, 1.0, 0.03, 0.02), "vanishes: below 1% from 2 steps on"),
        ((1.0, 5.0, 150.0, 900.0), "explodes: more than 100 times as large from 2 steps on"),
        ((1.0, 0.99, 0.98), "holds: 98.0% is left after 2 steps"),
        # ln 0.01 / ln 0.5 = 6.6 steps
        ((2.0, 1.0, 0.5), "vanishes slowly: 25.0% is left after 2 steps, below 1% from about 7 on at this rate"),
        (
            (1.0, 2.0, 4.0),
            "explodes slowly: 400.0% is left after 2 steps, 100 times as large from about 7 on at this rate",
        ),
        ((1.0, 0.001, 0.05), "fades and comes back: 0.10% after 1 steps, 5.0% after 2"),
        ((0.0, 0.0), "dead: no unit passes the error on"),
        ((3.0, 3.0), "holds: 100.0% is left after 1 steps"),
        ((1.0, 0.0), "vanishes: below 1% from 1 steps on"),
        ((0.0, 3.0), "holds: 100.0% is left after 1 steps"),  # a lower layer that sleeps at the last step alone
    ],
)
def test_verdict(norms: tuple[float, ...], verdict: str) -> None:
    """A plain word on what becomes of the error, and from how many steps on."""
    assert flow_of(*norms).verdict() == verdict


def test_factor() -> None:
    """The factor a step is that of the line through the logarithms: exactly, where they lie on one."""
    assert flow_of(3.0, 1.5, 0.75, 0.375).factor == pytest.approx(0.5)


@pytest.mark.parametrize(("norms", "left"), [((3.0, 1.5, 0.75, 0.0, 0.0), 0.5), ((3.0, 0.0), 0.0), ((0.0, 0.0), 0.0)])
def test_factor_of_an_error_that_ends(norms: tuple[float, ...], left: float) -> None:
    """An error that a ReLU ends at exactly 0 has the factor of the way that it went; 0 where it went none."""
    assert flow_of(*norms).factor == pytest.approx(left)


def test_verdict_of_a_deep_network() -> None:
    """The verdict says that it is the top layer's; the error may live on in the layer below."""
    model = random_model(layers=2, scale=1e-9)
    model.parameters["rnn.0.Wh"][...] = np.eye(5)
    model.parameters["rnn.1.Wx"][...] = np.eye(5)
    found = flow(model, IDS)
    assert found.verdict() == "vanishes: below 1% from 1 steps on, in the top layer"
    assert found.verdicts() == ["holds: 100.0% is left after 5 steps", "vanishes: below 1% from 1 steps on"]


def test_a_network_that_explodes() -> None:
    """A simple network with a large W and small activations: each step multiplies the error by its singular value."""
    model = random_model(scale=1e-9)
    model.parameters["rnn.0.Wh"][...] = 3 * np.eye(5)
    found = flow(model, IDS * 2)
    np.testing.assert_allclose(found.norms[0] / found.norms[0][0], 3.0 ** np.arange(2 * STEPS), rtol=1e-5)
    assert found.verdict() == "explodes: more than 100 times as large from 5 steps on"  # 3^4 = 81, 3^5 = 243


def test_one_word_is_too_few() -> None:
    """An error needs a way: fewer than two words are refused."""
    with pytest.raises(ModelError, match="some way to flow"):
        flow(random_model(), IDS[:1])


def test_what_vanishes_in_float32_is_still_seen() -> None:
    """Norms far below 1e-38 are measured: 0.1 a step for 60 steps."""
    model = random_model(scale=1e-9)
    model.parameters["rnn.0.Wh"][...] = 0.1 * np.eye(5)
    assert flow(model, IDS * 10).left[-1] == pytest.approx(1e-59, rel=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_untrained_networks_side_by_side(seed: int) -> None:
    """RNN, GRU and LSTM of the model's size; in the LSTM the error lives longest, which is what it was made for."""
    own = random_model("gru", 1, hidden=48)
    found = untrained(own, seed)
    assert list(found) == ["untrained RNN", "untrained GRU", "untrained LSTM"]
    for model in found.values():
        assert (model.network.words, model.network.stack.layers[0].hidden) == (own.size, 48)
        assert np.abs(model.parameters["rnn.0.Wh"]).max() <= 48**-0.5
    factors = {name: flow(model, IDS * 4).factor for name, model in found.items()}
    assert factors["untrained RNN"] < factors["untrained LSTM"]
    assert factors["untrained GRU"] < factors["untrained LSTM"]
