"""Scores of sentences, each for itself, in the order they came; over any language model, with memory that does not
grow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

from rnnlm.lm.protocol import BOUNDARY, LanguageModel
from rnnlm.text.coder import Coder, Encoded

BLOCK = 1024  # lines read before the first of them is scored
TOGETHER = 64  # sentences scored side by side


@dataclass(frozen=True)
class Line:
    """The score of one line; an empty line has none and ends a document."""

    log10_probability: float
    tokens: int
    oov: int
    characters: int
    text: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def score_lines(model: LanguageModel, coder: Coder, lines: Iterable[str]) -> Iterator[Line]:
    """A score for each line, in their order; lines of a block are batched by length."""
    source = iter(lines)
    while block := list(islice(source, BLOCK)):
        encoded = [coder.encode(line) for line in block]
        totals = sentence_scores(model, [line.ids if line.characters else None for line in encoded])
        for text, line, total in zip(block, encoded, totals, strict=True):
            yield as_line(text, line, total)


def as_line(text: str, line: Encoded, total: float) -> Line:
    if not line.characters:
        return Line(0, 0, 0, 0, "")
    return Line(total / math.log(10), len(line.ids) + 1, len(line.oov), line.characters + 1, text)


def sentence_scores(model: LanguageModel, sentences: list[list[int] | None]) -> list[float]:
    """The log probability of each sentence with its end, from the state that has read nothing; None has none."""
    totals = [0.0] * len(sentences)
    order = sorted(
        (at for at, ids in enumerate(sentences) if ids is not None), key=lambda at: -len(sentences[at] or ())
    )
    for first in range(0, len(order), TOGETHER):
        group = order[first : first + TOGETHER]
        rows = [sentences[at] or [] for at in group]
        steps = len(rows[0]) + 1
        inputs = np.zeros((steps, len(group)), np.int64)
        targets = np.zeros((steps, len(group)), np.int64)
        inside = np.zeros((steps, len(group)), bool)
        for column, ids in enumerate(rows):
            inputs[0, column] = BOUNDARY
            inputs[1 : len(ids) + 1, column] = ids
            targets[: len(ids), column] = ids
            inside[: len(ids) + 1, column] = True
        found, _ = model.score(model.start(len(group)), inputs, targets)
        sums = np.where(inside, found, 0).sum(axis=0, dtype=np.float64)
        for at, total in zip(group, sums.tolist(), strict=True):
            totals[at] = total
    return totals
