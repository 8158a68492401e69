"""How fast Chinese text is cut, by jieba, by rnnlm in one and two processes, by rjieba; and where their cuts differ.

    python benchmarks/tokenizing.py [--repeat 5]       megabytes a second, contenders in turn, medians
    python benchmarks/tokenizing.py --compare          lines of all corpora cut otherwise than by jieba
    python benchmarks/tokenizing.py --compare --every  and the difference in each of them

The texts are read from ../shared/corpora (or --corpora DIR). `rnnlm` is all that a text goes through before it is
counted: normalising, cutting, joining Latin words, numbering; the cuts alone are told beside it.
"""

from __future__ import annotations

import argparse
import logging
import re
import statistics
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rnnlm.text.cutting import cut_lines
from rnnlm.text.reader import read_lines
from rnnlm.text.segmenter import load_segmenter
from rnnlm.text.tokenizer import make_tokenizer

SPEED_TEXTS = ["zh-wiki-cmrc2018/train.txt", "zh-luxun/train.txt", "zh-law/train.txt", "zh-novels/sanguo.train.txt"]
WORD = re.compile(r"[a-zA-Z0-9+#&._%\-]+")
Cut = Callable[[str], Sequence[str]]


def load_jieba() -> Any:
    """jieba, awake."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.ERROR)
    jieba.initialize()
    return jieba


def load_rjieba() -> Any | None:
    """rjieba, if it is installed."""
    try:
        import rjieba
    except ImportError:
        return None
    return rjieba


def speed(corpora: Path, repeat: int) -> None:
    """Prints the table of speeds."""
    lines = [line for name in SPEED_TEXTS for line in read_lines(corpora / name)]
    size = sum(len(line.encode()) + 1 for line in lines) / 1e6
    jieba, rjieba = load_jieba(), load_rjieba()
    ours = load_segmenter()

    def each(cut: Cut) -> Callable[[], None]:
        def work() -> None:
            for line in lines:
                cut(line)

        return work

    def streamed(processes: int) -> Callable[[], None]:
        def work() -> None:
            for _ in cut_lines(lines, make_tokenizer("jieba"), processes):
                pass

        return work

    contenders = {"jieba, cuts alone": each(jieba.lcut), "rnnlm, cuts alone": each(ours.lcut)}
    if rjieba:
        contenders["rjieba, cuts alone"] = each(rjieba.cut)
    contenders |= {"rnnlm, 1 process from its start": streamed(1), "rnnlm, 2 processes from their start": streamed(2)}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeat):
        for name, work in contenders.items():
            begin = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - begin)
    print(f"{len(lines):,} lines, {size:.1f} MB\n\n| contender | MB/s | of jieba |\n|---|---:|---:|")
    theirs = times["jieba, cuts alone"]
    for name, own in times.items():
        ratio = statistics.median(a / b for a, b in zip(theirs, own, strict=True))
        print(f"| {name} | {size / statistics.median(own):.2f} | {ratio:.2f} |")
    one, two = list(times.values())[-2:]
    print(f"\n2 processes: {statistics.median(a / b for a, b in zip(one, two, strict=True)):.2f} times one")


def compare(corpora: Path, every: bool) -> None:
    """Prints how many lines, as they stand and normalised, are cut otherwise than by jieba, with examples, or `every`
    difference."""
    jieba, rjieba = load_jieba(), load_rjieba()
    contenders: dict[str, Cut] = {"rnnlm": load_segmenter().lcut} | ({"rjieba": rjieba.cut} if rjieba else {})
    normalise = make_tokenizer("jieba").normalise
    lines = 0
    examples: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for file in sorted(corpora.glob("*/*")):
        for line in read_lines(file):
            for text in {line, normalise(line)}:
                lines += 1
                words = jieba.lcut(text)
                for name, cut in contenders.items():
                    found = cut(text)
                    if found != words:
                        kind = name, "Latin words" if joined(found) == joined(words) else "other words"
                        examples[kind].append(difference(words, found))
    print(
        f"{lines:,} lines compared with jieba\n\n| contender | differs in | lines | for example |\n|---|---|---:|---|"
    )
    for name in contenders:
        if not any(kind[0] == name for kind in examples):
            print(f"| {name} | nothing | 0 | |")
    for (name, what), some in examples.items():
        print(f"| {name} | {what} | {len(some):,} | {'; '.join(some[:: max(1, len(some) // 6)][:6])} |")
    if every:
        for (name, what), some in examples.items():
            print(f"\n{name}, {what}:", *some, sep="\n")


def joined(words: Sequence[str]) -> list[str]:
    """The words with neighbours of Latin letters, digits and their marks made one."""
    result: list[str] = []
    for word in words:
        if result and WORD.fullmatch(word) and WORD.fullmatch(result[-1]):
            result[-1] += word
        else:
            result.append(word)
    return result


def difference(words: Sequence[str], found: Sequence[str]) -> str:
    """The first place where two cuts part, jieba's first."""
    at = next(at for at, (a, b) in enumerate(zip(words, found, strict=False)) if a != b)
    return f"{'/'.join(words[at : at + 3])} but {'/'.join(found[at : at + 3])}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpora")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--every", action="store_true", help="with --compare: print each difference")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    if options.compare:
        compare(options.corpora, options.every)
    else:
        speed(options.corpora, options.repeat)


if __name__ == "__main__":
    main()
