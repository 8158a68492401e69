"""How well a model that reads both sides knows each word of a text; it has no perplexity, and none is printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, State, select
from rnnlm.text.corpus import Corpus
from rnnlm.train.evaluate import SIDE_BY_SIDE, spans

LONGEST = 400  # words of a sentence that are read at once


@dataclass(frozen=True)
class ClozeMetrics:
    """Figures over word positions (sentence ends are none): share of words ranked first, among the first five, mean
    of 1 / rank.

    A word out of the vocabulary counts as not found. `nats` is the sum of -log P(word | all others).
    """

    positions: int
    accuracy_at_1: float
    accuracy_at_5: float
    mean_reciprocal_rank: float
    nats: float

    def to_json(self) -> dict[str, float | int]:
        return {
            "positions": self.positions,
            "accuracy_at_1": self.accuracy_at_1,
            "accuracy_at_5": self.accuracy_at_5,
            "mean_reciprocal_rank": self.mean_reciprocal_rank,
        }


def evaluate_cloze(model: ClozeModel, corpus: Corpus, carried: bool = False) -> ClozeMetrics:
    """The metrics of a model on a text; with `carried`, the forward state goes from sentence to sentence of a
    document."""
    found = list(read(model, corpus, carried))
    rank = np.concatenate([own for own, _ in found]) if found else np.zeros(0)
    nats = sum(loss for _, loss in found)
    count = len(rank)
    share = 1 / max(1, count)
    return ClozeMetrics(
        count,
        float((rank <= 1).sum() * share),
        float((rank <= 5).sum() * share),
        float((1 / rank).sum() * share),
        nats,
    )


def read(model: ClozeModel, corpus: Corpus, carried: bool) -> Iterator[tuple[NDArray[np.floating], float]]:
    """The ranks of all word positions, infinite for the unknown word, and the sum of -log P, in blocks."""
    pieces = spans(corpus, False, LONGEST)
    if not carried:
        order = np.argsort(pieces[:, 0] - pieces[:, 1], kind="stable")
        for group in np.array_split(order, range(SIDE_BY_SIDE, len(order), SIDE_BY_SIDE)):
            yield measure(model, corpus, pieces[group], model.start(len(group)))[:2]
        return
    parted = np.split(np.arange(len(pieces)), np.searchsorted(pieces[:, 0], corpus.starts[1:]))
    documents = [own for own in parted if len(own)]
    documents.sort(key=lambda own: -len(own))
    for first in range(0, len(documents), SIDE_BY_SIDE):
        group_of = documents[first : first + SIDE_BY_SIDE]
        state = model.start(len(group_of))
        for number in range(len(group_of[0])):
            alive = [at for at, own in enumerate(group_of) if len(own) > number]
            state = select(state, np.array(alive))
            group_of = [group_of[at] for at in alive]
            rank, nats, state = measure(model, corpus, pieces[[own[number] for own in group_of]], state)
            yield rank, nats


def measure(
    model: ClozeModel, corpus: Corpus, pieces: NDArray[np.int64], state: State
) -> tuple[NDArray[np.floating], float, State]:
    """Reads some sentences side by side: what `read` gives of their word positions, and the state behind each."""
    first, length = pieces[:, 0], pieces[:, 1] - pieces[:, 0]
    times = np.arange(int(length.max()))[:, None]
    inside = times < length
    positions = np.where(inside, first + times, 0)
    inputs = np.where(inside, corpus.ids[positions], BOUNDARY)
    targets = np.where(inside, corpus.ids[positions + 1], BOUNDARY)
    log_probs, ranks, state = model.rank(state, inputs, targets, length)
    words = inside & (targets != BOUNDARY)
    rank = np.where(targets == UNKNOWN, np.inf, ranks)[words]
    return rank, -float(log_probs[words].sum(dtype=np.float64)), state
