"""Characters beside words: bits per character of models that cut the same text differently, with what they do not know.

    python benchmarks/characters_and_words.py TEST "MODEL [OPTIONS]"...

TEST has one sentence a line. Where its words are parted by blanks (zh-gold-corpuszh), models of white space read these
given words, and all others the text without blanks; the characters counted are those of the text without blanks, and
one a line, for every model. Each further argument is what follows `rnnlm evaluate --model`. To train on the same text:

    mkdir raw && for part in train valid test; do tr -d ' ' < zh-gold-corpuszh/$part.txt > raw/$part.txt; done
    rnnlm train raw --tokenizer characters --min-count 1 --config ngram --out characters
    rnnlm train raw --min-count 2 --config ngram --out jieba
    rnnlm train zh-gold-corpuszh --tokenizer whitespace --oov characters --min-count 2 --config ngram --out given
    python benchmarks/characters_and_words.py zh-gold-corpuszh/test.txt characters jieba given

and networks with `--hidden 192 --embedding 192 --epochs 3 --rate 0.004 --dropout 0.2` in the place of `--config ngram`.

The figure is an upper bound for a word model, whose other cuts have probability too, and a lower bound as far as
`<unk>` hides characters: the share of such tokens stands beside it.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import tempfile
from pathlib import Path
from typing import Any

from command import rnnlm

from rnnlm.store.load import load_coder
from rnnlm.text.reader import read_lines


def evaluate(model: str, file: Path) -> dict[str, Any]:
    """The figures of `rnnlm evaluate`."""
    found: dict[str, Any] = json.loads(rnnlm("evaluate", str(file), "--json", "--model", *shlex.split(model)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("test", type=Path, metavar="TEST")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="what follows `rnnlm evaluate --model`")
    options = parser.parse_args()
    lines = ["".join(line.split()) for line in read_lines(options.test)]
    characters = sum(len(line) + 1 for line in lines if line)
    print(f"{options.test.name}: {characters:,} characters, one a line counted\n")
    print("| model | words | vocabulary | tokens | OOV | bits per character | perplexity per character |")
    print("|---|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.txt"
        raw.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        for model in options.models:
            coder = load_coder(shlex.split(model)[0])
            kind = str(coder.tokenizer.describe()["kind"])
            found = evaluate(model, options.test if kind == "whitespace" else raw)
            bits = found["nats"] / math.log(2) / characters
            words = {"whitespace": "given"}.get(kind, kind)
            print(
                f"| `{model}` | {words} | {len(coder.vocabulary):,} | {found['tokens']:,}"
                f" | {found['oov']:,} ({found['oov'] / found['tokens']:.2%}) | {bits:.3f} | {2**bits:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
