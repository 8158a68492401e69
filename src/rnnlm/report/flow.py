"""How an error flows back: the error terms δ of one wrong word along time and depth, and the gradient of W as a sum.

The error enters at the last step t alone. δ_k = ∂E/∂net_k at the steps before it is what the network can learn from
over that distance. For the simple network δ_{k-1} = diag(f'(net_{k-1})) Wᵀ δ_k along time (6.4), and |δ_k| stays within
the bound (8.1); along depth the error goes through Uᵀ (6.5). Equation numbers are those of docs/derivation.md. It draws
and prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.errors import ModelError
from rnnlm.lm.protocol import BOUNDARY
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array, Parameters, Tape
from rnnlm.nn.cells import Cell, Elman
from rnnlm.nn.dropout import Masks
from rnnlm.nn.embedding import look_up
from rnnlm.nn.network import Network

GONE = 0.01  # a δ below this share of δ_t teaches nothing any more
LONG = 100  # an error that would need more steps than this to be gone counts as held


@dataclass(frozen=True)
class Flow:
    """Norms of δ for one error at the last of T steps; arrays begin with the last step, at distance 0."""

    cell: str  # RNN, LSTM or GRU
    norms: list[Array]  # of each layer, (T,): |δ_{t-d}| at distance d; of all gates together where there are several
    bound: Array | None  # of the top layer of a simple network, (T,): |δ_t| (β_W β_f)^d
    beta_w: float | None  # largest singular value of W
    beta_f: float | None  # largest f' met
    shares: Array  # (T,): each step's part in the gradient of the top layer's W, along that gradient; they sum to 1
    difference: float  # |sum over the steps - gradient| / |gradient|

    @property
    def left(self) -> Array:
        """(T,): |δ_{t-d}| / |δ_t| of the top layer."""
        return left(self.norms[-1])

    @property
    def factor(self) -> float:
        """By how much |δ| of the top layer changes a step."""
        return factor(self.norms[-1])

    def verdict(self) -> str:
        """What becomes of the error, in the top layer where there are several."""
        return self.verdicts()[-1] + ", in the top layer" * (len(self.norms) > 1)

    def verdicts(self) -> list[str]:
        """What becomes of the error in each layer."""
        return [verdict(norms) for norms in self.norms]


def left(norms: Array) -> Array:
    """(T,): a layer's |δ_{t-d}| as shares of the first that is not 0: of |δ_t|, unless a lower layer sleeps there."""
    return norms / norms[norms.nonzero()][0] if norms.any() else norms


def factor(norms: Array) -> float:
    """By how much a layer's |δ| changes a step: the slope of a line through its logarithms, where there are any."""
    (met,) = norms.nonzero()
    return math.exp(float(np.polyfit(met, np.log(norms[met]), 1)[0])) if len(met) > 1 else 0.0


def verdict(norms: Array) -> str:
    """A plain word on what becomes of the error in a layer, and from how many steps on."""
    if not norms.any():
        return "dead: no unit passes the error on"
    share, far = left(norms), len(norms) - 1
    alive = np.flatnonzero(share >= GONE)[-1]
    if (large := np.flatnonzero(share > 1 / GONE)).size:
        return f"explodes: more than {1 / GONE:.0f} times as large from {large[0]} steps on"
    if alive < far:
        return f"vanishes: below {GONE:.0%} from {alive + 1} steps on"
    seen = f"{share[far]:.1%} is left after {far} steps"
    if (lowest := int(share.argmin())) and share[lowest] < GONE:
        return f"fades and comes back: {share[lowest]:.2%} after {lowest} steps, {share[far]:.1%} after {far}"
    rate = factor(norms)
    steps = math.log(GONE) / math.log(rate) if rate not in (0, 1) else math.inf
    if 0 < steps <= LONG:
        return f"vanishes slowly: {seen}, below {GONE:.0%} from about {steps:.0f} on at this rate"
    if -LONG <= steps < 0:
        return f"explodes slowly: {seen}, {1 / GONE:.0f} times as large from about {-steps:.0f} on at this rate"
    return f"holds: {seen}"


