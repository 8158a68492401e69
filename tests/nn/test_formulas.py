"""The formulas of the derivation once more, as its page has them, against what the layers compute.

Columns, one sequence, one step after another: slow, short, and nothing shared with the code under test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from rnnlm.nn import softmax
from rnnlm.nn.arrays import Array, Names, Parameters, Tape
from rnnlm.nn.cells import make_cell
from rnnlm.nn.dropout import Masks, draw
from rnnlm.nn.functions import ACTIVATIONS
from rnnlm.nn.network import orthogonal
from rnnlm.nn.recurrent import LayerState, Recurrent
from rnnlm.nn.softmax import Softmax, pieces_of, weigh
from rnnlm.nn.stack import Stack

T, D, H = 4, 3, 4


def test_slopes() -> None:
    """(3.3) The slopes found from the outputs are those of the functions, at most 1, 1/4 and 1."""
    z = np.array([-2.0, -0.5, 0.25, 1.0])
    of: dict[str, Callable[[Array], Array]] = {
        "tanh": lambda x: 4 / (np.exp(x) + np.exp(-x)) ** 2,  # 1 / cosh²
        "sigmoid": lambda x: np.exp(x) / (1 + np.exp(x)) ** 2,
        "relu": lambda x: np.where(x > 0, 1.0, 0.0),
    }
    for name, largest in (("tanh", 1), ("sigmoid", 0.25), ("relu", 1)):
        y, slope = np.empty(4), np.empty(4)
        ACTIVATIONS[name](z.copy(), out=y)
        ACTIVATIONS[name].slope(y, out=slope)
        np.testing.assert_allclose(slope, of[name](z), rtol=1e-12)
        assert slope.max() <= largest


@dataclass
class Case:
    """A recurrent layer with random parameters, T inputs (T, 1, D), a state, and what reaches each state from above."""

    layer: Recurrent
    p: Names
    x: Array
    start: LayerState
    dy: Array

    def forward(self, x: Array, state: LayerState) -> tuple[Tape, Array, LayerState]:
        k = self.layer.tape(len(x), x.shape[1], np.float64)
        y, end = self.layer.forward(self.p, x, state, k)
        return k, y.copy(), end

    def backward(self, k: Tape, dy: Array, dend: LayerState | None = None) -> tuple[Names, Array, LayerState]:
        g = Names(**{name: np.zeros_like(value) for name, value in self.p.__dict__.items()})
        dx, dstart = self.layer.backward(self.p, g, dy, k, None, dend)
        return g, dx, dstart


def case(kind: str, batch: int = 1, steps: int = T, scale: float = 0.7) -> Case:
    rng = np.random.default_rng(7)
    layer = Recurrent(D, make_cell(kind, H))
    p = Names(**{name: scale * rng.normal(size=shape) for name, shape in layer.shapes().items()})
    start = tuple(rng.normal(size=(batch, H)) for _ in layer.cell.slots)
    return Case(layer, p, rng.normal(size=(steps, batch, D)), start, rng.normal(size=(steps, batch, H)))


def elman(p: Names, x: Array, s: Array) -> tuple[list[Array], list[Array]]:
    """(3.1), (3.2) for one sequence x (T, D): the states s_0..s_T and the slopes f' of each step, columns."""
    states, slopes = [s], []
    for row in x:
        states.append(np.tanh(p.Wx.T @ row + p.Wh.T @ states[-1] + p.b))
        slopes.append(1 - states[-1] ** 2)
    return states, slopes


def walk(w: Array, slopes: list[Array], d: Array) -> Array:
    """(6.4): δ_t (T, H) of one sequence, W in columns."""
    delta = np.zeros((len(d) + 1, len(w)))
    for t in reversed(range(len(d))):
        delta[t] = slopes[t] * (d[t] + w.T @ delta[t + 1])
    return delta[:-1]


