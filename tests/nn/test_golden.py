"""The network and the optimizers against numbers that PyTorch computed; tests/golden/write_golden.py wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlm.config import Train
from rnnlm.nn.arrays import Ids, Parameters, rows
from rnnlm.nn.dropout import Masks
from rnnlm.nn.network import Network, NetworkTape
from rnnlm.nn.stack import StackState
from rnnlm.train.optimizer import OPTIMIZERS, make_optimizer
from rnnlm.train.team import Team

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*-*.npz") if not path.stem.startswith("both-"))
TOLERANCE = 1e-12  # relative to the largest number of a tensor
WINDOWS = 10


class Golden:
    """One file: PyTorch's numbers, and our network with the same weights."""

    def __init__(self, case: str) -> None:
        cell, layers, *variant = case.split("-")
        self.adam = variant == ["adam"]
        self.tied = variant == ["tied"]
        with np.load(GOLDEN / f"{case}.npz") as file:
            self.of: dict[str, Any] = dict(file)
        self.layers = int(layers)
        words, embedding = self.of["encoder.weight"].shape
        hidden = self.of["output"].shape[-1]
        self.network = Network(words, embedding, hidden, self.layers, cell, self.tied)
        self.weights = self.parameters("")
        self.network.head.pin(self.weights.layer("head"))
        self.slots = self.network.stack.layers[0].cell.slots

    def parameters(self, prefix: str) -> Parameters:
        """PyTorch's parameters, or with the prefix `grad.` their gradients, under our names."""
        of = {name.removeprefix(prefix): array for name, array in self.of.items() if name.startswith(prefix)}
        p = Parameters(self.network.shapes(), np.float64)
        for level in range(self.layers):
            own = p.layer(f"rnn.{level}")
            own.Wx[...] = of[f"rnn.weight_ih_l{level}"].T
            own.Wh[...] = of[f"rnn.weight_hh_l{level}"].T
            of_input, of_state = of[f"rnn.bias_ih_l{level}"], of[f"rnn.bias_hh_l{level}"]
            if prefix:  # two biases that are added have one gradient
                own.b[...] = of_input
            else:
                own.b[...] = of_input + of_state
            if "bh" in own:  # the GRU's candidate keeps its recurrent bias apart: r multiplies it
                hidden = len(own.bh)
                own.b[2 * hidden :] = of_input[2 * hidden :]
                own.bh[...] = of_state[2 * hidden :]
        weights = of["encoder.weight" if self.tied else "decoder.weight"]
        p["head.Wa"][:, :-2] = weights
        p["head.Wa"][:, -2] = of["decoder.bias"]
        if not self.tied:
            p["embedding.W"][...] = of["encoder.weight"]
        return p

    def state(self, prefix: str) -> StackState:
        """`state.`, `grad.state.` or `end.`: an array of each layer and slot."""
        return tuple(tuple(self.of[prefix + slot][level] for slot in self.slots) for level in range(self.layers))

    @property
    def size(self) -> tuple[int, int]:
        """T and B."""
        steps, batch, _ = self.of["output"].shape
        return steps, batch

    def tape(self) -> NetworkTape:
        return self.network.tape(*self.size, np.float64)

    def window(self, number: int) -> tuple[Ids, Ids]:
        """Inputs and targets, (T, B) each."""
        steps, _ = self.size
        first = number * steps
        return self.of["text"][first : first + steps], self.of["text"][first + 1 : first + steps + 1]


@pytest.fixture(params=CASES)
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


def same(ours: Any, theirs: Any, name: str = "", tolerance: float = TOLERANCE) -> None:
    """Equal up to `tolerance` times the largest number of the tensor."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, name
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max(), name


def test_all_cases_are_there() -> None:
    """Every cell that PyTorch has, with one and two layers, a tied embedding and Adam have a golden file."""
    wanted = {f"{cell}-{layers}" for cell in ("tanh", "relu", "lstm", "gru") for layers in (1, 2)}
    assert set(CASES) == wanted | {"lstm-2-tied", "gru-2-adam"}


def test_outputs(golden: Golden) -> None:
    """Outputs of every time step, the state after the window and the loss are PyTorch's."""
    inputs, targets = golden.window(0)
    k = golden.tape()
    s, end = golden.network.forward(golden.weights, inputs, golden.state("state."), k)
    same(s, golden.of["output"])
    for ours, theirs in zip(end, golden.state("end."), strict=True):
        for slot, a, b in zip(golden.slots, ours, theirs, strict=True):
            same(a, b, slot)
    scores, _ = golden.network.score(golden.weights, inputs, targets, golden.state("state."), k)
    same(-scores.mean(), golden.of["loss"])


