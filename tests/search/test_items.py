"""Items with a word left out: lines that are none are told, and the answer wins only where it is the best."""

from __future__ import annotations

import pytest

from fakes import flat
from rnnlm.errors import CorpusError
from rnnlm.search.items import Item, read_items, right
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

CODER = Coder(make_tokenizer("characters"), Vocabulary.from_words("我你"))
MODEL = flat(0.2, 0.1, 0.3, 0.4)  # the end, <unk>, 我, 你


@pytest.mark.parametrize(
    ("answer", "candidates", "expected"),
    [
        ("你", ("你",), True),  # nothing else can be chosen
        ("你", ("我", "你"), True),
        ("我", ("我", "你"), False),
        ("我", ("他", "我"), True),
        ("他", ("她",), False),  # both are <unk>: none is better
        ("你", (), True),
        ("我", (), False),
    ],
)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("我", ""), ("", "我"), ("你", "我")])
def test_right(answer: str, candidates: tuple[str, ...], expected: bool, before: str, after: str) -> None:
    """The answer is right where no other candidate, or word, is as probable, whatever stands around it."""
    assert right(MODEL, CODER, Item(before, after, answer, candidates)) is expected


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{",
        '{"before": "我"}',
        '{"before": "我", "answer": ""}',
        '{"before": "我", "answer": " "}',
        '{"before": "我", "answer": 5}',
        '{"before": "我", "answer": ["你"]}',
        '{"before": null, "answer": "你"}',
        '{"before": "我", "after": 1, "answer": "你"}',
        '{"before": "我", "answer": "你", "candidates": ["我", ""]}',
        '{"before": "我", "answer": "你", "candidates": [1]}',
    ],
)
def test_no_item(line: str) -> None:
    """A line that is no item is told with its file and number, and what a line should be."""
    with pytest.raises(CorpusError, match="the file, line 3 is no item: ") as caught:
        read_items(['{"before": "我", "answer": "你"}', "", line], "the file")
    assert "answer" in caught.value.hint
