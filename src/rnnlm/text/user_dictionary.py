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

    Raises CorpusError, with the line, for a word with a blank in it: it is never cut out.
    """
    form = Base(normalised)
    lines = []
    for number, raw in enumerate(read_lines(file, encoding), 1):
        line = form.normalise(raw)
        if BLANK in word_of(line) and (tagged := TAGGED.fullmatch(line)):
            line = tagged[1]
        if BLANK in word_of(line):
            raise CorpusError(
                f"{file}, line {number}: {word_of(line)!r} holds a blank, and would never be cut out",
                "a line is: word [count] [tag]",
            )
        if line:
            lines.append(line)
    return lines


def word_of(line: str) -> str:
    """The word of a line, as jieba reads it."""
    found = USER_WORD.match(line)
    return found[1] if found else ""
