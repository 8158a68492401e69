"""The words a model knows: a list whose order is the id; it does not know how text is cut into words.

Id 0 is the sentence boundary `</s>` and id 1 the unknown word `<unk>`; the others follow by falling count, so that
frequent words have small ids (the adaptive softmax cuts there).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from rnnlm.errors import VocabularyError

BOUNDARY_WORD = "</s>"
UNKNOWN_WORD = "<unk>"
BLANK_WORD = "____"


class Vocabulary:
    """Words and their ids: `ids[word]`, `words[id]`, `word in vocabulary`, `len(vocabulary)`."""

    def __init__(self, words: Sequence[str]) -> None:
        """`words` in the order of their ids.

        Raises VocabularyError unless it begins with `</s>`, `<unk>` and holds no word twice or with a line break.
        """
        self.words = list(words)
        self.ids = {word: number for number, word in enumerate(self.words)}
        if self.words[:2] != [BOUNDARY_WORD, UNKNOWN_WORD]:
            raise VocabularyError(f"a vocabulary begins with {BOUNDARY_WORD} and {UNKNOWN_WORD}")
        if len(self.ids) != len(self.words):
            twice = next(word for number, word in enumerate(self.words) if self.ids[word] != number)
            raise VocabularyError(f"the vocabulary holds {twice!r} twice")
        if any("\n" in word or "\r" in word or not word for word in self.words):
            raise VocabularyError("a word of the vocabulary is empty or holds a line break")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.ids

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Vocabulary:
        """A given word list, in its order, with the special words in front; repeated words count once."""
        rest = dict.fromkeys(word for word in words if word not in (BOUNDARY_WORD, UNKNOWN_WORD))
        return cls([BOUNDARY_WORD, UNKNOWN_WORD, *rest])

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        min_count: int = 1,
        max_size: int = 0,
        characters: Mapping[str, int] | None = None,
        always: Sequence[str] = (),
        wanted: Collection[str] = (),
    ) -> Vocabulary:
        """The words seen `min_count` times or more, the most frequent first, at most `max_size` in all (0: no limit).

        `wanted`: words for which to be seen twice is enough; what a word seen once is like, nobody learns.
        `characters`: counts of single characters; those seen twice or more join the list whatever the limits say, so
        that a word outside it can be spelled. `always`: words that stand right behind the special ones.
        """
        special = [BOUNDARY_WORD, UNKNOWN_WORD, *always]
        spelling = {c: n for c, n in (characters or {}).items() if n >= 2 and c not in special}
        least = dict.fromkeys(wanted, min(2, min_count))
        kept = {word: n for word, n in counts.items() if n >= least.get(word, min_count) and word not in special}
        room = max_size - len(special) - len(spelling) if max_size else len(kept)
        words = sorted((word for word in kept if word not in spelling), key=lambda word: (-kept[word], word))
        chosen = {word: kept[word] for word in words[: max(room, 0)]}
        for character in spelling:
            chosen[character] = counts.get(character, 0)
        return cls(special + sorted(chosen, key=lambda word: (-chosen[word], word)))

    def save(self, path: Path) -> None:
        """One word a line, in the order of the ids."""
        path.write_text("".join(f"{word}\n" for word in self.words), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Reads what `save` wrote."""
        return cls(path.read_text(encoding="utf-8").split("\n")[:-1])
