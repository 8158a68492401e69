"""How much memory a text larger than memory takes: cut, encoded and trained on, by `rnnlm train`; prints a table.

    python benchmarks/large_text.py [--megabytes 1000] [--tokenizer whitespace] [--train 60] [--folder DIR]

The text is made here: for white space lines of words drawn by Zipf's law from a million, with an empty line now and
then; for jieba the bundled corpus again and again. Memory is RssAnon, summed over the process and its workers and read
20 times a second: pages mapped from files do not count, the system takes them back when it needs them. Training is
interrupted by Ctrl-C after `--train` seconds, as a person would. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from command import MAIN
from machine import family

TYPES = 1_000_000
BLOCK = 400_000  # words made at once
DOCUMENT = 40  # lines
NETWORK = [
    "--untied", "-s", "model.head=adaptive", "--max-vocab", "50000", "--min-count", "2", "--hidden", "128",
    "--embedding", "128", "--epochs", "1",
]  # fmt: skip
PHASES = ("reading", "encoding", "training")


def write_words(path: Path, size: int) -> None:
    """Lines of 10 to 30 words; word k is drawn with a probability near 1/k."""
    rng = np.random.default_rng(1)
    table = [np.base_repr(number, 36).lower() for number in range(TYPES)]
    line = 0
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            words = (TYPES ** rng.random(BLOCK)).astype(np.int64) - 1
            ends = np.cumsum(rng.integers(10, 31, BLOCK // 20))
            for part in np.split(words, ends[ends < BLOCK]):
                line += 1
                file.write(" ".join([table[number] for number in part.tolist()]))
                file.write("\n\n" if line % DOCUMENT == 0 else "\n")


def write_chinese(path: Path, size: int) -> None:
    """The bundled corpus as often as it takes."""
    text = (Path(__file__).resolve().parents[1] / "data" / "train.txt").read_bytes()
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(text + b"\n")


def anonymous(pid: int) -> int:
    """RssAnon in bytes of a process and its descendants."""
    total = 0
    for own in family(pid):
        try:
            lines = Path(f"/proc/{own}/status").read_text().splitlines()
        except OSError:  # it ended meanwhile
            continue
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return total


def watch(process: subprocess.Popen[bytes], cache: Path, run: Path, seconds: float) -> dict[str, tuple[float, float]]:
    """Seconds and peak memory of each phase; Ctrl-C after `seconds` of training."""
    begun: dict[str, float] = {}
    peak: dict[str, int] = defaultdict(int)
    while process.poll() is None:
        phase = PHASES[2] if (run / "config.toml").exists() else PHASES[bool([*cache.glob("*/done")])]
        begun.setdefault(phase, time.perf_counter())
        peak[phase] = max(peak[phase], anonymous(process.pid))
        if phase == "training" and time.perf_counter() - begun[phase] > seconds:
            process.send_signal(signal.SIGINT)
            seconds = float("inf")
        time.sleep(0.05)
    times = [*begun.values(), time.perf_counter()]
    return {phase: (after - at, peak[phase]) for (phase, at), after in zip(begun.items(), times[1:], strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--tokenizer", choices=["whitespace", "jieba"], default="whitespace")
    parser.add_argument("--train", type=float, default=60, help="seconds of training")
    parser.add_argument("--folder", type=Path, help="where the text and the run are made")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background would have it ignored, below too
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        text, run, cache = folder / "text.txt", folder / "run", folder / "cache"
        make = write_words if options.tokenizer == "whitespace" else write_chinese
        make(text, options.megabytes * 1_000_000)
        environment = os.environ | {"RNNLM_CACHE": str(cache)}
        command = [*MAIN, "train", str(text), "--tokenizer", options.tokenizer, *NETWORK, "--out", str(run)]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
            found = watch(process, cache, run, options.train)
        print((folder / "log").read_text(encoding="utf-8").strip())
        print(f"\n| {text.stat().st_size / 1e6:,.0f} MB, {options.tokenizer} | seconds | peak RssAnon, MB |")
        print("|---|---:|---:|")
        for phase, (seconds, peak) in found.items():
            print(f"| {phase} | {seconds:.0f} | {peak / 1e6:.0f} |")
        (saved,) = run.glob("checkpoints/*/trainer.json")
        at = json.loads(saved.read_text())["position"]
        loss = at["epoch_nats"] / at["epoch_words"]
        print(f"\nstatus {process.returncode} after Ctrl-C; saved after {at['step']} steps, mean loss {loss:.2f} nats")


if __name__ == "__main__":
    main()
