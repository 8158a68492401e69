"""A few rows times the same matrix, step after step, as the loop over time needs it; it does not know what they mean.

BLAS rearranges ("packs") a matrix before each product, which for a few rows costs as much as the product itself.
Where OpenBLAS knows AVX-512 it leaves that out if rows x depth x columns is at most a million. So the matrix is cut
there into panels of 64 or 32 columns, each copied into one stretch of memory that begins with a cache line. Elsewhere,
cut or not, it is packed; but those products work on four rows at once, and rows left over cost more than rows of zeros
to make up four. In both cases Wᵀ is made once, since a product with a turned matrix is packed worst of all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from rnnlm.nn.arrays import Array, empty

Product = Callable[[Array], Array]

UNPACKED = ("SkylakeX", "Cooperlake", "SapphireRapids")  # OpenBLAS's kernels that leave packing out
SMALL = 1_000_000  # rows x depth x columns of a product that is not packed
FEW = 32  # rows; with more, packing is a small part
WIDE, NARROW = 64, 32  # columns of a panel; wide ones are read with fewer passes over x
SHALLOW = 64  # rows of a panel that is cut in its depth too; shallower ones lose more than they gain
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
        if cut := cut_of(batch, *w.shape):
            return Panels(w, batch, *cut)
    whole = np.ascontiguousarray(w)
    return lambda x: np.asarray(x @ whole)


def times_turned(w: Array, batch: int) -> Product:
    """x (B, N) to x Wᵀ (B, K) for W (K, N), as `times`, for any number of x: Wᵀ is copied in any case."""
    return times(w.T, batch, MANY)


class Filled:
    """x (B, K) to x W (B, N), with rows of zeros below x to make up a multiple of four."""

    def __init__(self, w: Array, batch: int) -> None:
        rows = -(-batch // FOUR) * FOUR
        self.w, self.batch = np.ascontiguousarray(w), batch
        self.x = empty((rows, w.shape[0]), w.dtype)
        self.x[batch:] = 0
        self.room = empty((rows, w.shape[1]), w.dtype)

    def __call__(self, x: Array) -> Array:
        self.x[: self.batch] = x
        return np.matmul(self.x, self.w, out=self.room)[: self.batch]


class Panels:
    """x (B, K) to x W (B, N), with W in panels of `width` columns; where `tiers` > 1 they are cut in their depth too,
    and the products of those above one another are summed."""

    def __init__(self, w: Array, batch: int, width: int, tiers: int) -> None:
        self.columns, self.tiers = w.shape[1], tiers
        self.panels = panels_of(w, width, tiers)
        count = self.panels.shape[1]
        self.room = empty((batch, count * width), w.dtype)
        self.sides = self.room.reshape(batch, count, width).transpose(1, 0, 2)  # the same memory, panel by panel
        self.parts = empty((tiers, count, batch, width), w.dtype) if tiers > 1 else self.sides[None]

    def __call__(self, x: Array) -> Array:
        np.matmul(parted(x, 1, self.tiers).swapaxes(0, 1), self.panels, out=self.parts)
        if self.tiers > 1:
            np.sum(self.parts, axis=0, out=self.sides)
        return self.room[:, : self.columns]


def panels_of(w: Array, width: int, tiers: int) -> Array:
    """W (K, N) in panels (tiers, N / width, K / tiers, width), zeros behind its last column."""
    depth, columns = w.shape
    whole = columns // width
    found = empty((tiers, -(-columns // width), depth // tiers, width), w.dtype)
    if whole:
        found[:, :whole] = parted(w[:, : whole * width], tiers, whole)
    if columns % width:
        found[:, whole:, :, columns % width :] = 0
        found[:, whole:, :, : columns % width] = parted(w[:, whole * width :], tiers, 1)
    return found


def parted(w: Array, down: int, across: int) -> Array:
    """W (K, N) as (down, across, K / down, N / across)."""
    return w.reshape(down, len(w) // down, across, w.shape[1] // across).transpose(0, 2, 1, 3)


def cut_of(batch: int, depth: int, columns: int) -> tuple[int, int] | None:
    """The columns of a panel and the number of tiers, the fewest that make each product small; None where panels would
    be too shallow."""
    if batch * depth * WIDE <= SMALL and -columns % WIDE < columns / 8:  # few zeros behind the last column
        return WIDE, 1
    for tiers in range(1, 1 + max(1, depth // SHALLOW)):
        if depth % tiers == 0 and batch * (depth // tiers) * NARROW <= SMALL:
            return NARROW, tiers
    return None
