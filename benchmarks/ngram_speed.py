"""How long the counting model takes on the Penn Treebank: estimating, saving, scoring; and its perplexities.

    python benchmarks/ngram_speed.py [FOLDER] [ORDER]

FOLDER holds ptb.train.txt, ptb.valid.txt and ptb.test.txt. For comparison, KenLM's lmplz gives perplexity 148.01 on
valid and 141.19 on test at order 5.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from safetensors.numpy import load_file, save_file

from rnnlm.lm.arpa import read_arpa, write_arpa
from rnnlm.lm.kneser_ney import estimate
from rnnlm.lm.ngram import NgramModel
from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, Ids

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpora" / "ptb"
Result = TypeVar("Result")


def timed(what: str, work: Callable[[], Result]) -> Result:
    begin = time.perf_counter()
    result = work()
    print(f"{what:28} {time.perf_counter() - begin:7.2f} s   peak memory so far {peak():5.0f} MB")
    return result


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read(file: Path, index: dict[str, int]) -> Ids:
    """The ids of a text, new words numbered as they come."""
    ids: list[int] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        ids.extend(index.setdefault(word, len(index)) for word in line.split())
        ids.append(BOUNDARY)
    return np.array(ids, np.int32)


def score(model: NgramModel, targets: Ids) -> float:
    """The perplexity of a text, each sentence for itself."""
    inputs = np.concatenate([[BOUNDARY], targets[:-1]])
    log_probs, _ = model.score(model.start(1), inputs[:, None], targets[:, None])
    return float(np.exp(-log_probs.mean(dtype=np.float64)))


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    order = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    index = {"</s>": BOUNDARY, "<unk>": UNKNOWN}
    ids = timed("read the training text", lambda: read(folder / "ptb.train.txt", index))
    found = timed(f"estimate order {order}", lambda: estimate(ids, len(index), order))
    with tempfile.TemporaryDirectory() as temporary:
        run, arpa = Path(temporary) / "model.safetensors", Path(temporary) / "model.arpa"
        timed("save", lambda: save_file(found.model.arrays(), run))
        model = timed("load", lambda: NgramModel.from_arrays(load_file(run)))
        timed("write ARPA", lambda: write_arpa(model, list(index), arpa))
        timed("read ARPA", lambda: read_arpa(arpa))
        print(f"{run.stat().st_size / 1e6:.1f} MB saved, {arpa.stat().st_size / 1e6:.1f} MB as ARPA")
    for n, (count, size) in enumerate(zip(model.counts, model.bytes_per_order, strict=True), start=1):
        print(f"order {n}: {count:9,} n-grams {size / 1e6:6.1f} MB")
    for part in ("valid", "test"):
        targets = read(folder / f"ptb.{part}.txt", index)
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            perplexity = score(model, targets)
            times.append(time.perf_counter() - begin)
        speed = len(targets) / float(np.median(times))
        print(f"{part}: perplexity {perplexity:.2f}, {len(targets):,} words, {speed:,.0f} words/s (median of 7)")
    print(f"peak memory {peak():.0f} MB")


if __name__ == "__main__":
    main()
