"""The forward pass as the derivation writes it, one vector at a time: slow, obvious, and apart from the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array, Parameters
from rnnlm.nn.network import Network

V, D, H = 13, 4, 5
IDS = [3, 7, 2, 9, 3, 11]


def random_model(
    cell: str = "tanh",
    layers: int = 1,
    tied: bool = False,
    cuts: tuple[int, ...] = (),
    scale: float = 0.6,
    hidden: int = H,
) -> RecurrentModel:
    """A float64 model with all parameters random, biases too."""
    rng = np.random.default_rng(4)
    network = Network(V, hidden if tied else D, hidden, layers, cell, tied, cuts)
    p = Parameters(network.shapes(), np.float64)
    p.flat[:] = scale * rng.normal(size=p.flat.size)
    network.head.pin(p.layer("head"))
    return RecurrentModel(network, p)


def sigma(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


SIMPLE: dict[str, Callable[[Array], Array]] = {"tanh": np.tanh, "sigmoid": sigma, "relu": lambda z: np.maximum(z, 0)}


@dataclass
class Layer:
    """One layer at one time."""

    u: Array  # U x + b
    w: Array  # W s
    net: Array
    s: Array
    gates: dict[str, Array] = field(default_factory=dict)
    c: Array | None = None


@dataclass
class Moment:
    """One time step: what is read, every layer, the distribution after it."""

    x: Array
    layers: list[Layer]
    o: Array


def one_layer(cell: str, p: Mapping[str, Array], x: Array, before: Layer | None, nudge: Array) -> Layer:
    """One layer at one time; `nudge` is added to its net."""
    hidden = len(p["Wh"])
    s = np.zeros(hidden) if before is None else before.s
    u, w = p["Wx"].T @ x + p["b"], p["Wh"].T @ s
    if cell in SIMPLE:
        net = u + w + nudge
        return Layer(u, w, net, SIMPLE[cell](net))
    if cell == "lstm":
        net = u + w + nudge
        zi, zf, zg, zo = np.split(net, 4)
        i, f, g, o = sigma(zi), sigma(zf), np.tanh(zg), sigma(zo)
        old = np.zeros(hidden) if before is None or before.c is None else before.c
        c = f * old + i * g
        return Layer(u, w, net, o * np.tanh(c), {"i": i, "f": f, "g": g, "o": o}, c)
    (ur, uu, un), (wr, wu, wn), (er, eu, en) = np.split(u, 3), np.split(w, 3), np.split(nudge, 3)
    r, gate = sigma(ur + wr + er), sigma(uu + wu + eu)
    candidate = un + r * (wn + p["bh"]) + en
    n = np.tanh(candidate)
    net = np.concatenate([ur + wr + er, uu + wu + eu, candidate])
    return Layer(u, w, net, gate * s + (1 - gate) * n, {"r": r, "u": gate, "n": n})


def walk(
    model: RecurrentModel, cell: str, ids: Sequence[int], nudges: Mapping[tuple[int, int], Array] | None = None
) -> list[Moment]:
    """The forward pass over the boundary and `ids`; `nudges[layer, t]` is added to the net of a layer at time t."""
    network, p, found = model.network, model.parameters, list[Moment]()
    before: list[Layer | None] = [None] * len(network.stack.layers)
    for t, word in enumerate([0, *ids]):
        x = (p["head.Wa"] if network.tied else p["embedding.W"])[word, : network.embedding]
        y, layers = x, []
        for level, old in enumerate(before):
            own = {key: p[f"rnn.{level}.{key}"] for key in ("Wx", "Wh", "b", *(["bh"] if cell == "gru" else []))}
            nudge = (nudges or {}).get((level, t), np.zeros(own["b"].shape))
            layers.append(one_layer(cell, own, y, old, nudge))
            y = layers[-1].s
        before = list(layers)
        logits = p["head.Wa"][:, : len(y)] @ y + p["head.Wa"][:, len(y)]
        found.append(Moment(x, layers, np.exp(logits) / np.exp(logits).sum()))
    return found
