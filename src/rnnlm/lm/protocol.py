"""What every left-to-right language model can do; it does not know how any of them does it.

A model reads word ids and gives natural logarithms of probabilities over its whole vocabulary. Id 0 is the sentence
boundary ``</s>``: predicted, it ends a sentence; read, it begins one. A model that has read nothing is first given the
boundary, with the state of `start`.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.integer[Any]]
Floats: TypeAlias = NDArray[np.floating[Any]]
# Plain data with the batch first, so that a beam can reorder it: arrays (B, ...), nested in tuples.
State: TypeAlias = "tuple[Floats | Ids | State, ...]"

BOUNDARY = 0
UNKNOWN = 1


class LanguageModel(Protocol):
    """A distribution over the next word, given the words before it."""

    @property
    def size(self) -> int:
        """The number of words V; ids run from 0 to V - 1."""
        ...

    def start(self, batch: int) -> State:
        """The state of a model that has read nothing, for `batch` sequences."""
        ...

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        """Reads one word a sequence, `ids` (B,); gives log probabilities (B, V) of the next one and the new state."""
        ...

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        """Reads `inputs` (T, B); gives the log probabilities (T, B) of `targets` (T, B), each after its input.

        The same figures as `step` along time, picked at the targets; a model is free to find them faster.
        """
        ...


def select(state: State, rows: Ids) -> State:
    """The state of the sequences `rows`, in that order: what a beam keeps, doubled where a sequence has two heirs."""
    return tuple(select(part, rows) if isinstance(part, tuple) else part[rows] for part in state)
