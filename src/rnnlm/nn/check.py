"""Gradients compared with finite differences along random directions; it does not know what function it checks.

For a direction v, (f(p + εv) - f(p - εv)) / 2ε should be ∇f · v (13.1). A random direction sees every element at
once, so a few of them check a whole model (the idea of HIPS/autograd's test utilities). float64 only: in float32 the
difference is lost in rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnlm.nn.arrays import Array


def relative_error(
    f: Callable[[], float],
    x: Array,
    gradient: Array,
    rng: np.random.Generator,
    directions: int = 3,
    epsilon: float = 3e-5,
) -> float:
    """The largest relative error, over random directions, of `gradient` of f at x; f reads x, which is put back after.

    x and gradient have one shape; x is float64 and is changed in place. The difference quotient is the fourth-order
    one, (8(f₊ - f₋) - (f₊₊ - f₋₋)) / 12ε, whose own error stays below 1e-9 here. The error is relative to the larger
    of the two and of |gradient|, which is what ∇f · v is on average: a direction in which it happens to be near 0
    proves nothing.
    """
    if x.dtype != np.float64:
        raise TypeError("a gradient check needs float64")
    kept = x.copy()
    worst = 0.0
    for _ in range(directions):
        v = rng.normal(size=x.shape)
        v /= np.sqrt(np.mean(v * v)) or 1.0
        values = []
        for distance in (1, -1, 2, -2):
            x[...] = kept + distance * epsilon * v
            values.append(f())
        x[...] = kept
        near, near_, far, far_ = values
        numeric = (8 * (near - near_) - (far - far_)) / (12 * epsilon)
        analytic = float(np.sum(gradient * v))
        size = max(abs(numeric), abs(analytic), float(np.linalg.norm(gradient)), 1e-6)
        worst = max(worst, abs(numeric - analytic) / size)
    return worst
