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

import numpy as np

from rnnlm.nn.arrays import Array

UNPACKED = ("SkylakeX", "Cooperlake", "SapphireRapids")  # OpenBLAS's kernels that leave packing out
SMALL = 1_000_000  # rows x depth x columns of a product that is not packed
FEW = 32  # rows; with more, packing is a small part
PANEL = 32  # columns of a panel for x W
NARROWEST = 64  # rows of a panel for x Wᵀ: lower ones lose more than they gain
MANY = 16  # steps that make up for copying the panels
FOUR = 4  # rows that a packed product works on at once


@functools.cache
def packs() -> bool:
    """Does this machine's BLAS pack the matrix of small products too?"""
    from threadpoolctl import threadpool_info  # 10 ms, and most runs of the program never ask

    return not any(blas.get("architecture") in UNPACKED for blas in threadpool_info())


class Times:
    """x (B, K) to x W (B, N), for `steps` of x."""

    def __init__(self, w: Array, batch: int, steps: int) -> None:
        self.w, self.panels, self.filled = w, None, None
        if not 1 < batch <= FEW or steps < MANY:
            return
        if packs():
            self.filled = Filled(w, batch)
        elif batch * len(w) * PANEL <= SMALL:
            self.panels = panels_of(w)
            self.room = np.empty((batch, len(self.panels) * PANEL), w.dtype)

    def __call__(self, x: Array) -> Array:
        """The product; the next one may lie in the same memory."""
        if self.filled is not None:
            return self.filled(x)
        if self.panels is None:
            return np.asarray(x @ self.w)
        np.matmul(x, self.panels, out=sides(self.room, len(self.panels)))
        return self.room[:, : self.w.shape[1]]


class Filled:
    """x (B, K) to x W (B, N), with rows of zeros below x to make up a multiple of four."""

    def __init__(self, w: Array, batch: int) -> None:
        rows = -(-batch // FOUR) * FOUR
        self.w, self.batch = w, batch
        self.x = np.zeros((rows, w.shape[0]), w.dtype)
        self.room = np.empty((rows, w.shape[1]), w.dtype)

    def __call__(self, x: Array) -> Array:
        """The product; the next one lies in the same memory."""
        self.x[: self.batch] = x
        return np.matmul(self.x, self.w, out=self.room)[: self.batch]


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


class TimesTurned:
    """x (B, N) to x Wᵀ (B, K) for W (K, N)."""

    def __init__(self, w: Array, batch: int) -> None:
        self.turned = np.ascontiguousarray(w.T)
        self.filled, self.count = None, 1
        if 1 < batch <= FEW:
            if packs():
                self.filled = Filled(self.turned, batch)
            else:
                self.count = cuts(w.shape[1], batch * w.shape[0])
        self.cut = self.turned.reshape(self.count, -1, w.shape[0])
        self.parts = np.empty((self.count, batch, w.shape[0]), w.dtype)

    def __call__(self, x: Array, out: Array) -> None:
        if self.filled is not None:
            out[...] = self.filled(x)
        elif self.count == 1:
            np.matmul(x, self.turned, out=out)
        else:
            np.matmul(sides(x, self.count), self.cut, out=self.parts)
            np.sum(self.parts, axis=0, out=out)


def sides(w: Array, count: int) -> Array:
    """(K, N) seen as `count` panels (count, K, N / count)."""
    return w.reshape(len(w), count, -1).transpose(1, 0, 2)


def cuts(length: int, rest: int) -> int:
    """Into how many equal panels to cut: the fewest that make each product small, or 1 where they would be narrow."""
    for count in range(1, length // NARROWEST + 1):
        if length % count == 0 and length // count * rest <= SMALL:
            return count
    return 1