def test_deep_network() -> None:
    """(3.7), (6.5) A layer reads the states of the layer below, and hands the error down through its U."""
    rng = np.random.default_rng(3)
    stack = Stack("rnn", D, H, 2, "tanh")
    p = Parameters(stack.shapes(), np.float64)
    p.flat[:] = 0.7 * rng.normal(size=p.flat.size)
    x, dy = rng.normal(size=(T, 1, D)), rng.normal(size=(T, 1, H))
    k = stack.tape(T, 1, np.float64)
    y, _ = stack.forward(p, x, stack.start(1, np.float64), k, Masks())
    low, upper = p.layer("rnn.0"), p.layer("rnn.1")
    below, slopes_below = elman(low, x[:, 0], np.zeros(H))
    above, slopes_above = elman(upper, np.array(below[1:]), np.zeros(H))
    np.testing.assert_allclose(y[:, 0], above[1:], rtol=1e-12)

    dx, _ = stack.backward(p, p.like(), dy, k, Masks())
    delta_above = walk(upper.Wh.T, slopes_above, dy[:, 0])
    down = np.array([upper.Wx @ row for row in delta_above])  # Wx is Uᵀ
    delta_below = walk(low.Wh.T, slopes_below, down)
    np.testing.assert_allclose(k[1].dz[:, 0], delta_above, rtol=1e-10)
    np.testing.assert_allclose(k[0].dz[:, 0], delta_below, rtol=1e-10)
    np.testing.assert_allclose(dx[:, 0], [low.Wx @ row for row in delta_below], rtol=1e-10)


def test_a_batch_is_its_sequences() -> None:
    """(4.1), (4.2) Rows of a batch are computed together as each alone."""
    c = case("tanh", batch=3)
    _, y, _ = c.forward(c.x, c.start)
    for row in range(3):
        alone, _ = elman(c.p, c.x[:, row], c.start[0][row])
        np.testing.assert_allclose(y[:, row], alone[1:], rtol=1e-12)


@pytest.mark.parametrize("kind", ["tanh", "lstm", "gru"])
def test_windows_carry_the_state(kind: str) -> None:
    """(4.3) Two windows with the state carried over are one window; a reset makes a row begin with zeros."""
    c = case(kind, batch=2)
    _, whole, end = c.forward(c.x, c.start)
    _, first, state = c.forward(c.x[:2], c.start)
    _, second, last = c.forward(c.x[2:], state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-12)
    np.testing.assert_allclose(last, end, rtol=1e-12)

    k = c.layer.tape(T, 2, np.float64)
    y, _ = c.layer.forward(c.p, c.x, c.start, k, [None, None, np.array([1]), None])
    fresh = c.forward(c.x[2:, 1:], c.layer.start(1, np.float64))[1]
    np.testing.assert_allclose(y[2:, 1:], fresh, rtol=1e-12)
    np.testing.assert_allclose(y[:, 0], whole[:, 0], rtol=1e-12)


