"""Models on the Penn Treebank, from counts to a network with all that can be mixed: one table, a row each.

    python benchmarks/ladder.py [--run NAME=RUN]... [--corpora DIR]

The counting models are trained here, in seconds; networks were trained before and are named, the one to mix last:

    rnnlm train ptb --config simple-rnn --tokenizer whitespace --min-count 1 --out elman
    rnnlm train ptb --config ptb-small --out lstm
    python benchmarks/ladder.py --run Elman=elman --run "LSTM small"=lstm

Weights of mixtures are fitted on the validation text. Seconds are those of training, as the runs have noted them, and
of evaluating on the test text, fitting included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from command import rnnlm

CACHE = ["--cache", "0.1"]


@dataclass(frozen=True)
class Trained:
    """A model on disk, the command that gives it, and the seconds that took."""

    name: str
    path: str
    command: str
    seconds: float


def counted(order: int, folder: Path, out: str) -> Trained:
    """A counting model, trained now."""
    options = ["--config", "ngram", "--tokenizer", "whitespace", "--min-count", "1", "-s", f"model.order={order}"]
    began = time.perf_counter()
    rnnlm("train", str(folder), *options, "--out", f"{out}/kn{order}")
    seconds = time.perf_counter() - began
    return Trained(f"KN{order}", f"{out}/kn{order}", " ".join(["rnnlm train ptb", *options]), seconds)


def known(argument: str) -> Trained:
    """A run that was trained before, with the seconds to the end of its best epoch and of its last."""
    name, _, path = argument.partition("=")
    lines = (Path(path) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    seconds = max(json.loads(line)["seconds"] for line in lines)
    return Trained(name, path, f"rnnlm train ptb ... --out {Path(path).name}", seconds)


def row(name: str, members: list[Trained], options: list[str], folder: Path) -> None:
    """Evaluates one mixture and prints its row."""
    arguments = ["--model", members[0].path]
    for member in members[1:]:
        arguments += ["--mix", member.path]
    if len(members) > 1:
        arguments += ["--weights", "fit", "--valid", str(folder / "ptb.valid.txt")]
    began = time.perf_counter()
    found = json.loads(rnnlm("evaluate", str(folder / "ptb.test.txt"), "--json", *arguments, *options))
    seconds = time.perf_counter() - began
    trained = sum(member.seconds for member in members)
    shown = " ".join(["--model", members[0].name, *(f"--mix {m.name}" for m in members[1:])])
    shown += " --weights fit --valid ptb.valid.txt" if len(members) > 1 else ""
    command = " ".join(["rnnlm evaluate ptb.test.txt", shown, *options])
    print(
        f"| {name} | `{command}` | {found['perplexity']:.2f} | {trained:.0f} | {seconds:.0f} |"
        f" {(trained + seconds) / 60:.1f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="append", default=[], metavar="NAME=RUN", help="a network trained before")
    parser.add_argument("--corpora", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpora")
    options = parser.parse_args()
    folder = options.corpora / "ptb"
    print("| model | command | test perplexity | training s | evaluating s | minutes in all |")
    print("|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as out:
        kn3, kn5 = (counted(order, folder, out) for order in (3, 5))
        row("KN3", [kn3], [], folder)
        row("KN5", [kn5], [], folder)
        row("KN5 + cache", [kn5], CACHE, folder)
        networks = [known(argument) for argument in options.run]
        for network in networks:
            row(network.name, [network], [], folder)
        if networks:
            best = networks[-1]
            row(f"{best.name} + KN5", [best, kn5], [], folder)
            row(f"{best.name} + KN5 + cache", [best, kn5], CACHE, folder)
            row(f"{best.name} + dynamic", [best], ["--dynamic"], folder)
            row(f"{best.name} + KN5 + cache + dynamic", [best, kn5], [*CACHE, "--dynamic"], folder)
    print("\nTraining:\n")
    for model in (kn3, kn5, *networks):
        print(f"- {model.name}: `{model.command}`")


if __name__ == "__main__":
    main()