def test_gradients_of_the_parameters(golden: Golden) -> None:
    """Every parameter has PyTorch's gradient, an embedding row that no input used has zero."""
    inputs, targets = golden.window(0)
    k = golden.tape()
    g = golden.weights.like()
    nats, _, sparse = golden.network.loss(
        golden.weights, g, inputs, targets, golden.state("state."), k, 1 / inputs.size
    )
    same(nats / inputs.size, golden.of["loss"])
    if sparse is not None:
        sparse.add_to(g["embedding.W"])
    theirs = golden.parameters("grad.")
    for name in g.views:
        same(g[name], theirs[name], name)


def test_gradients_of_the_state(golden: Golden) -> None:
    """The state before the window has PyTorch's gradient, in every layer."""
    network, p = golden.network, golden.weights
    inputs, targets = golden.window(0)
    k, g = golden.tape(), p.like()
    s, _ = network.forward(p, inputs, golden.state("state."), k)
    _, ds = network.head.loss(p.layer("head"), g.layer("head"), rows(s), targets.reshape(-1), 1 / inputs.size, k.head)
    _, dstart = network.stack.backward(p, g, ds.reshape(s.shape), k.layers, Masks())
    for ours, theirs in zip(dstart, golden.state("grad.state."), strict=True):
        for slot, a, b in zip(golden.slots, ours, theirs, strict=True):
            same(a, b, slot)


def test_ten_steps_of_training(golden: Golden) -> None:
    """Ten steps with clipping and a carried state have PyTorch's losses and gradient norms."""
    network, p, clip, rate = golden.network, golden.weights, float(golden.of["clip"]), float(golden.of["rate"])
    optimizer = make_optimizer(Train(optimizer="adam" if golden.adam else "sgd"))
    slots = [np.zeros_like(p.flat) for _ in range(optimizer.slots)]
    state, losses, norms = golden.state("state."), [], []
    for number in range(WINDOWS):
        inputs, targets = golden.window(number)
        k, g = golden.tape(), p.like()
        nats, state, sparse = network.loss(p, g, inputs, targets, state, k, 1 / inputs.size)
        if sparse is not None:
            sparse.add_to(g["embedding.W"])
        norm = float(np.linalg.norm(g.flat))
        g.flat *= min(1.0, clip / norm)
        optimizer.step(p.flat, g.flat, slots, rate, number + 1)
        losses.append(nats / inputs.size)
        norms.append(norm)
    assert max(norms) > clip
    same(losses, golden.of["losses"], tolerance=1e-10)
    same(norms, golden.of["norms"], tolerance=1e-10)


def test_ten_steps_of_the_trainer(golden: Golden) -> None:
    """The training step as it is used, in single precision, has the same losses and norms up to that precision."""
    steps, batch = golden.size
    settings = Train(batch=batch, optimizer="adam" if golden.adam else "sgd")
    rate, clip = float(golden.of["rate"]), float(golden.of["clip"])
    losses, norms = [], []
    with Team(golden.network, settings, steps, 1, {}) as team:
        team.memory["parameters"][:] = golden.weights.flat
        for level, state in enumerate(golden.state("state.")):
            for slot, value in zip(golden.slots, state, strict=True):
                team.memory[f"state.{level}.{slot}"][:] = value
        for number in range(WINDOWS):
            for name, ids in zip(("inputs", "targets"), golden.window(number), strict=True):
                team.memory[name][:] = ids.reshape(-1)
            nats, norm = team.step(steps, number, steps * batch, [], rate, clip)
            losses.append(nats / (steps * batch))
            norms.append(norm)
    same(losses, golden.of["losses"], tolerance=1e-5)
    same(norms, golden.of["norms"], tolerance=1e-4)


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str, decay: float) -> None:
    """Five steps of each optimizer end where PyTorch's end, with and without weight decay."""
    with np.load(GOLDEN / "optimizers.npz") as file:
        golden = dict(file)
    optimizer = make_optimizer(Train(optimizer=name, momentum=0.9, beta2=0.95, decay=decay))
    p = golden["start"].copy()
    slots = [np.zeros_like(p) for _ in range(optimizer.slots)]
    for t, (gradient, theirs) in enumerate(zip(golden["gradients"], golden[f"{name}.{decay}"], strict=True), 1):
        optimizer.step(p, gradient.copy(), slots, 0.1, t)
        same(p, theirs, f"step {t}")
