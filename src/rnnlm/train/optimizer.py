"""How a gradient becomes a step: SGD, momentum, AdaGrad, RMSprop, Adam and AdamW; it does not know whose parameters
they are.

Each optimizer is a few in-place lines over arrays of one shape: parameters, gradient, and its own slots. Long vectors
are walked in pieces that stay in the cache. Rows of an embedding that a window did not touch are not stepped at all:
their slots keep their value and their decay waits until they are touched again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from rnnlm.config import Train
from rnnlm.nn.arrays import Array

PIECE = 1 << 16


class Optimizer:
    """weight := weight - rate · gradient, the rule of the derivation."""

    slots: ClassVar[int] = 0

    def __init__(self, settings: Train) -> None:
        self.settings = settings
        self.scratch: list[Array] = []

    def step(self, p: Array, g: Array, slots: Sequence[Array], rate: float, t: int, factor: float = 1.0) -> None:
        """One step of the parameters p (n,) along `factor` times g (n,); t counts steps from 1.

        Each piece of g is copied into the cache, and spent there: to write to g itself would send it back to memory.
        """
        for part in pieces(slice(0, p.size)):
            own = [slot[part] for slot in slots]
            gradient = np.multiply(g[part], factor, out=self.spare(p[part], 1))
            self.decay(p[part], gradient, rate)
            self.update(p[part], gradient, own, rate, t)

    def decay(self, p: Array, g: Array, rate: float) -> None:
        """Weight decay as a penalty: decay/2 · |p|² joins the loss."""
        if self.settings.decay:
            g += np.multiply(p, self.settings.decay, out=self.spare(p, 0))

    def update(self, p: Array, g: Array, slots: Sequence[Array], rate: float, t: int) -> None:
        g *= rate
        p -= g

    def spare(self, like: Array, which: int) -> Array:
        """Scratch memory of the size of a piece."""
        while len(self.scratch) <= which:
            self.scratch.append(np.empty(PIECE, like.dtype))
        return self.scratch[which][: like.size]


class Momentum(Optimizer):
    """v := momentum · v + g;  p := p - rate · v  (Polyak 1964)."""

    slots = 1

    def update(self, p: Array, g: Array, slots: Sequence[Array], rate: float, t: int) -> None:
        (v,) = slots
        v *= self.settings.momentum
        v += g
        p -= np.multiply(v, rate, out=g)


class AdaGrad(Optimizer):
    """s := s + g²;  p := p - rate · g / (√s + ε)  (Duchi 2011)."""

    slots = 1

    def update(self, p: Array, g: Array, slots: Sequence[Array], rate: float, t: int) -> None:
        (s,) = slots
        tmp = self.spare(p, 0)
        s += np.multiply(g, g, out=tmp)
        scaled(g, s, rate, 1e-10, tmp)
        p -= g


class RMSprop(Optimizer):
    """s := β s + (1 - β) g²;  p := p - rate · g / (√s + ε)  (Hinton 2012)."""

    slots = 1

    def update(self, p: Array, g: Array, slots: Sequence[Array], rate: float, t: int) -> None:
        (s,) = slots
        tmp = self.spare(p, 0)
        blend(s, np.multiply(g, g, out=tmp), self.settings.beta2)
        scaled(g, s, rate, 1e-8, tmp)
        p -= g


class Adam(Optimizer):
    """m := β₁ m + (1 - β₁) g;  s := β₂ s + (1 - β₂) g²;  p := p - rate · m̂ / (√ŝ + ε)  (Kingma and Ba 2015)."""

    slots = 2

    def update(self, p: Array, g: Array, slots: Sequence[Array], rate: float, t: int) -> None:
        m, s = slots
        tmp, beta1, beta2 = self.spare(p, 0), self.settings.momentum, self.settings.beta2
        blend(s, np.multiply(g, g, out=tmp), beta2)
        blend(m, g, beta1)
        np.copyto(g, m)
        root = math.sqrt(1 - beta2**t)  # √ŝ = √s / root, and m̂ = m / (1 - β₁ᵗ)
        scaled(g, s, rate * root / (1 - beta1**t), 1e-8 * root, tmp)
        p -= g


class AdamW(Adam):
    """Adam whose weight decay does not pass through the moments (Loshchilov and Hutter 2019)."""

    def decay(self, p: Array, g: Array, rate: float) -> None:
        if self.settings.decay:
            p *= 1 - rate * self.settings.decay


def pieces(span: slice) -> Iterator[slice]:
    """A span in pieces that stay in the cache while several operations walk over each."""
    for first in range(span.start, span.stop, PIECE):
        yield slice(first, min(first + PIECE, span.stop))


def blend(mean: Array, value: Array, beta: float) -> None:
    """mean := β · mean + (1 - β) · value; value is spent where it is scratch."""
    mean *= beta
    value *= 1 - beta
    mean += value


def scaled(g: Array, s: Array, rate: float, epsilon: float, tmp: Array) -> None:
    """g := rate · g / (√s + ε)."""
    np.sqrt(s, out=tmp)
    tmp += epsilon
    g /= tmp
    g *= rate


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": Optimizer,
    "momentum": Momentum,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def make_optimizer(settings: Train) -> Optimizer:
    """The optimizer that the settings name."""
    return OPTIMIZERS[settings.optimizer](settings)
