"""N-best lists in a new order: each hypothesis scored for itself by a language model, and weighed against its acoustic
score; over any language model.

    score = acoustic + s (λ log10 P(words) + (1 - λ) old) + i n

with s the scale of the language model, `old` the score of an older one, λ the weight against it, and i for each of the
n words. Hypotheses that begin alike share their work: they are walked as a tree of words, all its branches of one
length together, so that equal hypotheses have equal scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import CorpusError
from rnnlm.lm.protocol import BOUNDARY, LanguageModel, select
from rnnlm.text.coder import Coder

TOGETHER = 1024  # hypotheses that are walked as one tree, and the rest of their last utterance
KNOWN = ("acoustic", "lm")


@dataclass(frozen=True)
class Hypothesis:
    """One line of an n-best list; a score that it does not have is 0."""

    utterance: str
    text: str
    acoustic: float = 0.0
    lm: float = 0.0


@dataclass(frozen=True)
class Weights:
    """How scores are put together: `scale` s, `insertion` i, and `share` λ, 1 where there is no older model."""

    scale: float = 1.0
    insertion: float = 0.0
    share: float = 1.0


@dataclass(frozen=True)
class Rescored:
    """A hypothesis in its new place, 1 the best of its utterance; `words` is what the model reads it as."""

    utterance: str
    rank: int
    score: float
    log10_probability: float
    words: int
    acoustic: float
    lm: float
    text: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def columns_of(line: str) -> tuple[str, ...]:
    """The scores that stand between the utterance and the text where nobody says so: those parted by tabs."""
    return KNOWN[: max(0, len(line.split("\t")) - 2)]


def read_nbest(lines: Iterable[str], columns: Sequence[str], name: str) -> Iterator[Hypothesis]:
    """Hypotheses from lines `utterance [scores] words`, parted by tabs, or by blanks where a line has no tab.

    `columns` names the scores: acoustic, lm, or anything else for one to be passed over. Empty lines are passed over.
    Raises CorpusError, with the line, where a score is no number or missing; at the end, where no line had words.
    """
    lines_read = worded = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if "\t" in line:
            fields = line.split("\t")
            while len(fields) > len(columns) + 2 and not fields[-1].strip():
                fields.pop()
            if len(fields) > len(columns) + 2:
                raise CorpusError(
                    f"{name}, line {number}: {len(fields)} columns, where {len(columns) + 2} are expected",
                    "name those before the words with --columns, such as --columns acoustic,lm",
                )
        else:
            fields = line.split(None, len(columns) + 1)
        utterance, *scores = fields[: len(columns) + 1]
        try:
            values = dict(zip(columns, map(float, scores), strict=True))
        except ValueError:
            raise CorpusError(
                f"{name}, line {number}: the utterance and {', '.join(columns)} are expected before the words",
                "name the columns between the utterance and the words with --columns, such as --columns acoustic,lm",
            ) from None
        if not all(map(math.isfinite, values.values())):
            raise CorpusError(f"{name}, line {number}: {' and '.join(scores)} cannot be compared with other scores")
        words = fields[len(columns) + 1 :]  # a single field, or none
        lines_read, worded = True, worded or bool(words)
        yield Hypothesis(
            utterance.strip(), "".join(words).strip(), **{key: values[key] for key in KNOWN if key in values}
        )
    if lines_read and not worded:
        raise CorpusError(
            f"{name}: no line has words behind the name of its utterance",
            f"a line is: {'<TAB>'.join(('utterance', *columns, 'words'))}",
        )


def rescore(
    model: LanguageModel, coder: Coder, hypotheses: Iterable[Hypothesis], weights: Weights
) -> Iterator[list[Rescored]]:
    """The hypotheses of each utterance, whose lines stand together, best first; of equal ones the first stays first."""
    waiting: list[list[Hypothesis]] = []
    for _, group in groupby(hypotheses, lambda hypothesis: hypothesis.utterance):
        waiting.append(list(group))
        if sum(map(len, waiting)) >= TOGETHER:
            yield from rescore_together(model, coder, waiting, weights)
            waiting = []
    yield from rescore_together(model, coder, waiting, weights)


def rescore_together(
    model: LanguageModel, coder: Coder, utterances: list[list[Hypothesis]], weights: Weights
) -> Iterator[list[Rescored]]:
    sentences = [coder.encode(one.text).ids for group in utterances for one in group]
    found = iter(tree_scores(model, sentences).tolist())
    lengths = map(len, sentences)
    for group in utterances:
        scored = []
        for one, total, words in zip(group, found, lengths, strict=False):
            new = total / math.log(10)
            language = weights.share * new + (1 - weights.share) * one.lm
            score = one.acoustic + weights.scale * language + weights.insertion * words
            scored.append((score, new, words, one))
        scored.sort(key=lambda entry: -entry[0])
        yield [
            Rescored(one.utterance, rank, score, new, words, one.acoustic, one.lm, one.text)
            for rank, (score, new, words, one) in enumerate(scored, 1)
        ]


def tree_scores(model: LanguageModel, sentences: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """The log probability (n,) of each sentence with its end, from the state that has read nothing.

    A node of the tree is a beginning that some sentences share. All nodes of one length are asked together, once each
    for every word that follows.
    """
    totals = np.zeros(len(sentences))
    lengths = np.array([len(ids) for ids in sentences], np.int64)
    going = np.arange(len(sentences))  # the sentences not at their end, and the node of each
    node = np.zeros(len(sentences), np.int64)
    state, last = model.start(1), np.array([BOUNDARY])  # of each node; its last word is still to be read
    time = 0
    while len(going):
        wanted = np.array([sentences[at][time] if time < lengths[at] else BOUNDARY for at in going.tolist()])
        edges, edge = np.unique(node * model.size + wanted, return_inverse=True)
        parents, words = np.divmod(edges, model.size)
        found, after = model.score(select(state, parents), last[parents][None], words[None])
        totals[going] += found[0][edge]
        open_ = lengths[going] > time
        nodes, node = np.unique(edge[open_], return_inverse=True)
        going, state, last = going[open_], select(after, nodes), words[nodes]
        time += 1
    return totals
