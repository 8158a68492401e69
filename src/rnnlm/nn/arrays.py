"""The few array helpers that every layer shares: types, named views of one flat vector, and the tape; no formulas.

Shapes are written in one alphabet: T time steps, B batch, D input size, H hidden size, V vocabulary, N = T·B rows.
Arrays are time-major, (T, B, ·).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
Ids: TypeAlias = NDArray[np.integer[Any]]
Shape: TypeAlias = tuple[int, ...]


LINE = 64  # bytes of a cache line, and of a register of AVX-512
SEVERAL = 6  # occurrences of an id that are summed with those of others; more are rare, and would be many passes


def empty(shape: Shape, dtype: DTypeLike = np.float32) -> Array:
    """An undefined array that begins where a line of the cache does. Those of NumPy mostly begin 16 bytes behind: then
    half the loads of AVX2 and all those of AVX-512 touch two lines, and exp takes a fifth longer."""
    size = prod(shape) * np.dtype(dtype).itemsize
    found: Array = from_line(np.empty(size + LINE, np.uint8)).view(dtype).reshape(shape)
    return found


def from_line(raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """All but LINE of these bytes, from the first line of the cache on."""
    start = -raw.ctypes.data % LINE
    return raw[start : start + len(raw) - LINE]


def rows(x: Array) -> Array:
    """(T, B, ·) seen as (T·B, ·): one product for all time steps is twice as fast as T small ones."""
    return x.reshape(-1, x.shape[-1])


class Names:
    """Arrays under attribute names: the parameters of one layer, or the symbols of the derivation on its tape."""

    def __init__(self, **arrays: Array) -> None:
        self.__dict__.update(arrays)

    def __getattr__(self, name: str) -> Array:
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Array) -> None:
        self.__dict__[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__


class Tape(Names):
    """What the forward pass leaves for the backward pass, and their workspace: allocated once for a (T, B)."""


class Parameters:
    """All parameters (or all gradients) as one flat vector with named views: `p["rnn.0.Wx"]`, `p.layer("rnn.0").Wx`.

    One vector makes the optimizer, clipping, averaging and a gradient reduction a line each.
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: DTypeLike = np.float32, flat: Array | None = None) -> None:
        self.shapes = dict(shapes)
        size = sum(prod(shape) for shape in self.shapes.values())
        self.flat: Array = np.zeros(size, dtype) if flat is None else flat
        if self.flat.size != size:
            raise ValueError(f"{size} parameters need a vector of that size, not of {self.flat.size}")
        self.views: dict[str, Array] = {}
        self.spans: dict[str, slice] = {}
        at = 0
        for name, shape in self.shapes.items():
            span = slice(at, at + prod(shape))
            self.views[name] = self.flat[span].reshape(shape)
            self.spans[name] = span
            at = span.stop
        self._layers: dict[str, Names] = {}

    def __getitem__(self, name: str) -> Array:
        return self.views[name]

    def layer(self, prefix: str) -> Names:
        """The views whose name is `prefix.X`, under the attribute X."""
        if prefix not in self._layers:
            start = prefix + "."
            found = {name[len(start) :]: view for name, view in self.views.items() if name.startswith(start)}
            self._layers[prefix] = Names(**found)
        return self._layers[prefix]

    def like(self) -> Parameters:
        """Zeros of the same shapes and type."""
        return Parameters(self.shapes, self.flat.dtype)

    def astype(self, dtype: DTypeLike) -> Parameters:
        """A copy in another precision: float64 for gradient checks."""
        return Parameters(self.shapes, dtype, self.flat.astype(dtype))


def scatter_rows(ids: Ids, values: Array) -> tuple[Ids, Array]:
    """Sums the rows of `values` (N, D) that share an id; gives the distinct ids (M,) and their sums (M, D).

    A stable sort brings equal ids together. Most ids of a window occur a few times: their second occurrences are added
    all at once, then their third. The rows of each of the others are summed alone. That is ten times faster than
    `np.add.at` and several times faster than `np.add.reduceat`.
    """
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ids)])
    counts = np.diff(first, append=len(ordered))
    sums = values[order[first]]
    for number in range(1, SEVERAL):
        some = np.flatnonzero((counts > number) & (counts <= SEVERAL))
        sums[some] += values[order[first[some] + number]]
    for at in np.flatnonzero(counts > SEVERAL):
        np.sum(values[order[first[at] : first[at] + counts[at]]], axis=0, out=sums[at])
    return ordered[first], sums
