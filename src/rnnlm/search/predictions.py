"""The most probable next words; over any language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, Floats, LanguageModel, State


@dataclass(frozen=True)
class Prediction:
    """A word's id and its probability, the model's own."""

    id: int
    probability: float


def read(model: LanguageModel, ids: Sequence[int]) -> tuple[Floats, State]:
    """Log probabilities (V,) of the word behind `ids`, read from the boundary on, and the state (of a batch of 1)."""
    state = model.start(1)
    if ids:
        inputs = np.array([BOUNDARY, *ids[:-1]])[:, None]
        _, state = model.score(state, inputs, np.array(ids)[:, None])
    last = ids[-1] if ids else BOUNDARY
    found, state = model.step(state, np.array([last]))
    return found[0], state


def best(log_probs: Floats, count: int, banned: Sequence[int] = (UNKNOWN,)) -> list[Prediction]:
    """The `count` most probable words, the best first; `<unk>` is passed over and nothing is renormalised."""
    values = log_probs.copy()
    values[list(banned)] = -np.inf
    count = min(count, len(values) - len(banned))
    top = np.argpartition(-values, count - 1)[:count] if count < len(values) else np.arange(len(values))
    top = top[np.lexsort((top, -values[top]))][:count]
    return [Prediction(int(word), float(np.exp(values[word]))) for word in top]
