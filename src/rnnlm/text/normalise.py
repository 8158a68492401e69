"""The one form in which Chinese text is read: widths, punctuation and blanks made alike; it cuts nothing.

People type 迟到了,老师 and 迟到了，老师; both must mean the same. Full-width letters and digits become ASCII; the ASCII
marks , ? ! : ; ( ) beside a Chinese character become full-width; a run of blanks becomes one; none is left at the ends.
"""

from __future__ import annotations

import re

WIDE = {code: code - 0xFEE0 for code in [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)]}
MARKS = dict(zip(",?!:;()", "，？！：；（）", strict=True))
CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
# A mark counts as beside a Chinese character through other marks and Chinese punctuation too: 了?! becomes 了？！
BESIDE = f"{CHINESE}，。？！：；（）、“”‘’《》【】…"
MARK = re.compile(rf"(?<=[{BESIDE}])[,?!:;()]|[,?!:;()](?=[{BESIDE}])")


def collapse(text: str) -> str:
    """Every run of white space becomes one blank, and none stays at the ends."""
    return " ".join(text.split())


def normalise(text: str) -> str:
    """The normal form of one line; a second time changes nothing."""
    text = collapse(text.translate(WIDE))
    while True:  # a mark made full-width is itself Chinese punctuation beside the next mark
        changed = MARK.sub(lambda found: MARKS[found[0]], text)
        if changed == text:
            return text
        text = changed
