"""What keeps the answers of the fairy tales apart from what a network may read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from cloze_stories import BLANK, Item, Leak, features, fit, folds, read_items, stories, training_text

FILE = Path(__file__).parents[3] / "shared" / "corpora" / "cloze-cft" / "cft.test.human.txt"


def item(text: str, query: str, answer: str) -> Item:
    return Item([sentence.split() for sentence in text.split("/")], query.split(), answer)


HEN = item("母鸡 下 了 一个 鸡蛋 。/它 很 高兴 地 叫 了 起来 。", f"母鸡 下 了 一个 {BLANK} 。", "鸡蛋")
EGG = item(f"{BLANK} 下 了 一个 鸡蛋 。/后来 小鸡 出来 了 。", f"{BLANK} 下 了 一个 鸡蛋 。", "母鸡")
FOX = item("狐狸 从 山上 走 下来 了 。/它 想 吃 葡萄 。", f"{BLANK} 从 山上 走 下来 了 。", "狐狸")


def test_items_with_a_common_sentence_are_one_story() -> None:
    """The blanks filled in, two items share a sentence: they are one story and come into one fold."""
    found = stories([HEN, EGG, FOX])
    assert found[0] == found[1] != found[2]
    fold = folds([HEN, FOX, EGG], 2)
    assert fold[0] == fold[2] != fold[1]


def test_a_leak_is_raised() -> None:
    """A training text of the same story is refused; a corpus is freed of sentences that are asked about."""
    with pytest.raises(Leak):
        training_text([EGG], [HEN], [])
    text = training_text([FOX], [HEN], ["母鸡 下 了 一个 鸡蛋 ！", "今天 天气 很 好 。"])
    assert "今天 天气 很 好 。" in text
    assert not any("母鸡" in line for line in text)


def test_features_do_not_know_the_answer() -> None:
    """Another answer leaves them as they are."""
    other = Item(HEN.document, HEN.query, "高兴")
    network = np.zeros(len(HEN.candidates))
    assert np.array_equal(features(HEN, network), features(other, network))


def test_fit_finds_the_feature_that_tells() -> None:
    """A feature that is always highest for the right one gets a positive weight, noise hardly any."""
    rng = np.random.default_rng(1)
    asked = []
    for _ in range(200):
        x = rng.normal(size=(5, 2))
        asked.append((x, int(np.argmax(x[:, 0]))))
    weights = fit(asked)
    assert weights[0] > 2
    assert abs(weights[1]) < 0.5


def test_the_file() -> None:
    """1,953 queries have a blank; no training text of four folds holds a sentence asked about."""
    if not FILE.exists():
        pytest.skip("the corpora are not here")
    items = read_items(FILE)
    assert len(items) == 1953
    fold = folds(items, 4)
    for number in range(4):
        asked = [i for i, own in zip(items, fold, strict=True) if own == number]
        others = [i for i, own in zip(items, fold, strict=True) if own != number]
        assert training_text(others, asked, [])
