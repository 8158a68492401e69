"""Text to words and back: by jieba, by characters, or at white space; it does not know which words a model has.

`join(cut(text)) == normalise(text)` always. Between two words of Latin letters or digits the join puts a blank; every
other blank of the text is a token of its own, and neighbouring Latin words without a blank between them are one token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

from rnnlm.errors import ConfigError
from rnnlm.text import normalise as form

BLANK = " "


class Tokenizer(Protocol):
    """Cuts one line of text into words."""

    kind: str
    unsaid_blanks: bool  # is a blank between two Latin words no token, so that spelling them has to say it?

    def normalise(self, text: str) -> str:
        """The form of the text that is cut."""
        ...

    def cut(self, text: str) -> list[str]:
        """The words of one line."""
        ...

    def join(self, words: Sequence[str]) -> str:
        """The text of which these are the words."""
        ...

    def spell(self, words: Sequence[str], known: Any) -> list[str]:
        """The words with each one that is not in `known` replaced by its characters."""
        ...

    def describe(self) -> dict[str, Any]:
        """What `make_tokenizer` needs to make the same one again, and what its cuts depend on."""
        ...


def latin(character: str) -> bool:
    """A letter or digit that is written in words with blanks between them: neither Chinese nor Japanese nor Korean."""
    return character.isalnum() and not ("\u1100" <= character <= "\u11ff" or character >= "\u2e80")


def parted(left: str, right: str) -> bool:
    """Does a blank go between these two words unsaid? Single letters are spelled words: they stay together."""
    return len(left) > 1 and len(right) > 1 and latin(left[-1]) and latin(right[0])


class Base:
    """What the three tokenizers share."""

    kind = ""
    unsaid_blanks = False

    def __init__(self, normalised: bool) -> None:
        self.normalised = normalised

    def normalise(self, text: str) -> str:
        return form.normalise(text) if self.normalised else form.collapse(text)

    def cut(self, text: str) -> list[str]:
        raise NotImplementedError

    def join(self, words: Sequence[str]) -> str:
        return "".join(words)

    def spell(self, words: Sequence[str], known: Any) -> list[str]:
        return [piece for word in words for piece in ([word] if word in known else word)]

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "normalise": self.normalised}


class Characters(Base):
    """Every character a word, blanks too."""

    kind = "characters"

    def cut(self, text: str) -> list[str]:
        return list(self.normalise(text))


class WhiteSpace(Base):
    """Words parted by white space, as in text that was cut before."""

    kind = "whitespace"

    def cut(self, text: str) -> list[str]:
        return self.normalise(text).split()

    def join(self, words: Sequence[str]) -> str:
        return BLANK.join(words)


class Jieba(Base):
    """Chinese words by jieba in its accurate mode, with the words of a user's dictionary beside its own."""

    kind = "jieba"
    unsaid_blanks = True

    def __init__(self, normalised: bool, user_words: Sequence[str] = ()) -> None:
        super().__init__(normalised)
        self.user_words = list(user_words)

    @cached_property
    def segmenter(self) -> Any:
        """jieba with its dictionary, loaded at the first cut."""
        from rnnlm.text.segmenter import load_segmenter

        return load_segmenter(self.user_words)

    def cut(self, text: str) -> list[str]:
        words: list[str] = []
        for word in self.segmenter.lcut(self.normalise(text)):
            if words and words[-1] != BLANK and latin(words[-1][-1]) and latin(word[0]):
                words[-1] += word  # no blank stood between them
            elif word == BLANK or len(words) < 2 or words[-1] != BLANK or not parted(words[-2], word):
                words.append(word)
            else:
                words[-1] = word  # the blank goes without saying
        return words

    def join(self, words: Sequence[str]) -> str:
        return "".join(BLANK + word if at and parted(words[at - 1], word) else word for at, word in enumerate(words))

    def spell(self, words: Sequence[str], known: Any) -> list[str]:
        result: list[str] = []
        for at, word in enumerate(words):
            pieces = [word] if word in known else list(word)
            if at and parted(words[at - 1], word) and not parted(result[-1], pieces[0]):
                result.append(BLANK)  # a blank that went without saying before a word was spelled
            result += pieces
        return result

    def describe(self) -> dict[str, Any]:
        from rnnlm.text.dictionary import jieba_version

        words = "\n".join(self.user_words).encode()
        return super().describe() | {
            "version": jieba_version(),
            "user_words": len(self.user_words),
            "user_fingerprint": hashlib.sha256(words).hexdigest()[:16] if words else "",
        }


KINDS = ("jieba", "characters", "whitespace")


def make_tokenizer(kind: str, normalised: bool | None = None, user_words: Sequence[str] = ()) -> Tokenizer:
    """The tokenizer called `kind`; `normalised` None means on for jieba and characters, off for white space."""
    if normalised is None:
        normalised = kind != "whitespace"
    if user_words and kind != "jieba":
        raise ConfigError(f"a user dictionary goes with the jieba tokenizer, not with {kind}")
    if kind == "jieba":
        return Jieba(normalised, user_words)
    if kind == "characters":
        return Characters(normalised)
    if kind == "whitespace":
        return WhiteSpace(normalised)
    raise ConfigError(f"there is no tokenizer called {kind!r}", f"choose one of {', '.join(KINDS)}")
