"""The word list: which words are in it, in what order, and that it survives the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlm.errors import VocabularyError
from rnnlm.text.vocabulary import BOUNDARY_WORD, UNKNOWN_WORD, Vocabulary

SPECIAL = [BOUNDARY_WORD, UNKNOWN_WORD]
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vocabulary") / "vocabulary.txt"


@given(st.lists(WORDS, max_size=20))
def test_round_trip(file: Path, words: list[str]) -> None:
    """What `save` writes, `load` reads back: the same words with the same ids, odd characters and all."""
    before = Vocabulary.from_words(words)
    before.save(file)
    after = Vocabulary.load(file)
    assert after.words == before.words
    assert after.ids == before.ids
    assert all(after.words[after.ids[word]] == word for word in words)


@given(st.dictionaries(WORDS, st.integers(1, 9)), st.integers(1, 5), st.integers(0, 12))
def test_counted(counts: dict[str, int], least: int, most: int) -> None:
    """The special words, then the words seen often enough by falling count, up to a limit; the most frequent stay."""
    words = Vocabulary.from_counts(counts, least, most).words
    assert words[:2] == SPECIAL
    kept = words[2:]
    allowed = {word for word, n in counts.items() if n >= least and word not in SPECIAL}
    assert set(kept) <= allowed
    assert len(kept) == (min(len(allowed), max(most - 2, 0)) if most else len(allowed))
    assert [counts[word] for word in kept] == sorted((counts[word] for word in allowed), reverse=True)[: len(kept)]


def test_characters_for_spelling() -> None:
    """Characters seen twice or more are in the list whatever the limits say; rarer ones are not."""
    counts = {"手机": 5, "老师": 4, "我": 3, "鲸": 1}
    characters = {"手": 5, "机": 5, "老": 4, "师": 4, "我": 3, "鲸": 1}
    found = Vocabulary.from_counts(counts, 2, 0, characters)
    # 手机 and 老师 by their count, then 我 (3), then the characters never seen alone (0), in code point order
    assert found.words == [*SPECIAL, "手机", "老师", "我", "师", "手", "机", "老"]
    # a limit of 8: 2 special, 5 characters, and room for one word
    assert Vocabulary.from_counts(counts, 2, 8, characters).words == [*SPECIAL, "手机", "我", "师", "手", "机", "老"]
    # no room at all: the characters stay
    assert set(Vocabulary.from_counts(counts, 2, 3, characters).words) == {*SPECIAL, "我", "手", "机", "老", "师"}


def test_words_that_always_stand_there() -> None:
    """A special word of a model stands right behind the others, and once."""
    assert Vocabulary.from_counts({"____": 9, "我": 3}, always=["____"]).words == [*SPECIAL, "____", "我"]


def test_words_that_are_wanted() -> None:
    """To be seen twice is enough for them; seen once, never, or beyond the limit, they do not join."""
    counts = {"手机": 5, "驴杂汤": 2, "我": 3, "鲸": 2, "龙": 1}
    wanted = {"驴杂汤", "云计算", "龙"}
    assert Vocabulary.from_counts(counts, 3, wanted=wanted).words == [*SPECIAL, "手机", "我", "驴杂汤"]
    assert Vocabulary.from_counts(counts, 3, 4, wanted=wanted).words == [*SPECIAL, "手机", "我"]


def test_literal_special_words_are_no_new_words() -> None:
    """`<unk>` and `</s>` of a benchmark's text keep their ids."""
    assert Vocabulary.from_counts({"<unk>": 50, "the": 9, "</s>": 3}).words == [*SPECIAL, "the"]
    assert Vocabulary.from_words(["the", "<unk>", "the", "a"]).words == [*SPECIAL, "the", "a"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["<unk>", "</s>"], "begins with"),
        ([], "begins with"),
        ([*SPECIAL, "我", "我"], "holds '我' twice"),
        ([*SPECIAL, ""], "empty"),
        ([*SPECIAL, "我\n"], "line break"),
    ],
)
def test_lists_that_are_none(words: list[str], told: str) -> None:
    """A list without the special words, with a word twice, or with what one line cannot hold, is refused."""
    with pytest.raises(VocabularyError, match=told):
        Vocabulary(words)
