"""Text cut once and kept on disk as provisional ids, under the fingerprint of text and tokenizer; no vocabulary yet.

Cutting is the slow part and does not depend on the vocabulary. So each surface word gets a number in the order of its
first appearance, and the text becomes a file of these numbers, in which 0 ends a sentence and 1 ends a document. The
vocabulary is chosen from the counts, and `corpus.py` maps the numbers to ids with a table.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import CorpusError
from rnnlm.text.cache import cache_folder, keep, tidy, whole
from rnnlm.text.cutting import cut_lines
from rnnlm.text.reader import copied, is_pipe, open_binary, read_all, reading
from rnnlm.text.tokenizer import Tokenizer

SENTENCE_END, DOCUMENT_END, FIRST_TYPE = 0, 1, 2
HOLD_OUT = 20  # one passage (or line) in so many is held out where no validation text is named
FORMAT = 6
Progress = Callable[[int], None]  # called with the number of characters read since the last call


@dataclass(frozen=True)
class Stream:
    """A text cut into surface words: `tokens` (n,) numbers into `types`, and what was counted on the way."""

    tokens: NDArray[np.int32]
    types: list[str]
    counts: NDArray[np.int64]
    sentences: int
    documents: int
    characters: int


def fingerprint(paths: Sequence[str | Path], settings: dict[str, Any]) -> str:
    """A name for the result of cutting these files in this way: it depends on their bytes, not on their names."""
    digest = hashlib.blake2b(json.dumps([FORMAT, settings], sort_keys=True).encode(), digest_size=16)
    for path in paths:
        with reading(path), open_binary(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
        digest.update(b"\0file")
    return digest.hexdigest()


def cut_files(
    paths: Sequence[str | Path],
    tokenizer: Tokenizer,
    encoding: str | None = None,
    hold_out: bool = False,
    progress: Progress | None = None,
    processes: int = 0,
) -> list[Stream]:
    """The streams of some files: one, or with `hold_out` two, of which the second holds every 20th passage (or line).
    A long text is cut by so many `processes` (0: one for each core).

    Reads them from the cache where they were cut before. Raises CorpusError where a file cannot be read or holds no
    words.
    """
    if not paths:
        raise CorpusError("no text was named")
    with tempfile.TemporaryDirectory(prefix="rnnlm-") if any(map(is_pipe, paths)) else nullcontext("") as place:
        regular = [copied(path, Path(place) / str(number)) for number, path in enumerate(paths)]
        streams = cut_regular(regular, tokenizer, encoding, hold_out, progress, processes)
    if streams[0].sentences == 0:
        named = ("standard input" if str(path) == "-" else str(path) for path in paths)
        raise CorpusError(f"there are no words in {', '.join(named)}")
    return streams


def cut_regular(
    paths: Sequence[str | Path], tokenizer: Tokenizer, encoding: str | None, hold_out: bool,
    progress: Progress | None, processes: int,
) -> list[Stream]:  # fmt: skip
    """`cut_files` of what can be read several times."""
    settings = {"tokenizer": tokenizer.describe(), "encoding": encoding, "hold_out": hold_out}
    name = fingerprint(paths, settings)
    folder = cache_folder() / name
    if not whole(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            tidy(folder.parent)
            work = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder.parent))
        except OSError:  # nowhere to keep it: cut it all the same
            work = Path(tempfile.mkdtemp(prefix="rnnlm-"))
            folder = work / "done-here"
        try:
            parts = parted(read_all(paths, encoding), by_passage(paths, encoding)) if hold_out else None
            lines = parts or ((0, line) for line in read_all(paths, encoding))
            write_streams(lines, tokenizer, work, progress, processes)
            if folder.parent == work:
                folder = work
            else:
                keep(work, folder)
        except OSError as error:
            shutil.rmtree(work, ignore_errors=True)
            raise CorpusError(
                f"the words of the text cannot be kept in {work.parent}: {error.strerror}",
                "free some space, or name another folder in the environment as RNNLM_CACHE",
            ) from None
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    with contextlib.suppress(OSError):  # a cache of somebody else's, to be read only
        os.utime(folder / "done")
    with (folder / "types.txt").open(encoding="utf-8", newline="\n") as listed:
        types = [word.removesuffix("\n") for word in listed]  # one list for all parts: it may be long
    streams = [load_stream(folder, part, types) for part in range(1 + hold_out)]
    if folder.name != name:  # what is mapped lives on without its name
        shutil.rmtree(folder, ignore_errors=True)
    return streams


def by_passage(paths: Sequence[str | Path], encoding: str | None) -> bool:
    """Does the text have enough passages (parted by empty lines) to hold some of them out?"""
    passages, inside = 0, False
    for line in read_all(paths, encoding):
        blank = not line.strip()
        passages += inside and blank
        inside = not blank
        if passages >= HOLD_OUT:
            return True
    return False


def parted(lines: Iterable[str], passages: bool) -> Iterator[tuple[int, str]]:
    """Each line with the part that it belongs to: 1 for every 20th passage (or line), else 0."""
    number, fresh = 0, True
    for line in lines:
        if not line.strip():
            yield int(number % HOLD_OUT == 0 and number > 0) if passages else 0, line
            fresh = True
            continue
        number += fresh if passages else 1
        fresh = False
        yield int(number % HOLD_OUT == 0), line


def write_streams(
    lines: Iterable[tuple[int, str]], tokenizer: Tokenizer, folder: Path, progress: Progress | None, processes: int
) -> None:
    """Cuts the lines of up to two parts into files in `folder`; `done` is written last."""
    types: dict[str, int] = {}
    counts = np.zeros((2, 1 << 16), np.int64)
    totals = [{"sentences": 0, "documents": 0, "characters": 0} for _ in counts]
    open_document = [False, False]
    under_way: deque[tuple[int, str]] = deque()  # what was given to the cutters and has not come back

    def given() -> Iterator[str]:
        for part, line in lines:
            under_way.append((part, line))
            yield line

    with (folder / "tokens.0").open("wb") as first, (folder / "tokens.1").open("wb") as second:
        for cut in cut_lines(given(), tokenizer, processes):
            new = [types.setdefault(word, len(types)) for word in cut.words]
            sentence_end, document_end = len(new), len(new) + 1
            found = [array("i"), array("i")]  # numbers in this block, its two ends behind its words
            begin = read = 0
            for length, characters in zip(cut.lengths, cut.characters, strict=True):
                part, line = under_way.popleft()
                read += len(line) + 1
                if not line.strip():
                    if open_document[part]:
                        found[part].append(document_end)
                        open_document[part] = False
                    continue
                total = totals[part]
                total["documents"] += not open_document[part]
                total["sentences"] += 1
                total["characters"] += characters + 1
                open_document[part] = True
                found[part].extend(cut.numbers[begin : begin + length])
                found[part].append(sentence_end)
                begin += length
            if len(types) > counts.shape[1]:
                counts = np.pad(counts, ((0, 0), (0, len(types))))
            tokens = np.array([*(number + FIRST_TYPE for number in new), SENTENCE_END, DOCUMENT_END], np.int32)
            for file, own, numbers in zip((first, second), counts, found, strict=True):
                file.write(tokens[numbers].tobytes())
                own[new] += np.bincount(numbers, minlength=len(tokens))[: len(new)]
            if progress:
                progress(read)
    with (folder / "types.txt").open("w", encoding="utf-8", newline="\n") as listed:  # no word holds a line end
        listed.writelines(f"{word}\n" for word in types)
    for part, own in enumerate(counts):
        np.save(folder / f"counts.{part}.npy", own[: len(types)])
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    (folder / "done").write_text(json.dumps({"sizes": sizes, "parts": totals}))  # as `cache.whole` reads it


def load_stream(folder: Path, part: int, types: list[str]) -> Stream:
    """One part of what `write_streams` wrote, its numbers mapped from the disk."""
    path = folder / f"tokens.{part}"
    empty = path.stat().st_size == 0
    return Stream(
        np.empty(0, np.int32) if empty else np.memmap(path, np.int32, "r"),
        types,
        np.load(folder / f"counts.{part}.npy"),
        **json.loads((folder / "done").read_text())["parts"][part],
    )
