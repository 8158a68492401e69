"""Drawing text from a language model, word by word; over any language model.

Many sequences are drawn side by side, and each has a generator of its own: the n-th text of a seed is the same whether
it is drawn alone or among others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, Floats, Ids, LanguageModel, State, select
from rnnlm.search.predictions import read

TOGETHER = 1 << 23  # probabilities that are held at once, whatever V and the number of texts are


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

    Gives probabilities. `<unk>` is never drawn. Of words that are equally good the first by id are among the k.
    Temperature comes first, as in Holtzman et al. 2020.
    """
    logits = log_probs / log_probs.dtype.type(min(max(temperature, 1e-6), 1e30))
    logits[:, UNKNOWN] = -np.inf
    if 0 < top_k < logits.shape[1]:
        kth = np.partition(logits, -top_k, axis=1)[:, -top_k, None]
        logits[logits < kth] = -np.inf
        for own, least in zip(logits, kth, strict=True):  # n-gram models give many words one probability
            tied = np.flatnonzero(own == least)
            own[tied[top_k - np.count_nonzero(own > least) :]] = -np.inf
    logits -= logits.max(axis=1, keepdims=True)
    probs = np.exp(logits, out=logits)
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
    return np.concatenate([np.flatnonzero(small), order[1:][before[1:] >= top_p]])


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

    With `best_of`, so many texts are drawn side by side that begin with the same word, and the one is kept that came to
    an end and is the most probable a word. The first word is drawn at temperature 1: texts begin in many ways, as they
    do in the model, and go on safely. Were beginnings compared too, all texts would have the most common one.
    """
    found, state = read(model, prompt)
    openings = None
    if best_of > 1:
        probs = restrict(found[None], 1.0, top_k, top_p)
        first = [pick(probs, [np.random.default_rng([seed, number, 1])])[0] for number in range(count)]
        openings = np.repeat(first, best_of)
    texts: list[Drawn] = []
    together = max(1, TOGETHER // model.size)
    for start in range(0, count * best_of, together):
        numbers = np.arange(start, min(start + together, count * best_of))
        own = None if openings is None else openings[numbers]
        texts += draw_all(model, found, state, numbers, most, seed, temperature, top_k, top_p, own)
    if best_of == 1:
        return texts

    def rank(text: Drawn) -> tuple[bool, float]:
        """Whether it came to an end, then the mean log probability of the words behind the first."""
        words = len(text.ids) + text.ended
        opening = text.ids[0] if text.ids else BOUNDARY
        return text.ended, (text.log_probability - float(found[opening])) / max(1, words - 1)

    return [max(texts[at : at + best_of], key=rank) for at in range(0, len(texts), best_of)]


def pick(probs: Floats, generators: Sequence[np.random.Generator]) -> Ids:
    """One word for each row of `probs` (B, V), by that row's generator."""
    edges = np.cumsum(probs, axis=1)
    points = np.array([generator.random() for generator in generators]) * edges[:, -1]
    return np.asarray((edges <= points[:, None]).sum(axis=1))


def draw_all(
    model: LanguageModel,
    found: Floats,
    state: State,
    numbers: Ids,
    most: int,
    seed: int,
    temperature: float,
    top_k: int,
    top_p: float,
    openings: Ids | None = None,
) -> list[Drawn]:
    """The texts of these numbers; `found` (V,) is the distribution of their first word, which `openings` may fix."""
    count = len(numbers)
    log_probs = np.repeat(found[None], count, axis=0)
    state = select(state, np.zeros(count, np.int64))
    generators = [np.random.default_rng([seed, int(number)]) for number in numbers]
    alive = np.arange(count)
    ids: list[list[int]] = [[] for _ in range(count)]
    totals = np.zeros(count)
    ended = np.zeros(count, bool)
    for place in range(most):
        if place == 0 and openings is not None:
            chosen = openings
        elif temperature == 0:
            log_probs[:, UNKNOWN] = -np.inf
            chosen = log_probs.argmax(axis=1)
        else:
            probs = restrict(log_probs, temperature, top_k, top_p)
            chosen = pick(probs, [generators[number] for number in alive])
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
