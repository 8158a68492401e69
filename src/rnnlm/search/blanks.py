"""Words for the blanks of a sentence: by a model that reads both sides, or by the whole sentence's probability.

A sentence is a list of ids in which None is a blank. It does not know text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import ModelError
from rnnlm.lm.cloze import BLANK, ClozeModel
from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, LanguageModel, select
from rnnlm.search.predictions import Prediction, best

CANDIDATES = 64  # words that a left-to-right model tries in a blank
BEAM = 64

Blanked = Sequence[int | None]


@dataclass(frozen=True)
class Fill:
    """Words for all blanks, in their order, and the log probability by which such answers are ranked."""

    words: list[int]
    score: float


@dataclass(frozen=True)
class Answer:
    """For each blank its best words; and, where there are several blanks, the best answers to all of them."""

    blanks: list[list[Prediction]]
    fills: list[Fill]


def fill_both_sides(model: ClozeModel, sentence: Blanked, top: int, ended: bool = True) -> Answer:
    """Each blank given all other words, the other blanks standing as the blank that training has seen.

    Answers to several blanks are found by a beam that fills them from left to right, and ranked by their
    pseudo-likelihood: the sum over the blanks of log P(word | all others filled) (Besag 1975). `ended` False: nothing
    is known of what stands behind the last word.
    """
    places = [at for at, word in enumerate(sentence) if word is None]
    base = np.array([BLANK if word is None else word for word in sentence])
    found = distributions(model, base[None], ended)[0]
    blanks = [best(found[at], top, (UNKNOWN, BLANK, BOUNDARY)) for at in places]
    if len(places) < 2:
        return Answer(blanks, [])
    width = max(8, top)
    beams, totals = base[None], np.zeros(1)
    for number, place in enumerate(places):
        log_probs = (found[None] if number == 0 else distributions(model, beams, ended))[:, place]
        expanded = [
            (total + float(np.log(p.probability)), row, p.id)
            for row, total in enumerate(totals)
            for p in best(log_probs[row], width, (UNKNOWN, BLANK, BOUNDARY))
        ]
        expanded.sort(key=lambda item: -item[0])
        kept = expanded[: 2 * width]
        beams = beams[[row for _, row, _ in kept]]
        beams[:, place] = [word for _, _, word in kept]
        totals = np.array([total for total, _, _ in kept])
    scores = np.zeros(len(beams))
    for place in places:
        hidden = beams.copy()
        hidden[:, place] = BLANK
        scores += distributions(model, hidden, ended)[np.arange(len(beams)), place, beams[:, place]]
    order = np.argsort(-scores, kind="stable")[:top]
    return Answer(blanks, [Fill(beams[row, places].tolist(), float(scores[row])) for row in order])


def distributions(model: ClozeModel, sentences: NDArray[np.integer], ended: bool = True) -> NDArray[np.floating]:
    """log probabilities (B, n, V) for every word of B sentences (B, n) of one length."""
    count, length = sentences.shape
    edge = np.full((count, 1), BOUNDARY)
    inputs = np.concatenate([edge, sentences], axis=1).T
    targets = np.concatenate([sentences, edge], axis=1).T
    if not ended:
        inputs, targets = inputs[:-1], targets[:-1]
    found, _ = model.fill(model.start(count), inputs, targets, np.full(count, len(inputs)))
    return np.moveaxis(found, 0, 1)[:, :length]


def fill_from_left(model: LanguageModel, sentence: Blanked, top: int) -> Answer:
    """Candidates from the left context, ranked by the probability of the whole sentence with its end.

    Blanks are walked from left to right with a beam. A word's probability is its share of the probability of all
    sentences that the beam holds at the end.
    """
    state = model.start(1)
    log_probs, state = model.step(state, np.array([BOUNDARY]))
    texts: list[list[int]] = [[]]
    totals = np.zeros(1)
    for word in [*sentence, BOUNDARY]:
        if word is None:
            scores = totals[:, None] + log_probs
            scores[:, [UNKNOWN, BOUNDARY]] = -np.inf
            flat = scores.reshape(-1)
            count = min(CANDIDATES if len(texts) == 1 else 2 * BEAM, flat.size)
            chosen = np.argpartition(-flat, count - 1)[:count]
            chosen = chosen[np.isfinite(flat[chosen])]
            parents, words = np.divmod(chosen, scores.shape[1])
            texts = [[*texts[parent], int(new)] for parent, new in zip(parents, words, strict=True)]
            totals, state = flat[chosen].astype(np.float64), select(state, parents)
        else:
            totals = totals + log_probs[:, word]
            words = np.full(len(texts), word)
        if word != BOUNDARY:
            log_probs, state = model.step(state, words)
    if not texts:
        raise ModelError("no word of the vocabulary can stand in the blank")
    order = np.argsort(-totals, kind="stable")
    shares = np.exp(totals - totals.max())
    shares /= shares.sum()
    blanks = []
    for number in range(len(texts[0])):
        mass: dict[int, float] = {}
        for row in order:
            mass[texts[row][number]] = mass.get(texts[row][number], 0.0) + float(shares[row])
        ranked = sorted(mass.items(), key=lambda item: -item[1])[:top]
        blanks.append([Prediction(word, share) for word, share in ranked])
    fills = [Fill(texts[row], float(totals[row])) for row in order[:top]] if len(texts[0]) > 1 else []
    return Answer(blanks, fills)
