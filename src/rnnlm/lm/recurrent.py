"""The recurrent network as a language model: words in, distributions out; it does not know how it was trained."""

from __future__ import annotations

import threading

import numpy as np

from rnnlm.lm.protocol import Floats, Ids, State
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network, NetworkTape

TOGETHER = 1 << 14  # words scored at once: bounds the workspace, however long a text is


class Tapes(threading.local):
    """The workspaces that a thread keeps, by (T, B): threads that ask one model do not share them."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int], NetworkTape] = {}


class RecurrentModel:
    """A network with its parameters. The state is that of every layer, batch first: ((h, c), ...) of (B, H)."""

    def __init__(self, network: Network, parameters: Parameters) -> None:
        self.network = network
        self.parameters = parameters
        self._tapes = Tapes()

    @property
    def size(self) -> int:
        return self.network.words

    def start(self, batch: int) -> State:
        return self.network.start(batch, self.parameters.flat.dtype)

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        return self.network.step(self.parameters, ids, state, self.tape(1, len(ids)))  # type: ignore[arg-type]

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        found = np.empty(inputs.shape, self.parameters.flat.dtype)
        most = max(1, TOGETHER // max(1, inputs.shape[1]))
        for first in range(0, len(inputs), most):
            part = slice(first, first + most)
            tape = self.tape(*inputs[part].shape)
            found[part], state = self.network.score(self.parameters, inputs[part], targets[part], state, tape)  # type: ignore[arg-type]
        return found, state

    def tape(self, steps: int, batch: int) -> NetworkTape:
        """A workspace for (T, B); the last one of each kind of use is kept."""
        tapes, key = self._tapes.kept, (steps, batch)
        if key not in tapes:
            if len(tapes) > 2:
                tapes.clear()
            tapes[key] = self.network.tape(steps, batch, self.parameters.flat.dtype)
        return tapes[key]
