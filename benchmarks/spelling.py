"""Does a model tell a correct sentence from a misspelt one? The share of pairs in which the correct one scores higher.

    python benchmarks/spelling.py "MODEL [OPTIONS]"... [--corpora DIR] [--part test]

Each argument is what follows `rnnlm score --model`, so that mixtures are measured too:

    rnnlm train both --tokenizer characters --config ngram --out kn      # both/train.txt: zh-gold-corpuszh without
    rnnlm train both --tokenizer characters --out lstm                   # its blanks, and zh-wiki-cmrc2018
    rnnlm train both --tokenizer characters --config bidirectional --out cloze
    rnnlm train both --tokenizer characters --config ngram -s model.order=1 --out one
    python benchmarks/spelling.py kn lstm "lstm --mix kn --lambda 0.7" "kn - one" "lstm + kn - one - one"

A plus between models adds their scores: a product of experts. A minus takes scores away: with a model that only counts
how often each character is (`-s model.order=1`), what is left is how well the characters fit where they stand. That is
the noisy channel, if who errs writes a character the more easily the more often it is written: log P(right) P(wrong |
right) against log P(wrong) P(right | wrong); Lau et al. (2017) judge sentences by the same difference, SLOR. A run that
reads both sides scores a sentence by its pseudo-log-likelihood.

A model behind a `~` reads the words of a sentence from the last to the first, as jieba cuts them. The text for it:

    python benchmarks/spelling.py --turn <both/train.txt >turned/train.txt   # and valid.txt
    rnnlm train turned --tokenizer whitespace -s text.oov=characters --out back
    python benchmarks/spelling.py "words + ~back - one - one"

The pairs are those of csc-sighan15 that differ. A character trigram reaches 84.2 %, a KenLM character 5-gram 84.0 %.
"""

from __future__ import annotations

import argparse
import functools
import re
import shlex
import sys
import time
from pathlib import Path

from command import rnnlm

from rnnlm.text.tokenizer import BLANK, Tokenizer, make_tokenizer


def pairs(path: Path) -> list[tuple[str, str]]:
    """Misspelt and correct sentence, of the pairs in which they differ."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [(row[0], row[1]) for row in rows if row[0] != row[1]]


def members(model: str) -> list[tuple[int, str]]:
    """The models of a sum, each with its sign."""
    first, *rest = re.split(r" ([+-]) ", model)
    return [(1, first), *((1 if sign == "+" else -1, name) for sign, name in zip(rest[::2], rest[1::2], strict=True))]


@functools.cache
def jieba() -> Tokenizer:
    return make_tokenizer("jieba")


def turned(sentence: str) -> str:
    """The words of a sentence from the last to the first, with blanks between them."""
    tokenizer = jieba()
    words = tokenizer.cut(tokenizer.normalise(sentence.strip()))
    return BLANK.join(word for word in reversed(words) if word != BLANK)


@functools.cache
def scores(model: str, sentences: tuple[str, ...]) -> list[float]:
    """log10 probability of each sentence, by `rnnlm score`."""
    if model.startswith("~"):
        return scores(model[1:], tuple(map(turned, sentences)))
    text = "".join(f"{sentence}\n" for sentence in sentences)
    lines = rnnlm("score", "--model", *shlex.split(model), text=text).splitlines()
    return [float(line.split("\t")[0]) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="what follows `rnnlm score --model`")
    parser.add_argument("--turn", action="store_true", help="only turn the words of each line of standard input")
    parser.add_argument("--corpora", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpora")
    parser.add_argument("--part", default="test", choices=["test", "train"])
    options = parser.parse_args()
    if options.turn:
        sys.stdout.writelines(f"{turned(line)}\n" for line in sys.stdin)
        return
    if not options.models:
        parser.error("name a model, or ask for --turn")
    found = pairs(options.corpora / "csc-sighan15" / f"{options.part}.tsv")
    print("| `rnnlm score --model` | pairs | correct one scores higher | seconds |")
    print("|---|---:|---:|---:|")
    for model in options.models:
        began = time.perf_counter()
        gains = [0.0] * len(found)
        for sign, member in members(model):
            wrong, right = (scores(member, tuple(pair[side] for pair in found)) for side in (0, 1))
            gains = [gain + sign * (r - w) for gain, w, r in zip(gains, wrong, right, strict=True)]
        seconds = time.perf_counter() - began
        higher = sum(gain > 0 for gain in gains)
        print(f"| `{model}` | {len(found)} | {higher / len(found):.1%} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
