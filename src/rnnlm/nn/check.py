"""Gradients compared with finite differences along random directions; it does not know what function it checks.

For a direction v, the fourth-order difference quotient of f should be ∇f · v (13.1). A random direction sees every
element at once, so a few of them check a whole model (the idea of HIPS/autograd's test utilities). float64 only: in
float32 the difference is lost in rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnlm.nn.arrays import Array

# With the first one the quotient's own error stays below 1e-9 where f is smooth. The smaller ones are for a direction
# that fails: there a kink of ReLU may lie within the step.
EPSILONS = 3e-5, 3e-6, 3e-7
ENOUGH = 1e-7  # a direction with an error below this has not failed


def relative_error(
    f: Callable[[], float], x: Array, gradient: Array, rng: np.random.Generator, directions: int = 3
) -> float:
    """The largest relative error, over random directions, of `gradient` of f at x; f reads x, which is put back after.

    x and gradient have one shape; x is float64 and is changed in place. The error is relative to the larger of the two
    and of |gradient|, which is what ∇f · v is on average: a direction in which it happens to be near 0 proves nothing.
    A direction that fails is tried again with smaller steps, and its smallest error counts.
    """
    if x.dtype != np.float64:
        raise TypeError("a gradient check needs float64")
    worst = 0.0
    for _ in range(directions):
        v = rng.normal(size=x.shape)
        v /= np.sqrt(np.mean(v * v)) or 1.0
        analytic, error = float(np.sum(gradient * v)), np.inf
        for epsilon in EPSILONS:
            numeric = difference(f, x, epsilon * v) / epsilon
            size = max(abs(numeric), abs(analytic), float(np.linalg.norm(gradient)), 1e-6)
            error = min(error, abs(numeric - analytic) / size)
            if error < ENOUGH:
                break
        worst = max(worst, error)
    return worst


def difference(f: Callable[[], float], x: Array, step: Array) -> float:
    """(8(f₊ - f₋) - (f₊₊ - f₋₋)) / 12 with f at x ± step and at x ± 2 step, near ∇f · step; x is put back after."""
    kept, values = x.copy(), []
    for distance in (1, -1, 2, -2):
        x[...] = kept + distance * step
        values.append(f())
    x[...] = kept
    near, near_, far, far_ = values
    return (8 * (near - near_) - (far - far_)) / 12
