"""The contenders, each a program that trains for a while when told to; it compares nothing.

    python contenders.py NAME SETUP

NAME is rnnlm, torch or sgemm, SETUP the fields of a `Setup` as JSON. Each line of standard input is a number of seconds
to work for; each answer is a line of JSON. Both trainers start from the same weights and read the same text; they part
after the first step, for PyTorch adds two biases to each gate and steps both.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from setups import Setup

THREADS = 2
RATE, CLIP = 1.0, 0.25  # so that every step is clipped, by both
LEAST = 3  # steps of a turn
TEXT = 50  # windows of text, after which it begins again

Ids = NDArray[np.int64]


def random_windows(setup: Setup) -> Iterator[tuple[Ids, Ids]]:
    """Inputs and targets (T, B), for ever; word k is drawn with a probability near 1/k, as in Zipf's law."""
    rng = np.random.default_rng(1)
    text = (setup.words ** rng.random((TEXT * setup.steps + 1, setup.batch))).astype(np.int64) - 1
    while True:
        for first in range(0, len(text) - 1, setup.steps):
            yield text[first : first + setup.steps], text[first + 1 : first + setup.steps + 1]


class Weights:
    """The weights that both start from, drawn in the order of the calls; all biases are zero."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(2)

    def draw(self, *shape: int) -> NDArray[np.float32]:
        return (self.rng.random(shape, np.float32) - np.float32(0.5)) * np.float32(0.2)


class Trainer(Protocol):
    """A model in training."""

    def step(self, inputs: Ids, targets: Ids) -> float:
        """One step on a window; gives its mean loss in nats."""
        ...


class Ours:
    """rnnlm: two workers on shared memory, as `rnnlm train` has them."""

    def __init__(self, setup: Setup) -> None:
        from rnnlm.config import Model, Train
        from rnnlm.lm.build import make_network, network_arguments
        from rnnlm.nn.arrays import Parameters
        from rnnlm.train.team import Team, blas_threads

        model = Model(
            cell=setup.cell, layers=setup.layers, hidden=setup.hidden, embedding=setup.hidden,
            head="adaptive" if setup.cuts else "full", cutoffs=tuple(setup.cuts),
        )  # fmt: skip
        arguments = network_arguments(model, setup.words)
        network = make_network(arguments)
        self.team = Team(network, Train(batch=setup.batch, bptt=setup.steps), setup.steps, THREADS, arguments)
        self.limit = blas_threads(1 if self.team.workers else THREADS)
        self.limit.__enter__()
        self.number = 0
        p, weights = Parameters(network.shapes(), flat=self.team.memory["parameters"]), Weights()
        p["embedding.W"][...] = weights.draw(*p["embedding.W"].shape)
        for level in range(setup.layers):
            own = p.layer(f"rnn.{level}")
            own.Wx[...] = weights.draw(*own.Wx.shape)
            own.Wh[...] = weights.draw(*own.Wh.shape)
        for name, view in p.views.items():
            if name.startswith("head."):
                part = view if name.endswith(".P") else view[:, :-2]
                part[...] = weights.draw(*part.shape)
        network.head.clear(p.layer("head"))

    def step(self, inputs: Ids, targets: Ids) -> float:
        memory, words = self.team.memory, inputs.size
        memory["inputs"][:words] = inputs.reshape(-1)
        memory["targets"][:words] = targets.reshape(-1)
        nats, _ = self.team.step(len(inputs), self.number, words, [], RATE, CLIP)
        self.number += 1
        return nats / words


class Torch:
    """PyTorch, eager: the recipe of pytorch/examples word_language_model, without dropout."""

    def __init__(self, setup: Setup) -> None:
        import torch
        from torch import nn

        torch.set_num_threads(THREADS)
        self.torch = torch
        kinds = {"tanh": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
        self.encoder = nn.Embedding(setup.words, setup.hidden)
        self.rnn = kinds[setup.cell](setup.hidden, setup.hidden, setup.layers)
        if setup.cuts:
            self.decoder = nn.AdaptiveLogSoftmaxWithLoss(setup.hidden, setup.words, list(setup.cuts))
        else:
            self.decoder = nn.Linear(setup.hidden, setup.words)
        self.net = nn.ModuleList([self.encoder, self.rnn, self.decoder])
        self.criterion = nn.CrossEntropyLoss()
        self.adaptive = bool(setup.cuts)
        zeros = torch.zeros(setup.layers, setup.batch, setup.hidden)
        self.state: Any = (zeros, zeros) if setup.cell == "lstm" else zeros

        weights = Weights()
        with torch.no_grad():
            for p in self.net.parameters():
                p.zero_()
            self.encoder.weight.copy_(torch.from_numpy(weights.draw(setup.words, setup.hidden)))
            for level in range(setup.layers):
                for side in ("ih", "hh"):
                    p = getattr(self.rnn, f"weight_{side}_l{level}")
                    p.copy_(torch.from_numpy(weights.draw(*p.T.shape).T))
            for p in self.decoder.parameters():
                if p.dim() == 2:
                    turned = self.adaptive and p.shape[1] == setup.hidden and p.shape[0] < setup.hidden  # ours is Pᵀ
                    drawn = weights.draw(*(p.T.shape if turned else p.shape))
                    p.copy_(torch.from_numpy(drawn.T if turned else drawn))

    def step(self, inputs: Ids, targets: Ids) -> float:
        torch, net = self.torch, self.net
        net.zero_grad()
        state = tuple(slot.detach() for slot in self.state) if isinstance(self.state, tuple) else self.state.detach()
        output, self.state = self.rnn(self.encoder(torch.from_numpy(inputs)), state)
        loss = self.loss(output.view(-1, output.shape[-1]), torch.from_numpy(targets).view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        for p in net.parameters():
            p.data.add_(p.grad, alpha=-RATE)
        return float(loss.item())

    def loss(self, output: Any, targets: Any) -> Any:
        if self.adaptive:
            return self.decoder(output, targets).loss
        return self.criterion(self.decoder(output), targets)


TRAINERS: dict[str, Callable[[Setup], Trainer]] = {"rnnlm": Ours, "torch": Torch}


class Training:
    """The turns of a trainer: words/s."""

    def __init__(self, trainer: Trainer, setup: Setup) -> None:
        self.trainer, self.windows = trainer, random_windows(setup)
        self.first = trainer.step(*next(self.windows))  # the loss that all trainers must begin with
        self.turn(0)  # warms up

    def turn(self, seconds: float) -> float:
        begin, words, done = time.perf_counter(), 0, 0
        while done < LEAST or time.perf_counter() - begin < seconds:
            inputs, targets = next(self.windows)
            self.trainer.step(inputs, targets)
            words += inputs.size
            done += 1
        return words / (time.perf_counter() - begin)


class Sgemm:
    """NumPy's own product of two large matrices, float32: FLOP/s with one thread and with two."""

    first = 0.0

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.a, self.b = rng.random((2, 2048, 2048), np.float32)
        self.c = np.empty_like(self.a)
        self.turn(0)

    def turn(self, seconds: float) -> list[float]:
        return [self.speed(threads, seconds / THREADS) for threads in range(1, THREADS + 1)]

    def speed(self, threads: int, seconds: float) -> float:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(threads, "blas"):
            begin, done = time.perf_counter(), 0
            while not done or time.perf_counter() - begin < seconds:
                np.matmul(self.a, self.b, out=self.c)
                done += 1
            return 2 * len(self.a) ** 3 * done / (time.perf_counter() - begin)


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # nothing else may get between the answers
    setup = Setup(**json.loads(sys.argv[2]))
    contender: Training | Sgemm
    if sys.argv[1] == "sgemm":
        contender = Sgemm()
    else:
        contender = Training(TRAINERS[sys.argv[1]](setup), setup)
    answers.write(json.dumps(contender.first).encode() + b"\n")
    for line in sys.stdin:
        answers.write(json.dumps(contender.turn(json.loads(line))).encode() + b"\n")


if __name__ == "__main__":
    main()
