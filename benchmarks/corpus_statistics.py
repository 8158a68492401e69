"""How natural a corpus is by measure: counts, repetition, and what a character trigram makes of it; a table for
data/README.md.

    python benchmarks/corpus_statistics.py [NAME=FILE,FILE ...] [--characters 120000]

Without arguments: the bundled corpus, and beside it the everyday texts of ../shared/corpora where they are. Every text
is cut to the same number of characters, since all of these figures depend on the size.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from pathlib import Path

from rnnlm.share import shared_folder
from rnnlm.text.tokenizer import make_tokenizer

SHARED = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def chinese(text: str) -> str:
    return "".join(c for c in text if "\u4e00" <= c <= "\u9fff")


def read(paths: list[Path], most: int) -> list[str]:
    """Lines of some files, the first `most` Chinese characters of them; blanks between cut words are taken out."""
    lines, seen = [], 0
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            text = line.strip()
            if "|||" in text:  # the stories of cloze-cft
                text = text.split("|||")[1].strip()
                if "XXXXX" in text:
                    continue
            if re.search(r"[\u4e00-\u9fff] [\u4e00-\u9fff]", text):
                text = text.replace(" ", "")
            if text and seen < most:
                lines.append(text)
                seen += len(chinese(text))
    return lines


def without_repeated_stories(lines: list[str]) -> list[str]:
    """The stories of cloze-cft stand in the file once for each question about them."""
    return list(dict.fromkeys(lines))


def trigram_perplexity(lines: list[str]) -> float:
    """Perplexity of a Witten-Bell character trigram, trained on nine lines of ten, on the tenth."""
    train = [line for at, line in enumerate(lines) if at % 10]
    test = [line for at, line in enumerate(lines) if at % 10 == 0]
    counts = [Counter[str](), Counter[str](), Counter[str]()]
    followers = [Counter[str](), Counter[str](), Counter[str]()]
    totals = [Counter[str](), Counter[str](), Counter[str]()]
    for line in train:
        text = "\x02\x02" + line + "\x03"
        for at in range(2, len(text)):
            for n in range(3):
                gram = text[at - n : at + 1]
                followers[n][gram[:-1]] += counts[n][gram] == 0
                counts[n][gram] += 1
                totals[n][gram[:-1]] += 1
    size = len(counts[0]) + 1
    bits = characters = 0.0
    for line in test:
        text = "\x02\x02" + line + "\x03"
        for at in range(2, len(text)):
            p = 1 / size
            for n in range(3):
                gram = text[at - n : at + 1]
                total, kinds = totals[n][gram[:-1]], followers[n][gram[:-1]]
                if total:
                    p = (counts[n][gram] + kinds * p) / (total + kinds)
            bits -= math.log(p)
            characters += 1
    return math.exp(bits / characters)


def statistics(lines: list[str]) -> list[str]:
    """One column of the table."""
    text = "\n".join(lines)
    words = Counter(word for line in lines for word in TOKENIZER.cut(line) if chinese(word))
    eights = Counter(line[at : at + 8] for line in lines for at in range(len(line) - 7))
    repeated = sum(n for n in eights.values() if n > 1) / max(1, sum(eights.values()))
    sentences = Counter(lines)
    twice = sum(n for n in sentences.values() if n > 1) / len(lines)
    once = sum(n == 1 for n in words.values()) / len(words)
    return [
        f"{len(chinese(text)):,}",
        f"{len(lines):,}",
        f"{sum(map(len, lines)) / len(lines):.1f}",
        f"{len(set(chinese(text))):,}",
        f"{len(words):,}",
        f"{once:.1%}",
        f"{repeated:.2%}",
        f"{twice:.2%}",
        f"{trigram_perplexity(lines):.1f}",
    ]


ROWS = [
    "Chinese characters",
    "sentences",
    "mean length of a sentence",
    "distinct characters",
    "distinct words (jieba)",
    "words seen once",
    "repeated 8-character strings",
    "exactly repeated sentences",
    "perplexity of a character trigram (9 : 1)",
]
TOKENIZER = make_tokenizer("jieba")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="*", metavar="NAME=FILE,FILE")
    parser.add_argument("--characters", type=int, default=120_000, help="Chinese characters of each text")
    options = parser.parse_args()
    data = shared_folder("data")
    texts = {"bundled": [data / "train.txt"]}
    if options.texts:
        texts = {
            name: [Path(p) for p in files.split(",")] for name, _, files in (t.partition("=") for t in options.texts)
        }
    elif SHARED.is_dir():
        texts["tatoeba"] = [SHARED / "zh-tatoeba" / "train.txt"]
        texts["crosswoz"] = [SHARED / "zh-dialog-crosswoz" / "train.txt"]
        texts["cft stories"] = [SHARED / "cloze-cft" / "cft.test.human.txt"]
    columns = []
    for paths in texts.values():
        lines = read(paths, 10**9)
        if "cloze-cft" in str(paths[0]):
            lines = without_repeated_stories(lines)
        kept, seen = [], 0
        for line in lines:
            if seen < options.characters:
                kept.append(line)
                seen += len(chinese(line))
        columns.append(statistics(kept))
    print("| | " + " | ".join(texts) + " |")
    print("|---|" + "---:|" * len(texts))
    for at, row in enumerate(ROWS):
        print(f"| {row} | " + " | ".join(column[at] for column in columns) + " |")


if __name__ == "__main__":
    main()
