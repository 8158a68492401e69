"""The output layer and its loss: softmax over the whole vocabulary and cross-entropy; it does not know what made h.

o = softmax(V s + c), loss = -log o[target], equations (3.5) and (3.6) of docs/derivation.md. The weights and the bias c
are one matrix with a column of ones, Wa = [W | b | 1] of shape (V, H + 2), and a hidden row becomes [h | 1 | 0]. Then

    E      = exp(Wa haᵀ)            one product, (4.4), and the only element-wise pass over (V, N)
    Waᵀ E  = [Z·dh | · | Z]ᵀ        the product that gives dh also gives the sums Z from the column of ones, (5.4)
    dWa    = E (ha / Z)             the small matrix is scaled by 1/Z, never the large one, (5.5)

Eᵀ Wa would be the same turned, and is slower. The target's own mass is subtracted row by row: do - t (5.1) is the whole
derivative of softmax with cross-entropy. The last entry of a hidden row is 0, so the column of ones has gradient 0 and
stays. E is made in pieces of some words, each small enough to stay in the cache until its product with Wa is done too.
exp without its maximum subtracted needs logits below 88: where a Z is too large or too small, the block is done again
with the maximum subtracted, which costs no pass of its own: -maximum takes the place of the 0.

The words may be divided: `weigh` and `learn` work on any span of them, and `merge` makes the Z of several spans that of
all words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from rnnlm.nn.arrays import Array, Ids, Names, Shape, Tape, empty, scatter_rows
from rnnlm.nn.functions import log_softmax

BLOCK_BYTES = 160 << 20  # bound of exp(logits) of one process; whatever T, B and V are
PIECE = 1536  # words
SMALL = 1e-30  # sums of exp outside (SMALL, 1 / SMALL) are computed again, with the maximum subtracted

Pieces = list[tuple[slice, Array]]


class Softmax:
    """Scores for V words from H features; parameter Wa (V, H + 2)."""

    def __init__(self, hidden: int, words: int) -> None:
        self.hidden = hidden
        self.words = words

    def shapes(self) -> dict[str, Shape]:
        return {"Wa": (self.words, self.hidden + 2)}

    def clear(self, p: Names) -> None:
        """The bias to zero, and the column of ones."""
        p.Wa[:, self.hidden] = 0
        self.pin(p)

    def untouched(self, targets: Ids) -> frozenset[str]:
        """The parameters whose gradient `loss` does not write for these targets: none."""
        return frozenset()

    def pin(self, p: Names) -> None:
        """Sets what is not trained, the column of ones, after weight decay has touched it."""
        p.Wa[:, self.hidden + 1] = 1

    def loss(self, p: Names, g: Names, h: Array, targets: Ids, scale: float, k: Tape) -> tuple[float, Array]:
        """Sum of -log o[target] over the N rows of h (N, H), and its gradient dh (N, H) times `scale`.

        Writes the gradient of the parameters, times `scale`, into g.
        """
        rows, hidden = h.shape
        ha = augmented(h)
        dh = np.empty_like(h)
        block = block_of(rows, self.words, h.itemsize)
        exp = room(k, block * self.words, h.dtype)
        own = np.take(p.Wa, targets, axis=0)  # the target's weights, (N, H + 2)
        nats = -float(np.einsum("nk,nk->", ha, own, dtype=np.float64))
        for first in range(0, max(1, rows), block):
            part = slice(first, min(first + block, rows))
            pieces = pieces_of(slice(0, self.words), exp, part.stop - first)
            sums = empty((hidden + 2, part.stop - first), h.dtype)
            top = weigh(p.Wa, ha[part], pieces, sums)
            z = sums[-1]
            nats += float((np.log(z) + top).sum(dtype=np.float64))
            weight = (scale / z)[:, None]
            np.multiply(sums[:-2].T, weight, out=dh[part])
            learn(g.Wa, ha[part] * weight, pieces, more=first > 0)
        dh -= scale * own[:, :hidden]  # (5.3)
        distinct, of_targets = scatter_rows(targets, ha)
        g.Wa[distinct] -= scale * of_targets  # (5.2)
        return nats, dh

    def log_probs(self, p: Names, h: Array) -> Array:
        """log o for every word: (N, V) from h (N, H)."""
        return log_softmax(augmented(h) @ p.Wa.T)

    def score(self, p: Names, h: Array, targets: Ids) -> Array:
        """log o[target] (N,), computed in blocks whose memory is bounded."""
        result = np.empty(len(h), h.dtype)
        block = block_of(len(h), self.words, h.itemsize)
        for first in range(0, len(h), block):
            part = slice(first, first + block)
            logits = augmented(h[part]) @ p.Wa.T
            picked = np.take_along_axis(logits, targets[part, None], axis=1)[:, 0]
            top = logits.max(axis=1)
            logits -= top[:, None]
            np.exp(logits, out=logits)
            result[part] = picked - top - np.log(logits.sum(axis=1))
        return result


def block_of(rows: int, words: int, itemsize: int) -> int:
    """How many of `rows` rows to compute at once for so many words: equal parts within the bound of memory."""
    most = max(1, BLOCK_BYTES // (words * itemsize))
    parts = max(1, -(-rows // most))
    return max(1, -(-rows // parts))


def pieces_of(words: slice, exp: Array, rows: int) -> Pieces:
    """The span `words` in pieces, and for each its E (v, n), v words and n rows, in the memory `exp`."""
    spans = [slice(first, min(first + PIECE, words.stop)) for first in range(words.start, words.stop, PIECE)]
    places = exp[: (words.stop - words.start) * rows].reshape(words.stop - words.start, rows)
    return [(span, places[span.start - words.start : span.stop - words.start]) for span in spans]


def weigh(wa: Array, ha: Array, pieces: Pieces, sums: Array) -> Array:
    """E <- exp(logits - top) of the words in `pieces` for the rows ha (n, H + 2), and sums <- Waᵀ E (H + 2, n), whose
    last row is Z. Gives top (n,): zeros, or where exp would not hold the logits their maximum."""
    if fill(wa, ha, pieces, sums):
        return np.zeros(len(ha), ha.dtype)
    top = np.max([(wa[words] @ ha.T).max(axis=0) for words, _ in pieces], axis=0)
    shifted = ha.copy()
    shifted[:, -1] = -top
    fill(wa, shifted, pieces, sums)
    return np.asarray(top)


def merge(z: Array, tops: Array) -> tuple[Array, Array, Array]:
    """Z (n,) of all words and their top (n,), from those of parts of the words, both (parts, n). And the factors
    (parts, n) that bring each part's E to that top."""
    if not tops.any():
        return z.sum(axis=0), tops[0], np.ones_like(tops)
    top = tops.max(axis=0)
    factors = np.exp(tops - top)
    return np.einsum("pn,pn->n", factors, z), top, factors


