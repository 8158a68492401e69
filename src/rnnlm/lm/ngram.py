"""An n-gram model with back-off, as plain sorted arrays; it does not know whether text or a file filled them.

The n-grams of one order are sorted by their context (the first n - 1 words, an index into the order below) and their
last word, so an n-gram is one integer, ``context * V + word``, and finding many at once is one binary search over many.
An n-gram that is not there backs off::

    log p(w | v u) = log_prob[v u w]                     where v u w is in the model
                   = backoff[v u] + log p(w | u)         otherwise; an absent context has backoff 0

Word 0 is the sentence end as the last word of an n-gram and the sentence start as the first: the start is never
predicted and the end is never a context, so one id serves both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import CheckpointError
from rnnlm.lm.protocol import BOUNDARY, Floats, Ids, State

Int64s = NDArray[np.int64]
NONE = -1  # the index of an n-gram that is not in the model, and the word where there is no word


@dataclass(frozen=True)
class Level:
    """The M n-grams of one order, sorted by `key`.

    `key` (M,) int64 is ``context * V + word``, where `context` is an index into the level below; of order 1 it is the
    word. `log_prob` (M,) and `backoff` (M,) are natural logarithms; at the highest order `backoff` is all zeros.
    """

    key: Int64s
    log_prob: Floats
    backoff: Floats


class NgramModel:
    """A `LanguageModel` that looks at the last N - 1 words, N its order.

    `levels` holds the n-grams of order 1 to N; order 1 is every word of the vocabulary, ids 0 to V - 1. The state is a
    tuple of one array (B, N - 1) of the last words read, -1 where there is none. An input may be -1 as well: it is no
    word, not even a boundary, and what follows it has no context (a text that begins in the middle of a sentence).
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        self._size = len(levels[0].key)
        # One entry more than there are n-grams, so that nothing in the look-up needs a special case: a key above all
        # others ends every search, and index NONE (the last entry) has the backoff 0 of an absent context.
        self._key = [np.append(level.key, np.iinfo(np.int64).max) for level in levels]
        self._log_prob = [np.append(level.log_prob, 0).astype(np.float32) for level in levels]
        self._backoff = [np.append(level.backoff, 0).astype(np.float32) for level in levels]

    @property
    def size(self) -> int:
        """The number of words V."""
        return self._size

    @property
    def order(self) -> int:
        """The length N of the longest n-grams."""
        return len(self._key)

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of n-grams of each order (2.2); those of order 1 with the sentence start, as ARPA files count."""
        return (self.size + 1, *(len(key) - 1 for key in self._key[1:]))

    @property
    def bytes_per_order(self) -> tuple[int, ...]:
        """The bytes that `arrays` takes for each order: what the model weighs on disk."""
        total = [0] * self.order
        for name, array in self.arrays().items():
            total[int(name.partition(".")[0]) - 1] += array.nbytes
        return tuple(total)

    def level(self, order: int) -> Level:
        """The n-grams of one order (1 to N), as the model holds them."""
        return Level(self._key[order - 1][:-1], self._log_prob[order - 1][:-1], self._backoff[order - 1][:-1])

    def ngrams(self, order: int) -> Ids:
        """The words (M, n) of all n-grams of one order n, in the order of `level`."""
        columns = []
        index = np.arange(len(self._key[order - 1]) - 1)
        for key in reversed(self._key[1:order]):
            index, word = np.divmod(key[index], self.size)
            columns.append(word)
        return np.stack([index, *reversed(columns)], axis=1)

    def index(self, ngrams: Ids) -> Ids:
        """Where the n-grams (M, n) are in their `level`, (M,); -1 for those that are not in the model."""
        index = ngrams[:, 0]
        for n in range(2, ngrams.shape[1] + 1):
            index = self._find(n, index, ngrams[:, n - 1])
        return index

    def start(self, batch: int) -> State:
        """The state of a model that has read nothing."""
        return (np.full((batch, self.order - 1), NONE, np.int32),)

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        """Reads `ids` (B,); gives natural log probabilities (B, V) float32 of the next word and the new state.

        The state is all that it knows of the words before: the last N - 1 of them (2.1).
        """
        read = np.concatenate([_words(state), ids.astype(np.int32)[:, None]], axis=1)[:, 1:]
        words = read.T.astype(np.int64)  # they become keys: V times a context is more than 32 bits hold
        contexts = []  # of order 1 to N - 1, each (B,): the n-gram that ends with the word just read
        node: Ids = words
        for n in range(1, self.order):
            if n > 1:
                node = self._find(n, node[:-1], words[n - 1 :])
                node[words[n - 1 :] == BOUNDARY] = NONE
            contexts.append(node[-1])
        # rest[n - 1] is what an n-gram of order n pays for the longer contexts that it does not have.
        rest = np.zeros((self.order, len(ids)), np.float32)
        for n in reversed(range(1, self.order)):
            rest[n - 1] = rest[n] + self._backoff[n - 1][contexts[n - 1]]
        log_probs = self._log_prob[0][:-1] + rest[0][:, None]
        for n, context in enumerate(contexts, start=2):
            key = self._key[n - 1]
            begin, end = np.searchsorted(key, [context * self.size, (context + 1) * self.size])
            row, found = _ranges(begin, end)
            log_probs[row, key[found] % self.size] = self._log_prob[n - 1][found] + rest[n - 1][row]
        return log_probs, (read,)

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        """Reads `inputs` (T, B); gives the natural log probabilities (T, B) float32 of `targets` (T, B), by (2.6)."""
        log_probs, _, state = self.score_with_order(state, inputs, targets)
        return log_probs, state

    def score_with_order(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, Ids, State]:
        """As `score`, and for each target the order (T, B) of the n-gram that gave its probability: 1 to N.

        All T·B tokens are looked up at once, one search an order: the n-gram found to end with a target is the context
        of the word after it, as long as that target is also the next input.
        """
        past = _words(state).T
        skip = len(past)
        words = np.concatenate([past, inputs.astype(np.int32)])
        nexts = np.concatenate([words[1 : skip + 1], targets.astype(np.int32)])  # what follows each of the words
        opens = words == BOUNDARY
        astray = np.flatnonzero(words[1:] != nexts[:-1])  # inputs that are not the target before them

        log_probs = self._log_prob[0][targets]
        orders = np.ones(targets.shape, np.int8)
        context: Ids = words
        for n in range(2, self.order + 1):
            match = self._find(n, context, nexts)
            log_probs += self._backoff[n - 2][context[skip:]]
            found = match[skip:] != NONE
            log_probs[found] = self._log_prob[n - 1][match[skip:][found]]
            orders[found] = n
            if n < self.order:
                before = np.take(context[:-1], astray)
                context = np.concatenate([np.full_like(match[:1], NONE), match[:-1]])
                np.put(context[1:], astray, self._find(n, before, np.take(words[1:], astray)))
                context[opens] = NONE
        return log_probs, orders, (words[len(words) - skip :].T.copy(),)

    def _find(self, order: int, context: Ids, word: Ids) -> Ids:
        """The indices of the n-grams of `order` with these contexts and last words, of one shape; NONE if absent."""
        index = np.full(context.size, NONE, np.int64)
        known = np.flatnonzero(context.ravel() != NONE)
        wanted = context.ravel()[known].astype(np.int64) * self.size + word.ravel()[known]
        by_key = np.argsort(wanted)  # sorted questions walk through memory once: twice as fast as jumping about
        known, wanted = known[by_key], wanted[by_key]
        key = self._key[order - 1]
        place = np.searchsorted(key, wanted)
        found = key[place] == wanted
        index[known[found]] = place[found]
        return index.reshape(context.shape)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays, `from_arrays` takes them back.

        ``n.log_prob`` and ``n.backoff`` float32; for n > 1 ``n.word``, the last words, and ``n.children``, how many
        n-grams each (n-1)-gram is the context of, both in the smallest type that holds V.
        """
        small = np.min_scalar_type(self.size)
        arrays: dict[str, NDArray[Any]] = {}
        for n in range(1, self.order + 1):
            level = self.level(n)
            if n > 1:
                context, word = np.divmod(level.key, self.size)
                arrays[f"{n}.word"] = word.astype(small)
                arrays[f"{n}.children"] = np.bincount(context, minlength=len(self._key[n - 2]) - 1).astype(small)
            arrays[f"{n}.log_prob"] = level.log_prob
            if n < self.order:
                arrays[f"{n}.backoff"] = level.backoff
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> NgramModel:
        """The model whose `arrays` these are; raises CheckpointError where they do not fit together."""
        levels: list[Level] = []
        while (log_prob := arrays.get(f"{len(levels) + 1}.log_prob")) is not None:
            n = len(levels) + 1
            backoff = arrays.get(f"{n}.backoff", np.zeros_like(log_prob))
            key = np.arange(len(log_prob), dtype=np.int64)
            if levels:
                size, contexts = len(levels[0].key), len(levels[-1].key)
                word, children = (arrays.get(f"{n}.{name}", key[:0]) for name in ("word", "children"))
                if len(children) != contexts or not len(word) == len(log_prob) == children.sum(dtype=np.int64):
                    raise _damaged(n)
                key = np.repeat(np.arange(contexts, dtype=np.int64) * size, children) + word
                if np.any(np.diff(key) <= 0) or np.any(word >= size):
                    raise _damaged(n)
            if len(backoff) != len(log_prob):
                raise _damaged(n)
            levels.append(Level(key, log_prob, backoff))
        if not levels or not len(levels[0].key):
            raise CheckpointError("this is not an n-gram model: it has no 1.log_prob", "name a run of an n-gram model")
        return cls(levels)


def _damaged(order: int) -> CheckpointError:
    return CheckpointError(f"the {order}-grams of the model are damaged", "train it again, or take another copy")


def _words(state: State) -> Ids:
    (words,) = state
    assert not isinstance(words, tuple)
    return words.astype(np.int32, copy=False)


def _ranges(begin: Ids, end: Ids) -> tuple[Ids, Ids]:
    """The numbers of all ranges [begin, end) one after another, with the row that each is from."""
    length = end - begin
    row = np.repeat(np.arange(len(begin)), length)
    return row, np.arange(len(row)) + np.repeat(begin - np.cumsum(length) + length, length)
