"""Dropout masks: one draw for a whole window, scaled so that the expectation stays; it does not know what they fall on.

A mask holds 0 with probability `rate` and 1 / (1 - rate) otherwise, and serves every time step of a window (Gal and
Ghahramani 2016). Masks are drawn for the whole batch and then sliced, so that the number of workers that share a batch
changes nothing. Masks on the recurrent weights are DropConnect (Merity, Keskar and Socher 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnlm.nn.arrays import Array, Shape


@dataclass(frozen=True)
class Dropout:
    """Rates: of every layer's output, of the embedding's output, of whole words of the input, of recurrent weights."""

    output: float = 0.0
    input: float = 0.0
    words: float = 0.0
    weights: float = 0.0


@dataclass(frozen=True)
class Masks:
    """The masks of one window: `input` (B, D), `words` (V, 1), and for each of L layers `output` (B, H) and `weights`
    (H, G·H).

    A network that reads from both sides has such masks for its other stack in `back`, and in `blanks` (T, B) the input
    words that are replaced by the blank.
    """

    input: Array | None = None
    words: Array | None = None
    output: Sequence[Array | None] = ()
    weights: Sequence[Array | None] = ()
    back: Masks | None = None
    blanks: NDArray[np.bool_] | None = None

    def of_rows(self, part: slice) -> Masks:
        """The masks of some sequences of the batch."""
        first, *rest = (None if drop is None else drop[part] for drop in (self.input, *self.output))
        back = None if self.back is None else self.back.of_rows(part)
        blanks = None if self.blanks is None else self.blanks[:, part]
        return Masks(first, self.words, rest, self.weights, back, blanks)

    def of_output(self, level: int) -> Array | None:
        return self.output[level] if self.output else None

    def of_weights(self, level: int) -> Array | None:
        return self.weights[level] if self.weights else None


def draw(rng: np.random.Generator, shape: Shape, rate: float, dtype: DTypeLike = np.float32) -> Array | None:
    """A mask of `shape` (11.1), or None where nothing is dropped."""
    if rate == 0:
        return None
    keep = rng.random(shape, np.float32) >= rate
    return np.multiply(keep, 1 / (1 - rate), dtype=dtype)


def apply(x: Array, drop: Array | None) -> Array:
    """x times the mask, or x itself where there is none."""
    return x if drop is None else x * drop
