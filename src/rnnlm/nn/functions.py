"""Element-wise functions and their derivatives, in place: each derivative needs only the function's own output.

The derivatives are equation (3.3) of docs/derivation.md.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rnnlm.nn.arrays import Array


def sigmoid(z: Array) -> None:
    """z <- 1 / (1 + exp(-z)). Large -z overflows to infinity, whose reciprocal is the right 0."""
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    np.reciprocal(z, out=z)


class Activation(Protocol):
    """f of the simple network, and f' written with y = f(z)."""

    def __call__(self, z: Array, out: Array) -> None:
        """out <- f(z); z is spent."""
        ...

    def slope(self, y: Array, out: Array) -> None:
        """out <- f'(z), found from y = f(z)."""
        ...


class Tanh:
    """f(z) = tanh z, f' = 1 - y²."""

    def __call__(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def slope(self, y: Array, out: Array) -> None:
        np.multiply(y, y, out=out)
        np.subtract(1, out, out=out)


class Sigmoid:
    """f(z) = 1 / (1 + exp(-z)), f' = y (1 - y)."""

    def __call__(self, z: Array, out: Array) -> None:
        sigmoid(z)
        out[...] = z

    def slope(self, y: Array, out: Array) -> None:
        np.subtract(1, y, out=out)
        out *= y


class ReLU:
    """f(z) = max(0, z), f' = 1 where y > 0, else 0."""

    def __call__(self, z: Array, out: Array) -> None:
        np.maximum(z, 0, out=out)

    def slope(self, y: Array, out: Array) -> None:
        np.greater(y, 0, out=out, casting="unsafe")


ACTIVATIONS: dict[str, Activation] = {"tanh": Tanh(), "sigmoid": Sigmoid(), "relu": ReLU()}


def log_softmax(z: Array) -> Array:
    """z <- log(exp(z) / Σ exp(z)) along the last axis, safe for any z; gives z."""
    z -= z.max(axis=-1, keepdims=True)
    z -= np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return z
