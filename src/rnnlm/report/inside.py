"""The forward pass of a network, step by step, in numbers: what the derivation describes, read off a real model.

For each word: its embedding x_t; in each layer U x_t, W s_{t-1}, their sum (net) and the gates and state made of it;
then the softmax over the vocabulary and the cross-entropy of the word that came. It draws and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.errors import ModelError
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.protocol import BOUNDARY, LanguageModel
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array
from rnnlm.nn.cells import GRU, LSTM, Cell
from rnnlm.nn.embedding import look_up

GATES = {"LSTM": ("input", "forget", "candidate", "output"), "GRU": ("reset", "update", "candidate")}
SATURATED = 0.95  # a tanh beyond ±0.95, a sigmoid below 0.05 or above 0.95: its slope is all but gone
ACTIVE = 3  # units named in a table


@dataclass(frozen=True)
class LayerStep:
    """One layer at one time: norms of its parts, means and saturation of its gates, and the state (H,)."""

    from_input: float  # |U x_t + b|
    from_state: float  # |W s_{t-1}|
    net: float  # |U x_t + W s_{t-1} + b|
    gates: dict[str, tuple[float, float]]  # mean, share that is saturated
    state: Array
    cell: Array | None  # c_t of an LSTM

    @property
    def norm(self) -> float:
        return float(np.linalg.norm(self.state))

    @property
    def saturated(self) -> float:
        """The share of units of s_t beyond ±0.95."""
        return float((np.abs(self.state) > SATURATED).mean())

    @property
    def active(self) -> list[tuple[int, float]]:
        """The units with the largest |s|: number, value."""
        order = np.argsort(-np.abs(self.state))[:ACTIVE]
        return [(int(unit), float(self.state[unit])) for unit in order]


@dataclass(frozen=True)
class Step:
    """One time step: the word read, its embedding's norm, each layer, and what the softmax makes of it."""

    read: int
    embedding: float
    layers: list[LayerStep]
    top: list[tuple[int, float]]  # most probable next words with their probabilities
    entropy: float  # of the distribution, nats
    came: int | None  # the word that came next
    cross_entropy: float | None  # -log P(that word), nats


def recurrent(model: LanguageModel | ClozeModel) -> RecurrentModel:
    """The model as a left-to-right network. Raises ModelError where it is none: there is nothing inside to be shown
    so."""
    if not isinstance(model, RecurrentModel):
        raise ModelError(
            "only a left-to-right network can be looked into", "use a run that `rnnlm train` gives by default"
        )
    return model


def forward(model: RecurrentModel, ids: Sequence[int], top: int = 5) -> list[Step]:
    """Reads the boundary and `ids` (n,) word by word; gives n + 1 steps, the last with no word that came."""
    network, p = model.network, model.parameters
    state = network.start(1, p.flat.dtype)
    steps = []
    inputs = [BOUNDARY, *ids]
    for t, read in enumerate(inputs):
        x = look_up(network.table(p), np.array([[read]]), network.embedding)
        embedding = float(np.linalg.norm(x))
        layers, after = [], []
        for name, layer, before in zip(network.stack.names, network.stack.layers, state, strict=True):
            own, k = p.layer(name), layer.tape(1, 1, p.flat.dtype)
            from_input, from_state = x[0] @ own.Wx + own.b, before[0] @ own.Wh
            x, end = layer.forward(own, x, before, k)
            after.append(end)
            layers.append(
                LayerStep(
                    float(np.linalg.norm(from_input)),
                    float(np.linalg.norm(from_state)),
                    float(np.linalg.norm(from_input + from_state)),
                    gate_means(layer.cell, k.z[0, 0]),
                    end[0][0].copy(),
                    end[1][0].copy() if len(end) > 1 else None,
                )
            )
        state = tuple(after)
        log_probs = network.head.log_probs(p.layer("head"), x[0])[0].astype(np.float64)
        probs = np.exp(log_probs)
        best = np.argsort(-probs)[:top]
        came = inputs[t + 1] if t + 1 < len(inputs) else None
        steps.append(
            Step(
                read,
                embedding,
                layers,
                [(int(word), float(probs[word])) for word in best],
                float(-(probs * log_probs).sum()),
                came,
                None if came is None else float(-log_probs[came]),
            )
        )
    return steps


def gate_means(cell: Cell, z: Array) -> dict[str, tuple[float, float]]:
    """Mean and saturated share of each gate of a cell; z (G·H,) holds the gates after the step. The simple network
    has none."""
    if not isinstance(cell, LSTM | GRU):
        return {}
    found = {}
    for number, name in enumerate(GATES[type(cell).__name__]):
        gate = z[number * cell.hidden : (number + 1) * cell.hidden]
        if name == "candidate":
            full = np.abs(gate) > SATURATED
        else:
            full = (gate > SATURATED) | (gate < 1 - SATURATED)
        found[name] = (float(gate.mean()), float(full.mean()))
    return found
