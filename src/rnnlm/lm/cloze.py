"""The network that reads from both sides as a model: distributions for the words of whole sentences; not left-to-right.

It implements `fill`, not `step`: a word's distribution needs what stands behind it.
"""

from __future__ import annotations

from rnnlm.lm.protocol import Floats, Ids, State
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.bidirectional import BLANK, Bidirectional

__all__ = ["BLANK", "ClozeModel"]


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
