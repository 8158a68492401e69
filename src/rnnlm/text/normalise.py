"""The one form in which Chinese text is read: widths, punctuation and blanks made alike; it cuts nothing.

People type 迟到了,老师 and 迟到了，老师; both must mean the same. Full-width letters and digits become ASCII; the ASCII
marks , ? ! : ; ( ) beside a Chinese character become full-width; a run of blanks becomes one; none is left at the ends.
"""

from __future__ import annotations

import re

WIDE = {code: code - 0xFEE0 for code in [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)]}
FULL_WIDTH = str.maketrans(",?!:;()", "，？！：；（）")
CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
BESIDE = f"[{CHINESE}，。？！：；（）、“”‘’《》【】…]"
MARK = "[,?!:;()]"
# Marks in a row are beside a Chinese character together: 了?! becomes 了？！. Looked at once, from the first one on.
MARKS_BESIDE = re.compile(rf"(?<!{MARK})(?:(?<={BESIDE}){MARK}+|{MARK}++(?={BESIDE}))")


def collapse(text: str) -> str:
    """Every run of white space becomes one blank, and none stays at the ends. Marks of byte order go: they stand inside
    where files were put together."""
    return " ".join(text.replace("\ufeff", "").split())


def normalise(text: str) -> str:
    """The normal form of one line; a second time changes nothing."""
    return MARKS_BESIDE.sub(lambda found: found[0].translate(FULL_WIDTH), collapse(text.translate(WIDE)))
