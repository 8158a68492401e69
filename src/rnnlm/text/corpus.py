"""A text as a model reads it: one long row of ids with its documents marked; it does not know how the text was cut.

The row begins with the boundary and holds each sentence's ids with one boundary behind it: inputs are all but its last
id, targets all but its first.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import CorpusError
from rnnlm.text.cache import cache_folder
from rnnlm.text.coder import BOUNDARY, UNKNOWN, Coder
from rnnlm.text.streams import DOCUMENT_END, FIRST_TYPE, SENTENCE_END, Progress, Stream
from rnnlm.text.tokenizer import BLANK, latin

CHUNK = 1 << 18


@dataclass(frozen=True)
class Corpus:
    """`ids` (n + 1,); `starts`: the positions in `ids` of the boundary that begins each document; `oov`: the positions
    of tokens out of the vocabulary; `sentences` and `characters` as the metrics count them.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    oov: NDArray[np.int64]
    sentences: int
    characters: int

    @property
    def tokens(self) -> int:
        """Predicted tokens: words and one boundary a sentence."""
        return len(self.ids) - 1


def count_words(stream: Stream) -> tuple[dict[str, int], dict[str, int]]:
    """The counts of the words of a stream, and of the characters in them."""
    words = {word: int(n) for word, n in zip(stream.types, stream.counts, strict=True) if n}
    characters: dict[str, int] = {}
    for word, n in words.items():
        for character in word:
            characters[character] = characters.get(character, 0) + n
    return words, characters


def encode_stream(stream: Stream, coder: Coder, progress: Progress | None = None) -> Corpus:
    """The corpus of a stream: each surface word as its id, or spelled in characters, or as `<unk>`.

    The same ids as `Coder.encode` line by line, found with tables instead. The tokenizer is asked for no cuts. Whatever
    grows with the text is mapped from disk. `progress` is called with the number of tokens encoded since the last call.
    """
    known = coder.vocabulary.ids
    spelled = coder.oov == "characters"
    pieces, counts = array("i", [BOUNDARY]), array("i", [1, 0])  # of SENTENCE_END and DOCUMENT_END
    for word in stream.types:
        if word in known or not spelled:
            pieces.append(known.get(word, -1))
            counts.append(1)
        else:
            pieces.extend([known.get(character, -1) for character in word])
            counts.append(len(word))
    pieces.append(known.get(BLANK, -1))  # a blank that has to be said, see `BlankRule`
    counts.append(1)
    flat, lengths = np.array(pieces, np.int32), np.array(counts, np.int64)
    offsets = np.concatenate(([0], np.cumsum(lengths)))[:-1]
    blanks = BlankRule(stream.types, known) if spelled and coder.tokenizer.unsaid_blanks else None

    written = 1
    with Rows(np.int32) as ids, Rows(np.int64) as starts, Rows(np.int64) as strange:
        ids.add(np.array([BOUNDARY]))
        starts.add(np.array([0]))
        for first in range(0, len(stream.tokens), CHUNK):
            tokens = np.asarray(stream.tokens[first : first + CHUNK])
            if blanks:
                before = int(stream.tokens[first - 1]) if first else SENTENCE_END
                tokens = blanks.insert(tokens, before)
            size = lengths[tokens]
            ends = np.cumsum(size)
            total = int(ends[-1])
            inside = np.arange(total) - np.repeat(ends - size, size)
            found = flat[np.repeat(offsets[tokens], size) + inside]
            starts.add(written - 1 + ends[tokens == DOCUMENT_END])
            strange.add(written + np.flatnonzero(found < 0))
            found[found < 0] = UNKNOWN
            ids.add(found)
            written += total
            if progress:
                progress(len(stream.tokens[first : first + CHUNK]))
        marks = starts.mapped()
        last = np.searchsorted(marks, written - 1)  # the text's end begins no document
        return Corpus(ids.mapped(), marks[:last], strange.mapped(), stream.sentences, stream.characters)


class Rows:
    """Numbers that are gathered in a file without a name and mapped from there: they take no memory of ours.

    The file lies beside the cache where that can be: the system's folder for such files is memory on many machines.
    """

    def __init__(self, kind: type[np.integer[Any]]) -> None:
        self.kind, self.count = kind, 0
        try:  # __exit__ closes it
            self.file = TemporaryFile(dir=cache_folder())  # noqa: SIM115
        except OSError:
            self.file = TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()  # what is mapped lives on

    def add(self, numbers: NDArray[np.integer[Any]]) -> None:
        self.file.write(numbers.astype(self.kind, copy=False).tobytes())
        self.count += len(numbers)

    def mapped(self) -> NDArray[Any]:
        """All numbers that were added, in their order."""
        self.file.flush()
        return np.memmap(self.file, self.kind, "r", shape=(self.count,)) if self.count else np.empty(0, self.kind)


class BlankRule:
    """Where a spelled Latin word stands beside another, the blank between them has to be said (`Jieba.spell`)."""

    def __init__(self, types: list[str], known: dict[str, int]) -> None:
        self.blank = FIRST_TYPE + len(types)
        marks = [(False, False, False)] * FIRST_TYPE
        marks += [(len(w) > 1 and latin(w[0]), len(w) > 1 and latin(w[-1]), w not in known) for w in types]
        self.begins, self.ends, self.spelled = (np.array(column) for column in zip(*marks, strict=True))
        self.possible = bool((self.spelled & (self.begins | self.ends)).any())

    def insert(self, tokens: NDArray[np.int32], before: int) -> NDArray[np.int32]:
        """`tokens` with the number of the blank where one has to be said; `before` is the token in front of them."""
        if not self.possible:
            return tokens
        left = np.concatenate(([before], tokens[:-1]))
        said = self.ends[left] & self.begins[tokens] & (self.spelled[left] | self.spelled[tokens])
        return np.insert(tokens, np.flatnonzero(said), self.blank)


def columns(corpus: Corpus, batch: int) -> Columns:
    """The corpus as `batch` columns of equal length, read side by side; what does not fill a row is left out.

    Raises CorpusError where the text does not fill one row.
    """
    if corpus.tokens < batch:
        raise CorpusError(
            f"the text has {corpus.tokens} words, fewer than one batch of {batch} columns",
            "give more text, or a smaller --batch",
        )
    return Columns(corpus, batch, corpus.tokens // batch)


@dataclass(frozen=True)
class Columns:
    """B columns of a corpus, each `length` tokens long: column b holds tokens b·length to (b+1)·length."""

    corpus: Corpus
    batch: int
    length: int

    def window(self, first: int, last: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Inputs and targets (T, B) of the time steps first..last-1 of every column."""
        ids = self.corpus.ids[: self.batch * self.length].reshape(self.batch, self.length)
        after = self.corpus.ids[1 : self.batch * self.length + 1].reshape(self.batch, self.length)
        return ids[:, first:last].T.copy(), after[:, first:last].T.copy()

    def resets(self, first: int, last: int) -> list[NDArray[np.int64] | None] | None:
        """For each time step the columns in which a document begins there; None where none begins in the window."""
        begin = np.arange(self.batch) * self.length
        low = np.searchsorted(self.corpus.starts, begin + first)
        high = np.searchsorted(self.corpus.starts, begin + last)
        if not (high > low).any():
            return None
        found: list[list[int]] = [[] for _ in range(last - first)]
        for column in np.flatnonzero(high > low):
            for position in self.corpus.starts[low[column] : high[column]]:
                found[int(position - begin[column]) - first].append(int(column))
        return [np.array(some) if some else None for some in found]
