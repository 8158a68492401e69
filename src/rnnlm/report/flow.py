"""How an error flows back: the error terms δ of one wrong word along time and depth, and the gradient of W as a sum.

The error enters at the last step t alone. δ_k = ∂E/∂net_k at the steps before it is what the network can learn from
over that distance: along time δ_{k-1} = diag(f'(net_{k-1})) Wᵀ δ_k for the simple network, along depth through Uᵀ.
Equation numbers are those of docs/derivation.md. It draws and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.errors import ModelError
from rnnlm.lm.protocol import BOUNDARY
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array, Tape
from rnnlm.nn.cells import Elman
from rnnlm.nn.check import relative_error
from rnnlm.nn.dropout import Masks
from rnnlm.nn.embedding import look_up

GONE = 0.01  # a δ below this share of δ_t teaches nothing any more


@dataclass(frozen=True)
class Flow:
    """Norms of δ for one error at the last of T steps; arrays begin with the last step, distance 0."""

    cell: str
    norms: list[Array]  # of each layer, (T,): |δ_{t-d}| at distance d
    bound: Array | None  # of the top layer of a simple network, (T,): |δ_t| (β_W β_f)^d
    beta_w: float | None  # largest singular value of W
    beta_f: float | None  # largest f' met
    shares: Array  # (T,): each step's part in the gradient of the top layer's W; they sum to 1
    difference: float  # |sum over the steps - gradient| / |gradient|

    @property
    def factor(self) -> float:
        """By how much |δ| of the top layer changes a step, on average."""
        top = np.maximum(self.norms[-1], 1e-300)
        return float((top[-1] / top[0]) ** (1 / max(1, len(top) - 1)))

    def verdict(self) -> str:
        """A plain word on what happens to the error."""
        top = self.norms[-1] / self.norms[-1][0]
        small = np.flatnonzero(top < GONE)
        large = np.flatnonzero(top > 1 / GONE)
        if len(large):
            return f"explodes: {1 / GONE:.0f} times as large after {large[0]} steps"
        if len(small):
            return f"vanishes: below {GONE:.0%} after {small[0]} steps"
        return f"holds: {top[-1]:.1%} is left after {len(top) - 1} steps"


def flow(model: RecurrentModel, ids: Sequence[int]) -> Flow:
    """The flow of the error of the last of `ids`, every word before it read from the boundary on.

    Raises ModelError for fewer than two words.
    """
    if len(ids) < 2:
        raise ModelError("an error needs some way to flow back", "give a text of at least two words")
    network, p = model.network, model.parameters
    inputs, steps = np.array([BOUNDARY, *ids[:-1]])[:, None], len(ids)
    tapes = network.stack.tape(steps, 1, p.flat.dtype)
    x = look_up(network.table(p), inputs, network.embedding)
    none = Masks()
    s, _ = network.stack.forward(p, x, network.start(1, p.flat.dtype), tapes, none)
    g = p.like()
    _, ds = network.head.loss(p.layer("head"), g.layer("head"), s[-1], np.array(ids[-1:]), 1.0, Tape())
    dy = np.zeros_like(s)
    dy[-1] = ds
    slopes = slope(network.stack.layers[-1].cell, tapes[-1])
    network.stack.backward(p, g, dy, tapes, none)
    norms = [np.linalg.norm(k.dz[:, 0], axis=-1)[::-1].astype(np.float64) for k in tapes]
    own, top = p.layer(network.stack.names[-1]), tapes[-1]
    bound = beta_w = beta_f = None
    if slopes is not None:
        beta_w, beta_f = float(np.linalg.norm(own.Wh, 2)), float(slopes.max())
        bound = norms[-1][0] * (beta_w * beta_f) ** np.arange(steps)
    whole = g[f"{network.stack.names[-1]}.Wh"]
    parts = np.einsum("th,tg->thg", top.h[:-1, 0], top.dzh[:, 0])
    size = float((whole * whole).sum()) or 1.0
    shares = np.einsum("thg,hg->t", parts, whole)[::-1] / size
    difference = float(np.linalg.norm(parts.sum(0) - whole) / np.sqrt(size))
    kind = type(network.stack.layers[-1].cell).__name__
    return Flow(kind, norms, bound, beta_w, beta_f, shares.astype(np.float64), difference)


def slope(cell: object, k: Tape) -> Array | None:
    """f'(net) (T, B, H) of a simple network, from its outputs; None for a cell with gates."""
    if not isinstance(cell, Elman):
        return None
    out = np.empty_like(k.y)
    cell.f.slope(k.y, out=out)
    return out


@dataclass(frozen=True)
class Checked:
    """One parameter's gradient against finite differences."""

    name: str
    size: int
    norm: float
    error: float


def check(model: RecurrentModel, ids: Sequence[int], seed: int = 0) -> list[Checked]:
    """Compares the gradient of every parameter with finite differences on a float64 copy of the model, on one text."""
    network, p = model.network, model.parameters.astype(np.float64)
    inputs = np.array([BOUNDARY, *ids])[:, None]
    targets = np.array([*ids, BOUNDARY])[:, None]
    k = network.tape(len(inputs), 1, np.float64)

    def loss() -> float:
        state = network.start(1, np.float64)
        return -float(network.score(p, inputs, targets, state, k)[0].sum())

    g = p.like()
    _, _, rows = network.loss(p, g, inputs, targets, network.start(1, np.float64), k)
    if rows is not None:
        rows.add_to(g["embedding.W"])
    rng = np.random.default_rng(seed)
    found = []
    for name, view in p.views.items():
        if name in network.untouched(targets):
            continue
        values, gradient = (view[:, :-1], g[name][:, :-1]) if name.endswith(".Wa") else (view, g[name])
        found.append(
            Checked(name, values.size, float(np.linalg.norm(gradient)), check_one(loss, values, gradient, rng))
        )
    return found


def check_one(loss: object, values: Array, gradient: Array, rng: np.random.Generator) -> float:
    """The relative error of one parameter; `values` may be a view that is not contiguous."""
    assert callable(loss)
    moved = values.copy()

    def at_moved() -> float:
        values[...] = moved
        return float(loss())

    error = relative_error(at_moved, moved, gradient, rng, directions=2)
    values[...] = moved
    return error
