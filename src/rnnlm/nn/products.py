"""A few rows times the same matrix, step after step, as the loop over time needs it; it does not know what they mean.

BLAS rearranges ("packs") a matrix before each product, which for a few rows costs as much as the product itself.
Where OpenBLAS knows AVX-512 it leaves that out if rows x depth x columns is at most a million. So the matrix is cut
there: for x W into panels of 32 columns, each copied into one stretch of memory, the last one filled up with zeros; for
x Wᵀ across its rows into panels one on another, whose products are summed. Elsewhere, cut or not, it is packed; but
those products work on four rows at once, and rows left over cost more than rows of zeros to make up four. In both cases
Wᵀ is made once, since a product with a turned matrix is packed worst of all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from rnnlm.nn.arrays import Array

Product = Callable[[Array], Array]

UNPACKED = ("SkylakeX", "Cooperlake", "SapphireRapids")  # OpenBLAS's kernels that leave packing out
SMALL = 1_000_000  # rows x depth x columns of a product that is not packed
FEW = 32  # rows; with more, packing is a small part
PANEL = 32  # columns of a panel for x W
NARROWEST = 64  # rows of a panel for x Wᵀ: lower ones lose more than they gain
MANY = 16  # steps that make up for copying the panels
FOUR = 4  # rows that a packed product works on at once


@functools.cache
def kernels() -> str:
    """The name of OpenBLAS's kernels for this machine; empty for another BLAS, of which nothing is known."""
    from threadpoolctl import threadpool_info  # 10 ms, and most runs of the program never ask

    found = [blas["architecture"] for blas in threadpool_info() if blas["internal_api"] == "openblas"]
    return str(found[0] or "") if found else ""


def times(w: Array, batch: int, steps: int) -> Product:
    """x (B, K) to x W (B, N), for `steps` of x. A result may lie in the memory of the one before."""
    if 1 < batch <= FEW and steps >= MANY and kernels():
        if kernels() not in UNPACKED:
            return Filled(w, batch)
        if batch * len(w) * PANEL <= SMALL:
            return SideBySide(w, batch)
    return lambda x: np.asarray(x @ w)


def times_turned(w: Array, batch: int) -> Product:
    """x (B, N) to x Wᵀ (B, K) for W (K, N). A result may lie in the memory of the one before."""
    turned = np.ascontiguousarray(w.T)
    if 1 < batch <= FEW and kernels():
        if kernels() not in UNPACKED:
            return Filled(turned, batch)
        if (count := cuts(len(turned), batch * len(w))) > 1:
            return OneOnAnother(turned, batch, count)
    return lambda x: np.asarray(x @ turned)


class Filled:
    """x (B, K) to x W (B, N), with rows of zeros below x to make up a multiple of four."""

    def __init__(self, w: Array, batch: int) -> None:
        rows = -(-batch // FOUR) * FOUR
        self.w, self.batch = w, batch
        self.x = np.zeros((rows, w.shape[0]), w.dtype)
        self.room = np.empty((rows, w.shape[1]), w.dtype)

    def __call__(self, x: Array) -> Array:
        self.x[: self.batch] = x
        return np.matmul(self.x, self.w, out=self.room)[: self.batch]


class SideBySide:
    """x (B, K) to x W (B, N), with W in panels of some columns."""

    def __init__(self, w: Array, batch: int) -> None:
        self.columns, self.panels = w.shape[1], panels_of(w)
        self.room = np.empty((batch, len(self.panels) * PANEL), w.dtype)

    def __call__(self, x: Array) -> Array:
        np.matmul(x, self.panels, out=sides(self.room, len(self.panels)))
        return self.room[:, : self.columns]


class OneOnAnother:
    """x (B, K) to x W (B, N), with W in `count` panels of some rows."""

    def __init__(self, w: Array, batch: int, count: int) -> None:
        self.panels = w.reshape(count, -1, w.shape[1])
        self.parts = np.empty((count, batch, w.shape[1]), w.dtype)
        self.room = np.empty((batch, w.shape[1]), w.dtype)

    def __call__(self, x: Array) -> Array:
        np.matmul(sides(x, len(self.panels)), self.panels, out=self.parts)
        return np.asarray(np.sum(self.parts, axis=0, out=self.room))


def panels_of(w: Array) -> Array:
    """W (K, N) in panels (count, K, PANEL), zeros behind its last column."""
    depth, columns = w.shape
    whole = columns // PANEL
    found = np.zeros((-(-columns // PANEL), depth, PANEL), w.dtype)
    if whole:
        found[:whole] = sides(w[:, : whole * PANEL], whole)
    if columns % PANEL:
        found[whole, :, : columns % PANEL] = w[:, whole * PANEL :]
    return found


def sides(w: Array, count: int) -> Array:
    """(K, N) seen as `count` panels (count, K, N / count)."""
    return w.reshape(len(w), count, -1).transpose(1, 0, 2)


def cuts(length: int, rest: int) -> int:
    """Into how many equal panels to cut: the fewest that make each product small, or 1 where they would be narrow."""
    for count in range(1, length // NARROWEST + 1):
        if length % count == 0 and length // count * rest <= SMALL:
            return count
    return 1
