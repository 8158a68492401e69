"""The items of the Children's Fairy Tale cloze test, the stories they are made of, and texts that keep clear of them.

It knows no model: what may be read, not who reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLANK = "XXXXX"
CHINESE = re.compile("[\u4e00-\u9fff]")


class Leak(Exception):
    """A sentence of a story asked about is in the training text."""


@dataclass(frozen=True)
class Item:
    """A document (sentences as words), the query with BLANK in it, and the answer."""

    document: list[list[str]]
    query: list[str]
    answer: str

    @property
    def sentences(self) -> list[list[str]]:
        """All sentences of the story, the answer filled in."""
        return [[self.answer if word == BLANK else word for word in s] for s in [*self.document, self.query]]

    @property
    def candidates(self) -> list[str]:
        """The distinct Chinese words of the document of two or more characters, in the order of their first use."""
        words = dict.fromkeys(word for sentence in self.document for word in sentence)
        return [word for word in words if len(word) > 1 and CHINESE.search(word)]

    @property
    def place(self) -> int:
        """Which sentence of the document is asked about; behind the last where none is."""
        return next((at for at, sentence in enumerate(self.document) if sentence == self.query), len(self.document))


def read_items(path: Path) -> list[Item]:
    """The items that have a blank."""
    items, document = [], list[list[str]]()
    for line in path.read_text(encoding="utf-8").splitlines():
        _, sentence, *answer = [field.strip() for field in line.replace(BLANK, f" {BLANK} ").split("|||")]
        if not answer:
            document.append(sentence.split())
            continue
        if BLANK in sentence:
            items.append(Item(document, sentence.split(), answer[0]))
        document = []
    return items


def key(sentence: Iterable[str]) -> str:
    """What two sentences must share to be the same: their letters and characters, signs left out."""
    return "".join(c for word in sentence for c in word if c.isalnum())


def keys(items: Iterable[Item]) -> set[str]:
    """Those of all sentences of the items; lines of signs alone have none."""
    return {text for item in items for sentence in item.sentences if (text := key(sentence))}


def stories(items: list[Item]) -> list[int]:
    """For each item the number of its story: items that share a sentence, directly or by others, are one."""
    parent = list(range(len(items)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    owner: dict[str, int] = {}
    for at, item in enumerate(items):
        for text in keys([item]):
            parent[root(at)] = root(owner.setdefault(text, at))
    return [root(at) for at in range(len(items))]


def folds(items: list[Item], count: int) -> NDArray[np.int64]:
    """The fold of each item: whole stories, dealt out in the order of the file."""
    story = stories(items)
    number = {root: at for at, root in enumerate(dict.fromkeys(story))}
    return np.array([number[root] % count for root in story])


def training_text(items: list[Item], asked: list[Item], corpus: list[str]) -> list[str]:
    """The sentences of `items`, each once, and those of the `corpus` that no story asked about has; an empty line
    ends a story.

    Raises Leak where a sentence of the stories asked about is among them.
    """
    secret = keys(asked)
    lines, seen = list[str](), set[str]()
    for item in items:
        for sentence in item.sentences:
            if (text := key(sentence)) not in seen:
                seen.add(text)
                lines.append(" ".join(sentence))
        lines.append("")
    lines += [line for line in corpus if key(line.split()) not in secret]
    leaked = [line for line in lines if key(line.split()) in secret]
    if leaked:
        raise Leak(f"{len(leaked)} lines, the first: {leaked[0]}")
    return lines
