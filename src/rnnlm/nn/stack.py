"""Recurrent layers one on another: layer l at time t reads layer l-1 at time t; it does not know words.

Equation (3.7) of docs/derivation.md. The error term is carried along time inside each layer and along depth from layer
to layer (6.5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from rnnlm.nn.arrays import Array, Names, Parameters, Shape, Tape
from rnnlm.nn.cells import make_cell
from rnnlm.nn.dropout import Masks, apply
from rnnlm.nn.recurrent import LayerState, Recurrent, Resets

StackState = tuple[LayerState, ...]


class Stack:
    """`layers` recurrent layers of `hidden` units over inputs of size `inputs`; parameters `<name>.<l>.Wx` and so
    on."""

    def __init__(self, name: str, inputs: int, hidden: int, layers: int, cell: str) -> None:
        self.names = [f"{name}.{level}" for level in range(layers)]
        self.layers = [Recurrent(hidden if level else inputs, make_cell(cell, hidden)) for level in range(layers)]

    def shapes(self) -> dict[str, Shape]:
        return {
            f"{name}.{key}": shape
            for name, layer in zip(self.names, self.layers, strict=True)
            for key, shape in layer.shapes().items()
        }

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> StackState:
        """Zeros for every layer."""
        return tuple(layer.start(batch, dtype) for layer in self.layers)

    def tape(self, steps: int, batch: int, dtype: DTypeLike = np.float32) -> list[Tape]:
        """A tape for each layer."""
        return [layer.tape(steps, batch, dtype) for layer in self.layers]

    def forward(
        self,
        p: Parameters,
        x: Array,
        state: StackState,
        tapes: list[Tape],
        masks: Masks,
        resets: Resets | None = None,
    ) -> tuple[Array, StackState]:
        """x (T, B, D) to the last layer's outputs (T, B, H) and the state after the last step."""
        after = []
        for level, layer in enumerate(self.layers):
            y, end = layer.forward(self.weights(p, level, masks), x, state[level], tapes[level], resets)
            x = apply(y, masks.of_output(level))  # (11.2)
            after.append(end)
        return x, tuple(after)

    def backward(
        self,
        p: Parameters,
        g: Parameters,
        dy: Array,
        tapes: list[Tape],
        masks: Masks,
        resets: Resets | None = None,
        dstate: StackState | None = None,
    ) -> tuple[Array, StackState]:
        """dy (T, B, H) to dx (T, B, D) and the gradient of the first state; undoes `forward` layer by layer, from the
        top."""
        before: list[LayerState] = []
        for level in reversed(range(len(self.layers))):
            dend = dstate[level] if dstate is not None else None
            dy = apply(dy, masks.of_output(level))
            own = g.layer(self.names[level])
            dy, dstart = self.layers[level].backward(self.weights(p, level, masks), own, dy, tapes[level], resets, dend)
            if (drop := masks.of_weights(level)) is not None:
                own.Wh *= drop  # (11.3)
            before.append(dstart)
        return dy, tuple(reversed(before))

    def weights(self, p: Parameters, level: int, masks: Masks) -> Names:
        """The parameters of one layer, its recurrent weights under their mask."""
        own = p.layer(self.names[level])
        drop = masks.of_weights(level)
        return own if drop is None else Names(**(own.__dict__ | {"Wh": own.Wh * drop}))