@pytest.mark.parametrize("words_of_a_piece", [3, 100])
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_the_column_of_ones(size: float, words_of_a_piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """(4.4), (5.4) Waᵀ times exp(logits) gives Z in its last row and Z Vᵀo in its first H, also where exp overflows."""
    monkeypatch.setattr(softmax, "PIECE", words_of_a_piece)
    rng = np.random.default_rng(1)
    head = Softmax(H, 7)
    p = Names(Wa=rng.normal(size=(7, H + 2)).astype(np.float32))
    head.pin(p)
    s = (size * rng.normal(size=(3, H))).astype(np.float32)
    rows = np.column_stack([s, np.ones(3), np.zeros(3)]).astype(np.float32)
    turned = np.empty((H + 2, 3), np.float32)
    weigh(p.Wa, rows, pieces_of(slice(0, 7), np.empty(3 * 7, np.float32), 3), turned)
    both = turned.T
    logits = s.astype(np.float64) @ p.Wa[:, :H].T + p.Wa[:, H]
    assert size == 1 or logits.max() > 88
    o = np.exp(logits - logits.max(axis=1, keepdims=True))
    o /= o.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(both[:, :H] / both[:, -1:], o @ p.Wa[:, :H], rtol=1e-4, atol=1e-5)
    if size == 1:
        np.testing.assert_allclose(both[:, -1], np.exp(logits).sum(axis=1), rtol=1e-5)


def lone_error(c: Case) -> tuple[Array, list[Array]]:
    """δ (T, H) of an error made at the last step only, by the code, and the slopes."""
    k, _, _ = c.forward(c.x, c.start)
    c.backward(k, np.concatenate([np.zeros_like(c.dy[:-1]), c.dy[-1:]]))
    return k.dz[:, 0], elman(c.p, c.x[:, 0], c.start[0][0])[1]


def test_an_error_travels_along_time() -> None:
    """(6.2), (6.3) An error of the last step reaches step k as the product of all diag(f') Wᵀ from k on."""
    delta, slopes = lone_error(case("tanh"))
    w = case("tanh").p.Wh.T
    for k in range(T):
        product = np.eye(H)
        for i in range(k, T - 1):
            product = product @ np.diag(slopes[i]) @ w.T
        np.testing.assert_allclose(delta[k], product @ delta[-1], rtol=1e-10)


@pytest.mark.parametrize("kind", ["tanh", "sigmoid", "relu", "lstm"])
def test_a_gradient_is_the_sum_of_its_steps(kind: str) -> None:
    """(6.6), (6.7) The gradients of W, U and b are the sums over time of δ_t s_{t-1}ᵀ, δ_t x_tᵀ and δ_t."""
    c = case(kind)
    k, _, _ = c.forward(c.x, c.start)
    g, _, _ = c.backward(k, c.dy)
    delta, before = k.dz[:, 0], k.h[:-1, 0]
    np.testing.assert_allclose(g.Wh.T, sum(np.outer(delta[t], before[t]) for t in range(T)), rtol=1e-10)
    np.testing.assert_allclose(g.Wx.T, sum(np.outer(delta[t], c.x[t, 0]) for t in range(T)), rtol=1e-10)
    np.testing.assert_allclose(g.b, sum(delta), rtol=1e-10)


@pytest.mark.parametrize("kind", ["tanh", "lstm", "gru"])
def test_truncation_drops_the_error_before_the_window(kind: str) -> None:
    """(6.10) Two windows add up to the whole gradient if ∂E/∂s_0 is handed back, and to another if it is dropped."""
    c = case(kind)
    whole, _, _ = c.backward(c.forward(c.x, c.start)[0], c.dy)
    first, _, state = c.forward(c.x[:2], c.start)
    later, _, handed = c.backward(c.forward(c.x[2:], state)[0], c.dy[2:])
    full, _, _ = c.backward(first, c.dy[:2], handed)
    cut, _, _ = c.backward(c.forward(c.x[:2], c.start)[0], c.dy[:2])  # backward spends a tape
    np.testing.assert_allclose(full.Wh + later.Wh, whole.Wh, rtol=1e-9)
    assert np.abs(cut.Wh + later.Wh - whole.Wh).max() > 1e-3


@pytest.mark.parametrize("scale", [0.1, 0.7, 2.0])
@pytest.mark.parametrize(("kind", "steepest"), [("tanh", 1.0), ("sigmoid", 0.25), ("relu", 1.0)])
def test_the_bound_holds(kind: str, steepest: float, scale: float) -> None:
    """(8.1), (8.2) No error is longer than the bound allows; an orthogonal W has β_W = 1."""
    c = case(kind, steps=12, scale=scale)
    delta, _ = lone_error(c)
    lengths = np.linalg.norm(delta, axis=1)
    factor = steepest * np.linalg.norm(c.p.Wh, 2)
    assert lengths[-1] > 0
    assert (lengths <= factor ** np.arange(11, -1, -1) * lengths[-1] * (1 + 1e-9)).all()
    w = orthogonal(H, np.random.default_rng(0))
    np.testing.assert_allclose(w.T @ w, np.eye(H), atol=1e-12)
    assert np.linalg.norm(w, 2) == pytest.approx(1)


def sigma(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def test_lstm() -> None:
    """(9.1) to (9.7) State, error terms, and the gradients of parameters, inputs and first state are the page's."""
    c = case("lstm")
    u, w = c.p.Wx.T, c.p.Wh.T
    s, cells, gates = [c.start[0][0]], [c.start[1][0]], []
    for x in c.x[:, 0]:
        zi, zf, zg, zo = np.split(u @ x + w @ s[-1] + c.p.b, 4)
        i, f, g, o = sigma(zi), sigma(zf), 2 * sigma(2 * zg) - 1, sigma(zo)
        cells.append(f * cells[-1] + i * g)
        s.append(o * np.tanh(cells[-1]))
        gates.append((i, f, g, o))
    k, y, end = c.forward(c.x, c.start)
    np.testing.assert_allclose(y[:, 0], s[1:], rtol=1e-12)
    np.testing.assert_allclose(end[1][0], cells[-1], rtol=1e-12)

    ds, dc, delta = np.zeros(H), np.zeros(H), np.zeros((T, 4 * H))
    for t in reversed(range(T)):
        i, f, g, o = gates[t]
        m, ds = np.tanh(cells[t + 1]), ds + c.dy[t, 0]
        dc = dc + ds * o * (1 - m**2)
        delta[t] = np.concatenate(
            [dc * g * i * (1 - i), dc * cells[t] * f * (1 - f), dc * i * (1 - g**2), ds * m * o * (1 - o)]
        )
        dc, ds = dc * f, w.T @ delta[t]
    own, dx, dstart = c.backward(k, c.dy)
    np.testing.assert_allclose(k.dz[:, 0], delta, rtol=1e-9)
    np.testing.assert_allclose(dx[:, 0], delta @ u, rtol=1e-9)
    np.testing.assert_allclose([dstart[0][0], dstart[1][0]], [ds, dc], rtol=1e-9)
    np.testing.assert_allclose(own.Wh.T, sum(np.outer(delta[t], s[t]) for t in range(T)), rtol=1e-9)


def test_the_cell_state_is_the_way_out() -> None:
    """(9.8) Without W an error of c_T reaches c_0 as the product of the forget gates: whole where they are open."""
    c = case("lstm")
    c.p.Wh[...] = 0
    dend = (np.zeros((1, H)), np.ones((1, H)))
    for bias in (0.0, 40.0):
        c.p.b[H : 2 * H] = bias
        forget = sigma(c.x[:, 0] @ c.p.Wx[:, H : 2 * H] + bias)
        _, _, dstart = c.backward(c.forward(c.x, c.start)[0], np.zeros_like(c.dy), dend)
        np.testing.assert_allclose(dstart[1][0], forget.prod(axis=0), rtol=1e-10)
    np.testing.assert_allclose(dstart[1], 1)


def test_gru() -> None:
    """(10.1) to (10.7) State, error terms, and the gradients of parameters, inputs and first state are the page's."""
    c = case("gru")
    u_, w, bh = c.p.Wx.T, c.p.Wh.T, c.p.bh
    s, kept = [c.start[0][0]], []
    for x in c.x[:, 0]:
        (xr, xu, xn), (hr, hu, hn) = np.split(u_ @ x + c.p.b, 3), np.split(w @ s[-1], 3)
        r, u, q = sigma(xr + hr), sigma(xu + hu), hn + bh
        n = np.tanh(xn + r * q)
        s.append(u * s[-1] + (1 - u) * n)
        kept.append((r, u, q, n))
    k, y, _ = c.forward(c.x, c.start)
    np.testing.assert_allclose(y[:, 0], s[1:], rtol=1e-12)

    d, delta, side = np.zeros(H), np.zeros((T, 3 * H)), np.zeros((T, 3 * H))
    for t in reversed(range(T)):
        r, u, q, n = kept[t]
        d = d + c.dy[t, 0]
        du, dn = d * (s[t] - n) * u * (1 - u), d * (1 - u) * (1 - n**2)
        dr, dq = dn * q * r * (1 - r), dn * r
        delta[t], side[t] = np.concatenate([dr, du, dn]), np.concatenate([dr, du, dq])
        d = d * u + w.T @ side[t]
    own, dx, dstart = c.backward(k, c.dy)
    np.testing.assert_allclose(k.dz[:, 0], delta, rtol=1e-9)
    np.testing.assert_allclose(dx[:, 0], delta @ u_, rtol=1e-9)
    np.testing.assert_allclose(dstart[0][0], d, rtol=1e-9)
    np.testing.assert_allclose(own.Wh.T, sum(np.outer(side[t], s[t]) for t in range(T)), rtol=1e-9)
    np.testing.assert_allclose(own.Wx.T, sum(np.outer(delta[t], c.x[t, 0]) for t in range(T)), rtol=1e-9)
    np.testing.assert_allclose(own.bh, side[:, 2 * H :].sum(axis=0), rtol=1e-9)


def test_masks() -> None:
    """(11.1) A mask holds 0 and 1 / (1 - p), in shares that make its mean 1."""
    mask = draw(np.random.default_rng(0), (300, 300), 0.3)
    assert mask is not None
    np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.7], rtol=1e-6)
    assert mask.mean() == pytest.approx(1, abs=0.01)  # its standard deviation is 0.65 / 300
