"""Every gradient against finite differences in float64; and the checker against gradients made wrong on purpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from rnnlm.nn import recurrent, softmax
from rnnlm.nn.arrays import Array, Ids, Names, Parameters, Tape
from rnnlm.nn.cells import CELLS, make_cell
from rnnlm.nn.check import relative_error
from rnnlm.nn.dropout import Dropout, Masks
from rnnlm.nn.network import Network
from rnnlm.nn.recurrent import Recurrent
from rnnlm.nn.softmax import Softmax

TOLERANCE = 1e-7
D, H, B = 3, 4, 2


def resets_for(steps: int, wanted: bool) -> list[Ids | None] | None:
    """One sequence begins anew in the middle of the window (at its only step, if T = 1)."""
    if not wanted:
        return None
    return [np.array([1]) if t == steps // 2 else None for t in range(steps)]


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("kind", CELLS)
def test_recurrent_layer(kind: str, steps: int, reset: bool) -> None:
    """Parameters, inputs and initial state of every cell get their exact gradient, through outputs and final state."""
    rng = np.random.default_rng(1)
    layer = Recurrent(D, make_cell(kind, H))
    p = Parameters(layer.shapes(), np.float64)
    p.flat[:] = rng.normal(size=p.flat.size) * 0.7
    g = p.like()
    x = rng.normal(size=(steps, B, D))
    start = [rng.normal(size=(B, H)) for _ in layer.cell.slots]
    dy = rng.normal(size=(steps, B, H))
    dend = tuple(rng.normal(size=(B, H)) for _ in layer.cell.slots)
    resets = resets_for(steps, reset)

    def value() -> float:
        k = layer.tape(steps, B, np.float64)
        y, end = layer.forward(Names(**p.views), x, tuple(start), k, resets)
        return float((y * dy).sum() + sum((e * d).sum() for e, d in zip(end, dend, strict=True)))

    k = layer.tape(steps, B, np.float64)
    for _ in range(2):  # twice on one tape: nothing may be left over from the first time
        layer.forward(Names(**p.views), x, tuple(start), k, resets)
        dx, dstart = layer.backward(Names(**p.views), Names(**g.views), dy, k, resets, dend)
    assert relative_error(value, p.flat, g.flat, rng) < TOLERANCE
    for name, view in p.views.items():
        assert relative_error(value, view, g[name], rng) < TOLERANCE, name
    assert dx.shape == x.shape
    assert relative_error(value, x, dx, rng) < TOLERANCE
    for slot, own, gradient in zip(layer.cell.slots, start, dstart, strict=True):
        assert relative_error(value, own, gradient, rng) < TOLERANCE, slot


@dataclass
class Case:
    """A small network with one window of text."""

    network: Network
    p: Parameters
    inputs: Ids
    targets: Ids
    state: tuple[tuple[Array, ...], ...]
    masks: Masks
    resets: list[Ids | None] | None


def case(
    cell: str = "lstm",
    layers: int = 2,
    tied: bool = False,
    cuts: tuple[int, ...] = (),
    steps: int = 5,
    dropout: Dropout | None = None,
    reset: bool = True,
    seed: int = 3,
) -> Case:
    rng = np.random.default_rng(seed)
    network = Network(11, H if tied else D, H, layers, cell, tied, cuts, dropout or Dropout(0.3, 0.2, 0.2, 0.3))
    p = Parameters(network.shapes(), np.float64)
    network.initialise(p, rng)
    p.flat += rng.normal(size=p.flat.size) * 0.3
    network.head.clear(p.layer("head"))
    state = tuple(tuple(rng.normal(size=a.shape) for a in level) for level in network.start(B, np.float64))
    return Case(
        network,
        p,
        rng.integers(0, 11, (steps, B)),
        rng.integers(0, 11, (steps, B)),
        state,
        network.masks(rng, steps, B, np.float64),
        resets_for(steps, reset),
    )


def gradient(c: Case, scale: float = 1.0) -> tuple[float, Parameters]:
    g = c.p.like()
    k = c.network.tape(len(c.inputs), B, np.float64)
    nats, _, sparse = c.network.loss(c.p, g, c.inputs, c.targets, c.state, k, scale, c.masks, c.resets)
    if sparse is not None:
        sparse.add_to(g["embedding.W"])
    return nats, g


def trained(c: Case) -> Array:
    """True for the parameters that are trained: all but the head's column of ones."""
    marks = Parameters(c.p.shapes, np.float64)
    marks.flat[:] = 1
    for name, view in marks.views.items():
        if name.endswith(".Wa"):
            view[:, -1] = 0
    return marks.flat


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_whole_model(cell: str, layers: int, steps: int) -> None:
    """A whole model of any cell and depth, with dropout, resets and a carried state, gets its exact gradient."""
    check(case(cell, layers, steps=steps), alive=cell != "relu")


