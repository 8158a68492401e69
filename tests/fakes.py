"""A language model small enough to work out by hand."""

from __future__ import annotations

import numpy as np

from rnnlm.lm.protocol import Floats, Ids, State


class TableModel:
    """P(word | the two before it) from a table (V, V, V); the state is the word before the last."""

    def __init__(self, table: Floats) -> None:
        with np.errstate(divide="ignore"):
            self.log = np.log(table / table.sum(axis=-1, keepdims=True))
        self.size = len(table)

    def start(self, batch: int) -> State:
        return (np.zeros(batch, int),)

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        return self.log[state[0], ids], (ids,)

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        found = np.empty(inputs.shape)
        for t, (ids, wanted) in enumerate(zip(inputs, targets, strict=True)):
            log_probs, state = self.step(state, ids)
            found[t] = log_probs[np.arange(len(ids)), wanted]
        return found, state


def random_table(words: int, seed: int = 1, end: float = 1.0) -> TableModel:
    """A table of random probabilities, in which the sentence end weighs `end`."""
    table = np.random.default_rng(seed).uniform(0.05, 1, (words, words, words)) ** 3
    table[:, :, 0] *= end
    return TableModel(table)


def flat(*probabilities: float) -> TableModel:
    """The same distribution behind every word."""
    words = len(probabilities)
    return TableModel(np.broadcast_to(np.array(probabilities), (words, words, words)))
