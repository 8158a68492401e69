"""Models on the Penn Treebank, from counts to a network with all that can be mixed: one table, a row each.

    python benchmarks/ladder.py [--folder DIR] [--corpora DIR]

Trains every model that is not in `--folder` yet, so a second call only evaluates; about an hour on two cores in all.
Weights of mixtures are fitted on the validation text. Seconds are those of training, as the runs have noted them, and
of evaluating on the test text, fitting included.
"""

from __future__ import annotations

import argparse
import json
import shlex
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from command import rnnlm

from rnnlm.store.run import Run

CACHE = ["--cache", "0.1"]
WORDS = ["--tokenizer", "whitespace", "--min-count", "1"]
MODELS = {
    "KN3": ["--config", "ngram", *WORDS, "-s", "model.order=3"],
    "KN5": ["--config", "ngram", *WORDS, "-s", "model.order=5"],
    "Elman": [
        "--config", "ptb-tied", "--cell", "tanh", "--hidden", "200", "--embedding", "200", "--dropout", "0.2",
        "-s", "model.dropout_input=0.1", "-s", "model.dropout_weights=0", "--rate", "0.002", "--epochs", "6",
    ],
    "LSTM small": ["--config", "ptb-small"],
    "LSTM tied": ["--config", "ptb-tied"],
}  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """A model on disk, the command that gives it, and the seconds that took."""

    name: str
    path: str
    command: str
    seconds: float


def trained(name: str, folder: Path, out: Path) -> Trained:
    """A model by its options, trained now or before."""
    options, run = MODELS[name], out / name.lower().replace(" ", "-")
    if not run.exists():
        rnnlm("train", str(folder), *options, "--out", str(run))
    seconds = max(entry["seconds"] for entry in Run(run).metrics())
    return Trained(name, str(run), shlex.join(["rnnlm", "train", "ptb", *options]), seconds)


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
    parser.add_argument("--folder", type=Path, help="where the models are kept")
    parser.add_argument("--corpora", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpora")
    options = parser.parse_args()
    folder = options.corpora / "ptb"
    with tempfile.TemporaryDirectory() as temporary:
        out = options.folder or Path(temporary)
        kn3, kn5, elman, small, tied = models = [trained(name, folder, out) for name in MODELS]
        print("| model | command | test perplexity | training s | evaluating s | minutes in all |")
        print("|---|---|---:|---:|---:|---:|")
        row("KN3", [kn3], [], folder)
        row("KN5", [kn5], [], folder)
        row("KN5 + cache", [kn5], CACHE, folder)
        row("Elman", [elman], [], folder)
        row("LSTM small (Zaremba)", [small], [], folder)
        row("LSTM tied", [tied], [], folder)
        row("LSTM + KN5", [tied, kn5], [], folder)
        row("LSTM + KN5 + cache", [tied, kn5], CACHE, folder)
        row("LSTM + dynamic", [tied], ["--dynamic"], folder)
        row("LSTM + KN5 + cache + dynamic", [tied, kn5], [*CACHE, "--dynamic"], folder)
        print("\nTraining:\n")
        for model in models:
            print(f"- {model.name}: `{model.command}`")


if __name__ == "__main__":
    main()
