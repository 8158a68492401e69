"""The published figures that rnnlm reaches with its own commands: trains, evaluates on the test text, prints a row
each.

    python benchmarks/known_numbers.py [mikolov] [ptb]

mikolov: the example of the RNNLM toolkit 0.2b, an Elman network of 80 units; published 72.98 with OOV left out.
ptb: Zaremba's small LSTM on the Penn Treebank; published 114.5. It takes about half an hour on two cores.
The texts are read from ../shared/corpora (or --corpora DIR).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETS = {
    "mikolov": ("mikolov-rnnlm-example", "mikolov-example", "test.txt", "perplexity_without_oov", 72.98),
    "ptb": ("ptb", "ptb-small", "ptb.test.txt", "perplexity", 114.5),
}


def rnnlm(*arguments: str) -> str:
    """Runs a command of rnnlm and gives its standard output."""
    code = "from rnnlm.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *SETS], default=[])
    parser.add_argument("--corpora", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpora")
    options = parser.parse_args()
    print("| text | command | test perplexity | published | seconds to train |")
    print("|---|---|---:|---:|---:|")
    for name in options.names or ["mikolov"]:
        folder, config, test, key, published = SETS[name]
        with tempfile.TemporaryDirectory() as out:
            began = time.perf_counter()
            rnnlm("train", str(options.corpora / folder), "--config", config, "--out", f"{out}/run")
            seconds = time.perf_counter() - began
            found = json.loads(
                rnnlm("evaluate", str(options.corpora / folder / test), "--model", f"{out}/run", "--json")
            )
        print(
            f"| {folder} | `rnnlm train {folder} --config {config}` | {found[key]:.2f} | {published} | {seconds:.0f} |"
        )


if __name__ == "__main__":
    main()
