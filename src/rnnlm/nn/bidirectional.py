"""The network that reads from both sides, to fill blanks: a forward and a backward stack that meet only at the output.

    o_t = softmax(V s_{t-1} + V' s'_{t+1} + c)

s_{t-1} has read the words before t, s'_{t+1} those behind it, and so no word sees itself, at any depth. The two stacks
share no weights; they read the same embedding. The forward state may be carried from window to window; the backward
stack begins anew at each sentence end, so that a word's right context is the rest of its own sentence, cut off where
the window ends: in training after `bptt` words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from rnnlm.nn.adaptive import make_head
from rnnlm.nn.arrays import Array, Ids, Parameters, Shape, rows
from rnnlm.nn.dropout import Dropout, Masks, draw
from rnnlm.nn.embedding import RowGradient, look_up_back
from rnnlm.nn.network import NONE, Network, NetworkTape
from rnnlm.nn.recurrent import Resets
from rnnlm.nn.stack import Stack, StackState

BOUNDARY, BLANK = 0, 2  # ids of the sentence end and of the word that stands for a blank
BLANK_SHARE = 0.06  # of the input words that are a blank in training: so the network has seen texts with several blanks


class Bidirectional(Network):
    """`layers` layers of H units of a `cell` in each direction over an embedding of size D, and a softmax over 2H
    features; `cuts` asks for the adaptive one."""

    def __init__(
        self,
        words: int,
        embedding: int,
        hidden: int,
        layers: int = 1,
        cell: str = "tanh",
        cuts: tuple[int, ...] = (),
        dropout: Dropout | None = None,
    ) -> None:
        super().__init__(words, embedding, hidden, layers, cell, dropout=dropout)
        self.back = Stack("back", embedding, hidden, layers, cell)
        self.hidden = hidden
        self.head = make_head(2 * hidden, words, cuts)

    def shapes(self) -> dict[str, Shape]:
        return self.stack.shapes() | self.back.shapes() | {
            **{f"head.{key}": shape for key, shape in self.head.shapes().items()},
            "embedding.W": (self.words, self.embedding),
        }  # fmt: skip

    def masks(self, rng: np.random.Generator, steps: int, batch: int, dtype: DTypeLike = np.float32) -> Masks:
        first = super().masks(rng, steps, batch, dtype)
        back = Masks(
            output=[draw(rng, (batch, layer.hidden), self.dropout.output, dtype) for layer in self.back.layers],
            weights=[draw(rng, layer.shapes()["Wh"], self.dropout.weights, dtype) for layer in self.back.layers],
        )
        blanks = rng.random((steps, batch), np.float32) < BLANK_SHARE
        return dataclasses.replace(first, back=back, blanks=blanks)

    def predicted(self, targets: Ids) -> int:
        """Sentence ends are no blanks: they are not predicted."""
        return int(np.count_nonzero(targets != BOUNDARY))

    def tape(self, steps: int, batch: int, dtype: DTypeLike = np.float32) -> NetworkTape:
        k = super().tape(steps, batch, dtype)
        k.back = self.back.tape(max(0, steps - 1), batch, dtype)
        return k

    def features(
        self,
        p: Parameters,
        inputs: Ids,
        targets: Ids,
        state: StackState,
        k: NetworkTape,
        masks: Masks = NONE,
        resets: Resets | None = None,
    ) -> tuple[Array, StackState]:
        """[s_{t-1} | s'_{t+1}] (T, B, 2H) for the target at each t, (3.9), and the forward state after the window.

        The forward stack reads inputs 0..T-1; the backward stack targets T-1..1, so that what it has read when it meets
        target t is t+1 and all behind it. The last target has nothing behind it in the window.
        """
        read, behind = inputs, targets[:0:-1]
        if masks.blanks is not None:  # a word is blank on both sides, or one side would tell what it is
            read = np.where(masks.blanks & (inputs != BOUNDARY), BLANK, inputs)
            follows = np.concatenate([masks.blanks[1:], np.zeros_like(masks.blanks[:1])])
            behind = np.where(follows & (targets != BOUNDARY), BLANK, targets)[:0:-1]
        k.read = (read, behind)
        s, state = self.stack.forward(p, self.embed(p, read, masks), state, k.layers, masks, resets)
        both = np.zeros((*s.shape[:2], 2 * self.hidden), s.dtype)
        both[..., : self.hidden] = s
        if len(behind):
            x = self.embed(p, behind, masks)  # (3.8)
            mirror, _ = self.back.forward(
                p, x, self.back.start(x.shape[1], x.dtype), k.back, masks.back or NONE, begins(behind)
            )
            both[:-1, :, self.hidden :] = mirror[::-1]
        return both, state

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
        both, state = self.features(p, inputs, targets, state, k, masks, resets)
        words = targets.reshape(-1)
        inner = words != BOUNDARY  # sentence ends are not predicted
        return rows(both)[inner], words[inner], state

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
        dboth = np.zeros((*targets.shape, 2 * self.hidden), dh.dtype)
        rows(dboth)[targets.reshape(-1) != BOUNDARY] = dh  # (6.11): each stack has its own columns of it
        read, behind = k.read
        dx, _ = self.stack.backward(p, g, dboth[..., : self.hidden], k.layers, masks, resets)
        ids, gradients = [read.reshape(-1)], [self.embed_back(dx, read, masks)]
        if len(behind):
            dmirror = dboth[:-1, :, self.hidden :][::-1]
            dx, _ = self.back.backward(p, g, dmirror, k.back, masks.back or NONE, begins(behind))
            ids.append(behind.reshape(-1))
            gradients.append(self.embed_back(dx, behind, masks))
        else:
            for name in self.back.shapes():
                g[name][...] = 0
        return look_up_back(np.concatenate(ids), np.concatenate(gradients))

    def fill(
        self, p: Parameters, inputs: Ids, targets: Ids, state: StackState, k: NetworkTape, lengths: Ids
    ) -> tuple[Array, StackState]:
        """log o (T, B, V) for every target of whole sentences, and the state behind each; as `between` has them."""
        both, after = self.between(p, inputs, targets, state, k, lengths)
        found = self.head.log_probs(p.layer("head"), rows(both))
        return found.reshape(*inputs.shape, self.words), after

    def between(
        self, p: Parameters, inputs: Ids, targets: Ids, state: StackState, k: NetworkTape, lengths: Ids
    ) -> tuple[Array, StackState]:
        """The features (T, B, 2H) of whole sentences, and the forward state after each one's own length.

        inputs (T, B): the boundary and the words; targets (T, B): the words and the boundary, more boundaries where a
        sentence is shorter than T; lengths (B,): words and one boundary. Blanks stand as the blank's id on both sides.
        """
        both, _ = self.features(p, inputs, targets, state, k)
        columns = np.arange(inputs.shape[1])
        after = tuple(
            tuple(getattr(tape, slot)[lengths, columns].copy() for slot in layer.cell.slots)
            for layer, tape in zip(self.stack.layers, k.layers, strict=True)
        )
        return both, after


def begins(behind: Ids) -> Sequence[Ids | None]:
    """Where the backward stack begins anew: before it reads a sentence end."""
    ends = behind == BOUNDARY
    return [np.flatnonzero(row) if row.any() else None for row in ends]
