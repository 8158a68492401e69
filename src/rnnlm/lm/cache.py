"""A language model that expects the words of its document again: a unigram cache with decay over any other model.

    P(w | h) = (1 - λ m) P_model(w | h) + λ Σ_i (1 - δ) δ^(i-1) [w = h_-i],    m = 1 - δ^n

h_-i is the i-th last of the n words read, λ the weight of a full cache and δ its decay (Kuhn and De Mori 1990; the
decay of Clarkson and Robinson 1997). What a short history leaves of the cache's weight goes to the model.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from rnnlm.errors import ConfigError
from rnnlm.lm.protocol import Floats, Ids, LanguageModel, State

DECAY = 0.99
FORGOTTEN = 0.01  # weight of the words too old to be kept, in all
CELLS = 1 << 22  # comparisons made at once
NONE = -1  # stands where no word was read yet


class Cached:
    """A `LanguageModel` over another. Its state is the other's, and the last N words read (B, N), the newest last."""

    def __init__(self, model: LanguageModel, weight: float, decay: float = DECAY) -> None:
        """Raises ConfigError unless 0 <= weight < 1 and 0 < decay < 1."""
        if not 0 <= weight < 1 or not 0 < decay < 1:
            raise ConfigError(
                f"a cache of weight {weight:g} and decay {decay:g} is not possible", "both are between 0 and 1"
            )
        self.model, self.weight, self.decay = model, weight, decay
        length = math.ceil(math.log(FORGOTTEN) / math.log(decay))
        self.shares = ((1 - decay) * decay ** np.arange(length)[::-1]).astype(np.float32)

    @property
    def size(self) -> int:
        return self.model.size

    def start(self, batch: int) -> State:
        return self.model.start(batch), np.full((batch, len(self.shares)), NONE, np.int32)

    def step(self, state: State, ids: Ids) -> tuple[Floats, State]:
        inner, words = parts(state)
        log_probs, inner = self.model.step(inner, ids)
        words = np.concatenate([words[:, 1:], ids.astype(np.int32)[:, None]], axis=1)
        row, place = np.nonzero(words != NONE)
        cells = row * self.size + words[row, place]
        cache = np.bincount(cells, self.shares[place], minlength=len(words) * self.size).astype(np.float64)
        read = np.bincount(row, minlength=len(words))
        rest = np.log1p(-self.weight * (1 - self.decay**read))[:, None].astype(log_probs.dtype)
        log_probs = np.add(log_probs, rest, order="C")  # or `flat` would be a copy: `Renumbered` gives columns
        flat = log_probs.reshape(-1)
        seen = np.flatnonzero(cache)
        flat[seen] = self.add(flat[seen], cache[seen])
        return log_probs, (inner, words)

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        inner, words = parts(state)
        found, inner = self.model.score(inner, inputs, targets)
        length, (steps, batch) = len(self.shares), inputs.shape
        history = np.concatenate([words, inputs.T.astype(np.int32)], axis=1)
        windows = sliding_window_view(history, length, axis=1)[:, 1:]  # (B, T, N): what is read at each time
        cache = np.empty((steps, batch))
        most = max(1, CELLS // (length * batch))
        for first in range(0, steps, most):
            part = slice(first, first + most)
            row, time, place = np.nonzero(windows[:, part] == targets[part].T[:, :, None])
            share = np.bincount(row * steps + time, self.shares[place], minlength=batch * steps)
            cache[part] = share.reshape(batch, steps)[:, : len(targets[part])].T
        read = np.count_nonzero(words != NONE, axis=1) + np.arange(1, steps + 1)[:, None]
        rest = np.log1p(-self.weight * (1 - self.decay ** np.minimum(read, length)))
        return self.add(found + rest, cache).astype(found.dtype), (inner, history[:, steps:].copy())

    def add(self, log_probs: Floats, cache: Floats) -> Floats:
        """log(exp(log_probs) + λ cache)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.logaddexp(log_probs, np.log(self.weight * cache)))


def parts(state: State) -> tuple[State, Ids]:
    """The state of the model below, and the words of the cache."""
    inner, words = state
    assert isinstance(inner, tuple) and not isinstance(words, tuple)
    return inner, words.astype(np.int32, copy=False)
