"""Products in panels against the plain product."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlm.nn.products import MANY, NARROWEST, PANEL, SMALL, Times, TimesTurned, cuts, panels_of

SIZES = [(1, 40, 160), (2, 3, 5), (10, 200, 800), (10, 650, 2600), (20, 256, 768), (64, 200, 800)]


@pytest.mark.parametrize(("batch", "depth", "columns"), SIZES)
def test_panels_change_nothing(batch: int, depth: int, columns: int) -> None:
    """x W and x Wᵀ, cut or not, are the products."""
    rng = np.random.default_rng(1)
    w = rng.normal(size=(depth, columns))
    x, y = rng.normal(size=(batch, depth)), rng.normal(size=(batch, columns))
    back = np.empty_like(x)
    for steps in (1, MANY):  # the plain product, and the one in panels
        np.testing.assert_allclose(Times(w, batch, steps)(x), x @ w, rtol=1e-9, atol=1e-9)
    TimesTurned(w, batch)(y, back)
    np.testing.assert_allclose(back, y @ w.T, rtol=1e-9, atol=1e-9)


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
