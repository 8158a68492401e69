"""Drawing text from a language model, word by word; over any language model.

Many sequences are drawn side by side, and each has a generator of its own: the n-th text of a seed is the same whether
it is drawn alone or among others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, Floats, Ids, LanguageModel, select
from rnnlm.search.predictions import read


@dataclass(frozen=True)
class Drawn:
    """The ids of a text behind its prompt, without the sentence end, and the log probability of all that was chosen,
    the end too."""

    ids: list[int]
    log_probability: float
    ended: bool


def restrict(log_probs: Floats, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Floats:
    """The distribution to draw from (B, V): sharpened by temperature, then cut to the k best and to the nucleus of
    mass p.

    Gives probabilities. `<unk>` is never drawn. Temperature comes first, as in Holtzman et al. 2020.
    """
    logits = np.array(log_probs, np.float64) / max(temperature, 1e-6)
    logits[:, UNKNOWN] = -np.inf
    if 0 < top_k < logits.shape[1]:
        kth = np.partition(logits, -top_k, axis=1)[:, -top_k, None]
        logits[logits < kth] = -np.inf
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    if top_p < 1:
        for own in probs:
            own[outside(own, top_p)] = 0
        probs /= probs.sum(axis=1, keepdims=True)
    return np.asarray(probs)


def outside(probs: Floats, top_p: float) -> Ids:
    """The words beyond the nucleus of mass p. All words below (1 - p) / V have no more than 1 - p together: the nucleus
    is among the others, and only they, few as a rule, are sorted."""
    small = probs < (1 - top_p) / len(probs)
    large = np.flatnonzero(~small)
    order = large[np.argsort(-probs[large], kind="stable")]
    before = np.cumsum(probs[order]) - probs[order]  # so the word that crosses p still belongs to the nucleus
    return np.concatenate([np.flatnonzero(small), order[before >= top_p]])


def draw(
    model: LanguageModel,
    prompt: Sequence[int],
    count: int,
    most: int,
    seed: int,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    best_of: int = 1,
) -> list[Drawn]:
    """`count` texts behind a prompt, each until the sentence end or `most` words. A temperature of 0 takes the best
    word.

    Of every `best_of` texts drawn side by side the one is kept that is most probable a word (`likely`).
    """
    texts = draw_all(model, prompt, count * best_of, most, seed, temperature, top_k, top_p)
    return [max(texts[first : first + best_of], key=likely) for first in range(0, len(texts), best_of)]


def likely(text: Drawn) -> tuple[bool, float]:
    """By what drawn texts are compared: those that came to an end first, then the mean log probability of a word."""
    return text.ended, text.log_probability / (len(text.ids) + text.ended)


def draw_all(
    model: LanguageModel,
    prompt: Sequence[int],
    count: int,
    most: int,
    seed: int,
    temperature: float,
    top_k: int,
    top_p: float,
) -> list[Drawn]:
    """All texts, as they are drawn."""
    found, state = read(model, prompt)
    log_probs = np.repeat(found[None], count, axis=0)
    state = select(state, np.zeros(count, np.int64))
    generators = [np.random.default_rng([seed, number]) for number in range(count)]
    alive = np.arange(count)
    ids: list[list[int]] = [[] for _ in range(count)]
    totals = np.zeros(count)
    ended = np.zeros(count, bool)
    for _ in range(most):
        if temperature == 0:
            log_probs[:, UNKNOWN] = -np.inf
            chosen = log_probs.argmax(axis=1)
        else:
            edges = np.cumsum(restrict(log_probs, temperature, top_k, top_p), axis=1)
            points = np.array([generators[number].random() for number in alive]) * edges[:, -1]
            chosen = (edges <= points[:, None]).sum(axis=1)
        totals[alive] += log_probs[np.arange(len(alive)), chosen]
        ended[alive] = chosen == BOUNDARY
        for number, word in zip(alive, chosen, strict=True):
            if word != BOUNDARY:
                ids[number].append(int(word))
        going = np.flatnonzero(chosen != BOUNDARY)
        alive = alive[going]
        if not len(alive):
            break
        log_probs, state = model.step(select(state, going), chosen[going])
        log_probs = np.array(log_probs)
    return [Drawn(own, float(total), bool(end)) for own, total, end in zip(ids, totals, ended, strict=True)]
