"""The helpers that every layer shares, against the obvious way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlm.nn.arrays import LINE, SEVERAL, empty, scatter_rows


@given(st.lists(st.integers(0, 4), max_size=8 * SEVERAL), st.integers(1, 3))
def test_rows_are_summed_by_id(drawn: list[int], width: int) -> None:
    """Ids that occur once, several times and often, against a sum one by one."""
    ids = np.array(drawn, dtype=int)
    values = np.random.default_rng(len(ids)).normal(size=(len(ids), width))
    table = np.zeros((5, width))
    np.add.at(table, ids, values)
    distinct, sums = scatter_rows(ids, values)
    assert distinct.tolist() == sorted(set(drawn))
    np.testing.assert_allclose(sums, table[distinct], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_begins_with_a_line(dtype: type) -> None:
    for size in (1, 17, 100_000):
        found = empty((size, 3), dtype)
        assert found.shape == (size, 3)
        assert found.dtype == dtype
        assert found.flags.c_contiguous
        assert found.ctypes.data % LINE == 0
