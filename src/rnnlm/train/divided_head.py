"""One worker's words of the output layer, for the rows of all workers; it does not know the layers below, nor who sums.

Had each worker all words for its own rows, each would write a gradient of the whole matrix Wa, and these would have to
be summed. So the words are divided instead, and the rows are shared: every worker lays down its features h, weighs its
own words for the rows of all, and lays down the sums over these words, which together give Z (`merge`) and dh. Then
it has the whole gradient of its own words, and nobody else writes there.

    put      h and the words to predict, of the own rows
    weigh    E and its sums, own words and all rows; in blocks of rows, so that E stays within its bound
    finish   the gradient of the own words; loss and dh of the own rows

Between these all workers wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlm.nn.arrays import Array, Ids, Names, Tape, scatter_rows
from rnnlm.nn.softmax import Pieces, Softmax, block_of, learn, merge, pieces_of, room, weigh
from rnnlm.train.memory import Layout, SharedMemory, piece


def head_layout(softmax: Softmax, rows: int, workers: int) -> Layout:
    """The arrays through which the workers share the head, for at most `rows` rows of each."""
    return {
        "features": ("f4", (workers, rows, softmax.hidden)),
        "words": ("i4", (workers, rows)),
        "sums": ("f4", (workers, softmax.hidden + 2, workers * rows)),
        "tops": ("f4", (workers, workers * rows)),
    }


class DividedHead:
    """The span `own` of the words of a softmax: those of worker `index` of `workers`."""

    def __init__(self, softmax: Softmax, memory: SharedMemory, index: int, workers: int) -> None:
        self.softmax, self.memory, self.index, self.workers = softmax, memory, index, workers
        self.own = piece(slice(0, softmax.words), index, workers)
        rows = memory["sums"].shape[2]
        self.ha = np.zeros((rows, softmax.hidden + 2), np.float32)  # [h | 1 | 0] of all workers' rows
        self.ha[:, -2] = 1
        self.tape = Tape()
        self.weighed: tuple[slice, Pieces] | None = None  # the rows and E of the last block

    def put(self, h: Array, words: Ids) -> int:
        """Lays down the features h (n, H) of the own rows and the words that they are to predict; gives n."""
        self.memory["features"][self.index, : len(h)] = h
        self.memory["words"][self.index, : len(h)] = words
        return len(h)

    def blocks(self, counts: Sequence[int]) -> list[slice]:
        """The blocks of rows, the same for all workers, given how many rows each has."""
        rows, words = sum(counts), -(-self.softmax.words // self.workers)
        block = block_of(rows, words, 4)
        return [slice(first, min(first + block, rows)) for first in range(0, max(1, rows), block)]

    def weigh(self, p: Names, g: Names, counts: Sequence[int], block: int, scale: float) -> None:
        """The sums of the own words for one block of rows; before that, what is left to do with the block before."""
        if block == 0:
            at = 0
            for worker, count in enumerate(counts):
                self.ha[at : at + count, :-2] = self.memory["features"][worker, :count]
                at += count
        else:
            self.learn(g, scale)
        blocks = self.blocks(counts)
        part = blocks[block]
        exp = room(self.tape, (blocks[0].stop - blocks[0].start) * (self.own.stop - self.own.start), np.float32)
        pieces = pieces_of(self.own, exp, part.stop - part.start)
        self.memory["tops"][self.index, part] = weigh(
            p.Wa, self.ha[part], pieces, self.memory["sums"][self.index][:, part]
        )
        self.weighed = part, pieces

    def learn(self, g: Names, scale: float) -> None:
        """dWa of the own words from the block that all have weighed."""
        assert self.weighed is not None
        part, pieces = self.weighed
        z, _, factors = self.merge(part)
        weight = scale / z * factors[self.index]
        learn(g.Wa, self.ha[part] * weight[:, None], pieces, more=part.start > 0)

    def merge(self, part: slice) -> tuple[Array, Array, Array]:
        """Z, its top and the factors (`softmax.merge`) of some rows, from what all have weighed."""
        return merge(self.memory["sums"][:, -1, part], self.memory["tops"][:, part])

    def finish(self, p: Names, g: Names, counts: Sequence[int], scale: float) -> tuple[float, Array]:
        """Completes the gradient of the own words; the loss of the own rows in nats, and their dh (n, H)."""
        self.learn(g, scale)
        words = np.concatenate([self.memory["words"][worker, :count] for worker, count in enumerate(counts)])
        here = np.flatnonzero((words >= self.own.start) & (words < self.own.stop))
        distinct, of_targets = scatter_rows(words[here], self.ha[here])
        g.Wa[distinct] -= scale * of_targets  # (5.2)
        first = sum(counts[: self.index])
        mine = slice(first, first + counts[self.index])
        targets = np.take(p.Wa, words[mine], axis=0)
        z, top, factors = self.merge(mine)
        nats = (np.log(z) + top).sum(dtype=np.float64)
        nats -= np.einsum("nk,nk->", self.ha[mine], targets, dtype=np.float64)
        dh = np.einsum("pn,pkn->nk", factors * (scale / z), self.memory["sums"][:, :-2, mine], order="C")
        dh -= scale * targets[:, :-2]  # (5.3)
        return float(nats), dh
