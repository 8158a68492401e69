"""Answers the queries of the Children's Fairy Tale cloze test (CFT, human part) by networks that never read the story.

    python benchmarks/cloze_stories.py [--corpora DIR] [--folds N] [--folder DIR]

A query is a sentence of a story with one noun left out; the choice is among the words of the story. Most blanked
sentences stand whole in some other item of the file, made of the same story. So items that share a sentence, the
answers filled in, are one story, and folds are made of whole stories: for each fold a network is trained on the stories
of the others and on the bundled corpus, and before that the program makes sure that no sentence asked about, nor any
other of its story, is in the training text (`Leak` is raised). The network reads the story up to the query and carries
its state along; then every candidate's score is log P(candidate and the rest of the sentence | all read so far).

Scores and what a reader sees at a glance (how often a candidate occurs, how near, is it in the sentence already) are
weighed by a conditional logit whose few weights are fitted on the other folds' queries.
"""

from __future__ import annotations

import argparse
import math
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from command import rnnlm
from numpy.typing import NDArray

from rnnlm.api import load
from rnnlm.lm.protocol import BOUNDARY, LanguageModel, State, select
from rnnlm.text.coder import Coder
from rnnlm.text.segmenter import load_segmenter

BLANK = "XXXXX"
CHINESE = re.compile("[\u4e00-\u9fff]")
SHORTEST = 6  # characters: shorter sentences ("他说。") stand in many stories and tell nothing
OPTIONS = [
    "--tokenizer", "whitespace", "--oov", "characters", "--normalize", "--min-count", "3", "--hidden", "192",
    "--embedding", "192", "--epochs", "4", "--batch", "16", "--dropout", "0.3",
]  # fmt: skip
FEATURES = ("network", "log count", "in the sentence", "distance")

Floats = NDArray[np.float64]


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
        for sentence in item.sentences:
            if len(text := key(sentence)) >= SHORTEST:
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
    secret = {text for item in asked for s in item.sentences if len(text := key(s)) >= SHORTEST}
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


