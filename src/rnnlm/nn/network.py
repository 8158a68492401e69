"""The recurrent language model as a network: embedding, stack, softmax; ids and arrays in, loss and gradients out.

s_t = f(U x_t + W s_{t-1} + b),  o_t = softmax(V s_t + c): x_t the embedding of word t, s_t the last layer's output.
It knows no text, no files and no optimizer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike

from rnnlm.nn.adaptive import make_head
from rnnlm.nn.arrays import Array, Ids, Parameters, Shape, Tape, rows
from rnnlm.nn.dropout import Dropout, Masks, apply, draw
from rnnlm.nn.embedding import RowGradient, look_up, look_up_back
from rnnlm.nn.recurrent import Resets
from rnnlm.nn.stack import Stack, StackState

NONE = Masks()


@dataclass
class NetworkTape:
    """The workspace of one window of T steps and B sequences."""

    steps: int
    batch: int
    layers: list[Tape]
    head: Tape = field(default_factory=Tape)
    back: list[Tape] = field(default_factory=list)  # of the other stack, in a network that has one
    read: tuple[Ids, ...] = ()  # what its two stacks read, blanks included


class Network:
    """V words, embedding of size D, `layers` layers of H units of a `cell`, and a softmax head.

    With `tied`, the embedding is the head's weight matrix (Press and Wolf 2017), and D = H. `cuts` asks for the
    adaptive softmax with these cut-offs. `dtype` is float32 to train and float64 to check gradients.
    """

    def __init__(
        self,
        words: int,
        embedding: int,
        hidden: int,
        layers: int = 1,
        cell: str = "tanh",
        tied: bool = False,
        cuts: tuple[int, ...] = (),
        dropout: Dropout | None = None,
    ) -> None:
        if tied and (embedding != hidden or cuts):
            raise ValueError("a tied embedding has the size of the hidden layer, and a full softmax")
        self.words = words
        self.embedding = embedding
        self.tied = tied
        self.dropout = dropout or Dropout()
        self.stack = Stack("rnn", embedding, hidden, layers, cell)
        self.head = make_head(hidden, words, cuts)

    def shapes(self) -> dict[str, Shape]:
        """Every parameter's shape; an embedding of its own stands last, since its gradient is sparse."""
        shapes = self.stack.shapes() | {f"head.{key}": shape for key, shape in self.head.shapes().items()}
        if not self.tied:
            shapes["embedding.W"] = (self.words, self.embedding)
        return shapes

    def dense_size(self, p: Parameters) -> int:
        """How many leading elements of the flat vector have a dense gradient."""
        return p.flat.size if self.tied else p.spans["embedding.W"].start

    def table(self, p: Parameters) -> Array:
        """The matrix whose first D columns are the embedding."""
        return p["head.Wa"] if self.tied else p["embedding.W"]

    def initialise(self, p: Parameters, rng: np.random.Generator, scale: float = 0.0) -> None:
        """Random parameters: uniform in ±`scale`, or, where that is 0, each kind in its own way.

        Then input weights are Glorot-uniform, recurrent ones orthogonal, embedding and head uniform in ±0.1. Biases are
        zero, but 1 for the LSTM's forget gate.
        """
        for name, view in p.views.items():
            if name.endswith((".b", ".bh")):
                view[...] = 0
                if view.size == 4 * self.stack.layers[0].hidden and not scale:
                    view[view.size // 4 : view.size // 2] = 1
            elif scale:
                view[...] = rng.uniform(-scale, scale, view.shape)
            elif name.endswith(".Wh"):
                view[...] = np.hstack([orthogonal(len(view), rng) for _ in range(view.shape[1] // len(view))])
            elif name.endswith(".Wx"):
                width = np.sqrt(6 / (view.shape[0] + self.stack.layers[0].hidden))
                view[...] = rng.uniform(-width, width, view.shape)
            else:
                view[...] = rng.uniform(-0.1, 0.1, view.shape)
        self.head.clear(p.layer("head"))

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> StackState:
        """The state that has read nothing."""
        return self.stack.start(batch, dtype)

    def predicted(self, targets: Ids) -> int:
        """How many of the targets of a window are predicted: all of them."""
        return targets.size

    def untouched(self, targets: Ids) -> frozenset[str]:
        """The dense parameters whose gradient is zero for these targets, and which `loss` therefore does not write."""
        return frozenset(f"head.{name}" for name in self.head.untouched(targets))

    def tape(self, steps: int, batch: int, dtype: DTypeLike = np.float32) -> NetworkTape:
        """Workspace for windows of T steps of B sequences."""
        return NetworkTape(steps, batch, self.stack.tape(steps, batch, dtype))

    def masks(self, rng: np.random.Generator, steps: int, batch: int, dtype: DTypeLike = np.float32) -> Masks:
        """Draws the masks of one window of the whole batch."""
        rate, layers = self.dropout, self.stack.layers
        return Masks(
            draw(rng, (batch, self.embedding), rate.input, dtype),
            draw(rng, (self.words, 1), rate.words, dtype),
            [draw(rng, (batch, layer.hidden), rate.output, dtype) for layer in layers],
            [draw(rng, layer.shapes()["Wh"], rate.weights, dtype) for layer in layers],
        )

    def forward(
        self,
        p: Parameters,
        inputs: Ids,
        state: StackState,
        k: NetworkTape,
        masks: Masks = NONE,
        resets: Resets | None = None,
    ) -> tuple[Array, StackState]:
        """inputs (T, B) to the features s (T, B, H) that the head reads, and the state after the window."""
        return self.stack.forward(p, self.embed(p, inputs, masks), state, k.layers, masks, resets)

    def embed(self, p: Parameters, ids: Ids, masks: Masks) -> Array:
        """x (T, B, D) under its masks."""
        x = look_up(self.table(p), ids, self.embedding)
        if masks.words is not None:
            x = x * masks.words[ids]  # (11.4)
        return apply(x, masks.input)

    def embed_back(self, dx: Array, ids: Ids, masks: Masks) -> Array:
        """The gradient (T·B, D) of the rows that `embed` looked up."""
        dx = apply(dx, masks.input)
        if masks.words is not None:
            dx = dx * masks.words[ids]
        return rows(dx)

    def loss(
        self,
        p: Parameters,
        g: Parameters,
        inputs: Ids,
        targets: Ids,
        state: StackState,
        k: NetworkTape,
        scale: float = 1.0,
        masks: Masks = NONE,
        resets: Resets | None = None,
    ) -> tuple[float, StackState, RowGradient | None]:
        """The sum of -log o_t[target] in nats over the window, the state after it, and its gradient times `scale`.

        Writes the gradient of every dense parameter into g, but for the `untouched` ones; that of an embedding of its
        own comes back as its rows.
        """
        h, words, state = self.read(p, inputs, targets, state, k, masks, resets)
        nats, dh = self.head.loss(p.layer("head"), g.layer("head"), h, words, scale, k.head)
        gradient = self.learn(p, g, dh, inputs, targets, k, masks, resets)
        if not self.tied:
            return nats, state, gradient
        gradient.add_to(g["head.Wa"][:, : self.embedding])
        return nats, state, None

    def read(
        self,
        p: Parameters,
        inputs: Ids,
        targets: Ids,
        state: StackState,
        k: NetworkTape,
        masks: Masks = NONE,
        resets: Resets | None = None,
    ) -> tuple[Array, Ids, StackState]:
        """The first part of `loss`: the features (N, F) that the head reads, the N words that it is to predict, and the
        state after the window."""
        s, state = self.forward(p, inputs, state, k, masks, resets)
        return rows(s), targets.reshape(-1), state

    def learn(
        self,
        p: Parameters,
        g: Parameters,
        dh: Array,
        inputs: Ids,
        targets: Ids,
        k: NetworkTape,
        masks: Masks = NONE,
        resets: Resets | None = None,
    ) -> RowGradient:
        """The last part of `loss`: from the features' gradient dh (N, F) to that of everything below the head.

        Gives that of the embedding; writes all else into g.
        """
        dx, _ = self.stack.backward(p, g, dh.reshape(*inputs.shape, -1), k.layers, masks, resets)
        return look_up_back(inputs, self.embed_back(dx, inputs, masks))

    def score(
        self, p: Parameters, inputs: Ids, targets: Ids, state: StackState, k: NetworkTape, resets: Resets | None = None
    ) -> tuple[Array, StackState]:
        """log o_t[target] (T, B), without gradients, and the state after the window."""
        s, state = self.forward(p, inputs, state, k, NONE, resets)
        return self.head.score(p.layer("head"), rows(s), targets.reshape(-1)).reshape(targets.shape), state

    def step(self, p: Parameters, ids: Ids, state: StackState, k: NetworkTape) -> tuple[Array, StackState]:
        """Reads one word a sequence, ids (B,); log o (B, V) for the next one and the state after it."""
        s, state = self.forward(p, ids[None], state, k)
        return self.head.log_probs(p.layer("head"), s[0]), state


def orthogonal(size: int, rng: np.random.Generator) -> Array:
    """A random orthogonal matrix (size, size): repeated products with it neither shrink nor grow, (8.2) (Saxe 2014)."""
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)))
