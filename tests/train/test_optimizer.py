"""The first steps of every optimizer, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnlm.config import Train
from rnnlm.nn.arrays import Array
from rnnlm.train.optimizer import OPTIMIZERS, PIECE, make_optimizer


def steps(settings: Train, gradients: list[float], start: float = 1.0, rate: float = 0.1) -> list[float]:
    """The value of one parameter after each gradient."""
    optimizer = make_optimizer(settings)
    p = np.array([start], float)
    slots = [np.zeros(1) for _ in range(optimizer.slots)]
    found = []
    for t, gradient in enumerate(gradients, 1):
        optimizer.step(p, np.array([gradient], float), slots, rate, t)
        found.append(float(p[0]))
    return found


def test_sgd() -> None:
    """weight := weight - rate · gradient."""
    # 1 - 0.1·2 = 0.8, 0.8 + 0.1·4 = 1.2
    assert steps(Train(), [2, -4]) == pytest.approx([0.8, 1.2])


def test_momentum() -> None:
    """The last step is kept in part."""
    # v = 2, p = 1 - 0.2 = 0.8; v = 0.5·2 + 1 = 2, p = 0.6
    assert steps(Train(optimizer="momentum", momentum=0.5), [2, 1]) == pytest.approx([0.8, 0.6])


def test_adagrad() -> None:
    """The step shrinks with the sum of squares."""
    # s = 9: 1 - 0.1·3/3 = 0.9; s = 25: 0.9 - 0.1·4/5 = 0.82
    assert steps(Train(optimizer="adagrad"), [3, 4]) == pytest.approx([0.9, 0.82])


def test_rmsprop() -> None:
    """The mean of the squares decays."""
    # s = 0.25·4 = 1: 1 - 0.1·2/1 = 0.8; s = 0.75·1 + 0.25·(√13)² = 4: 0.8 - 0.1·√13/2
    assert steps(Train(optimizer="rmsprop", beta2=0.75), [2, math.sqrt(13)]) == pytest.approx(
        [0.8, 0.8 - 0.05 * math.sqrt(13)]
    )


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_adam(kind: str) -> None:
    """The first step has the length of the rate whatever the gradient; the second is worked out."""
    # step 1: m̂ = g, ŝ = g², so p = 1 - 0.1·2/2 = 0.9
    # step 2, g = 1: m = 0.9·0.2 + 0.1·1 = 0.28, m̂ = 0.28/0.19; s = 0.99·0.04 + 0.01·1 = 0.0496, ŝ = 0.0496/0.0199
    second = 0.9 - 0.1 * (0.28 / 0.19) / math.sqrt(0.0496 / 0.0199)
    assert steps(Train(optimizer=kind, momentum=0.9, beta2=0.99), [2, 1]) == pytest.approx([0.9, second])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_decay(kind: str) -> None:
    """Decay joins the gradient; AdamW shrinks the weight by rate · decay instead, unseen by the moments."""
    settings = Train(optimizer=kind, decay=0.5)
    found = steps(settings, [2.0], start=3.0)[0]
    if kind == "adamw":
        assert found == pytest.approx(3 * (1 - 0.1 * 0.5) - 0.1)
    else:
        assert found == pytest.approx(steps(Train(optimizer=kind), [2.0 + 0.5 * 3.0], start=3.0)[0])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_pieces_do_not_show(kind: str) -> None:
    """A vector longer than a piece is stepped as if each element stood alone."""
    rng = np.random.default_rng(1)
    size, settings = PIECE + 7, Train(optimizer=kind, decay=0.01)
    p, g = rng.normal(size=size), rng.normal(size=size)

    def stepped(part: slice) -> Array:
        optimizer, own = make_optimizer(settings), p[part].copy()
        slots = [np.zeros_like(own) for _ in range(optimizer.slots)]
        for t in (1, 2):
            optimizer.step(own, g[part].copy(), slots, 0.1, t)
        return own

    whole = stepped(slice(None))
    for at in (0, PIECE - 1, PIECE, size - 1):
        assert whole[at] == stepped(slice(at, at + 1))[0]
