"""The most probable next words; over any language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, Floats, Ids, LanguageModel, State

GROUP = 64  # values


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
    places = candidates(log_probs, count + len(banned))
    for word in banned:  # mostly one: np.isin takes as long as all else here
        places = places[places != word]
    top = places[np.lexsort((places, -log_probs[places]))][:count]
    probabilities = np.exp(log_probs[top])
    return [Prediction(*found) for found in zip(top.tolist(), probabilities.tolist(), strict=True)]


def candidates(values: Floats, count: int) -> Ids:
    """The places of the `count` largest values, and of a few others: all that are not below a bound.

    The values are dealt into groups; the count-th largest of the groups' maxima has `count` values not below it. Maxima
    and comparison take a fifth of the time of a partition.
    """
    groups = len(values) // GROUP
    if count > groups:
        return np.arange(len(values))
    highest = values[: groups * GROUP].reshape(GROUP, groups).max(axis=0)
    return np.flatnonzero(values >= np.partition(highest, -count)[-count])
