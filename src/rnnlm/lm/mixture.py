"""Several language models as one: a linear mixture of their distributions over one vocabulary; it does not know words.

    P(w | h) = Σ_k λ_k P_k(w | h),   Σ_k λ_k = 1        (Jelinek and Mercer 1980)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import ConfigError
from rnnlm.lm.protocol import Floats, Ids, LanguageModel, State

STEPS = 1000  # of EM at most
ENOUGH = 1e-9  # nats a token that a step of EM has to gain


class Mixture:
    """A `LanguageModel`; its state is a tuple of its members' states."""

    def __init__(self, models: Sequence[LanguageModel], weights: Sequence[float]) -> None:
        """Raises ConfigError unless there is a weight for each model, none negative, 1 in all."""
        if len(weights) != len(models):
            raise ConfigError(f"{len(weights)} weights do not fit {len(models)} models", "give each model a weight")
        if min(weights) < 0 or not np.isclose(sum(weights), 1, atol=1e-3):
            raise ConfigError(
                f"the weights {', '.join(f'{w:g}' for w in weights)} are no shares of a whole", "they have to sum to 1"
            )
        self.models = list(models)
        self.weights = np.array(weights, np.float64) / sum(weights)

    @property
    def size(self) -> int:
        return self.models[0].size

    def start(self, batch: int) -> State:
        return tuple(model.start(batch) for model in self.models)

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        answers = [model.step(own, ids) for model, own in self.members(state)]
        return log_mixture([found for found, _ in answers], self.weights), tuple(after for _, after in answers)

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        answers = [model.score(own, inputs, targets) for model, own in self.members(state)]
        return log_mixture([found for found, _ in answers], self.weights), tuple(after for _, after in answers)

    def members(self, state: State) -> list[tuple[LanguageModel, State]]:
        """Each model with its own state."""
        pairs = []
        for model, own in zip(self.models, state, strict=True):
            assert isinstance(own, tuple)
            pairs.append((model, own))
        return pairs


class Renumbered:
    """A `LanguageModel` over the same words with other numbers: `ids[w]` (V,) is what `model` calls word w."""

    def __init__(self, model: LanguageModel, ids: Ids) -> None:
        self.model = model
        self.ids = ids

    @property
    def size(self) -> int:
        return self.model.size

    def start(self, batch: int) -> State:
        return self.model.start(batch)

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        found, state = self.model.step(state, self.ids[ids])
        return found[:, self.ids], state

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        return self.model.score(state, self.ids[inputs], self.ids[targets])


def log_mixture(log_probs: Sequence[Floats], weights: Floats) -> Floats:
    """log Σ_k weights_k exp(log_probs_k) of K arrays of one shape, safe for any of them."""
    with np.errstate(divide="ignore"):
        parts = [found + found.dtype.type(np.log(weight)) for found, weight in zip(log_probs, weights, strict=True)]
        top = parts[0]
        for part in parts[1:]:
            top = np.maximum(top, part)
        top = np.maximum(top, top.dtype.type(-1e30))  # finite, where all are impossible too
        total = np.exp(parts[0] - top)
        for part in parts[1:]:
            total += np.exp(part - top)
        return np.asarray(np.log(total) + top)


def fit_weights(log_probs: Floats) -> NDArray[np.float64]:
    """The weights (K,) under which tokens are most probable, given each model's log probabilities (K, N) of them.

    EM (Dempster, Laird and Rubin 1977): λ_k becomes the mean over the tokens of λ_k P_k / Σ_j λ_j P_j. It climbs to the
    best weights, for the likelihood is concave in them.
    """
    probs = np.exp(log_probs.astype(np.float64) - log_probs.max(axis=0))
    weights = np.full(len(probs), 1 / len(probs))
    before = -np.inf
    for _ in range(STEPS):
        total = weights @ probs
        weights = weights * (probs / total).mean(axis=1)
        mean = float(np.log(total).mean())
        if mean < before + ENOUGH:
            break
        before = mean
    return np.asarray(weights / weights.sum())
