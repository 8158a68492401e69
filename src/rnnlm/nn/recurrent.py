"""One recurrent layer: the loop over time and the three products, forward and back; it does not know its cell's
formulas.

Forward, for t = 1..T:   z_t = x_t Wx + b,   (h_t, c_t) = cell(z_t, h_{t-1} Wh, c_{t-1}),   equation (3.1).
Backward carries δ_t = dz_t (6.1) along time through Whᵀ and along depth through Wxᵀ. The steps along time (6.2) make up
the product (6.3), which may vanish or explode (8.1). The gradients of Wh (6.6) and Wx (6.7) are sums over the time
steps, here one product over all of them (6.8). Equation numbers are those of docs/derivation.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from rnnlm.nn.arrays import Array, Ids, Names, Shape, Tape, empty, rows
from rnnlm.nn.cells import Cell
from rnnlm.nn.products import times, times_turned

CACHED = 1 << 17  # elements of z that are prepared at once: few enough to stay in the cache until they are used

LayerState = tuple[Array, ...]  # h (B, H), and c (B, H) for an LSTM
Resets = Sequence["Ids | None"]  # for each t the sequences of the batch that begin anew before reading x_t


class Recurrent:
    """A layer of H units over inputs of size D, with parameters Wx (D, G·H), Wh (H, G·H), b (G·H)."""

    def __init__(self, inputs: int, cell: Cell) -> None:
        self.inputs = inputs
        self.cell = cell
        self.hidden = cell.hidden

    def shapes(self) -> dict[str, Shape]:
        width = self.cell.gates * self.hidden
        return {"Wx": (self.inputs, width), "Wh": (self.hidden, width), "b": (width,)} | self.cell.shapes()

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> LayerState:
        """The state before the first word: zeros."""
        return tuple(np.zeros((batch, self.hidden), dtype) for _ in self.cell.slots)

    def tape(self, steps: int, batch: int, dtype: DTypeLike = np.float32) -> Tape:
        """Workspace for T steps of B sequences. `h` and `c` have one row more: h[t] enters step t, h[t+1] leaves it."""
        width = self.cell.gates * self.hidden
        k = Tape(z=empty((steps, batch, width), dtype))
        for slot in self.cell.slots:
            setattr(k, slot, empty((steps + 1, batch, self.hidden), dtype))
        self.cell.reserve(k, steps, batch)
        return k

    def forward(
        self, p: Names, x: Array, state: LayerState, k: Tape, resets: Resets | None = None
    ) -> tuple[Array, LayerState]:
        """x (T, B, D) and the state before it; gives the outputs (T, B, H), views into the tape, and the state after
        it."""
        k.x = x
        for slot, value in zip(self.cell.slots, state, strict=True):
            getattr(k, slot)[0] = value
        np.matmul(rows(x), p.Wx, out=rows(k.z))  # (4.1)
        k.z += p.b
        if resets is None:
            k.y = k.h[1:]
        else:  # a reset clears h[t] for step t, so the output of step t-1 needs a place of its own
            k.y = empty(k.h[1:].shape, k.h.dtype)
        times_wh = times(p.Wh, x.shape[1], len(x))
        with np.errstate(over="ignore"):
            for t in range(len(x)):
                if resets is not None and resets[t] is not None:
                    for slot in self.cell.slots:
                        getattr(k, slot)[t][resets[t]] = 0  # (4.3)
                self.cell.step(p, k, t, times_wh(k.h[t]))
                if resets is not None:
                    k.y[t] = k.h[t + 1]
        return k.y, tuple(getattr(k, slot)[-1].copy() for slot in self.cell.slots)

    def backward(
        self,
        p: Names,
        g: Names,
        dy: Array,
        k: Tape,
        resets: Resets | None = None,
        dstate: LayerState | None = None,
    ) -> tuple[Array, LayerState]:
        """dy (T, B, H), and the gradient of the state after the last step; writes g, gives dx (T, B, D) and that of
        the first state."""
        if "dz" not in k:  # a tape used for reading only has no need of these
            k.dz = empty(k.z.shape, k.z.dtype)
            k.dzh = empty(k.z.shape, k.z.dtype) if self.cell.bypass else k.dz
            k.dx = empty(k.x.shape, k.x.dtype)
        d = Tape()
        for slot in self.cell.slots:
            setattr(d, slot, np.zeros_like(k.h[0]))
        if dstate is not None:
            for slot, value in zip(self.cell.slots, dstate, strict=True):
                getattr(d, slot)[...] = value
        times_wh_turned = times_turned(p.Wh, dy.shape[1])
        stretch = max(1, CACHED // k.z[0].size)
        for t in reversed(range(len(dy))):
            if (t + 1) % stretch == 0 or t == len(dy) - 1:
                self.cell.prepare(k, slice(t - t % stretch, t + 1))
            d.h += dy[t]
            self.cell.step_back(k, t, d)
            if self.cell.bypass:
                d.h += times_wh_turned(k.dzh[t])  # (10.6)
            else:
                d.h[...] = times_wh_turned(k.dzh[t])  # (6.4), (9.7); at the first step (6.10)
            if resets is not None and resets[t] is not None:
                for slot in self.cell.slots:
                    getattr(d, slot)[resets[t]] = 0
        np.matmul(rows(k.x).T, rows(k.dz), out=g.Wx)
        np.matmul(rows(k.h[:-1]).T, rows(k.dzh), out=g.Wh)  # the extra first row of h makes h_{t-1} a slice
        np.sum(rows(k.dz), axis=0, out=g.b)
        self.cell.collect(g, k)  # (10.7)
        np.matmul(rows(k.dz), p.Wx.T, out=rows(k.dx))
        return k.dx, tuple(getattr(d, slot) for slot in self.cell.slots)
