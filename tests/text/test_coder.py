"""Lines to ids and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rnnlm.text.coder import UNKNOWN, Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary
from strategies import LINES

WORDS = make_tokenizer("whitespace")
CHARACTERS = make_tokenizer("characters")
JIEBA = make_tokenizer("jieba")


def test_unknown_words_as_a_whole() -> None:
    """With `unk` a word outside the vocabulary is one <unk>, and counted; a literal <unk> is an ordinary word."""
    found = Coder(WORDS, Vocabulary.from_words(["the", "cat"]), "unk").encode("the <unk> dog  the cat")
    assert found.words == ["the", "<unk>", "dog", "the", "cat"]
    assert found.ids == [2, 1, 1, 2, 3]
    assert (found.oov, found.unknown) == ([2], ["dog"])
    assert found.characters == len("the <unk> dog the cat")


def test_unknown_words_spelled() -> None:
    """With `characters` it is cut into its characters, and only a character outside is <unk>."""
    found = Coder(JIEBA, Vocabulary.from_words(["老师", "来", "了", "手"])).encode("老师手机来了")
    assert found.words == ["老师", "手", "机", "来", "了"]
    assert found.ids == [2, 5, UNKNOWN, 3, 4]
    assert (found.oov, found.unknown, found.characters) == ([2], ["手机"], 6)


@given(LINES, st.data())
def test_ids_give_the_text_back(text: str, data: st.DataObject) -> None:
    """Where every character is known, the ids of a text give back its normal form, whichever words are known."""
    words = JIEBA.cut(text)
    chosen = data.draw(st.lists(st.sampled_from(words))) if words else []
    coder = Coder(JIEBA, Vocabulary.from_words([*chosen, *text, *JIEBA.normalise(text)]))
    found = coder.encode(text)
    assert not found.oov
    assert JIEBA.join(coder.words([*found.ids, 0])) == JIEBA.normalise(text)
    assert coder.words(found.ids) == found.words


@given(LINES)
def test_positions(text: str) -> None:
    """`ids`, `words` and the positions of what is unknown belong together."""
    coder = Coder(CHARACTERS, Vocabulary.from_words("我的了 a1"))
    found = coder.encode(text)
    assert len(found.ids) == len(found.words) == found.characters
    assert found.oov == [at for at, number in enumerate(found.ids) if number == UNKNOWN]
