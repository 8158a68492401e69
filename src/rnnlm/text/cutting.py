"""Lines cut into words, by several processes where the text is long; it does not know what the words are for.

A process is started as a program of its own (`python -m rnnlm.text.cutting`), so that it works without fork and in any
caller's script; it makes the same tokenizer with the same user dictionary, and talks in lines of JSON. Blocks of lines
go to whichever process is free, a thread for each waiting for its answer, and come back in order; only two for each
process are under way at a time, so that a text may be larger than memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from array import array
from base64 import b64decode, b64encode
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from queue import SimpleQueue
from typing import Any

from rnnlm.errors import CorpusError
from rnnlm.text.tokenizer import Jieba, Tokenizer

BLOCK = 30_000  # characters in a block of lines: a tenth of a second's work
SHORT = 12  # blocks, about 1 MB, that one process has cut by the time that others are awake
AHEAD = 2  # blocks under way for each process
# Ctrl-C is for the process that reads the answers, which then ends these.
APART: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {"creationflags": 0x00000200}


@dataclass(frozen=True)
class Cut:
    """A block of lines, cut.

    `words` are the different words in the order of their first appearance; `numbers` are places in it, those of all
    lines one after another; `lengths` says how many belong to each line, `characters` how long its normal form is.
    """

    words: list[str]
    numbers: array[int]
    lengths: list[int]
    characters: list[int]

    def to_message(self) -> dict[str, Any]:
        """What JSON can hold; the numbers packed, for to write them out took a twentieth of the time of cutting."""
        return vars(self) | {"numbers": b64encode(self.numbers.tobytes()).decode()}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Cut:
        return cls(**message | {"numbers": array("i", b64decode(message["numbers"]))})


def cut_block(lines: Iterable[str], tokenizer: Tokenizer) -> Cut:
    """A few lines, cut here and now."""
    places: defaultdict[str, int] = defaultdict()
    places.default_factory = places.__len__
    cut = Cut([], array("i"), [], [])
    for line in lines:
        words = tokenizer.cut(line)
        cut.numbers.extend(map(places.__getitem__, words))
        cut.lengths.append(len(words))
        cut.characters.append(len(tokenizer.normalise(line)))
    cut.words.extend(places)
    places.default_factory = None  # it refers to its own dict, which would live on until the cycle is found
    return cut


def cut_lines(lines: Iterable[str], tokenizer: Tokenizer, processes: int = 0) -> Iterator[Cut]:
    """All lines, cut in blocks that come in order, by so many processes (0: one for each core) if the text is long
    enough.

    Only jieba is slow enough for more than one. Raises CorpusError where one of them ends before its work is done.
    """
    blocks = in_blocks(lines)
    count = processes or cores()
    if isinstance(tokenizer, Jieba) and count > 1 and sys.executable:
        first = list(islice(blocks, SHORT))
        blocks = chain(first, blocks)
        if len(first) == SHORT:
            try:
                workers = Workers(count, tokenizer)
            except OSError:
                pass  # a system that lets us start no process: here and now, then
            else:
                with workers:
                    yield from workers.cut(blocks)
                return
    for block in blocks:
        yield cut_block(block, tokenizer)


def in_blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines in lists of about the same number of characters."""
    block: list[str] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def cores() -> int:
    """How many processors this process may use, at most 8: each process that cuts comes to hold 70 MB of words."""
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class Workers:
    """Some processes that cut; a context manager that ends them."""

    def __init__(self, count: int, tokenizer: Jieba) -> None:
        """Raises CorpusError where the user dictionary cannot be read, OSError where no process can be started."""
        _ = tokenizer.segmenter  # an error in the dictionary is told here, and its file in the cache is made only once
        self.threads = ThreadPoolExecutor(count)
        self.free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self.all: list[subprocess.Popen[bytes]] = []
        # -P and the path: the program must be ours, and find what we find, whatever lies in the current folder
        program = [sys.executable, "-P", "-m", "rnnlm.text.cutting"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        order = {"normalised": tokenizer.normalised, "user_words": tokenizer.user_words}
        try:
            for _ in range(count):
                worker = subprocess.Popen(
                    program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **APART
                )
                self.all.append(worker)
                self.free.put(worker)
                send(worker, order)
        except OSError:
            self.__exit__()
            raise

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.all:
            worker.kill()  # it keeps nothing
        self.threads.shutdown(cancel_futures=True)
        for worker in self.all:
            with contextlib.suppress(OSError), worker:  # closes its pipes and waits for its end
                pass

    def cut(self, blocks: Iterable[Sequence[str]]) -> Iterator[Cut]:
        """The blocks, cut, in their order."""
        under_way: deque[Future[Cut]] = deque()
        for block in blocks:
            under_way.append(self.threads.submit(self.ask, block))
            if len(under_way) >= AHEAD * len(self.all):
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def ask(self, block: Sequence[str]) -> Cut:
        """One block, cut by a process that is free."""
        worker = self.free.get()
        try:
            send(worker, block)
            assert worker.stdout is not None
            answer = worker.stdout.readline()
        except OSError:
            answer = b""
        finally:
            self.free.put(worker)
        if not answer.endswith(b"\n"):
            raise CorpusError(
                f"a process that cuts the text ended unexpectedly (status {worker.wait()})",
                "its own message, if it left one, stands above; without one, memory may have run out",
            )
        return Cut.from_message(json.loads(answer))


def send(worker: subprocess.Popen[bytes], message: Any) -> None:
    assert worker.stdin is not None
    worker.stdin.write(to_line(message))
    worker.stdin.flush()


def to_line(message: Any) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def main() -> None:
    """The program of a process: reads what tokenizer to make, then blocks, until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may get between the answers
    tokenizer = Jieba(**json.loads(sys.stdin.buffer.readline()))
    for line in sys.stdin.buffer:
        answers.write(to_line(cut_block(json.loads(line), tokenizer).to_message()))
        answers.flush()


if __name__ == "__main__":
    main()