def learn(dwa: Array, scaled: Array, pieces: Pieces, more: bool) -> None:
    """dWa <- E (ha / Z), (5.5), of the words in `pieces`, from `scaled` = ha / Z; added to what is there if `more`."""
    for words, e in pieces:
        if more:
            dwa[words] += e @ scaled
        else:
            np.matmul(e, scaled, out=dwa[words])


def fill(wa: Array, ha: Array, pieces: Pieces, sums: Array) -> bool:
    """E and Waᵀ E as they come; are the sums of E, the last row of the latter, fit to divide by?"""
    share = empty(sums.shape, sums.dtype)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for number, (words, e) in enumerate(pieces):
            np.matmul(wa[words], ha.T, out=e)
            np.exp(e, out=e)
            np.matmul(wa[words].T, e, out=share if number else sums)
            if number:
                sums += share
    z = sums[-1]
    return bool(np.isfinite(sums).all() and (z > SMALL).all() and (z < 1 / SMALL).all())


def augmented(h: Array) -> Array:
    """[h | 1 | 0], (N, H + 2)."""
    ha = np.empty((len(h), h.shape[1] + 2), h.dtype)
    ha[:, :-2] = h
    ha[:, -2:] = (1, 0)
    return ha


def room(k: Tape, size: int, dtype: DTypeLike) -> Array:
    """A flat array of this size on the tape, undefined: the same for all windows, grown where one needs more."""
    if "exp" not in k or k.exp.size < size:
        k.exp = empty((size,), dtype)
    return k.exp[:size]
