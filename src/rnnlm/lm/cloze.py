"""The network that reads from both sides as a model: distributions for the words of whole sentences; not left-to-right.

It implements `fill` and `rank`, not `step`: a word's distribution needs what stands behind it.
"""

from __future__ import annotations

import numpy as np

from rnnlm.lm.protocol import Floats, Ids, State
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.bidirectional import BLANK, Bidirectional

__all__ = ["BLANK", "ClozeModel"]

CELLS = 1 << 24  # probabilities that `rank` holds at once, however long and many its sentences are


class ClozeModel:
    """A bidirectional network with its parameters. The state is that of the forward stack, carried from sentence to
    sentence."""

    def __init__(self, network: Bidirectional, parameters: Parameters) -> None:
        self.network = network
        self.parameters = parameters

    @property
    def size(self) -> int:
        return self.network.words

    def start(self, batch: int) -> State:
        """The state that has read nothing."""
        return self.network.start(batch, self.parameters.flat.dtype)

    def fill(self, state: State, inputs: Ids, targets: Ids, lengths: Ids) -> tuple[Floats, State]:
        """log probabilities (T, B, V) of the word at each target, given all the others, and the state behind each
        sentence.

        inputs (T, B): the boundary, then the words; targets (T, B): the words, then the boundary, repeated where a
        sentence is shorter; lengths (B,): words and one boundary. A blank stands as the id BLANK in both.
        """
        steps, batch = inputs.shape
        tape = self.network.tape(steps, batch, self.parameters.flat.dtype)
        return self.network.fill(self.parameters, inputs, targets, state, tape, lengths)  # type: ignore[arg-type]

    def rank(self, state: State, inputs: Ids, targets: Ids, lengths: Ids) -> tuple[Floats, Ids, State]:
        """Of each target, given all the others, the log probability (T, B) and the rank (T, B) among all words, 1 the
        best; zeros where a sentence is shorter. And the state behind each sentence. Arguments as for `fill`."""
        steps, batch = inputs.shape
        tape = self.network.tape(steps, batch, self.parameters.flat.dtype)
        both, state = self.network.between(self.parameters, inputs, targets, state, tape, lengths)  # type: ignore[arg-type]
        log_probs, ranks = np.zeros(inputs.shape, both.dtype), np.zeros(inputs.shape, np.int64)
        times, columns = np.nonzero(np.arange(steps)[:, None] < lengths)
        block = max(1, CELLS // self.size)
        for first in range(0, len(times), block):
            cells = times[first : first + block], columns[first : first + block]
            found = self.network.head.log_probs(self.parameters.layer("head"), both[cells])
            own = np.take_along_axis(found, targets[cells][:, None], axis=1)
            log_probs[cells] = own[:, 0]
            ranks[cells] = 1 + np.count_nonzero(found > own, axis=1)
        return log_probs, ranks, state
