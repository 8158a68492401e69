"""A user's dictionary as people write it, made into lines as jieba reads them; it cuts nothing."""

from __future__ import annotations

import re
from pathlib import Path

from rnnlm.errors import CorpusError
from rnnlm.text.reader import read_lines
from rnnlm.text.segmenter import USER_WORD
from rnnlm.text.tokenizer import BLANK, Base

TAGGED = re.compile(r"(\S+ [0-9]+) \S+")  # jieba takes a tag of other letters than a-z for a part of the word


def read_user_words(file: str | Path, normalised: bool, encoding: str | None = None) -> list[str]:
    """The lines `word [count] [tag]` of a file, in the form of the text in which the words are to be found.

    Raises CorpusError, with the line, for a word with a blank in it, which is never cut out; but not where a count
    behind it shows that it is meant so, as in dictionaries that others share.
    """
    form = Base(normalised)
    lines = []
    for number, raw in enumerate(read_lines(file, encoding), 1):
        line = form.normalise(raw)
        word, count = parts_of(line)
        if BLANK in word and not count and (tagged := TAGGED.fullmatch(line)):
            line = tagged[1]
            word, count = parts_of(line)
        if BLANK in word and not count:
            raise CorpusError(
                f"{file}, line {number}: {word!r} holds a blank, and would never be cut out",
                "a line is: word [count] [tag]",
            )
        if line:
            lines.append(line)
    return lines


def parts_of(line: str) -> tuple[str, str]:
    """The word and the count of a line, as jieba reads it; empty where there is none."""
    found = USER_WORD.match(line)
    return (found[1], found[2] or "") if found else ("", "")
