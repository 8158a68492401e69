"""Cutting loses nothing: the words of a text, joined, are its normal form; spelled words too."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlm.errors import ConfigError
from rnnlm.text.reader import read_lines
from rnnlm.text.tokenizer import KINDS, Tokenizer, make_tokenizer
from strategies import ANY, LINES

TOKENIZERS = {kind: make_tokenizer(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@given(text=LINES | ANY)
def test_join_undoes_cut(kind: str, text: str) -> None:
    """join(cut(s)) == normalise(s), and no word is empty."""
    tokenizer = TOKENIZERS[kind]
    words = tokenizer.cut(text)
    assert tokenizer.join(words) == tokenizer.normalise(text)
    assert all(words)


@pytest.mark.parametrize("kind", KINDS)
@given(text=LINES)
def test_cutting_knows_one_form_only(kind: str, text: str) -> None:
    """A text and its normal form are cut alike."""
    tokenizer = TOKENIZERS[kind]
    assert tokenizer.cut(tokenizer.normalise(text)) == tokenizer.cut(text)


@pytest.mark.parametrize("kind", ["jieba", "characters"])
@given(text=LINES, data=st.data())
def test_join_undoes_cut_and_spelling(kind: str, text: str, data: st.DataObject) -> None:
    """Whichever words are known, the pieces of the others join to the same text; known words stay whole."""
    tokenizer = TOKENIZERS[kind]
    words = tokenizer.cut(text)
    known = data.draw(st.sets(st.sampled_from(words))) if words else set()
    pieces = tokenizer.spell(words, known)
    assert tokenizer.join(pieces) == tokenizer.normalise(text)
    assert all(len(piece) == 1 or piece in known for piece in pieces)
    assert [piece for piece in pieces if len(piece) > 1] == [word for word in words if len(word) > 1 and word in known]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("昨天 Python 坏了", ["昨天", " ", "Python", " ", "坏", "了"]),
        ("good morning", ["good", "morning"]),  # the blank goes without saying
        ("plan b", ["plan", " ", "b"]),  # a single letter may be a spelled one: the blank is said
        ("naïve café", ["naïve", "café"]),
    ],
)
def test_blanks_of_latin_words(text: str, words: list[str]) -> None:
    """Between two Latin words the blank is no token; elsewhere it is one."""
    assert TOKENIZERS["jieba"].cut(text) == words


def test_white_space_is_kept_as_it_is() -> None:
    """Text that was cut before is not normalised unless asked for."""
    assert TOKENIZERS["whitespace"].cut("迟到 了 ,  Ａ <unk>") == ["迟到", "了", ",", "Ａ", "<unk>"]
    assert make_tokenizer("whitespace", True).cut("迟到 了, Ａ") == ["迟到", "了，", "A"]


def describe(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer that its own description makes."""
    about = tokenizer.describe()
    return make_tokenizer(about["kind"], about["normalise"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("normalised", [True, False])
def test_description(kind: str, normalised: bool) -> None:
    """A tokenizer's description is enough to make it again; jieba's names its version and the user's words."""
    tokenizer = make_tokenizer(kind, normalised)
    assert describe(tokenizer).describe() == tokenizer.describe()
    other = make_tokenizer("jieba", True, ["云计算 5"]).describe()
    assert other["user_words"] == 1
    assert other["user_fingerprint"] != make_tokenizer("jieba", True, ["创新办 3 i"]).describe()["user_fingerprint"]


def test_impossible_tokenizers() -> None:
    """An unknown name, and a user dictionary without jieba, are refused."""
    with pytest.raises(ConfigError, match="no tokenizer called 'words'"):
        make_tokenizer("words")
    with pytest.raises(ConfigError, match="user dictionary"):
        make_tokenizer("characters", None, ["云计算"])


def documented(corpora: Path) -> list[tuple[str, str, list[str]]]:
    """(setting, text, words) of jieba's own documentation; the words hold no blanks of ours."""
    rows = [line.split("\t") for line in read_lines(corpora / "jieba-fixtures" / "expected.tsv")][1:]
    return [(setting, text, words.split("/")) for _, setting, text, words in rows]


def test_jieba_is_wired_as_documented(corpora: Path) -> None:
    """The default mode cuts the sentences of jieba's README as it says."""
    rows = [row for row in documented(corpora) if row[0].startswith(("cut, default", "default mode, no"))]
    assert len(rows) == 3
    for _, text, words in rows:
        assert TOKENIZERS["jieba"].cut(text) == words


def test_jieba_with_a_user_dictionary(corpora: Path) -> None:
    """A user dictionary, a byte-order mark at its head, changes the cut as jieba's README says."""
    path = corpora / "jieba-fixtures" / "userdict.bom.utf8.txt"
    (row,) = [row for row in documented(corpora) if "load_userdict" in row[0]]
    assert make_tokenizer("jieba", None, list(read_lines(path))).cut(row[1]) == row[2]
    assert TOKENIZERS["jieba"].cut(row[1]) != row[2]  # and one tokenizer's words are not another's
