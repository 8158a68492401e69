"""Answers the queries of the Children's Fairy Tale cloze test (CFT, human part) by networks that never read the story.

    python benchmarks/cloze_stories.py [--corpora DIR] [--folds N] [--threads N] [--folder DIR]

A query is a sentence of a story with one noun left out; the choice is among the words of the story. Most blanked
sentences stand whole in some other item of the file, made of the same story. So items that share any sentence, be it
one word, the answers filled in, are one story, and folds are made of whole stories: for each fold a network is trained
on the stories of the others and on the bundled corpus without the sentences that are asked about, and before that the
program makes sure that no sentence of the fold's stories is in the training text (`Leak` is raised).

The network reads the story up to the query and carries its state along; then a candidate's score is log P(candidate and
the rest of the sentence | all read so far). It does so twice: as it was trained, and after it has learned from the
story without the query (dynamic evaluation). These scores and what a reader sees at a glance (`FEATURES`) are weighed
by a conditional logit whose few weights are fitted on the other folds' queries.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from command import rnnlm
from numpy.typing import NDArray
from stories import BLANK, Item, folds, read_items, stories, training_text

from rnnlm.api import load
from rnnlm.lm.dynamic import Dynamic
from rnnlm.lm.protocol import BOUNDARY, LanguageModel, State, select
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.text.coder import Coder
from rnnlm.text.segmenter import load_segmenter

OPTIONS = [
    "--tokenizer", "whitespace", "--oov", "characters", "--normalize", "--min-count", "3", "--hidden", "192",
    "--embedding", "192", "--epochs", "2", "--batch", "16", "--dropout", "0.3", "--force",
]  # fmt: skip
FEATURES = (
    "network",
    "network that learned the story",
    "log count",
    "in the sentence",
    "distance",
    "left neighbour",  # how often the candidate stands in the story behind the word that is left of the blank
    "right neighbour",
    "answer elsewhere",  # how often the word is the answer where it is a candidate, in the queries that may be known
)
NETWORK, LEARNED, COUNT, *_, ELSEWHERE = range(len(FEATURES))
CAUTION = 5  # candidacies that a word is taken to have had before any was seen

Floats = NDArray[np.float64]


def bundled() -> list[str]:
    """The bundled corpus as words."""
    segmenter = load_segmenter()
    path = Path(__file__).resolve().parents[1] / "data" / "train.txt"
    return [" ".join(segmenter.lcut(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def ids(coder: Coder, words: Iterable[str]) -> list[int]:
    return coder.encode(" ".join(word for word in words if word != BLANK)).ids


def learned(model: RecurrentModel, coder: Coder, item: Item) -> RecurrentModel:
    """The network after it has read the story once, the sentence asked about left out, and learned from it."""
    text = [BOUNDARY]
    for at, sentence in enumerate(item.document):
        if at != item.place:
            text += [*ids(coder, sentence), BOUNDARY]
    reader, read = Dynamic(model), np.array(text)[:, None]
    reader.score(reader.start(1), read[:-1], read[1:])
    return RecurrentModel(reader.network, reader.parameters)


def network_scores(model: LanguageModel, coder: Coder, item: Item) -> Floats:
    """log P(candidate and what follows it in the sentence | story before, sentence before), for each candidate."""
    blank = item.query.index(BLANK)
    before = [BOUNDARY]
    for sentence in item.document[: item.place]:
        before += [*ids(coder, sentence), BOUNDARY]
    before += ids(coder, item.query[:blank])
    after = [*ids(coder, item.query[blank + 1 :]), BOUNDARY]
    state: State = model.start(1)
    if len(before) > 1:
        read = np.array(before)
        _, state = model.score(state, read[:-1, None], read[1:, None])
    texts = [[before[-1], *ids(coder, [word]), *after] for word in item.candidates]
    longest = max(map(len, texts))
    padded = np.array([text + [BOUNDARY] * (longest - len(text)) for text in texts]).T
    inside = np.arange(1, longest)[:, None] < np.array([len(text) for text in texts])
    found, _ = model.score(select(state, np.zeros(len(texts), np.int64)), padded[:-1], padded[1:])
    return np.asarray(np.where(inside, found, 0).sum(axis=0, dtype=np.float64))


def features(item: Item, *networks: Floats) -> Floats:
    """What the story and networks say of each candidate (n, FEATURES without the last); the answer is not known."""
    blank, here = item.query.index(BLANK), item.place
    asked = ["", *item.query, ""]  # an empty word stands at both edges of a sentence
    places = defaultdict[str, list[int]](list)
    left, right = Counter[str](), Counter[str]()
    for at, sentence in enumerate(item.document):
        edged = ["", *sentence, ""]
        for before, word, after in zip(edged, sentence, edged[2:], strict=False):
            places[word].append(at)
            left[word] += before == asked[blank]
            right[word] += after == asked[blank + 2]
    rows = [
        (
            *scores,
            math.log(len(places[word])),
            float(word in item.query),
            math.log(1 + min(abs(at - here) for at in places[word])),
            math.log(1 + left[word]),
            math.log(1 + right[word]),
        )
        for word, *scores in zip(item.candidates, *networks, strict=True)
    ]
    return np.array(rows)


class Elsewhere:
    """How often a word is the answer where it is a candidate, in some queries; log of its ratio to any word's."""

    def __init__(self, known: Iterable[Item]) -> None:
        self.answers, self.candidacies = Counter[str](), Counter[str]()
        for item in known:
            self.answers[item.answer] += 1
            self.candidacies.update(item.candidates)
        self.share = self.answers.total() / self.candidacies.total()

    def column(self, item: Item) -> Floats:
        ratios = [
            (self.answers[word] / self.share + CAUTION) / (self.candidacies[word] + CAUTION)
            for word in item.candidates
        ]
        return np.log(ratios)[:, None]


