"""What other batches and windows give for their seconds: the default model on the bundled corpus, whole trainings.

    python benchmarks/batch_and_window.py [--only 20x35x4@0.008,10x35x4@0.008]

A setting is batch x bptt x epochs @ rate. Each is one `rnnlm train`, one after another; the table has the bits per
character of the validation text after every epoch, the seconds of training, and what the test text says at the end.
Seconds are those of an otherwise quiet machine. The cosine brings each to its own end, so that settings compare by the
last figure and the seconds, not by what an epoch in between has reached.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

from command import rnnlm

from rnnlm.store.run import Run

SETTINGS = (
    "20x35x4@0.008", "20x20x4@0.008", "20x70x4@0.008", "10x35x4@0.008", "40x35x4@0.008", "20x35x5@0.008",
    "10x35x3@0.008", "10x35x4@0.006", "10x20x3@0.006", "40x35x5@0.011", "40x20x5@0.011", "20x20x3@0.008",
)  # fmt: skip
SETTING = re.compile(r"(\d+)x(\d+)x(\d+)@([\d.]+)")


def measure(setting: str, out: Path) -> str:
    """A line of the table."""
    match = SETTING.fullmatch(setting)
    if match is None:
        sys.exit(f"{setting} is not batch x bptt x epochs @ rate, as {SETTINGS[0]}")
    batch, bptt, epochs, rate = match.groups()
    rnnlm("train", "--batch", batch, "--bptt", bptt, "--epochs", epochs, "--rate", rate, "--out", str(out))
    valid = [entry for entry in Run(out).metrics() if entry["kind"] == "valid"]
    bits = ", ".join(f"{entry['bits_per_character']:.3f}" for entry in valid)
    test = json.loads(rnnlm("evaluate", "--json", "--model", str(out)))
    return (
        f"| {batch} x {bptt} | {rate} | {epochs} | {bits} | {valid[-1]['seconds']:.0f} "
        f"| {test['character_perplexity']:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SETTINGS), help="settings, parted by commas")
    options = parser.parse_args()
    print("| batch x window | rate | epochs | validation bits per character | seconds | test perplexity a character |")
    print("|---|---:|---:|---|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for number, setting in enumerate(options.only.split(",")):
            print(measure(setting, Path(folder) / str(number)), flush=True)


if __name__ == "__main__":
    main()
