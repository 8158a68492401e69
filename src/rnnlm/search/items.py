"""Test items with one word left out: which of the candidates does a model choose? Over left-to-right and cloze
models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rnnlm.errors import CorpusError
from rnnlm.lm.cloze import BLANK, ClozeModel
from rnnlm.lm.protocol import BOUNDARY, LanguageModel
from rnnlm.search.blanks import distributions, fill_both_sides, fill_from_left
from rnnlm.search.scoring import sentence_scores
from rnnlm.text.coder import Coder


@dataclass(frozen=True)
class Item:
    """A text with a word left out between `before` and `after`; `candidates` empty: any word may be the answer."""

    before: str
    after: str
    answer: str
    candidates: tuple[str, ...] = ()


def read_items(lines: Iterable[str], name: str) -> list[Item]:
    """Items from JSON lines: before, after, answer, optional candidates. Raises CorpusError naming the line."""
    items = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            item = Item(value["before"], value.get("after", ""), value["answer"], tuple(value.get("candidates", ())))
            words = (item.answer, *item.candidates)
            if not all(isinstance(text, str) for text in (item.before, item.after, *words)):
                raise TypeError("before, after, answer and candidates are text")
            if not all(word.strip() for word in words):
                raise ValueError("its answer or a candidate is empty")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(
                f"{name}, line {number} is no item: {error}", 'a line is {"before": "…", "after": "…", "answer": "…"}'
            ) from None
        items.append(item)
    if not items:
        raise CorpusError(f"there are no items in {name}")
    return items


def right(model: LanguageModel | ClozeModel, coder: Coder, item: Item) -> bool:
    """Does the model give the answer the highest probability?

    The answer is one of the candidates, whether it was listed among them or not. Without candidates all words compete.
    """
    if not item.candidates:
        return best_word(model, coder, item) == item.answer
    words = list(dict.fromkeys((item.answer, *item.candidates)))
    scores = (
        cloze_scores(model, coder, item, words)
        if isinstance(model, ClozeModel)
        else left_scores(model, coder, item, words)
    )
    return scores[0] > max(scores[1:], default=-np.inf)


def left_scores(model: LanguageModel, coder: Coder, item: Item, words: list[str]) -> list[float]:
    """log P of the text with each word: of all behind it too, and of the sentence end, where anything stands behind
    it."""
    before, after = coder.encode(item.before).ids, coder.encode(item.after).ids
    if after:
        return sentence_scores(model, [before + coder.encode(word).ids + after for word in words])
    scores = []
    for word in words:
        ids = before + coder.encode(word).ids
        found, _ = model.score(model.start(1), np.array([BOUNDARY, *ids[:-1]])[:, None], np.array(ids)[:, None])
        scores.append(float(found[len(before) :, 0].sum()))
    return scores


def cloze_scores(model: ClozeModel, coder: Coder, item: Item, words: list[str]) -> list[float]:
    """log P(word | both sides); a word that is not in the vocabulary cannot be chosen."""
    before, after = coder.encode(item.before).ids, coder.encode(item.after).ids
    found = distributions(model, np.array([[*before, BLANK, *after]]), bool(after))[0, len(before)]
    ids = [coder.vocabulary.ids.get(word) for word in words]
    return [-np.inf if number is None else float(found[number]) for number in ids]


def best_word(model: LanguageModel | ClozeModel, coder: Coder, item: Item) -> str:
    """The word that the model would put into the blank."""
    before, after = coder.encode(item.before).ids, coder.encode(item.after).ids
    sentence = [*before, None, *after]
    if isinstance(model, ClozeModel):
        answer = fill_both_sides(model, sentence, 1, bool(after))
    else:
        answer = fill_from_left(model, sentence, 1)
    return coder.vocabulary.words[answer.blanks[0][0].id]
