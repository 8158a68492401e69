"""How long the next word takes: one step of LSTM 1x256 with V = 50,000, state in, the ten best words out; and drawing.

    python benchmarks/prediction_speed.py [--rounds N]

Contenders take turns: PyTorch (eager, `inference_mode`, the same sizes) and rnnlm with the full and with the adaptive
output layer, two threads each; milliseconds a step, medians over the rounds, and their ratio to PyTorch's in the same
round. Then 20 texts of 20 words drawn at once and one after another by the same model, at temperature 0.8
within a nucleus of 0.9. The biases of our models make word k about 1/k as probable as the first: the tails
and the nucleus hold as much as in a trained model. Needs PyTorch, and Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from machine import Contender, kernels

if TYPE_CHECKING:
    from rnnlm.lm.recurrent import RecurrentModel

WORDS, HIDDEN, THREADS, TOP = 50_000, 256, 2, 10
CUTS = (2_000, 10_000)
TURN = 1.0  # seconds
NAMES = {"torch": "PyTorch", "full": "rnnlm, full softmax", "adaptive": f"rnnlm, adaptive softmax, cuts {CUTS}"}
DRAWN = {"one": "20 texts one after another", "many": "20 texts at once"}


def torch_step() -> Callable[[], object]:
    import torch
    from torch import nn

    torch.set_num_threads(THREADS)
    encoder, rnn, decoder = nn.Embedding(WORDS, HIDDEN), nn.LSTM(HIDDEN, HIDDEN), nn.Linear(HIDDEN, WORDS)
    state = (torch.zeros(1, 1, HIDDEN), torch.zeros(1, 1, HIDDEN))
    word = torch.zeros(1, 1, dtype=torch.int64)

    def step() -> object:
        nonlocal state
        with torch.inference_mode():
            output, state = rnn(encoder(word), state)
            return torch.log_softmax(decoder(output[0, 0]), dim=0).topk(TOP)

    return step


def our_model(cuts: tuple[int, ...]) -> RecurrentModel:
    from rnnlm.lm.recurrent import RecurrentModel
    from rnnlm.nn.arrays import Parameters
    from rnnlm.nn.network import Network

    network = Network(WORDS, HIDDEN, HIDDEN, 1, "lstm", cuts=cuts)
    p = Parameters(network.shapes())
    network.initialise(p, np.random.default_rng(1))
    edges = (0, *cuts, WORDS)
    harmonic = 1 / np.arange(1, WORDS + 1)
    own = [harmonic[first:last] for first, last in pairwise(edges)]
    own[0] = np.append(own[0], [tail.sum() for tail in own[1:]])
    for name, shares in zip(["head.Wa", *(f"head.tail.{n}.Wa" for n in range(len(cuts)))], own, strict=True):
        p[name][:, -2] = np.log(shares)
    p["head.Wa"][0, -2] = -30  # no text ends before its 20 words
    return RecurrentModel(network, p)


def our_step(cuts: tuple[int, ...]) -> Callable[[], object]:
    from threadpoolctl import threadpool_limits

    from rnnlm.search.predictions import best

    threadpool_limits(THREADS, "blas")
    model = our_model(cuts)
    state, word = model.start(1), np.zeros(1, np.int64)

    def step() -> object:
        nonlocal state
        found, state = model.step(state, word)
        return best(found[0], TOP)

    return step


def drawing(at_once: bool) -> Callable[[], object]:
    from threadpoolctl import threadpool_limits

    from rnnlm.search.sampling import draw

    threadpool_limits(THREADS, "blas")
    model = our_model(())
    if at_once:
        return lambda: draw(model, [], 20, 20, 1, 0.8, 0, 0.9)
    return lambda: [draw(model, [], 1, 20, seed, 0.8, 0, 0.9) for seed in range(20)]


MAKE: dict[str, Callable[[], Callable[[], object]]] = {
    "torch": torch_step,
    "full": lambda: our_step(()),
    "adaptive": lambda: our_step(CUTS),
    "one": lambda: drawing(False),
    "many": lambda: drawing(True),
}


def serve(name: str) -> None:
    """A contender: for each number of seconds on standard input, the milliseconds that a step took, their median."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    step = MAKE[name]()
    step()
    answers.write(b"0\n")
    for line in sys.stdin:
        end, times = time.perf_counter() + json.loads(line), list[float]()
        while time.perf_counter() < end or not times:
            begin = time.perf_counter()
            step()
            times.append(1e3 * (time.perf_counter() - begin))
        answers.write(json.dumps(median(times)).encode() + b"\n")


def compare(names: list[str], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each contender in each round; their order is reversed from round to round."""
    found: dict[str, list[float]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        contenders = {name: stack.enter_context(Contender(__file__, name)) for name in names}
        for number in range(rounds):
            for name in sorted(names, reverse=bool(number % 2)):
                found[name].append(contenders[name].turn(TURN))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if options.contender:
        serve(options.contender)
        return
    for titles, base in ((NAMES, "torch"), (DRAWN, "one")):
        found = compare(list(titles), options.rounds)
        print(f"| | ms | of {titles[base]} |\n|---|---:|---:|")
        for name, title in titles.items():
            ratio = median(own / other for own, other in zip(found[name], found[base], strict=True))
            print(f"| {title} | {median(found[name]):.2f} | {ratio:.3f} |")
        print()
    print(f"numpy {version('numpy')} ({kernels()}), {THREADS} threads each")


if __name__ == "__main__":
    main()