def bundled() -> list[str]:
    """The bundled corpus as words."""
    segmenter = load_segmenter()
    path = Path(__file__).resolve().parents[1] / "data" / "train.txt"
    return [" ".join(segmenter.lcut(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def network_scores(model: LanguageModel, coder: Coder, item: Item) -> Floats:
    """log P(candidate and what follows it in the sentence | story before, sentence before), for each candidate."""

    def ids(words: Iterable[str]) -> list[int]:
        return coder.encode(" ".join(words)).ids

    here = next((at for at, s in enumerate(item.document) if s == item.query), len(item.document))
    blank = item.query.index(BLANK)
    before = [BOUNDARY]
    for sentence in item.document[:here]:
        before += [*ids(sentence), BOUNDARY]
    before += ids(item.query[:blank])
    after = [*ids(word for word in item.query[blank + 1 :] if word != BLANK), BOUNDARY]
    state: State = model.start(1)
    if len(before) > 1:
        read = np.array(before)
        _, state = model.score(state, read[:-1, None], read[1:, None])
    texts = [[before[-1], *ids([word]), *after] for word in item.candidates]
    longest = max(map(len, texts))
    padded = np.array([text + [BOUNDARY] * (longest - len(text)) for text in texts]).T
    inside = np.arange(1, longest)[:, None] < np.array([len(text) for text in texts])
    found, _ = model.score(select(state, np.zeros(len(texts), np.int64)), padded[:-1], padded[1:])
    return np.asarray(np.where(inside, found, 0).sum(axis=0, dtype=np.float64))


def features(item: Item, network: Floats) -> Floats:
    """What is known of each candidate (n, FEATURES): see there; nothing of it knows the answer."""
    here = next((at for at, s in enumerate(item.document) if s == item.query), len(item.document))
    places = defaultdict[str, list[int]](list)
    for at, sentence in enumerate(item.document):
        for word in sentence:
            places[word].append(at)
    rows = [
        (
            score,
            math.log(len(places[word])),
            float(word in item.query),
            math.log(1 + min(abs(at - here) for at in places[word])),
        )
        for word, score in zip(item.candidates, network, strict=True)
    ]
    return np.array(rows)


def fit(asked: list[tuple[Floats, int]], steps: int = 300, rate: float = 0.5) -> Floats:
    """The weights of a conditional logit, P(candidate) ∝ exp(weights · features), by gradient ascent."""
    scale = np.std(np.concatenate([x - x.mean(axis=0) for x, _ in asked]), axis=0) + 1e-9
    weights = np.zeros(len(scale))
    for _ in range(steps):
        gradient = np.zeros_like(weights)
        for x, right in asked:
            z = (x / scale) @ weights
            p = np.exp(z - z.max())
            gradient += (x[right] - p @ x / p.sum()) / scale
        weights += rate * gradient / len(asked)
    return np.asarray(weights / scale)


def shares(items: list[Item], fold: NDArray[np.int64], x: list[Floats], columns: list[int]) -> float:
    """The share answered right with some of the features, their weights fitted on the other folds."""
    right = 0
    for number in range(int(fold.max()) + 1):
        known = [
            (x[at][:, columns], item.candidates.index(item.answer))
            for at, item in enumerate(items)
            if fold[at] != number and item.answer in item.candidates
        ]
        weights = fit(known)
        for at in np.flatnonzero(fold == number):
            best = int(np.argmax(x[at][:, columns] @ weights))
            right += items[at].candidates[best] == items[at].answer
    return right / len(items)


def most_frequent(items: list[Item]) -> float:
    """The share answered right by the most frequent candidate, the first of several."""
    right = 0
    for item in items:
        count = Counter(word for sentence in item.document for word in sentence)
        right += max(item.candidates, key=lambda word, count=count: count[word]) == item.answer  # type: ignore[misc]
    return right / len(items)


def scored(items: list[Item], fold: NDArray[np.int64], folder: Path) -> Iterator[tuple[int, Floats]]:
    """Number and network scores of every item, by the network of its fold; what is in `folder` is not trained again."""
    corpus = bundled()
    for number in range(int(fold.max()) + 1):
        asked = [item for item, own in zip(items, fold, strict=True) if own == number]
        others = [item for item, own in zip(items, fold, strict=True) if own != number]
        text, run = folder / f"fold{number}.txt", folder / f"fold{number}"
        text.write_text("\n".join(training_text(others, asked, corpus)) + "\n", encoding="utf-8")
        if not run.exists():
            rnnlm("train", str(text), *OPTIONS, "--out", str(run))
        model = load(run)
        for at in np.flatnonzero(fold == number):
            yield int(at), network_scores(model.left_to_right, model.coder, items[at])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpora")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the folds' texts and networks are kept")
    options = parser.parse_args()
    items = read_items(options.corpora / "cloze-cft" / "cft.test.human.txt")
    fold = folds(items, options.folds)
    began = time.perf_counter()
    x: list[Floats] = [np.zeros(0)] * len(items)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for at, network in scored(items, fold, folder):
            x[at] = features(items[at], network)
    possible = sum(item.answer in item.candidates for item in items) / len(items)
    print(f"{len(items)} queries in {len(set(stories(items)))} stories, {options.folds} folds; the answer is among the")
    print(f"candidates in {possible:.1%}; {time.perf_counter() - began:.0f} s\n")
    print("| what is weighed | answered right |\n|---|---:|")
    print(f"| the most frequent candidate | {most_frequent(items):.1%} |")
    for columns in ([0], [1], [1, 2, 3], [0, 1], [0, 1, 2, 3]):
        print(f"| {', '.join(FEATURES[column] for column in columns)} | {shares(items, fold, x, columns):.1%} |")


if __name__ == "__main__":
    main()
