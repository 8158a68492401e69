"""Counts n-grams and smooths them into a model: interpolated modified Kneser-Ney; it knows no words, only ids.

The formulas are those of Chen and Goodman, "An empirical study of smoothing techniques for language modeling" (1998,
section 3, equation 26), in the form of Heafield et al., "Scalable modified Kneser-Ney language model estimation"
(2013), whose program lmplz gives the same figures. With a(.) the adjusted counts, below::

    p(w | c) = max(0, a(c w) - D(a(c w))) / sum_x a(c x)  +  gamma(c) p(w | c without its first word)
    gamma(c) = sum_x D(a(c x)) / sum_x a(c x)

Below the single words lies the uniform distribution over the vocabulary, so every word of it has a probability, seen or
not. The unknown word is one of them, and is counted where it occurs in the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import ConfigError, CorpusError
from rnnlm.lm.ngram import NONE, Level, NgramModel
from rnnlm.lm.protocol import BOUNDARY, Floats, Ids

MAX_ORDER = 10
FALLBACK = (0.5, 1.0, 1.5)  # what lmplz --discount_fallback takes


@dataclass(frozen=True)
class Estimate:
    """A model and how it came about.

    `counts` are the n-grams of each order before pruning, those of order 1 the vocabulary and the sentence start (as
    lmplz counts); `discounts` the D1, D2, D3+ of each order; `fallback` the orders whose counts gave no sound
    discounts (little or repeated text), so that they have `FALLBACK`.
    """

    model: NgramModel
    counts: tuple[int, ...]
    discounts: tuple[tuple[float, float, float], ...]
    fallback: tuple[int, ...]


@dataclass(frozen=True)
class Grams:
    """The M distinct n-grams of one order in a text, sorted by context and last word; every array is (M,).

    `context` and `suffix` are the n-gram without its last and without its first word, as indices into the order below;
    `opens` marks those that begin with the sentence start, which nothing can precede. `last` is the n-gram that ends at
    `_last_end`, NONE if there is none of this order.
    """

    context: Ids
    word: Ids
    suffix: Ids
    count: Ids
    opens: NDArray[np.bool_]
    last: int


def estimate(ids: Ids, size: int, order: int, prune: Sequence[int] = ()) -> Estimate:
    """The Kneser-Ney model of `order` 1 to 10 of a text over `size` words: (2.3) with the weights (2.4).

    `ids` is flat: of each sentence its words, then BOUNDARY. `prune` drops n-grams that occur no more often than this,
    a threshold an order, the last one for all longer orders (``0, 0, 1``: trigrams and longer that occur once); what
    they had goes to the back-off of their context. Raises ConfigError for an impossible order or threshold and
    CorpusError for a text without a word.
    """
    thresholds = _thresholds(order, prune)
    if not len(ids):
        raise CorpusError("there is no text to count", "name a file with at least one sentence")
    levels: list[Level] = []
    counts, discounts, fallback = [], [], []
    lower: Floats = np.full(1, 1 / size)  # the probabilities of the order below, at first the uniform distribution
    place: Ids = np.zeros(1, np.int64)  # where an n-gram of the order below is in the model; NONE if it is pruned
    orders: Iterator[Grams | None] = chain(count_ngrams(ids, size, order), [None])
    for n, (grams, above) in enumerate(pairwise(orders), start=1):
        assert grams is not None  # only what follows the highest order is
        adjusted = _adjusted(grams, above)
        discount = _discounts(grams, adjusted)
        if discount is None:
            fallback.append(n)
            discount = FALLBACK
        discounts.append(discount)
        counts.append(len(grams.word) + (n == 1))

        keep = grams.count > thresholds[n - 1]
        taken = np.array((0.0, *discount))[np.minimum(adjusted, 3)]
        total = np.bincount(grams.context, adjusted, minlength=len(lower))
        left_over = np.bincount(grams.context, np.where(keep, taken, adjusted), minlength=len(lower))
        # A context that nothing follows hands all it has to the shorter one.
        gamma = np.divide(left_over, total, out=np.ones(len(lower)), where=total > 0)
        prob = gamma[grams.context] * lower[grams.suffix]
        prob += np.where(keep, adjusted - taken, 0) / np.maximum(total, 1)[grams.context]

        if levels:
            levels[-1].backoff[:] = np.log(gamma[place != NONE])
        levels.append(
            Level(
                key=(place[grams.context].astype(np.int64) * size + grams.word)[keep],
                log_prob=np.log(prob[keep]).astype(np.float32),
                backoff=np.zeros(np.count_nonzero(keep), np.float32),
            )
        )
        lower = prob
        place = np.where(keep, np.cumsum(keep) - 1, NONE)
    return Estimate(NgramModel(levels), tuple(counts), tuple(discounts), tuple(fallback))


def count_ngrams(ids: Ids, size: int, order: int) -> Iterator[Grams]:
    """The distinct n-grams of order 1 to `order`, one order after another; those of order 1 are all `size` words.

    An n-gram that ends at some position is the (n-1)-gram that ends one position earlier and one word: a pair, so an
    integer, and sorting the integers counts. It may begin with a BOUNDARY (the sentence start) and end with one (the
    sentence end), but not hold one inside.
    """
    text = np.concatenate([[BOUNDARY], ids]).astype(np.int64)
    words = np.arange(size)
    nothing = np.zeros(size, np.int64)
    last = _last_end(text, size, order)
    count = np.bincount(text[1:], minlength=size)
    yield Grams(nothing, words, nothing, count, np.zeros(size, np.bool_), int(text[last]))
    at = text  # at[t]: the n-gram that ends at position t, NONE if there is none
    for n in range(2, order + 1):
        ends = 1 + np.flatnonzero((at[:-1] != NONE) & ((text[:-1] != BOUNDARY) | (n == 2)))
        key = at[ends - 1] * size + text[ends]
        by_key = np.argsort(key)
        key = key[by_key]
        new = np.append(True, key[1:] != key[:-1])[: len(key)]
        first = np.flatnonzero(new)
        example = ends[by_key[first]]  # a position where the n-gram ends
        context, word = np.divmod(key[first], size)
        count = np.diff(first, append=len(key))
        suffix, opens = at[example], text[example - n + 1] == BOUNDARY
        at = np.full_like(at, NONE)
        at[ends[by_key]] = np.cumsum(new) - 1
        yield Grams(context, word, suffix, count, opens, int(at[last]))


def _last_end(text: Ids, size: int, order: int) -> int:
    """Where the n-gram of `order` ends in `text` that lmplz sorts last; see `_discounts`.

    It numbers the words as they first appear, the sentence boundaries before all others, and compares n-grams from
    their last word to their first.
    """
    number = np.zeros(size, np.int64)
    number[text[::-1]] = np.arange(len(text))[::-1]
    number[BOUNDARY] = NONE
    ends = np.arange(1, len(text))
    for back in range(order):
        numbers = number[text[ends - back]]
        ends = ends[numbers == numbers.max()]
        if back and numbers.max() == NONE:  # a sentence start: nothing is before it
            break
    return int(ends[0])


def _adjusted(grams: Grams, above: Grams | None) -> Ids:
    """How many different words precede an n-gram; how often it occurs, at the highest order and at sentence starts."""
    if above is None:
        return grams.count
    return np.where(grams.opens, grams.count, np.bincount(above.suffix, minlength=len(grams.count)))


def _discounts(grams: Grams, adjusted: Ids) -> tuple[float, float, float] | None:
    """What to take from adjusted counts of 1, 2 and more, (2.5), Chen and Goodman's 26; None if it makes no sense.

    With n_k the number of n-grams of adjusted count k:  Y = n_1 / (n_1 + 2 n_2),  D_k = k - (k + 1) Y n_{k+1} / n_k.
    For these numbers lmplz takes the count of the last n-gram of each order, as it sorts them, instead of its adjusted
    count. So do we, for the sake of equal figures: it moves a probability by 0.1 % at most where there is enough text.
    """
    counted = adjusted.copy()
    if grams.last != NONE:
        counted[grams.last] = grams.count[grams.last]
    n = np.bincount(np.minimum(counted, 5), minlength=5).tolist()
    if not all(n[1:4]):
        return None
    y = n[1] / (n[1] + 2 * n[2])
    d1, d2, d3 = (k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))
    # Never above k, for nothing negative is subtracted. At 0 a context would leave nothing for other words.
    return (d1, d2, d3) if min(d1, d2, d3) > 0 else None


def _thresholds(order: int, prune: Sequence[int]) -> list[int]:
    """A threshold for each order, from a list that may be shorter; checked."""
    if not 1 <= order <= MAX_ORDER:
        raise ConfigError(f"an n-gram model of order {order} is not possible", f"take an order from 1 to {MAX_ORDER}")
    listed = [*prune] or [0]
    if len(listed) > order or listed[0] != 0 or any(a > b for a, b in pairwise(listed)):
        raise ConfigError(
            f"pruning by {','.join(map(str, listed))} is not possible at order {order}",
            "give at most one number an order, none smaller than the one before it, and 0 for single words: 0,0,1",
        )
    thresholds = listed + listed[-1:] * (order - len(listed))
    return [-1, *thresholds[1:]]  # words stay in the model even if they never occur
