"""A trained model that takes text: what `rnnlm.load` returns; it adds words to a language model and nothing else.

The calls that code written for `kenlm.Model` makes (`score`, `full_scores`, `perplexity`, `in`) are here in its manner:
log10, one sentence at a time, begun with the boundary and ended with it unless told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnlm.errors import ModelError
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.protocol import BOUNDARY, LanguageModel
from rnnlm.store.load import load_model
from rnnlm.store.run import find_run
from rnnlm.text.coder import Coder

LOG10 = math.log(10)


@dataclass(frozen=True)
class Model:
    """A language model with its tokenizer and vocabulary; `name` tells where it came from."""

    name: str
    lm: LanguageModel | ClozeModel
    coder: Coder

    @property
    def left_to_right(self) -> LanguageModel:
        """The model as one that reads from left to right. Raises ModelError where it reads both sides."""
        if isinstance(self.lm, ClozeModel):
            raise ModelError(
                f"{self.name} reads from both sides: it fills blanks, and gives no text a probability",
                "use a run of another kind, such as `rnnlm train` gives",
            )
        return self.lm

    def __contains__(self, word: str) -> bool:
        return word in self.coder.vocabulary

    def score(self, sentence: str, bos: bool = True, eos: bool = True) -> float:
        """log10 of the probability of a sentence."""
        return sum(score for score, _, _ in self.full_scores(sentence, bos, eos))

    def full_scores(self, sentence: str, bos: bool = True, eos: bool = True) -> Iterator[tuple[float, int, bool]]:
        """For every word, and the sentence end: log10 probability, number of words it was seen with, is it unknown?

        Without `bos` the first word is given the state that has read nothing but the boundary, and is not counted.
        """
        encoded = self.coder.encode(sentence)
        targets = encoded.ids + [BOUNDARY] * eos
        if not targets:
            return
        inputs = [BOUNDARY, *encoded.ids][: len(targets)]
        model = self.left_to_right
        found, _ = model.score(model.start(1), np.array(inputs)[:, None], np.array(targets)[:, None])
        unknown = set(encoded.oov)
        for at, value in enumerate(found[:, 0].tolist()):
            if at or bos:
                yield value / LOG10, at + 1, at in unknown

    def perplexity(self, sentence: str) -> float:
        """The perplexity of a sentence, its end a word too."""
        count = len(self.coder.encode(sentence).ids) + 1
        return float(10 ** (-self.score(sentence) / count))


def load(path: str | Path | None = None) -> Model:
    """The model of a run folder or of a checkpoint in it; None for the newest run under runs/.

    Raises CheckpointError where it cannot be read.
    """
    run, checkpoint = find_run(None if path is None else str(path))
    return Model(str(run.path), load_model(run, checkpoint), run.coder)
