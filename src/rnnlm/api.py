"""A trained model that takes text: what `rnnlm.load` returns; it adds words to a language model and nothing else.

The calls that code written for `kenlm.Model` makes are here in its manner, log10 and their names included, so that
`import rnnlm as kenlm` is the one line to change: `score`, `full_scores`, `perplexity`, `in`, `order`, and the calls
with a `State` that score word by word. What differs: the model's own tokenizer cuts the sentence, a literal `<unk>` is
a known word, `<s>` is none, behind `</s>` a sentence begins, and a state keeps words that make no difference any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnlm.errors import ModelError
from rnnlm.lm import protocol
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.ngram import NONE, NgramModel
from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, LanguageModel
from rnnlm.store.load import Loaded, load_named

LOG10 = math.log(10)


class FullScore(NamedTuple):
    """The log10 probability of a word; how many words it rests on, itself and the sentence start counted, which for
    an n-gram model is the length of the n-gram; is it out of the vocabulary?"""

    log_prob: float
    ngram_length: int
    oov: bool


class State:
    """What was read of a text: a model's calls fill it, and it is equal to another that holds the same last words.

    `lm` is the state of the language model before it reads `last`, the last word.
    """

    def __init__(self) -> None:
        self.lm: protocol.State = ()
        self.last = NONE
        self.read = 0

    def content(self) -> tuple[Any, ...]:
        """The state as something that can be compared."""

        def plain(part: protocol.State) -> tuple[Any, ...]:
            return tuple(plain(p) if isinstance(p, tuple) else p.tobytes() for p in part)

        return (*plain(self.lm), self.last)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.content() == other.content()

    def __hash__(self) -> int:
        return hash(self.content())


class Model:
    """A language model `lm` with its tokenizer and vocabulary, `coder`; `name` tells where it came from."""

    def __init__(self, source: str | Path | Loaded | None = None) -> None:
        """`source` names a run, a checkpoint in it or an ARPA file; None is the newest run under runs/.

        Raises CheckpointError where it cannot be read.
        """
        loaded = source if isinstance(source, Loaded) else load_named(None if source is None else str(source))
        self.name, self.lm, self.coder = loaded.name, loaded.lm, loaded.coder

    def __repr__(self) -> str:
        return f"<Model from {self.name}>"

    @property
    def left_to_right(self) -> LanguageModel:
        """The model as one that reads from left to right. Raises ModelError where it reads both sides."""
        if isinstance(self.lm, ClozeModel):
            raise ModelError(
                f"{self.name} reads from both sides: it fills blanks, and gives no text a probability",
                "use a run of another kind, such as `rnnlm train` gives; `rnnlm score` scores its words",
            )
        return self.lm

    @property
    def order(self) -> int:
        """The length of the longest n-gram; only an n-gram model has it."""
        if not isinstance(self.lm, NgramModel):
            raise AttributeError(f"{self.name} is no n-gram model: it has no order")
        return self.lm.order

    def __contains__(self, word: str) -> bool:
        return word in self.coder.vocabulary

    def score(self, sentence: str, bos: bool = True, eos: bool = True) -> float:
        """log10 of the probability of a sentence."""
        return sum(score for score, _, _ in self.full_scores(sentence, bos, eos))

    def perplexity(self, sentence: str) -> float:
        """The perplexity of a sentence, its end a word too."""
        count = len(self.coder.encode(sentence).ids) + 1
        return float(10 ** (-self.score(sentence) / count))

    def full_scores(self, sentence: str, bos: bool = True, eos: bool = True) -> Iterator[FullScore]:
        """The score of every word, and of the sentence end.

        Without `bos` an n-gram model begins with no context. Other models know no beginning but that of a sentence.
        """
        encoded = self.coder.encode(sentence)
        targets = encoded.ids + [BOUNDARY] * eos
        if not targets:
            return
        inputs = [self.first(bos), *encoded.ids][: len(targets)]
        found, lengths, _ = self.ask(self.left_to_right.start(1), inputs, targets, 0)
        unknown = set(encoded.oov)
        for at, (value, length) in enumerate(zip(found, lengths, strict=True)):
            yield FullScore(value, length, at in unknown)

    def first(self, bos: bool) -> int:
        """What is read before the first word."""
        return BOUNDARY if bos or not isinstance(self.lm, NgramModel) else NONE

    def ask(
        self, state: protocol.State, inputs: list[int], targets: list[int], read: int
    ) -> tuple[list[float], list[int], protocol.State]:
        """log10 probabilities and lengths (`FullScore`) of `targets`, and the state behind the last of the inputs, of
        which `read` words were read before."""
        model, column = self.left_to_right, np.array(inputs)[:, None]
        if isinstance(model, NgramModel):
            found, orders, state = model.score_with_order(state, column, np.array(targets)[:, None])
            lengths = orders[:, 0].tolist()
        else:
            found, state = model.score(state, column, np.array(targets)[:, None])
            lengths = list(range(read + 2, read + 2 + len(targets)))
        return (found[:, 0].astype(float) / LOG10).tolist(), lengths, state

    def BeginSentenceWrite(self, state: State) -> None:
        """Makes `state` that of a sentence's beginning."""
        self.begin(state, self.first(True))

    def NullContextWrite(self, state: State) -> None:
        """Makes `state` that of no context; for a model other than n-grams it is that of a sentence's beginning."""
        self.begin(state, self.first(False))

    def begin(self, state: State, word: int) -> None:
        state.lm, state.last, state.read = self.left_to_right.start(1), word, 0

    def BaseScore(self, in_state: State, word: str, out_state: State) -> float:
        """log10 of the probability of a word after `in_state`; makes `out_state` the state behind it."""
        return self.BaseFullScore(in_state, word, out_state).log_prob

    def BaseFullScore(self, in_state: State, word: str, out_state: State) -> FullScore:
        """As `BaseScore`, and all of `FullScore`. The two states may be the same object.

        An unknown word that is spelled in its characters has their probability together.
        """
        if in_state.lm == ():
            raise ModelError("this state has read nothing yet", "call BeginSentenceWrite(state) first")
        ids = self.ids_of(word)
        found, lengths, state = self.ask(in_state.lm, [in_state.last, *ids[:-1]], ids, in_state.read)
        if isinstance(self.lm, NgramModel):
            state = forget_first(state)
        out_state.lm, out_state.last, out_state.read = state, ids[-1], in_state.read + len(ids)
        return FullScore(sum(found), lengths[0], word not in self and UNKNOWN in ids)

    def ids_of(self, word: str) -> list[int]:
        """The ids that a word is read as: more than one where it is spelled."""
        known = self.coder.vocabulary.ids
        pieces = self.coder.tokenizer.spell([word], known) if self.coder.oov == "characters" else [word]
        return [known.get(piece, UNKNOWN) for piece in pieces] or [UNKNOWN]


def forget_first(state: protocol.State) -> protocol.State:
    """The state of an n-gram model without the oldest word, which nothing behind the next input can see."""
    (words,) = state
    assert not isinstance(words, tuple)
    shorter = words.copy()
    shorter[:, :1] = NONE
    return (shorter,)


def load(path: str | Path | None = None) -> Model:
    """The model of a run folder, of a checkpoint in it, or of an ARPA file; None for the newest run under runs/.

    Raises CheckpointError where it cannot be read.
    """
    return Model(path)
