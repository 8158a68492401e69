"""How commands read lines, and what they tell of them: another encoding, text not cut, unknown words; it knows
no command."""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlm.cli.show import remark

if TYPE_CHECKING:
    from rnnlm.text.coder import Coder

NAME_IT = "name its encoding with --encoding"  # what to do about other text where a command has the option
CONVERT_IT = "convert it, say with iconv"
UNCUT = """Chinese without blanks is one unknown word to this model: cut it first, as its
  training text was cut (rnnlm tokenize; for an exported run with its -m)"""


def tell_encodings(files: Iterable[str | Path], encoding: str | None) -> None:
    """Says which files are not read as UTF-8, where no encoding is named: one may be taken for another."""
    from rnnlm.text.reader import encoding_of

    found: dict[str, list[str]] = {}
    for file in () if encoding else dict.fromkeys(map(str, files)):
        if Path(file).is_file():
            found.setdefault(encoding_of(file), []).append(file)
    for name, (first, *more) in found.items():
        if name not in ("utf-8", "utf-8-sig"):
            which = f"{first} and {len(more):,} more are" if more else f"{first} is"
            remark(f"{which} read as {name}; if that is wrong, {NAME_IT}")


def uncut(coder: Coder, lines: Iterable[str]) -> bool:
    """Is there a line of Chinese without a blank of which a model that parts words at blanks knows nothing?"""
    from rnnlm.text.normalise import CHINESE

    chinese = re.compile(f"[{CHINESE}]{{2}}")

    def lost(line: str) -> bool:
        if len(line.split()) != 1 or not chinese.search(line):
            return False
        encoded = coder.encode(line)
        return len(encoded.oov) == len(encoded.words)

    return coder.tokenizer.kind == "whitespace" and any(map(lost, lines))


def unknown_words(coder: Coder, texts: Iterable[str]) -> list[str]:
    """A line on words that are not in the vocabulary, and one on what is read as unknown: such words or characters."""
    spelled: list[str] = []
    lost: list[str] = []
    for text in texts:
        encoded = coder.encode(text)
        strange = dict.fromkeys(encoded.words[at] for at in encoded.oov)
        lost += strange
        spelled += (word for word in dict.fromkeys(encoded.unknown) if word not in strange and set(word) - set(strange))
    lines = []
    if spelled:
        lines.append(f"not in the vocabulary, read by characters: {'、'.join(spelled)}")
    if lost:
        lines.append(f"not in the vocabulary, read as unknown: {'、'.join(lost)}")
    return lines


class Decoder:
    """The lines of standard input, one after another: UTF-8, or GB18030 from the first line on that is not ASCII.

    What began as UTF-8 stays so: a damaged line is an error, and does not turn those behind it into other words.
    """

    def __init__(self, hint: str) -> None:
        """`hint`: what to do about text that is neither."""
        self.hint, self.read, self.encodings = hint, 0, ["utf-8", "gb18030"]

    def __call__(self, raw: bytes) -> str:
        """The next line without its end. Raises CorpusError where it is not text."""
        self.read += 1
        if self.read == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        for encoding in self.encodings:
            try:
                line = raw.decode(encoding)
            except UnicodeDecodeError:
                continue
            if len(self.encodings) > 1 and not raw.isascii():
                self.encodings = [encoding]
                if encoding != "utf-8":
                    remark(f"standard input is read as {encoding}; if that is wrong, {self.hint}")
            return line.rstrip("\r\n")
        from rnnlm.errors import CorpusError

        tried = " or ".join(map(str.upper, self.encodings))
        raise CorpusError(f"line {self.read} of standard input is not {tried} text", self.hint)


def lines_of_input(what: str, hint: str = CONVERT_IT) -> Iterator[str]:
    """The lines of standard input; says that it waits where that is a terminal."""
    if sys.stdin.isatty():
        remark(f"reading {what} from the terminal, a line each; end with Ctrl-D")
    yield from map(Decoder(hint), sys.stdin.buffer)
