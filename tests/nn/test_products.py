"""Products in panels, or with rows of zeros, against the plain product."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlm.nn import products
from rnnlm.nn.products import MANY, NARROWEST, PANEL, SMALL, Filled, cuts, kernels, panels_of, times, times_turned

SIZES = [(1, 40, 160), (2, 3, 5), (3, 8, 12), (10, 200, 800), (10, 650, 2600), (20, 256, 768), (64, 200, 800)]


@pytest.mark.parametrize("name", ["Haswell", "SkylakeX", ""])
@pytest.mark.parametrize(("batch", "depth", "columns"), SIZES)
def test_panels_change_nothing(
    batch: int, depth: int, columns: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """x W and x Wᵀ, cut, filled up or neither, are the products, the second one in the same memory too."""
    monkeypatch.setattr(products, "kernels", lambda: name)
    rng = np.random.default_rng(1)
    w = rng.normal(size=(depth, columns))
    for steps in (1, MANY):  # the plain product, and the other
        along, back = times(w, batch, steps), times_turned(w, batch)
        for _ in range(2):
            x, y = rng.normal(size=(batch, depth)), rng.normal(size=(batch, columns))
            np.testing.assert_allclose(along(x), x @ w, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(back(y), y @ w.T, rtol=1e-9, atol=1e-9)


def test_rows_are_filled_up_to_a_multiple_of_four() -> None:
    """The rows that BLAS sees, and the rows that come back."""
    w = np.ones((2, 3))
    for batch, rows in ((2, 4), (4, 4), (10, 12)):
        filled = Filled(w, batch)
        assert len(filled.x) == rows
        assert np.array_equal(filled(np.ones((batch, 2))), np.full((batch, 3), 2.0))
        assert not filled.x[batch:].any()


def test_the_kernels_are_those_of_openblas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another BLAS has none that are known."""
    others: list[dict[str, str]] = [{"internal_api": "openmp"}, {"internal_api": "mkl"}]
    found = others
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: found)
    kernels.cache_clear()
    assert kernels() == ""
    found = [*others, {"internal_api": "openblas", "architecture": "Zen"}]
    kernels.cache_clear()
    assert kernels() == "Zen"
    kernels.cache_clear()


def test_panels_are_small_and_not_too_narrow() -> None:
    """The fewest equal panels under the limit, and none where they would be too narrow."""
    assert cuts(800, 10 * 200) == 2  # 10 x 200 x 400 = 800,000
    assert cuts(2600, 10 * 650) == 20  # 10 x 650 x 130 = 845,000; 2,600 has no divisor between 130 and 153
    assert cuts(800, 4 * 200) == 1
    assert cuts(2 * NARROWEST - 1, SMALL) == 1


def test_panels_hold_the_matrix() -> None:
    """Side by side they are W, with zeros behind its last column."""
    w = np.random.default_rng(1).normal(size=(3, 2 * PANEL + 5))
    whole = np.concatenate(list(panels_of(w)), axis=1)
    assert np.array_equal(whole[:, : w.shape[1]], w)
    assert whole.shape[1] == 3 * PANEL
    assert not whole[:, w.shape[1] :].any()
