"""The gradient check of a model at hand: every parameter's gradient beside finite differences; it prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.lm.protocol import BOUNDARY
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.check import relative_error

TOLERANCE = 1e-6  # of a relative error; a right gradient stays far below it in float64


@dataclass(frozen=True)
class Checked:
    """One parameter's gradient beside finite differences."""

    name: str
    size: int
    norm: float  # |gradient|
    error: float  # the largest relative error, see `relative_error`

    @property
    def right(self) -> bool:
        return self.error < TOLERANCE


def check(model: RecurrentModel, ids: Sequence[int], seed: int = 0) -> list[Checked]:
    """Compares the gradient of every parameter with finite differences, on a float64 copy of the model and one text.

    Parameters that the text does not touch (clusters of an adaptive softmax) are left out.
    """
    network, p = model.network, model.parameters.astype(np.float64)
    inputs = np.array([BOUNDARY, *ids])[:, None]
    targets = np.array([*ids, BOUNDARY])[:, None]
    k, start = network.tape(len(inputs), 1, np.float64), network.start(1, np.float64)

    def loss() -> float:
        return -float(network.score(p, inputs, targets, start, k)[0].sum())

    g = p.like()
    _, _, rows = network.loss(p, g, inputs, targets, start, k)
    if rows is not None:
        rows.add_to(g["embedding.W"])
    rng = np.random.default_rng(seed)
    untouched = network.untouched(targets)
    found = []
    for name, values in p.views.items():
        if name in untouched:
            continue
        gradient = g[name]
        if name.endswith(".Wa"):  # its last column is no parameter, see `Softmax`
            values, gradient = values[:, :-1], gradient[:, :-1]
        error = relative_error(loss, values, gradient, rng, directions=2)
        found.append(Checked(name, values.size, float(np.linalg.norm(gradient)), error))
    return found
