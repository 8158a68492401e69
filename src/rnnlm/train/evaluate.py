"""How well a language model predicts a text: log probabilities of every token, and the figures made of them.

It accepts any `LanguageModel`. With carried state each document is read from its beginning to its end; without, each
sentence alone. Documents (or sentences) are independent, so many are read side by side, the long ones first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlm.lm.protocol import BOUNDARY, LanguageModel, select
from rnnlm.text.corpus import Corpus

WINDOW = 128  # time steps scored at once
SIDE_BY_SIDE = 64


@dataclass(frozen=True)
class Metrics:
    """The figures that "Metrics" in docs/design.md tells; `nats` is the sum over all tokens."""

    sentences: int
    tokens: int
    oov: int
    characters: int
    nats: float
    nats_without_oov: float
    carried_state: bool

    @property
    def perplexity(self) -> float:
        """exp of the mean nats a token (1.2), `<unk>` a word like others."""
        return safe_exp(self.nats / max(1, self.tokens))

    @property
    def perplexity_without_oov(self) -> float:
        """The same with tokens out of the vocabulary left out of sum and count."""
        return safe_exp(self.nats_without_oov / max(1, self.tokens - self.oov))

    @property
    def bits_per_character(self) -> float:
        """All nats in bits, over the code points of the normalised lines and one a line."""
        return self.nats / math.log(2) / max(1, self.characters)

    @property
    def character_perplexity(self) -> float:
        return safe_exp(self.nats / max(1, self.characters))

    def to_json(self) -> dict[str, float | int | bool]:
        """The object of the command contract, less the model's name."""
        return {
            "sentences": self.sentences,
            "tokens": self.tokens,
            "oov": self.oov,
            "characters": self.characters,
            "nats": self.nats,
            "perplexity": self.perplexity,
            "perplexity_without_oov": self.perplexity_without_oov,
            "character_perplexity": self.character_perplexity,
            "bits_per_character": self.bits_per_character,
            "carried_state": self.carried_state,
        }


def safe_exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def spans(corpus: Corpus, carried: bool, longest: int = 0) -> NDArray[np.int64]:
    """(n, 2): first input position and first position after, of every document or sentence.

    `longest`: pieces longer than this are cut, each begun with no state; for a quick look during training.
    """
    if carried:
        first = corpus.starts
    else:
        first = np.flatnonzero(np.asarray(corpus.ids[:-1]) == BOUNDARY).astype(np.int64)
    if longest:
        ends = np.append(first[1:], corpus.tokens)
        first = np.concatenate([np.arange(a, b, longest) for a, b in zip(first, ends, strict=True)])
    return np.stack([first, np.append(first[1:], corpus.tokens)], axis=1)


def log_probabilities(
    model: LanguageModel, ids: NDArray[np.int32], pieces: NDArray[np.int64], batch: int = SIDE_BY_SIDE
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.floating]]]:
    """For blocks of tokens: the positions of the inputs, and the log probabilities of the tokens behind them."""
    order = np.argsort(pieces[:, 0] - pieces[:, 1], kind="stable")
    for group in np.array_split(order, range(batch, len(order), batch)):
        first, length = pieces[group, 0], pieces[group, 1] - pieces[group, 0]
        state = model.start(len(group))
        for begin in range(0, int(length[0]), WINDOW):
            alive = int(np.count_nonzero(length > begin))
            if alive < len(group):
                group, first, length = group[:alive], first[:alive], length[:alive]
                state = select(state, np.arange(alive))
            steps = min(WINDOW, int(length[0]) - begin)
            times = begin + np.arange(steps)[:, None]
            inside = times < length
            positions = np.where(inside, first + times, 0)
            found, state = model.score(state, ids[positions], ids[positions + 1])
            yield positions[inside], found[inside]


def among(positions: NDArray[np.int64], ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the positions are in `ordered`; a binary search, for np.isin walks over all of it for every block."""
    return np.searchsorted(ordered, positions, "left") < np.searchsorted(ordered, positions, "right")


def evaluate(
    model: LanguageModel,
    corpus: Corpus,
    carried: bool = True,
    longest: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Metrics:
    """The metrics of a model on a text."""
    nats = strange = 0.0
    for positions, found in log_probabilities(model, corpus.ids, spans(corpus, carried, longest)):
        nats -= float(found.sum(dtype=np.float64))
        strange -= float(found[among(positions + 1, corpus.oov)].sum(dtype=np.float64))
        if progress:
            progress(len(positions))
    return Metrics(corpus.sentences, corpus.tokens, len(corpus.oov), corpus.characters, nats, nats - strange, carried)
