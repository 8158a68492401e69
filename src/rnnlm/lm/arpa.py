r"""Reads and writes ARPA files, the common text format of n-gram models; it does not know how a model was estimated.

The file says in ``\data\`` how many n-grams of each order follow, and gives each of them a line: log10 probability,
words, log10 back-off (none at the highest order, and where it is left out it is 0); ``\end\`` is its last line. The
sentence start ``<s>`` is a word there, for its back-off; in the model it is the boundary, word 0, read as a context.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import IO

import numpy as np

from rnnlm.errors import CheckpointError, VocabularyError
from rnnlm.lm.ngram import NONE, Level, NgramModel
from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, Floats, Ids

LN10 = np.log(10.0)
NEVER = -100.0  # log10 probability of words that a file does not list, such as <unk>: what KenLM gives them
BLOCK = 5_000  # lines that are converted together: more would not stay in the processor's cache
START = -1  # the id of <s> while reading
SPECIAL = {b"</s>": BOUNDARY, b"<unk>": UNKNOWN, b"<UNK>": UNKNOWN, b"<s>": START}


def write_arpa(model: NgramModel, words: Sequence[str], file: Path) -> None:
    r"""Writes `model`, whose word i is `words[i]`; gzip-compressed if the name ends in ``.gz``.

    Nine digits, so that `read_arpa` gives back the same float32. Raises VocabularyError for words that the format
    cannot hold (with white space, or ``<s>``), before anything is written.
    """
    if len(words) != model.size:
        raise VocabularyError(f"{len(words):,} words do not fit a model of {model.size:,}", "take the model's words")
    if bad := [word for word in words if word == "<s>" or word.encode().split() != [word.encode()]]:
        raise VocabularyError(f"an ARPA file cannot hold the word {bad[0]!r}", "train without this word")
    with _open(file, "wb") as raw, TextIOWrapper(raw, encoding="utf-8", newline="\n") as out:
        out.write("\\data\\\n")
        out.writelines(f"ngram {n}={count}\n" for n, count in enumerate(model.counts, start=1))
        for n in range(1, model.order + 1):
            out.write(f"\n\\{n}-grams:\n")
            out.writelines(_lines(model, words, n))
        out.write("\n\\end\\\n")


def _lines(model: NgramModel, words: Sequence[str], order: int) -> Iterator[str]:
    """The section of one order, in pieces of `BLOCK` lines."""
    ends = np.array(words, object)
    starts = ends.copy()
    starts[BOUNDARY] = "<s>"
    level = model.level(order)
    log_prob, backoff = (np.float64(logs) / LN10 + 0.0 for logs in (level.log_prob, level.backoff))  # + 0: no "-0"
    if order == 1:
        yield f"0\t<s>\t{backoff[BOUNDARY]:.9g}\n"  # 0 as lmplz writes it; it is never predicted
        backoff[BOUNDARY] = 0
    columns = [*model.ngrams(order).T]
    line = "%.9g\t" + " ".join(["%s"] * order) + ("\n" if order == model.order else "\t%.9g\n")
    for begin in range(0, len(log_prob), BLOCK):
        block = slice(begin, begin + BLOCK)
        text = [starts[column[block]] for column in columns[:-1]] + [ends[columns[-1][block]]]
        logs = [log_prob[block]] if order == model.order else [log_prob[block], backoff[block]]
        table = np.stack([logs[0].astype(object), *text, *(part.astype(object) for part in logs[1:])], axis=1)
        yield line * len(table) % tuple(table.ravel())


def read_arpa(file: Path) -> tuple[list[str], NgramModel]:
    r"""The words of an ARPA file (plain or ``.gz``), by id, and its model.

    ``</s>`` is 0, ``<unk>`` 1 (with a log10 probability of -100 if the file has none), the others follow in the order
    of the file. N-grams that can never be used, because they read ``</s>`` or predict ``<s>``, are left out. Raises
    CheckpointError, with the line, for a file that is missing or damaged.
    """
    try:
        with _open(file, "rb") as raw:
            return _read(_Reader(file, iter(raw)))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"cannot read {file}: {reason}", "check the name, or take another copy") from error


def _open(file: Path, mode: str) -> IO[bytes]:
    return gzip.open(file, mode) if file.suffix == ".gz" else file.open(mode)  # type: ignore[return-value]


@dataclass
class _Reader:
    """The lines of a file, counted so that an error can name one."""

    file: Path
    lines: Iterator[bytes]
    number: int = field(default=0)

    def line(self) -> bytes:
        """The next line that is not empty, without the blanks around it."""
        for line in self.lines:
            self.number += 1
            if line := line.strip():
                return line
        raise self.error("the file ends too early")

    def block(self, count: int) -> list[bytes]:
        """The next `count` lines, fewer at the end of the file."""
        lines = list(islice(self.lines, count))
        self.number += len(lines)
        return lines

    def error(self, what: str, number: int | None = None) -> CheckpointError:
        line = self.number if number is None else number
        return CheckpointError(f"{self.file}, line {line}: {what}", "take another copy of the ARPA file")


@dataclass
class _Section:
    """The n-grams of one order as the file has them: ids (M, n), natural logarithms (M,), line of the first one."""

    ngrams: Ids
    log_prob: Floats
    backoff: Floats
    number: int


def _read(reader: _Reader) -> tuple[list[str], NgramModel]:
    counts = _header(reader)
    index = dict(SPECIAL)
    levels: list[Level] = []
    for n, count in enumerate(counts, start=1):
        section = _section(reader, n, count, index)
        ended = reader.line()
        expected = b"\\end\\" if n == len(counts) else b"\\%d-grams:" % (n + 1)
        if ended != expected:
            raise reader.error(f"{expected.decode()} is expected after {count} {n}-grams")
        levels.append(_level(reader, section, levels) if levels else _words(reader, section, index))
    levels[-1].backoff[:] = 0
    names = [name for name in index if name not in SPECIAL]
    try:
        words = ["</s>", "<unk>", *(name.decode() for name in names)]
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{reader.file} is not UTF-8: {error.object!r}", "convert it to UTF-8 first") from error
    return words, NgramModel(levels)


def _header(reader: _Reader) -> list[int]:
    r"""The counts of ``\data\``; reads as far as ``\1-grams:``."""
    while (line := reader.line()) != b"\\data\\":
        pass
    counts: list[int] = []
    while (line := reader.line()) != b"\\1-grams:":
        name, _, number = line.partition(b"=")
        if name.split() != [b"ngram", b"%d" % (len(counts) + 1)] or not number.strip().isdigit():
            raise reader.error(f"'ngram {len(counts) + 1}=' and a number is expected")
        counts.append(int(number))
    if not counts:
        raise reader.error("the file does not say how many n-grams it holds")
    return counts


def _section(reader: _Reader, order: int, count: int, index: dict[bytes, int]) -> _Section:
    """Reads `count` lines of n-grams; those of order 1 fill `index`."""
    first = reader.number + 1
    parts: list[tuple[Ids, Floats, Floats]] = []
    for begin in range(0, count, BLOCK):
        number = reader.number + 1
        lines = reader.block(min(BLOCK, count - begin))
        if len(lines) < min(BLOCK, count - begin):
            raise reader.error(f"the file ends after {begin + len(lines)} of the {count} {order}-grams")
        rows = [line.split() for line in lines]
        try:
            parts.append(_convert(rows, order, index))
        except ValueError:
            for i, row in enumerate(rows):
                try:
                    _convert([row], order, index)
                except ValueError as error:
                    raise reader.error(f"{order}-gram {begin + i + 1} of {count}: {error}", number + i) from None
            raise
    if not parts:
        return _Section(np.zeros((0, order), np.int64), np.zeros(0), np.zeros(0), first)
    ngrams, log_prob, backoff = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Section(ngrams, log_prob, backoff, first)


def _convert(rows: list[list[bytes]], order: int, index: dict[bytes, int]) -> tuple[Ids, Floats, Floats]:
    """The ids (M, n), log probabilities and back-offs of some lines; a ValueError says what is wrong with them."""
    if not {len(row) for row in rows} <= {order + 1, order + 2}:
        raise ValueError(f"a log10 probability, {order} word(s) and perhaps a back-off are expected")
    flat = list(chain.from_iterable(row if len(row) == order + 2 else [*row, b"0"] for row in rows))
    log10s = []
    for column in (flat[:: order + 2], flat[order + 1 :: order + 2]):
        try:
            log10s.append(np.array(list(map(float, column)), np.float64))
        except ValueError:
            raise ValueError(f"{column[0].decode(errors='replace')!r} is not a number") from None
    log_prob, backoff = log10s
    if not (np.isfinite(log_prob).all() and np.isfinite(backoff).all() and (log_prob <= 0).all()):
        raise ValueError(f"the logarithms {log_prob[0]:g} and {backoff[0]:g} are not those of an n-gram")
    ids = np.empty((len(rows), order), np.int64)
    for k in range(order):
        column = flat[k + 1 :: order + 2]
        try:
            if order > 1:
                ids[:, k] = [index[name] for name in column]
            else:  # the four names of `SPECIAL` have the ids -1 to 1, so the next new name has the number of names - 2
                ids[:, k] = [index.setdefault(name, len(index) - 2) for name in column]
        except KeyError as error:
            raise ValueError(f"the word {error.args[0].decode(errors='replace')!r} is not among the 1-grams") from None
    return ids, log_prob * LN10, backoff * LN10


def _words(reader: _Reader, section: _Section, index: dict[bytes, int]) -> Level:
    """The 1-grams: one for each word of the vocabulary, whether the file lists it or not."""
    ids = section.ngrams[:, 0]
    _refuse_twins(reader, ids, section.number + np.arange(len(ids)))
    size = len(index) - 2
    log_prob, backoff = np.full(size, NEVER * LN10), np.zeros(size)
    listed = ids != START
    log_prob[ids[listed]] = section.log_prob[listed]
    backoff[ids[listed]] = section.backoff[listed]
    backoff[BOUNDARY] = section.backoff[~listed].sum()
    return Level(np.arange(size), log_prob, backoff)


def _level(reader: _Reader, section: _Section, levels: list[Level]) -> Level:
    """The n-grams of an order above 1, without those that cannot be used, sorted."""
    ngrams = section.ngrams
    usable = (ngrams[:, 0] != BOUNDARY) & (ngrams[:, -1] != START) & (ngrams[:, 1:-1] > BOUNDARY).all(axis=1)
    numbers = section.number + np.flatnonzero(usable)
    ngrams = ngrams[usable]
    ngrams[ngrams == START] = BOUNDARY
    context = NgramModel(levels).index(ngrams[:, :-1])
    if len(orphans := np.flatnonzero(context == NONE)):
        raise reader.error("the words before the last one are not an n-gram of the file", int(numbers[orphans[0]]))
    key = context * len(levels[0].key) + ngrams[:, -1]
    _refuse_twins(reader, key, numbers)
    by_key = np.argsort(key)
    return Level(key[by_key], section.log_prob[usable][by_key], section.backoff[usable][by_key])


def _refuse_twins(reader: _Reader, keys: Ids, numbers: Ids) -> None:
    """Raises CheckpointError if two of the `keys`, found in the lines `numbers`, are equal."""
    by_key = np.argsort(keys, kind="stable")
    if len(twins := np.flatnonzero(np.diff(keys[by_key]) == 0)):
        raise reader.error("this n-gram was there before", int(numbers[by_key[twins + 1]].min()))
