"""Training speed and memory beside PyTorch: same model, batch, data and threads, in turn in one run; prints Markdown.

    python benchmarks/training_speed.py [--only "a,a',c"] [--rounds N] [--busy]

Needs `pip install 'rnnlm-zh[peers]'`, and Linux. A round is one turn of each contender and of a large sgemm; their
order is reversed from round to round. Rounds in which more than 3 % of the time was stolen (a virtual machine's cores
taken away by its host) are thrown away and repeated; what other programs used is told on standard error. Memory is
that of a contender alone with its workers, what they share counted once, and is read while nothing is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from machine import Contender, kernels, neighbour, ticks
from setups import SETUPS, Setup

PROGRAM = str(Path(__file__).with_name("contenders.py"))
TRAINERS = ("torch", "rnnlm")
TURN = 2.0  # seconds
STOLEN = 0.03  # a round with more is thrown away
BUSY = 0.03  # other programs that used more spoil the figures, and that is said
PATIENCE = 3  # rounds that may be thrown away for each that is wanted
ALIKE = 1e-5  # relative difference of the losses before the first update

HEAD = """\
| | model | torch words/s | rnnlm words/s | ratio | torch MB | rnnlm MB | sgemm GFLOP/s, 1 and 2 threads \
| torch share | rnnlm share | rounds (thrown away) |
|---|---|---|---|---|---|---|---|---|---|---|"""

NOTE = """
Python {}, torch {}, numpy {} ({}), {} cores, 2 threads each, float32. Medians of the rounds; the ratio is the
median of the rounds' ratios. Share: of the sgemm with two threads, at 6 FLOPs a word for each recurrent and output
weight. MB: peak, workers included, what they share counted once."""


@dataclass
class Round:
    """Words/s of each trainer, and FLOP/s of sgemm with one thread and with two."""

    speed: dict[str, float]
    sgemm: list[float]
    others: float  # share of the time that other programs used


def start(name: str, setup: Setup) -> Contender:
    return Contender(PROGRAM, name, json.dumps(asdict(setup)))


def peak_memory(name: str, setup: Setup) -> float:
    """Peak memory in bytes of a trainer that is alone."""
    with start(name, setup) as contender:
        contender.turn(TURN, watched=True)
        return contender.peak


def measure(setup: Setup, wanted: int) -> tuple[list[Round], int]:
    """The rounds that count, and how many do not.

    Raises RuntimeError where the trainers, with the same weights and text, have not the same loss.
    """
    kept: list[Round] = []
    thrown = 0
    with contextlib.ExitStack() as stack:
        contenders = {name: stack.enter_context(start(name, setup)) for name in (*TRAINERS, "sgemm")}
        first = {name: contenders[name].ready for name in TRAINERS}
        if abs(first["torch"] - first["rnnlm"]) > ALIKE * first["torch"]:
            raise RuntimeError(f"the contenders do not compute the same: first losses {first}")
        while len(kept) < wanted and thrown < PATIENCE * wanted:
            order = sorted(contenders, reverse=bool((len(kept) + thrown) % 2))
            before = ticks()
            result = {name: contenders[name].turn(TURN) for name in order}
            spent = ticks() - before
            stolen, others = spent.stolen / spent.all, spent.others / spent.all
            told = ", ".join(f"{name} {result[name]:.0f}" for name in TRAINERS)
            print(f"{setup}: {told} words/s; {stolen:.1%} stolen, {others:.1%} used by others", file=sys.stderr)
            if stolen > STOLEN:
                thrown += 1
            else:
                kept.append(Round({name: result[name] for name in TRAINERS}, result["sgemm"], others))
    return kept, thrown


def row(name: str, setup: Setup, rounds: list[Round], thrown: int, peak: dict[str, float]) -> str:
    """A line of the table: medians over the rounds; the ratio is the median of the rounds' ratios."""
    speed = {name: median(one.speed[name] for one in rounds) for name in TRAINERS}
    ratio = median(one.speed["rnnlm"] / one.speed["torch"] for one in rounds)
    single, double = (median(one.sgemm[threads] for one in rounds) for threads in (0, 1))
    cells = [
        f"({name})",
        str(setup),
        *(f"{speed[name]:.0f}" for name in TRAINERS),
        f"**{ratio:.2f}**",
        *(f"{peak[name] / 1e6:.0f}" for name in TRAINERS),
        f"{single / 1e9:.0f}, {double / 1e9:.0f}",
        *("-" if setup.cuts else f"{speed[name] * setup.flops / double:.0%}" for name in TRAINERS),
        f"{len(rounds)} ({thrown})",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default=",".join(SETUPS), help="which of " + ", ".join(SETUPS))
    parser.add_argument("--rounds", type=int, default=9, help="rounds that count, of each (default 9)")
    parser.add_argument("--busy", action="store_true", help="while another program keeps one core busy")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := set(names) - set(SETUPS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SETUPS)}")
    if importlib.util.find_spec("torch") is None:
        sys.exit("PyTorch is not installed: pip install 'rnnlm-zh[peers]'")

    print(HEAD)
    for name in names:
        setup = SETUPS[name]
        peak = {trainer: peak_memory(trainer, setup) for trainer in TRAINERS}
        with neighbour() if options.busy else contextlib.nullcontext():
            rounds, thrown = measure(setup, options.rounds)
        if rounds:
            print(row(name, setup, rounds, thrown, peak), flush=True)
            if (others := median(one.others for one in rounds)) > BUSY and not options.busy:
                print(f"not for the record: other programs used {others:.0%} of the machine", file=sys.stderr)
        else:
            print(f"{setup}: all {thrown} rounds lost more than {STOLEN:.0%} of their time", file=sys.stderr)
    print(NOTE.format(platform.python_version(), version("torch"), version("numpy"), kernels(), os.cpu_count()))


if __name__ == "__main__":
    main()
