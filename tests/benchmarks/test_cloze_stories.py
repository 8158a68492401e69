"""What keeps the answers of the fairy tales apart from what a network may read."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import cloze_stories
from cloze_stories import Elsewhere, features, fit, trained
from stories import BLANK, Item, Leak, folds, key, keys, read_items, stories, training_text

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


def test_even_one_word_is_a_sentence() -> None:
    """A sentence of one word joins two stories, one of signs alone does not."""
    assert len(set(stories([item("啊 ！", BLANK, "狗"), item("“ 啊 ， ”", BLANK, "猫")]))) == 1
    assert len(set(stories([item("……", BLANK, "狗"), item("……", BLANK, "猫")]))) == 2


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
    assert np.array_equal(features(HEN, network, network), features(other, network, network))


def test_features() -> None:
    """Count, presence in the query, distance in sentences and neighbours, each by hand."""
    query = f"一 只 {BLANK} 来 了 。"
    asked = item(f"小 狐狸 来 了 。/{query}/小 狐狸 笑 了 ， 葡萄 也 来 了 。", query, "公鸡")
    assert asked.candidates == ["狐狸", "葡萄"]
    log2 = np.log(2)
    expected = [[-1, log2, 0, log2, 0, log2], [-2, 0, 0, log2, 0, 0]]
    np.testing.assert_allclose(features(asked, np.array([-1.0, -2.0])), expected)


def test_answers_elsewhere() -> None:
    """A word that is an answer gets more than one never seen, which gets more than a candidate never the answer."""
    known = Elsewhere([HEN, FOX])
    probe = item("鸡蛋 和 石头 很 高兴 。", f"{BLANK} 和 石头", "鸡蛋")
    egg, stone, glad = known.column(probe)[:, 0]
    assert egg > stone == 0 > glad


def test_a_network_of_another_text_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is there is kept for the same text, and trained again for another or after training was cut off."""
    calls = []

    def train(*arguments: str) -> str:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(cloze_stories, "rnnlm", train)
    for text in (["一"], ["一"], ["二"], ["二"], ["二"]):
        with contextlib.suppress(KeyboardInterrupt):
            trained(text, tmp_path / "fold0", 1)
    assert len(calls) == 3
    assert (tmp_path / "fold0.txt").read_text(encoding="utf-8") == "二\n"


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
        read = {key(line.split()) for line in training_text(others, asked, [])}
        assert not read & keys(asked)
