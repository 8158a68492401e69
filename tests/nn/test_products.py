"""Products in panels, or with rows of zeros, against the plain product."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlm.nn import products
from rnnlm.nn.arrays import LINE, Names, Parameters
from rnnlm.nn.cells import make_cell
from rnnlm.nn.products import (
    MANY,
    NARROW,
    SHALLOW,
    WIDE,
    Filled,
    Panels,
    cut_of,
    kernels,
    panels_of,
    times,
    times_turned,
)
from rnnlm.nn.recurrent import Recurrent

SIZES = [
    (1, 40, 160),
    (2, 3, 5),
    (3, 8, 12),
    (10, 200, 800),
    (10, 650, 2600),
    (20, 256, 768),
    (32, 320, 1280),
    (64, 200, 800),
]


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


@pytest.mark.parametrize("kind", ["tanh", "lstm", "gru"])
def test_a_layer_with_each_product(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs and gradients of a layer do not tell how its products are made, results in the same memory or not."""
    batch, inputs, hidden = 3, 2, 66
    rng = np.random.default_rng(1)
    layer = Recurrent(inputs, make_cell(kind, hidden))
    p = Parameters(layer.shapes(), np.float64)
    p.flat[:] = 0.2 * rng.normal(size=p.flat.size)
    x, dy = rng.normal(size=(MANY, batch, inputs)), rng.normal(size=(MANY, batch, hidden))
    resets = [np.array([1]) if t == 5 else None for t in range(MANY)]
    found, made = [], set[str]()
    for name in ("", "Haswell", "SkylakeX"):
        monkeypatch.setattr(products, "kernels", lambda name=name: name)
        made.add(type(times(p["Wh"], batch, MANY)).__name__)
        g, k = p.like(), layer.tape(MANY, batch, np.float64)
        y, _ = layer.forward(Names(**p.views), x, layer.start(batch, np.float64), k, resets)
        dx, _ = layer.backward(Names(**p.views), Names(**g.views), dy, k, resets)
        found.append(np.concatenate([y.ravel(), dx.ravel(), g.flat]))
    assert made == {"function", "Filled", "Panels"}
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-9, atol=1e-9)


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


def test_panels_are_small_and_not_too_shallow() -> None:
    """Wide where that is small and leaves few zeros, else narrow; in tiers where even narrow ones are not small."""
    assert cut_of(10, 200, 800) == (WIDE, 1)  # 10 x 200 x 64 = 128,000
    assert cut_of(10, 800, 200) == (NARROW, 1)  # 256 columns instead of 200 would be a quarter more
    assert cut_of(10, 2600, 650) == (NARROW, 1)  # 10 x 2600 x 64 would be 1,664,000
    assert cut_of(32, 1280, 320) == (NARROW, 2)
    assert cut_of(10, 50, 200) == (NARROW, 1)
    assert cut_of(32, 1281, 320) == (NARROW, 3)
    assert cut_of(32, 1277, 320) is None  # a prime number
    assert cut_of(32, 1282, 320) == (NARROW, 2)
    assert cut_of(1000, 2 * SHALLOW - 1, 320) is None


@pytest.mark.parametrize(("width", "tiers"), [(NARROW, 1), (NARROW, 2), (WIDE, 3)])
def test_panels_hold_the_matrix(width: int, tiers: int) -> None:
    """Side by side and one on another they are W, with zeros behind its last column, turned or not."""
    w = np.random.default_rng(1).normal(size=(6, 2 * width + 5))
    for given in (w, np.asfortranarray(w)):
        panels = panels_of(given, width, tiers)
        whole = np.concatenate([np.concatenate(list(tier), axis=1) for tier in panels])
        assert np.array_equal(whole[:, : w.shape[1]], w)
        assert whole.shape[1] == 3 * width
        assert not whole[:, w.shape[1] :].any()


def test_panels_begin_with_a_line() -> None:
    """Every panel, and what a product is written to."""
    found = Panels(np.ones((10, 100), np.float32), 3, NARROW, 1)
    assert [panel.ctypes.data % LINE for panel in found.panels[0]] == [0, 0, 0, 0]
    assert found.room.ctypes.data % LINE == 0