def flow(model: RecurrentModel, ids: Sequence[int]) -> Flow:
    """The flow of the error of the last of `ids`, every word before it read from the boundary on.

    In float64, because what vanishes may leave the range of float32. Raises ModelError for fewer than two words.
    """
    if len(ids) < 2:
        raise ModelError("an error needs some way to flow back", "give a text of at least two words")
    network, stack = model.network, model.network.stack
    p = Parameters(stack.shapes(), np.float64)
    for name, view in p.views.items():
        view[...] = model.parameters[name]
    inputs, steps = np.array([BOUNDARY, *ids[:-1]])[:, None], len(ids)
    x = look_up(network.table(model.parameters), inputs, network.embedding).astype(np.float64)
    tapes, none, g = stack.tape(steps, 1, np.float64), Masks(), p.like()
    s, _ = stack.forward(p, x, stack.start(1, np.float64), tapes, none)
    dy = np.zeros_like(s)
    dy[-1] = error(model, s[-1], ids[-1])
    top = tapes[-1]
    slopes = slope(stack.layers[-1].cell, top)
    stack.backward(p, g, dy, tapes, none)
    norms = [np.linalg.norm(k.dz[::-1, 0], axis=-1) for k in tapes]
    own, whole = p.layer(stack.names[-1]), g.layer(stack.names[-1]).Wh
    bound = beta_w = beta_f = None
    if slopes is not None:
        beta_w, beta_f = float(np.linalg.norm(own.Wh, 2)), float(slopes.max())
        bound = norms[-1][0] * (beta_w * beta_f) ** np.arange(steps)  # (8.1)
    total = np.zeros_like(whole)
    for before, delta in zip(top.h[:-1, 0], top.dzh[:, 0], strict=True):
        total += np.outer(before, delta)  # (6.6)
    square = float((whole * whole).sum()) or 1.0
    shares = ((top.h[:-1, 0] @ whole) * top.dzh[:, 0]).sum(axis=1)[::-1] / square
    difference = float(np.linalg.norm(total - whole)) / math.sqrt(square)
    return Flow(kind(stack.layers[-1].cell), norms, bound, beta_w, beta_f, shares, difference)


def error(model: RecurrentModel, s: Array, target: int) -> Array:
    """∂E/∂s_t (1, H) of the cross-entropy of one word, from the features s (1, H) (5.3); gradients of the head fall
    away."""
    p = model.parameters
    gradients = Parameters({name: shape for name, shape in p.shapes.items() if name.startswith("head.")}, p.flat.dtype)
    head, features = model.network.head, s.astype(p.flat.dtype)
    _, ds = head.loss(p.layer("head"), gradients.layer("head"), features, np.array([target]), 1.0, Tape())
    return ds


def slope(cell: Cell, k: Tape) -> Array | None:
    """f'(net) (T, B, H) of a simple network, from its outputs (3.3); None for a cell with gates."""
    if not isinstance(cell, Elman):
        return None
    out = np.empty_like(k.y)
    cell.f.slope(k.y, out=out)
    return out


def kind(cell: Cell) -> str:
    """What a cell is called beside others."""
    return "RNN" if isinstance(cell, Elman) else type(cell).__name__


def untrained(model: RecurrentModel, seed: int = 1) -> dict[str, RecurrentModel]:
    """Networks of the model's size that have learnt nothing, one of each cell, to be set beside it.

    All weights are uniform in ±1/√H, so that W shrinks what it carries; the LSTM's forget gate begins open, with a bias
    of 1 (Gers 2000). `rnnlm train` begins otherwise, with an orthogonal W, a remedy of its own (8.2).
    """
    own, found = model.network, {}
    hidden, layers = own.stack.layers[-1].hidden, len(own.stack.layers)
    for cell in ("tanh", "gru", "lstm"):
        network = Network(own.words, own.embedding, hidden, layers, cell)
        p = Parameters(network.shapes())
        network.initialise(p, np.random.default_rng(seed), hidden**-0.5)
        if cell == "lstm":
            for name in network.stack.names:
                p.layer(name).b[hidden : 2 * hidden] = 1
        title = kind(network.stack.layers[-1].cell)
        found[f"untrained {title}"] = RecurrentModel(network, p)
    return found
