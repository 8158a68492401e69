"""Scores of sentences and of their tokens, each sentence for itself, in the order they came, with memory that does not
grow; over any language model, and over one that reads both sides.

The latter gives no sentence a probability, but each word one given all the others. Their product is the sentence's
pseudo-likelihood (Besag 1975), by which sentences of like length can be ranked: of two spellings, say. As no word sees
itself, one pass over a sentence gives it all.

Lines come and go in blocks. Some threads score blocks while the next ones are cut into words: nearly all the work is
inside NumPy, which lets threads run side by side.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.ngram import NgramModel
from rnnlm.lm.protocol import BOUNDARY, Floats, Ids, LanguageModel, select
from rnnlm.text.coder import Coder, Encoded

BLOCK = 1024  # lines of a file that are scored together
TOGETHER = 32  # sentences that a model reads side by side; an n-gram model looks a whole block up at once
STEPPED = 64  # the same, where each word takes a step of its own
CELLS = 1 << 18  # words that stand side by side, paddings counted: a line of 20,000 has few beside it
HELD = 1 << 14  # the same by a model of both sides, which holds the features of every word
FULL = 8192  # characters: after a smaller block its scores are not kept back until another is there
LOG10 = math.log(10)
Sentences = list[list[int] | None]
T = TypeVar("T")
M = TypeVar("M")


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


@dataclass(frozen=True)
class Token:
    """The score of one token: `rank` is 1 where no word is more probable, `oov` says that it is not in the vocabulary,
    so that the score is that of `<unk>`, `order` is the length of the n-gram used, None for a model without."""

    token: str
    log10_probability: float
    rank: int
    oov: bool
    order: int | None = None

    def to_json(self) -> dict[str, Any]:
        found = asdict(self)
        if self.order is None:
            del found["order"]
        return found


@dataclass(frozen=True)
class TokenScores:
    """What a model says of the tokens of one sentence, its end the last: natural logarithms, ranks, orders (n,)."""

    log_probs: Floats
    ranks: Ids
    orders: Ids | None


def blocks_of(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines in blocks."""
    source = iter(lines)
    while block := list(islice(source, BLOCK)):
        yield block


def score_lines(
    model: LanguageModel | ClozeModel, coder: Coder, blocks: Iterable[list[str]], threads: int = 1
) -> Iterator[list[Line]]:
    """A score for each line, block by block."""
    end = int(not isinstance(model, ClozeModel))  # is the sentence end a token?
    for block, encoded, totals in in_turn(model, sentence_scores, coder, blocks, threads):
        yield [as_line(*each, end) for each in zip(block, encoded, totals, strict=True)]


def as_line(text: str, line: Encoded, total: float, end: int) -> Line:
    if not line.characters:
        return Line(0, 0, 0, 0, "")
    return Line(total / LOG10, len(line.ids) + end, len(line.oov), line.characters + end, text)


def score_tokens(
    model: LanguageModel | ClozeModel, coder: Coder, blocks: Iterable[list[str]], threads: int = 1
) -> Iterator[list[tuple[str, list[Token]]]]:
    """The text of each line and its tokens, block by block; an empty line has none."""
    end = [] if isinstance(model, ClozeModel) else [coder.vocabulary.words[BOUNDARY]]
    for block, encoded, scores in in_turn(model, token_scores, coder, blocks, threads):
        yield [
            (text, as_tokens([*line.words, *end], line.oov, found)) if found else ("", [])
            for text, line, found in zip(block, encoded, scores, strict=True)
        ]


def as_tokens(words: list[str], oov: list[int], found: TokenScores) -> list[Token]:
    unknown = set(oov)
    orders = [None] * len(words) if found.orders is None else found.orders.tolist()
    values = zip(words, (found.log_probs / LOG10).tolist(), found.ranks.tolist(), orders, strict=True)
    return [Token(word, value, rank, at in unknown, order) for at, (word, value, rank, order) in enumerate(values)]


def in_turn(
    model: M,
    work: Callable[[M, Sentences], list[T]],
    coder: Coder,
    blocks: Iterable[list[str]],
    threads: int,
) -> Iterator[tuple[list[str], list[Encoded], list[T]]]:
    """Each block with its encoded lines and what `work` finds for them, in order, at most `threads` ahead."""
    waiting: deque[tuple[list[str], list[Encoded], Future[list[T]]]] = deque()

    def first() -> tuple[list[str], list[Encoded], list[T]]:
        block, encoded, found = waiting.popleft()
        return block, encoded, found.result()

    with ExitStack() as stack:
        if threads > 1:
            stack.enter_context(threadpool_limits(1, "blas"))  # threads of ours, not of each product
        pool = stack.enter_context(ThreadPoolExecutor(threads))
        for block in blocks:
            encoded = [coder.encode(line) for line in block]
            sentences = [line.ids if line.characters else None for line in encoded]
            waiting.append((block, encoded, pool.submit(work, model, sentences)))
            pausing = threads == 1 or sum(map(len, block)) < FULL
            while len(waiting) > (0 if pausing else threads):
                yield first()
        while waiting:
            yield first()


