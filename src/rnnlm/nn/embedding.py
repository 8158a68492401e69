"""Word ids to vectors, and the gradient of the rows that were used; it does not know what the vectors are for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlm.nn.arrays import Array, Ids, scatter_rows


@dataclass(frozen=True)
class RowGradient:
    """The gradient of a matrix that is zero but for a few rows: distinct `ids` (M,) and `values` (M, D)."""

    ids: Ids
    values: Array

    def add_to(self, dense: Array) -> None:
        """dense[ids] += values."""
        dense[self.ids] += self.values


def look_up(table: Array, ids: Ids, width: int) -> Array:
    """x (T, B, D): the first `width` = D columns of the rows `ids` (T, B) of `table`, equation (3.4)."""
    return np.take(table, ids, axis=0, mode="clip")[..., :width]


def look_up_back(ids: Ids, dx: Array) -> RowGradient:
    """The gradient of the table from dx (T, B, D): a row's gradient is the sum over its occurrences, equation (6.9)."""
    return RowGradient(*scatter_rows(ids.reshape(-1), dx.reshape(-1, dx.shape[-1])))
