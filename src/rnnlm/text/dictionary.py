"""jieba's dictionary on disk, opened a page at a time; it does not know how a text is cut.

jieba reads all of its 349,046 words before its first cut, which takes a second. Here they lie in one file, sorted into
pages: a page holds what is known of one character, which is the words that begin with it and, for the hidden Markov
model, how probable it is in each place of a word. The file is made from the files of the installed jieba on first use,
kept in the cache folder under their fingerprint, and mapped into memory; a page is read when its character first turns
up. A file that is damaged is made again, and where nothing can be written the pages are kept in memory.

A page is a line of JSON, `[[b, m, e, s], "rest rest ...", [count, count, ...]]`: the logarithms of the emission
probabilities, the words without their first character, and their counts. A beginning of a word that is none itself has
the count 0, as in jieba.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import sys
import warnings
import zlib
from array import array
from bisect import bisect_left
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from rnnlm.text.cache import cache_folder

FORMAT = 1
STATES = "BMES"  # the character begins a word, is inside it, ends it, or is a word by itself
NEVER = -3.14e100  # the logarithm that jieba takes for what its hidden Markov model never saw
SOURCES = ("dict.txt", "finalseg/prob_start.py", "finalseg/prob_trans.py", "finalseg/prob_emit.py")
Emission = tuple[float, float, float, float]
UNKNOWN: Emission = (NEVER, NEVER, NEVER, NEVER)


class Page(NamedTuple):
    """What is known of one character: the words that begin with it, as `rests` without it, and their `counts`."""

    emission: Emission
    rests: list[str]
    counts: list[int]


def jieba_folder() -> Path:
    """Where jieba is installed: found without importing it, which would take a tenth of a second."""
    found = PathFinder.find_spec("jieba")
    if found is None or found.origin is None:
        import jieba

        return Path(jieba.__file__).parent
    return Path(found.origin).parent


def jieba_version() -> str:
    """The version of the installed jieba, from its source. Raises OSError where that is no file."""
    with (jieba_folder() / "__init__.py").open(encoding="utf-8") as file:
        found = re.search(r"^__version__ = '([^']+)'", file.read(1000), re.MULTILINE)
    return found[1] if found else "unknown"


def fingerprint() -> str:
    """A name for what jieba's files hold: version, size and checksum. Raises OSError where they are missing."""
    size = check = 0
    for name in SOURCES:
        with (jieba_folder() / name).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            size += len(data)
            check = zlib.crc32(data, check)
    return f"{jieba_version()}-{size}-{check:08x}-{sys.byteorder}{FORMAT}"


class Dictionary:
    """`total`, the sum of all counts; `start` and `moves`, the other tables of the hidden Markov model; the pages."""

    def __init__(self) -> None:
        """Maps the file in the cache, which is made first where it is missing or damaged."""
        self.path = cache_folder() / f"jieba-{fingerprint()}.pages"
        try:
            with self.path.open("rb") as file:
                self.read(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError):
            self.rebuild()

    def read(self, data: bytes | mmap.mmap) -> None:
        """Takes up the content of a file; raises ValueError if it is damaged.

        That is a line with size and checksum of what follows: a line of JSON, an index of three rows; then the pages.
        """
        begin = data.find(b"\n") + 1
        size, check = map(int, data[:begin].split())
        front = data[begin : begin + size]
        if zlib.crc32(front) != check:
            raise ValueError("damaged")
        line, rows = front.split(b"\n", 1)
        head = json.loads(line)
        index = memoryview(rows).cast("I")
        count = len(index) // 3
        self.codes, self.ends, self.checks = index[:count], index[count : 2 * count], index[2 * count :]
        self.data, self.first = data, begin + size
        if len(data) != self.first + self.ends[-1]:
            raise ValueError("damaged")
        self.total: int = head["total"]
        self.start: dict[str, float] = head["start"]
        self.moves: dict[str, dict[str, float]] = head["moves"]

    def page(self, character: str) -> Page:
        """What is known of a character; nothing of one that jieba does not know."""
        code = ord(character)
        at = bisect_left(self.codes, code)
        if at == len(self.codes) or self.codes[at] != code:
            return Page(UNKNOWN, [], [])
        text = self.data[self.first + (self.ends[at - 1] if at else 0) : self.first + self.ends[at]]
        if zlib.crc32(text) != self.checks[at]:
            self.rebuild()
            return self.page(character)
        emission, rests, counts = json.loads(text)
        return Page(tuple(emission), rests.split(" "), counts)

    def rebuild(self) -> None:
        """Makes the file anew, and keeps its content in memory for the rest of this process."""
        import tempfile  # a hundredth of a second, seldom needed

        data = build()
        self.read(data)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError:
            pass  # nowhere to keep it, or on Windows mapped by another process: the next run tries again


def build() -> bytes:
    """The content of the file, from the tables of the installed jieba as jieba itself reads them."""
    with warnings.catch_warnings():  # jieba 0.42.1 was written before Python deprecated what it uses
        warnings.simplefilter("ignore")
        import jieba
        from jieba import finalseg
    with (jieba_folder() / SOURCES[0]).open("rb") as file:
        words, total = jieba.Tokenizer.gen_pfdict(file)
    pages: dict[str, dict[str, int]] = {state: {} for state in set().union(*finalseg.emit_P.values())}
    for word, count in words.items():
        pages.setdefault(word[0], {})[word[1:]] = count
    characters = sorted(pages)
    texts = []
    for character in characters:
        emission = [finalseg.emit_P[state].get(character, NEVER) for state in STATES]
        page = [emission, " ".join(pages[character]), list(pages[character].values())]
        texts.append(json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode())
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text))
    index = array("I", [*map(ord, characters), *ends[1:], *map(zlib.crc32, texts)])
    head = {"total": total, "start": finalseg.start_P, "moves": finalseg.trans_P}
    front = json.dumps(head).encode() + b"\n" + index.tobytes()
    return b"".join([b"%d %d\n" % (len(front), zlib.crc32(front)), front, *texts])