def fit(asked: list[tuple[Floats, int]], steps: int = 300, rate: float = 0.5) -> Floats:
    """The weights of a conditional logit, P(candidate) ∝ exp(weights · features), by gradient ascent."""
    scale = np.std(np.concatenate([x - x.mean(axis=0) for x, _ in asked]), axis=0) + 1e-9
    x = np.concatenate([own for own, _ in asked]) / scale
    counts = np.array([len(own) for own, _ in asked])
    first = np.cumsum(counts) - counts
    wanted = x[first + np.array([right for _, right in asked])].mean(axis=0)
    weights = np.zeros(len(scale))
    for _ in range(steps):
        z = x @ weights
        p = np.exp(z - np.repeat(np.maximum.reduceat(z, first), counts))
        p /= np.repeat(np.add.reduceat(p, first), counts)
        weights += rate * (wanted - p @ x / len(asked))
    return np.asarray(weights / scale)


def right(items: list[Item], fold: NDArray[np.int64], x: list[Floats], columns: list[int]) -> NDArray[np.bool_]:
    """Which items are answered right with some of the features; their weights, and what is an answer elsewhere, come
    from the other folds."""
    found = np.zeros(len(items), np.bool_)
    numbers = range(int(fold.max()) + 1)
    for number in numbers:
        # what a query of another fold knows from elsewhere is not of the fold asked about either
        known = [Elsewhere(i for i, own in zip(items, fold, strict=True) if own not in (number, n)) for n in numbers]
        full = [np.hstack([x[at], known[fold[at]].column(item)])[:, columns] for at, item in enumerate(items)]
        weights = fit(
            [
                (full[at], item.candidates.index(item.answer))
                for at, item in enumerate(items)
                if fold[at] != number and item.answer in item.candidates
            ]
        )
        for at in np.flatnonzero(fold == number):
            found[at] = items[at].candidates[int(np.argmax(full[at] @ weights))] == items[at].answer
    return found


def most_frequent(items: list[Item]) -> float:
    """The share answered right by the most frequent candidate, the first of several."""
    correct = 0
    for item in items:
        count = Counter(word for sentence in item.document for word in sentence)
        correct += max(item.candidates, key=lambda word, count=count: count[word]) == item.answer  # type: ignore[misc]
    return correct / len(items)


def trained(text: list[str], run: Path, threads: int) -> Path:
    """A run that has read `text` and nothing else; one that is there is kept only if this text and OPTIONS made it."""
    written = "\n".join(text) + "\n"
    mark, stamp = run.with_suffix(".sha256"), hashlib.sha256("\n".join([*OPTIONS, written]).encode()).hexdigest()
    if not mark.exists() or mark.read_text(encoding="utf-8") != stamp:
        mark.unlink(missing_ok=True)
        run.with_suffix(".txt").write_text(written, encoding="utf-8")
        rnnlm("train", str(run.with_suffix(".txt")), *OPTIONS, "--threads", str(threads), "--out", str(run))
        mark.write_text(stamp, encoding="utf-8")
    return run


def scored(items: list[Item], fold: NDArray[np.int64], folder: Path, threads: int) -> Iterator[tuple[int, Floats]]:
    """Number and features of every item, by the network of its fold."""
    corpus = bundled()
    for number in range(int(fold.max()) + 1):
        asked = [item for item, own in zip(items, fold, strict=True) if own == number]
        others = [item for item, own in zip(items, fold, strict=True) if own != number]
        model = load(trained(training_text(others, asked, corpus), folder / f"fold{number}", threads))
        assert isinstance(model.lm, RecurrentModel)
        for at in np.flatnonzero(fold == number):
            readers = (model.lm, learned(model.lm, model.coder, items[at]))
            yield int(at), features(items[at], *(network_scores(m, model.coder, items[at]) for m in readers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpora")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the folds' texts and networks are kept")
    options = parser.parse_args()
    if options.folds < 3:
        parser.error("--folds: weights for one fold need what two others know of one another, so at least 3")
    items = read_items(options.corpora / "cloze-cft" / "cft.test.human.txt")
    fold = folds(items, options.folds)
    began = time.perf_counter()
    x: list[Floats] = [np.zeros(0)] * len(items)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for at, found in scored(items, fold, folder, options.threads):
            x[at] = found
    possible = sum(item.answer in item.candidates for item in items) / len(items)
    print(f"{len(items)} queries in {len(set(stories(items)))} stories, {options.folds} folds; the answer is among the")
    print(f"candidates in {possible:.1%}; {time.perf_counter() - began:.0f} s\n")
    print("| what is weighed | answered right |\n|---|---:|")
    print(f"| the most frequent candidate | {most_frequent(items):.1%} |")
    story = list(range(COUNT, ELSEWHERE))
    for name, columns in (
        ("network, its state carried over the story", [NETWORK]),
        ("network that learned the story", [LEARNED]),
        ("network, and log count", [NETWORK, COUNT]),
        ("network that learned the story, and log count", [LEARNED, COUNT]),
        ("log count, in the sentence, distance", story[:3]),
        ("these and neighbours: all that the story tells", story),
        ("the story and the network", [NETWORK, *story]),
        ("the story and both networks", [NETWORK, LEARNED, *story]),
        ("the story and answers elsewhere, no network", [*story, ELSEWHERE]),
        ("all", list(range(len(FEATURES)))),
    ):
        print(f"| {name} | {right(items, fold, x, columns).mean():.1%} |")


if __name__ == "__main__":
    main()
