"""A few rows times the same matrix, step after step, as the loop over time needs it; it does not know what they mean.

BLAS rearranges ("packs") a matrix before each product, which for a few rows costs as much as the product itself.
OpenBLAS leaves that out where rows x depth x columns is at most a million (on AVX-512; elsewhere the cuts cost little).
So the matrix is cut into panels that are as small: side by side for x W, and one on another, their products summed, for
x Wᵀ, whose matrix is turned once, since a product with a turned matrix is packed worst of all.
"""

from __future__ import annotations

import numpy as np

from rnnlm.nn.arrays import Array

SMALL = 1_000_000  # rows x depth x columns of a product that is not packed
NARROWEST = 64  # columns of a panel: narrower ones lose more than they gain
FEW, FEW_TURNED = 24, 32  # rows; with more, packing is a small part
MANY = 16  # steps that make up for copying each panel into one stretch of memory


class Times:
    """x (B, K) to x W (B, N), for `steps` of x."""

    def __init__(self, w: Array, batch: int, steps: int) -> None:
        self.w = w
        self.count = panels(w.shape[1], batch * w.shape[0]) if 1 < batch <= FEW else 1
        self.cut = sides(w, self.count)
        if self.count > 1 and steps >= MANY:
            self.cut = np.ascontiguousarray(self.cut)

    def __call__(self, x: Array, out: Array) -> None:
        if self.count == 1:
            np.matmul(x, self.w, out=out)
        else:
            np.matmul(x, self.cut, out=sides(out, self.count))


class TimesTurned:
    """x (B, N) to x Wᵀ (B, K) for W (K, N)."""

    def __init__(self, w: Array, batch: int) -> None:
        self.count = panels(w.shape[1], batch * w.shape[0]) if 1 < batch <= FEW_TURNED else 1
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


def panels(columns: int, rest: int) -> int:
    """Into how many equal panels to cut: the fewest that make each product small, or 1 where they would be narrow."""
    for count in range(1, columns // NARROWEST + 1):
        if columns % count == 0 and columns // count * rest <= SMALL:
            return count
    return 1