@pytest.mark.parametrize("cell", CELLS)
def test_tied(cell: str) -> None:
    """An embedding that is also the head's matrix gets the sum of both gradients."""
    check(case(cell, 1, tied=True))


def check(c: Case, alive: bool = True) -> None:
    nats, g = gradient(c)
    moved = trained(c)
    values = c.p.flat

    def value() -> float:
        kept = values.copy()
        values[moved == 0] = fixed
        result = gradient(c)[0]
        values[...] = kept
        return result

    fixed = values[moved == 0].copy()
    assert np.isfinite(nats)
    assert np.all(g.flat[moved == 0] == 0)
    assert relative_error(value, values, g.flat, np.random.default_rng(0)) < TOLERANCE
    if alive:  # a unit of ReLU may sleep
        for name in c.p.views:
            assert np.abs(g[name]).max() > 0, name


def test_the_head_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head's gradient of h is exact, in several blocks and with repeated targets."""
    rng = np.random.default_rng(5)
    head = Softmax(H, 7)
    monkeypatch.setattr(softmax, "block_of", lambda rows, words, itemsize: 3)
    p = Parameters(head.shapes(), np.float64)
    p.flat[:] = rng.normal(size=p.flat.size)
    names, g = Names(**p.views), Names(**p.like().views)
    head.clear(names)
    h, targets = rng.normal(size=(8, H)), np.array([1, 1, 4, 0, 6, 1, 2, 2])

    def value() -> float:
        return head.loss(names, Names(**p.like().views), h, targets, 0.5, Tape())[0] * 0.5

    _, dh = head.loss(names, g, h, targets, 0.5, Tape())
    assert relative_error(value, h, dh, rng) < TOLERANCE
    moved = names.Wa[:, : H + 1].copy()

    def of_weights() -> float:
        names.Wa[:, : H + 1] = moved
        return value()

    assert relative_error(of_weights, moved, g.Wa[:, : H + 1], rng) < TOLERANCE


def test_two_training_steps_in_a_row() -> None:
    """The second window, entered with the first one's state and new parameters, is as exact as the first."""
    c = case("gru", 2)
    k = c.network.tape(len(c.inputs), B, np.float64)
    g = c.p.like()
    _, state, sparse = c.network.loss(c.p, g, c.inputs, c.targets, c.state, k, 1.0, c.masks, c.resets)
    assert sparse is not None
    sparse.add_to(g["embedding.W"])
    c.p.flat -= 0.1 * g.flat
    second = Case(c.network, c.p, c.targets, c.inputs, state, c.masks, c.resets)
    check(second)


@pytest.mark.parametrize("wrong", ["scaled", "dropped", "transposed"])
def test_the_checker_notices(wrong: str) -> None:
    """A gradient scaled by 1.001, one dropped and one transposed are all found out."""
    c = case("tanh", 1, reset=False)
    _, g = gradient(c)
    right = g.flat.copy()
    if wrong == "scaled":
        g["rnn.0.Wh"][...] *= 1.001
    elif wrong == "dropped":
        g["rnn.0.b"][...] = 0
    else:
        g["rnn.0.Wh"][...] = g["rnn.0.Wh"].T.copy()

    def value() -> float:
        return gradient(c)[0]

    rng = np.random.default_rng(0)
    name = "rnn.0.b" if wrong == "dropped" else "rnn.0.Wh"
    assert relative_error(value, c.p[name], g[name], rng) > 1e-4
    g.flat[:] = right
    assert relative_error(value, c.p[name], g[name], rng) < TOLERANCE


def test_a_kink_nearby_is_no_error() -> None:
    """Where the first step crosses the kink of ReLU, a smaller one tells a right gradient from a wrong one."""
    x, rng = np.array([1e-5, -2.0, 3.0]), np.random.default_rng(0)

    def value() -> float:
        return float(np.maximum(x, 0).sum())

    assert relative_error(value, x, np.array([1.0, 0.0, 1.0]), rng) < TOLERANCE
    assert relative_error(value, x, np.array([0.0, 0.0, 1.0]), rng) > 0.1
    assert relative_error(value, x, np.array([1.0, 0.0, 1.001]), rng) > 1e-4


def test_the_checker_refuses_single_precision() -> None:
    """A check in float32 would prove nothing, and is refused."""
    x = np.zeros(3, np.float32)
    with pytest.raises(TypeError):
        relative_error(lambda: 0.0, x, x, np.random.default_rng(0))


@pytest.mark.parametrize("cell", CELLS)
def test_stretches_change_nothing(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared one time step after another, or all at once, the gradient is the same to the last bit."""
    c = case(cell, 2)
    _, whole = gradient(c)
    monkeypatch.setattr(recurrent, "CACHED", 1)
    _, parts = gradient(c)
    assert np.array_equal(parts.flat, whole.flat)
