"""The forward pass of a network, step by step, in numbers: what the derivation describes, read off a real model.

For each word: its embedding x_t (3.4); in each layer U x_t, W s_{t-1}, their sum net_t, and the gates and the state
made of it (3.1), (9.1), (10.1); then the softmax over the vocabulary (3.5) and the cross-entropy of the word that came
(3.6). Equation numbers are those of docs/derivation.md. It draws and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.errors import ModelError
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.ngram import NgramModel
from rnnlm.lm.protocol import BOUNDARY, LanguageModel
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array, Tape
from rnnlm.nn.cells import GRU, LSTM, Cell, Elman
from rnnlm.nn.embedding import look_up
from rnnlm.nn.functions import ReLU, Sigmoid

GATES = {LSTM: ("i", "f", "g", "o"), GRU: ("r", "u", "n")}  # in the order of their columns, named as in the derivation
SATURATED = 0.95  # a tanh beyond ±0.95, a sigmoid below 0.05 or above 0.95: its slope is all but gone


@dataclass(frozen=True)
class Gate:
    """One gate at one time: its mean over the units, and the share of them that is saturated."""

    mean: float
    saturated: float


@dataclass(frozen=True)
class LayerStep:
    """One layer at one time: norms of its parts, gates, the share of saturated units, and the state (H,)."""

    from_input: float  # |U x_t + b|
    from_state: float  # |W s_{t-1}|
    net: float  # |net_t|, what the activations are applied to
    gates: dict[str, Gate]
    saturated: float
    state: Array
    cell: Array | None  # c_t (H,) of an LSTM

    @property
    def norm(self) -> float:
        """|s_t|."""
        return float(np.linalg.norm(self.state))

    def active(self, count: int = 3) -> list[tuple[int, float]]:
        """The units with the largest |s|: number, value."""
        order = np.argsort(-np.abs(self.state), kind="stable")[:count]
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
    """The model as a left-to-right network. Raises ModelError where it is none, and so has no such inside."""
    if isinstance(model, RecurrentModel):
        return model
    if isinstance(model, NgramModel):
        what = "a counting model has no network in it"
    elif isinstance(model, ClozeModel):
        what = "this network reads from both sides; only one that reads from left to right is shown from inside"
    else:
        what = "this is a mixture of models; only a single network is shown from inside"
    raise ModelError(what, "name a run of another kind with --model, such as `rnnlm train` gives")


def forward(model: RecurrentModel, ids: Sequence[int], top: int = 5) -> list[Step]:
    """Reads the boundary and `ids` (n,) word by word; gives n + 1 steps, the last with no word that came."""
    network, p = model.network, model.parameters
    state = network.start(1, p.flat.dtype)
    inputs = [BOUNDARY, *ids]
    steps = []
    for read, came in zip(inputs, [*ids, None], strict=True):
        x = look_up(network.table(p), np.array([[read]]), network.embedding)  # (1, 1, D)
        embedding = float(np.linalg.norm(x))
        layers, after = [], []
        for name, layer, before in zip(network.stack.names, network.stack.layers, state, strict=True):
            own, k = p.layer(name), layer.tape(1, 1, p.flat.dtype)
            from_input, from_state = x[0, 0] @ own.Wx + own.b, before[0][0] @ own.Wh
            x, end = layer.forward(own, x, before, k)
            layers.append(
                LayerStep(
                    float(np.linalg.norm(from_input)),
                    float(np.linalg.norm(from_state)),
                    float(np.linalg.norm(net(layer.cell, k, from_input, from_state))),
                    gates(layer.cell, k.z[0, 0]),
                    saturation(layer.cell, end[-1][0]),
                    end[0][0],
                    end[1][0] if len(end) > 1 else None,
                )
            )
            after.append(end)
        state = tuple(after)
        log_probs = network.head.log_probs(p.layer("head"), x[0])[0].astype(np.float64)
        probs = np.exp(log_probs)
        best = [(int(word), float(probs[word])) for word in np.argsort(-probs, kind="stable")[:top]]
        entropy = -float((probs * log_probs).sum())
        steps.append(
            Step(read, embedding, layers, best, entropy, came, None if came is None else -float(log_probs[came]))
        )
    return steps


def net(cell: Cell, k: Tape, from_input: Array, from_state: Array) -> Array:
    """net_t (G·H,), the sum of the two parts; in a GRU's candidate the reset gate acts on the second (10.2)."""
    if not isinstance(cell, GRU):
        return np.asarray(from_input + from_state)
    reset = k.z[0, 0, : cell.hidden]
    candidate = from_input[-cell.hidden :] + reset * k.q[0, 0]
    return np.concatenate([(from_input + from_state)[: -cell.hidden], candidate])


def gates(cell: Cell, z: Array) -> dict[str, Gate]:
    """The gates of a cell, and its candidate (g, n), from z (G·H,) after the step; the simple network has none."""
    found = {}
    for number, name in enumerate(GATES.get(type(cell), ())):
        values = z[number * cell.hidden : (number + 1) * cell.hidden]
        full = np.abs(values) > SATURATED if name in "gn" else (values > SATURATED) | (values < 1 - SATURATED)
        found[name] = Gate(float(values.mean()), float(full.mean()))
    return found


def saturation(cell: Cell, state: Array) -> float:
    """The share of units whose activation is so flat that hardly any error passes: beyond ±0.95 for tanh, below 0.05 or
    above 0.95 for the sigmoid, at 0 for ReLU. `state` (..., H) is s, but c for an LSTM, whose tanh is applied to c."""
    if isinstance(cell, LSTM):
        state = np.tanh(state)
    if isinstance(cell, Elman) and isinstance(cell.f, Sigmoid):
        flat = (state > SATURATED) | (state < 1 - SATURATED)
    elif isinstance(cell, Elman) and isinstance(cell.f, ReLU):
        flat = state <= 0
    else:
        flat = np.abs(state) > SATURATED
    return float(flat.mean())
