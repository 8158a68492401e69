"""Lines to ids and back: a tokenizer and a vocabulary together; it does not know about files.

An unknown word is spelled in its characters (`oov` = "characters") or becomes `<unk>` as a whole (`oov` = "unk").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlm.text.tokenizer import Tokenizer
from rnnlm.text.vocabulary import Vocabulary

BOUNDARY, UNKNOWN = 0, 1


@dataclass(frozen=True)
class Encoded:
    """One line: its `words` as the model sees them, their `ids`, the positions that are out of the vocabulary (`oov`),
    the surface words that were not known (`unknown`), and the number of `characters` of its normal form.
    """

    words: list[str]
    ids: list[int]
    oov: list[int]
    unknown: list[str]
    characters: int


@dataclass(frozen=True)
class Coder:
    """Text and ids, both ways."""

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    oov: str = "characters"

    def encode(self, text: str, cut: list[str] | None = None) -> Encoded:
        """The ids of one line, without a sentence end; `cut` are its words where they are known already."""
        surface = self.tokenizer.cut(text) if cut is None else cut
        known = self.vocabulary.ids
        words = self.tokenizer.spell(surface, known) if self.oov == "characters" else surface
        ids = [known.get(word, UNKNOWN) for word in words]
        oov = [at for at, word in enumerate(words) if word not in known]
        unknown = [word for word in surface if word not in known]
        return Encoded(words, ids, oov, unknown, len(self.tokenizer.normalise(text)))

    def words(self, ids: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The words of some ids, without sentence ends."""
        return [self.vocabulary.words[int(number)] for number in ids if number != BOUNDARY]
