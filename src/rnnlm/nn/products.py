"""A few rows times the same matrix, step after step, as the loop over time needs it; it does not know what they mean.

BLAS rearranges ("packs") a matrix before each product, which for a few rows costs as much as the product itself.
OpenBLAS leaves that out where rows x depth x columns is at most a million (on AVX-512; elsewhere the cuts cost little).
So the matrix is cut. For x W into panels of 32 columns, each copied into one stretch of memory, the last one filled up
with zeros. For x Wᵀ the matrix is turned once, since a product with a turned one is packed worst of all, and cut across
its rows into panels one on another, whose products are summed.
"""

from __future__ import annotations

import numpy as np

from rnnlm.nn.arrays import Array

SMALL = 1_000_000  # rows x depth x columns of a product that is not packed
FEW = 32  # rows; with more, packing is a small part
PANEL = 32  # columns of a panel for x W
NARROWEST = 64  # rows of a panel for x Wᵀ: lower ones lose more than they gain
MANY = 16  # steps that make up for copying the panels


class Times:
    """x (B, K) to x W (B, N), for `steps` of x."""

    def __init__(self, w: Array, batch: int, steps: int) -> None:
        self.w, self.panels = w, None
        if 1 < batch <= FEW and steps >= MANY and batch * len(w) * PANEL <= SMALL:
            self.panels = panels_of(w)
            self.room = np.empty((batch, len(self.panels) * PANEL), w.dtype)

    def __call__(self, x: Array) -> Array:
        """The product; the next one may lie in the same memory."""
        if self.panels is None:
            return np.asarray(x @ self.w)
        np.matmul(x, self.panels, out=sides(self.room, len(self.panels)))
        return self.room[:, : self.w.shape[1]]


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
        self.count = cuts(w.shape[1], batch * w.shape[0]) if 1 < batch <= FEW else 1
        self.turned = np.ascontiguousarray(w.T)
        self.cut = self.turned.reshape(self.count, -1, w.shape[0])
        self.parts = np.empty((self.count, batch, w.shape[0]), w.dtype)

    def __call__(self, x: Array, out: Array) -> None:
        if self.count == 1:
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