def sentence_scores(model: LanguageModel | ClozeModel, sentences: Sentences) -> list[float]:
    """The log probability (1.1) of each sentence with its end, from the state that has read nothing; None has none.

    By a model of both sides its pseudo-log-likelihood.
    """
    if isinstance(model, ClozeModel):
        return [0.0 if found is None else float(found.log_probs.sum()) for found in word_scores(model, sentences)]
    totals = [0.0] * len(sentences)
    columns = len(sentences) if isinstance(model, NgramModel) else TOGETHER
    for group, inputs, targets, inside in side_by_side(sentences, columns, CELLS):
        found, _ = model.score(model.start(len(group)), inputs, targets)
        sums = np.where(inside, found, 0).sum(axis=0, dtype=np.float64)
        for at, total in zip(group, sums.tolist(), strict=True):
            totals[at] = total
    return totals


def token_scores(model: LanguageModel | ClozeModel, sentences: Sentences) -> list[TokenScores | None]:
    """The scores of every token of each sentence and, but by a model of both sides, of its end; None has none."""
    if isinstance(model, ClozeModel):
        return word_scores(model, sentences)
    scores: list[TokenScores | None] = [None] * len(sentences)
    for group, inputs, targets, inside in side_by_side(sentences, STEPPED, CELLS):
        found = np.empty(inputs.shape)
        ranks = np.empty(inputs.shape, np.int64)
        state = model.start(len(group))
        for t, wide in enumerate(inside.sum(axis=1).tolist()):
            state = select(state, np.arange(wide))  # the sentences that are not at their end: they stand first
            log_probs, state = model.step(state, inputs[t, :wide])
            own = np.take_along_axis(log_probs, targets[t, :wide, None], axis=1)
            found[t, :wide] = own[:, 0]
            ranks[t, :wide] = 1 + np.count_nonzero(log_probs > own, axis=1)
        orders = None
        if isinstance(model, NgramModel):
            _, orders, _ = model.score_with_order(model.start(len(group)), inputs, targets)
        for column, at in enumerate(group):
            own_times = np.flatnonzero(inside[:, column]), column
            scores[at] = TokenScores(found[own_times], ranks[own_times], None if orders is None else orders[own_times])
    return scores


def word_scores(model: ClozeModel, sentences: Sentences) -> list[TokenScores | None]:
    """The scores of every word of each sentence, given all its other words."""
    scores: list[TokenScores | None] = [None] * len(sentences)
    for group, inputs, targets, inside in side_by_side(sentences, TOGETHER, HELD):
        lengths = inside.sum(axis=0)
        found, ranks, _ = model.rank(model.start(len(group)), inputs, targets, lengths)
        for column, (at, length) in enumerate(zip(group, lengths - 1, strict=True)):
            scores[at] = TokenScores(found[:length, column].astype(np.float64), ranks[:length, column], None)
    return scores


def side_by_side(
    sentences: Sentences, columns: int, cells: int
) -> Iterator[tuple[list[int], Ids, Ids, NDArray[np.bool_]]]:
    """The sentences in groups of like length, the longest first: their numbers, inputs and targets (T, B), and where
    in these each sentence and its end are. At most `columns` stand in a group, and at most `cells` words and paddings
    or one sentence."""
    lengths = {at: len(ids) for at, ids in enumerate(sentences) if ids is not None}
    order = sorted(lengths, key=lambda at: -lengths[at])
    while order:
        most = max(1, min(columns, cells // (lengths[order[0]] + 1)))
        group, order = order[:most], order[most:]
        length = np.array([lengths[at] for at in group])
        inside = np.arange(length[0] + 1)[:, None] <= length
        inputs = np.full(inside.shape, BOUNDARY)
        inputs[1:].T[inside[1:].T] = [word for at in group for word in sentences[at] or ()]
        targets = np.append(inputs[1:], np.full((1, len(group)), BOUNDARY), axis=0)
        yield group, inputs, targets, inside
