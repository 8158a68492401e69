"""What happens inside one time step: the element-wise formulas of each cell, forward and back; a cell holds no product.

`recurrent.Recurrent` owns the products and the loop over time. For a cell, `z[t]` is the weighted input x_t Wx + b and
`zh` is h_{t-1} Wh; the gates lie side by side in their last axis, in PyTorch's order, so that weights can be exchanged.

Backward is in two parts. `prepare` computes, for some t at once, every factor that does not depend on the arriving
gradient, and leaves it in `dz`; `step_back` multiplies. Equation numbers are those of docs/derivation.md.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rnnlm.nn.arrays import Array, Names, Shape, Tape, empty
from rnnlm.nn.functions import ACTIVATIONS, sigmoid


class Cell:
    """The element-wise half of a recurrent layer."""

    gates: ClassVar[int] = 1  # z has gates·H columns
    slots: ClassVar[tuple[str, ...]] = ("h",)  # the arrays that are carried from step to step
    bypass: ClassVar[bool] = False  # does h_{t-1} reach h_t past the product h_{t-1} Wh?

    def __init__(self, hidden: int) -> None:
        self.hidden = hidden

    def shapes(self) -> dict[str, Shape]:
        """Parameters beside Wx, Wh and b."""
        return {}

    def reserve(self, k: Tape, steps: int, batch: int) -> None:
        """Puts on the tape what this cell keeps beside x, z and h."""

    def step(self, p: Names, k: Tape, t: int, zh: Array) -> None:
        """h[t+1] (B, H) from z[t] (B, gates·H), zh (B, gates·H) and the state at t."""
        raise NotImplementedError

    def prepare(self, k: Tape, part: slice) -> None:
        """For the t in `part`: what of dz does not depend on the arriving gradient."""
        raise NotImplementedError

    def step_back(self, k: Tape, t: int, d: Tape) -> None:
        """From d.h (and d.c) arriving at time t: dz[t]; leaves in d what reaches t-1 past the product."""
        raise NotImplementedError

    def collect(self, g: Names, k: Tape) -> None:
        """Writes the gradients of `shapes`."""


class Elman(Cell):
    """The simple recurrent network: s_t = f(U x_t + W s_{t-1} + b), f one of tanh, sigmoid, ReLU; equation (3.2)."""

    def __init__(self, hidden: int, activation: str = "tanh") -> None:
        super().__init__(hidden)
        self.f = ACTIVATIONS[activation]

    def step(self, p: Names, k: Tape, t: int, zh: Array) -> None:
        z = k.z[t]
        z += zh
        self.f(z, out=k.h[t + 1])  # (4.2)

    def prepare(self, k: Tape, part: slice) -> None:
        self.f.slope(k.y[part], out=k.dz[part])

    def step_back(self, k: Tape, t: int, d: Tape) -> None:
        k.dz[t] *= d.h  # δ_t = f'(z_t) · dh, equation (6.4)


class LSTM(Cell):
    """i,f,o = σ(z_i),σ(z_f),σ(z_o);  g = tanh(z_g);  c = f·c₋ + i·g;  h = o·tanh(c)  (Hochreiter 1997, Gers 2000).

    Gates in the order i, f, g, o. All four come from one exp: tanh(z) = 2σ(2z) - 1, equation (9.4).
    """

    gates = 4
    slots = ("h", "c")

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden)
        self.signs = np.repeat(np.array([-1, -1, -2, -1], np.float32), hidden)

    def reserve(self, k: Tape, steps: int, batch: int) -> None:
        k.m = empty((steps, batch, self.hidden), k.h.dtype)
        k.tmp = empty((batch, self.hidden), k.h.dtype)
        k.signs = self.signs.astype(k.h.dtype)

    def step(self, p: Names, k: Tape, t: int, zh: Array) -> None:
        z, n = k.z[t], self.hidden
        z += zh
        z *= k.signs
        np.exp(z, out=z)
        z += 1
        np.reciprocal(z, out=z)
        i, f, g, o = z[:, :n], z[:, n : 2 * n], z[:, 2 * n : 3 * n], z[:, 3 * n :]
        g *= 2
        g -= 1  # (9.1)
        c, tmp = k.c[t + 1], k.tmp
        np.multiply(f, k.c[t], out=c)
        np.multiply(i, g, out=tmp)
        c += tmp  # (9.2)
        np.tanh(c, out=k.m[t])
        np.multiply(o, k.m[t], out=k.h[t + 1])  # (9.3)

    def prepare(self, k: Tape, part: slice) -> None:
        """dz holds, per gate, dc/dz_i = g·i(1-i), dc/dz_f = c₋·f(1-f), dc/dz_g = i(1-g²), dh/dz_o = m·o(1-o); m <-
        dh/dc."""
        z, dz, m = k.z[part], k.dz[part], k.m[part]
        i, _, g, o = four(z)
        di, df, dg, do = four(dz)
        np.subtract(1, z, out=dz)  # all four at once, for whole rows are several times faster than a quarter of each
        dz *= z
        di *= g
        df *= k.c[part]
        np.multiply(g, g, out=dg)  # g is a tanh: its slope is another
        np.subtract(1, dg, out=dg)
        dg *= i
        do *= m
        m *= m
        np.subtract(1, m, out=m)
        m *= o  # dh/dc = o (1 - tanh²c)

    def step_back(self, k: Tape, t: int, d: Tape) -> None:
        np.multiply(d.h, k.m[t], out=k.tmp)
        d.c += k.tmp  # (9.5)
        dz, n = k.dz[t], self.hidden
        through_c = dz[:, : 3 * n].reshape(len(dz), 3, n)  # i, f, g act on h through c
        through_c *= d.c[:, None]
        dz[:, 3 * n :] *= d.h  # (9.6)
        d.c *= k.z[t][:, n : 2 * n]  # all that reaches c_{t-1}: (9.7), over many steps (9.8)


class GRU(Cell):
    """r,u = σ(z_r),σ(z_u);  n = tanh(z_n + r·q) with q = h₋ Wh_n + bh;  h = n + u·(h₋ - n)  (Cho 2014).

    Gates in the order r, u, n. The reset gate follows the product, as in cuDNN and PyTorch, and so the candidate's
    recurrent side has a bias and a gradient (`dq`) of its own.
    """

    gates = 3
    bypass = True

    def shapes(self) -> dict[str, Shape]:
        return {"bh": (self.hidden,)}

    def reserve(self, k: Tape, steps: int, batch: int) -> None:
        k.q = empty((steps, batch, self.hidden), k.h.dtype)
        k.tmp = empty((batch, self.hidden), k.h.dtype)

    def step(self, p: Names, k: Tape, t: int, zh: Array) -> None:
        z, n = k.z[t], self.hidden
        gates = z[:, : 2 * n]
        gates += zh[:, : 2 * n]
        sigmoid(gates)  # (10.1)
        r, u, new = z[:, :n], z[:, n : 2 * n], z[:, 2 * n :]
        np.add(zh[:, 2 * n :], p.bh, out=k.q[t])
        np.multiply(r, k.q[t], out=k.tmp)
        new += k.tmp
        np.tanh(new, out=new)  # (10.2)
        h = k.h[t + 1]
        np.subtract(k.h[t], new, out=h)
        h *= u
        h += new  # (10.3)

    def prepare(self, k: Tape, part: slice) -> None:
        """dz holds q·r(1-r) for r, (h₋ - n)·u(1-u) for u, (1-u)(1-n²) for n."""
        n, z, dz, q = self.hidden, k.z[part], k.dz[part], k.q[part]
        gates, new = z[..., : 2 * n], z[..., 2 * n :]
        dgates, dr, du, dn = dz[..., : 2 * n], dz[..., :n], dz[..., n : 2 * n], dz[..., 2 * n :]
        np.subtract(1, gates, out=dgates)
        np.multiply(new, new, out=dn)
        np.subtract(1, dn, out=dn)
        dn *= du
        dgates *= gates
        dr *= q
        np.subtract(k.h[part], new, out=q)  # q is spent
        du *= q

    def step_back(self, k: Tape, t: int, d: Tape) -> None:
        dz, dzh, n = k.dz[t], k.dzh[t], self.hidden
        of_h = dz[:, n:].reshape(len(dz), 2, n)  # u and n act on h directly
        of_h *= d.h[:, None]  # (10.4)
        dz[:, :n] *= dz[:, 2 * n :]  # r acts through n
        dzh[:, : 2 * n] = dz[:, : 2 * n]
        np.multiply(dz[:, 2 * n :], k.z[t][:, :n], out=dzh[:, 2 * n :])  # dq = dz_n · r, (10.5)
        d.h *= k.z[t][:, n : 2 * n]  # what reaches h_{t-1} past the product, (10.6)

    def collect(self, g: Names, k: Tape) -> None:
        np.sum(k.dzh[..., 2 * self.hidden :], axis=(0, 1), out=g.bh)  # (10.7)


def four(z: Array) -> tuple[Array, Array, Array, Array]:
    """The four gates of an LSTM as views."""
    n = z.shape[-1] // 4
    return z[..., :n], z[..., n : 2 * n], z[..., 2 * n : 3 * n], z[..., 3 * n :]


def make_cell(kind: str, hidden: int) -> Cell:
    """The cell called `kind`: tanh, sigmoid, relu (the simple network), lstm or gru."""
    if kind == "lstm":
        return LSTM(hidden)
    if kind == "gru":
        return GRU(hidden)
    return Elman(hidden, kind)


CELLS = ("tanh", "sigmoid", "relu", "lstm", "gru")
