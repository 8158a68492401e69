"""One form for each text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlm.text.normalise import normalise
from strategies import ANY, LINES

ASCII_MARKS = str.maketrans("，？！：；（）", ",?!:;()")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("迟到了,老师", "迟到了，老师"),
        ("迟到了，老师", "迟到了，老师"),
        ("好吗?好!", "好吗？好！"),
        ("他说:(好)", "他说：（好）"),
        ("真的吗?!", "真的吗？！"),
        ("ＡＢｃ１２３", "ABc123"),
        ("用iPhone,好", "用iPhone，好"),
        ("IBM, 3.14", "IBM, 3.14"),  # no Chinese beside it: as it is
        ("Hello, world!", "Hello, world!"),
        ("12:30", "12:30"),
        ("  我  和\u3000你\t好 ", "我 和 你 好"),
        ("3.5元", "3.5元"),
        ("", ""),
        (" \u3000 ", ""),
    ],
)
def test_examples(text: str, form: str) -> None:
    """Widths, punctuation and blanks come out as the design says."""
    assert normalise(text) == form


@given(LINES | ANY)
def test_a_second_time_changes_nothing(text: str) -> None:
    """Normalising is idempotent."""
    once = normalise(text)
    assert normalise(once) == once


@given(st.text("中了a1 ,?!:;()。，“", max_size=12))
def test_marks_one_by_one(text: str) -> None:
    """The slow and obvious way: a mark beside something Chinese is Chinese itself, until nothing changes."""
    slow, before = " ".join(text.split()), ""
    while slow != before:
        before = slow
        for at, mark in enumerate(slow):
            beside = slow[max(0, at - 1) : at] + slow[at + 1 : at + 2]
            if mark in ",?!:;()" and set(beside) & set("中了。，“？！：；（）"):
                slow = slow[:at] + dict(zip(",?!:;()", "，？！：；（）", strict=True))[mark] + slow[at + 1 :]
    assert normalise(text) == slow


def test_many_marks() -> None:
    """A line of nothing but marks is read once, not once for each: this would last for hours."""
    assert normalise("中" + "," * 200_000) == "中" + "，" * 200_000
    assert normalise("," * 200_000) == "," * 200_000


@given(LINES)
def test_blanks(text: str) -> None:
    """No two blanks stand together, none at the ends, and no other white space is left."""
    form = normalise(text)
    assert form == " ".join(form.split())


@pytest.mark.parametrize("sentence", ["我们迟到了，老师走了", "真的吗？真的！", "他说：（这很好）；我说：不好。"])
def test_both_spellings_are_the_same(sentence: str) -> None:
    """A Chinese sentence typed with ASCII marks means the same as with its own."""
    assert normalise(sentence.translate(ASCII_MARKS)) == normalise(sentence) == sentence
