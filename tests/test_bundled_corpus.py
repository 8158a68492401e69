"""The bundled corpus: its size, its form, its splits, and what must not be in it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from rnnlm.share import shared_folder
from rnnlm.text.normalise import normalise

PARTS = ("train", "valid", "test")
KEPT_OUT = ("我昨天上学迟到了，老师批评了我", "我的手机坏了，我打算买一部新手机")


def lines(part: str) -> list[str]:
    return (shared_folder("data") / f"{part}.txt").read_text(encoding="utf-8").splitlines()


def signs_apart(line: str) -> str:
    """The characters and letters of a sentence alone."""
    return "".join(re.findall(r"\w", line))


def test_size() -> None:
    """There are at least 300,000 Chinese characters."""
    text = "".join(line for part in PARTS for line in lines(part))
    assert sum("\u4e00" <= c <= "\u9fff" for c in text) >= 300_000


@pytest.mark.parametrize("part", PARTS)
def test_form(part: str) -> None:
    """Every line is a sentence in its normal form, and passages are parted by single empty lines."""
    found = lines(part)
    assert all(a or b for a, b in pairwise(found))
    changed = [line for line in found if normalise(line) != line]
    assert len(changed) <= len(found) // 100, changed[:5]


def test_splits_share_no_sentence() -> None:
    """No sentence of valid or test stands in train, signs disregarded."""
    train, valid, test = ({signs_apart(line) for line in lines(part) if line} for part in PARTS)
    assert not train & valid
    assert not train & test
    assert not valid & test


def test_what_people_try_is_kept_out() -> None:
    """The two sentences of the README are in none of the three parts."""
    for part in PARTS:
        text = "\n".join(lines(part))
        assert not any(sentence in text for sentence in KEPT_OUT)


def test_few_sentences_are_repeated() -> None:
    """Under one per cent of the sentences stand in the corpus twice."""
    found = [line for part in PARTS for line in lines(part) if line]
    assert len(found) - len(set(found)) < len(found) / 100


@pytest.mark.parametrize("name", ["next-word", "cloze"])
def test_items_are_not_in_the_corpus(name: str) -> None:
    """No test item stands in the corpus, and there are sixty of each kind with four candidates."""
    from rnnlm.search.items import read_items
    from rnnlm.text.reader import read_lines

    path = Path(__file__).parent / "data" / f"{name}.jsonl"
    items = read_items(read_lines(path), str(path))
    text = "\n".join(line for part in PARTS for line in lines(part))
    assert len(items) == 60
    for item in items:
        assert (item.before + item.answer + item.after).rstrip("。！？") not in text
        assert len(set(item.candidates)) == 4 and item.answer in item.candidates
