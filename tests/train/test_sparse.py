"""A training step: what the window does not touch stays as it is, and the number of workers changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnlm.config import Model, Train
from rnnlm.errors import TrainingError
from rnnlm.lm.build import make_network, network_arguments
from rnnlm.nn.arrays import Ids, Parameters
from rnnlm.train.team import Team

V, T, B = 60, 6, 5
CUTS = (20, 30, 45)
TAIL = ("head.tail.1.P", "head.tail.1.Wa")  # of the words 30..44
MODEL = Model(cell="lstm", layers=2, hidden=40, embedding=40, dropout=0.3, dropout_input=0.2, dropout_words=0.2)
MODELS = {
    "full": MODEL,
    "tied": replace(MODEL, tied=True),
    "adaptive": replace(MODEL, head="adaptive", cutoffs=CUTS),
    "both sides": replace(MODEL, kind="cloze", layers=1),
    "dropped weights": replace(MODEL, cell="gru", layers=1, embedding=24, dropout_weights=0.3),
}


class Training:
    """A team with random weights, and windows of random words to step it on."""

    def __init__(self, model: Model, settings: Train, workers: int) -> None:
        arguments = network_arguments(model, V)
        self.network = make_network(arguments)
        self.team = Team(self.network, settings, T, workers, arguments)
        self.weights = Parameters(self.network.shapes(), flat=self.team.memory["parameters"])
        self.network.initialise(self.weights, np.random.default_rng(1), scale=0.2)
        self.taken = 0

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        self.team.__exit__()

    def step(self, inputs: Ids, targets: Ids) -> None:
        """One step on a window (T, B), in the middle of which a column begins anew."""
        memory = self.team.memory
        memory["inputs"][: inputs.size] = inputs.reshape(-1)
        memory["targets"][: targets.size] = targets.reshape(-1)
        resets = [(T // 2, self.taken % B)]
        nats, norm = self.team.step(len(inputs), self.taken, targets.size, resets, rate=0.3, clip=0.5)
        assert np.isfinite([nats, norm]).all()
        self.taken += 1

    def vectors(self) -> dict[str, NDArray[Any]]:
        """Copies of the parameters and of the optimizer's slots."""
        wanted = [name for name in self.team.memory.arrays if name == "parameters" or name.startswith("slot.")]
        return {name: self.team.memory[name].copy() for name in wanted}


def window(seed: int, but: range = range(0)) -> tuple[Ids, Ids]:
    """Inputs and targets (T, B) of random words; no target is in `but`, and the last column has targets below 20."""
    rng = np.random.default_rng(seed)
    targets = rng.choice([word for word in range(V) if word not in but], (T, B))
    targets[:, -1] %= CUTS[0]
    return rng.integers(0, V, (T, B)), targets


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_what_a_step_does_not_touch_stays(optimizer: str, workers: int) -> None:
    """Clusters without a target and rows of words that are not read keep their value and their moments, bit for bit."""
    settings = Train(batch=B, optimizer=optimizer, decay=0.01)
    with Training(MODELS["adaptive"], settings, workers) as training:
        for seed in range(2):  # every moment is under way
            training.step(*window(seed))
        before = training.vectors()
        inputs, targets = window(2, but=range(30, 45))
        inputs[inputs % 3 == 0] = 1
        training.step(inputs, targets)
        after = training.vectors()
        assert len(before) == 1 + {"sgd": 0, "momentum": 1, "adam": 2}[optimizer]
        read = np.isin(np.arange(V), inputs)
        for vector in before:
            old = Parameters(training.weights.shapes, flat=before[vector])
            new = Parameters(training.weights.shapes, flat=after[vector])
            for name in old.views:
                if name in TAIL:
                    assert np.array_equal(old[name], new[name]), name
                elif name == "embedding.W":
                    assert np.array_equal(old[name][~read], new[name][~read])
                    assert (old[name][read] != new[name][read]).any(axis=1).mean() > 0.5  # some are dropped whole
                else:
                    assert (old[name] != new[name]).any(), name


@pytest.mark.parametrize("kind", MODELS)
def test_the_number_of_workers_changes_nothing(kind: str) -> None:
    """1, 2 and 3 workers reach the same parameters and states, to rounding, after 5 steps with dropout and resets.

    Some windows touch not all clusters, and some clusters are touched by the columns of one worker alone.
    """
    found = []
    for workers in (1, 2, 3):
        with Training(MODELS[kind], Train(batch=B, optimizer="momentum"), workers) as training:
            assert training.team.size == workers
            for seed in range(5):
                training.step(*window(seed, but=range(30, 45) if seed % 2 else range(0)))
            states = [training.team.memory[name] for name in training.team.memory.arrays if name.startswith("state.")]
            found.append([training.weights.flat.copy(), *(state.copy() for state in states)])
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert np.abs(one - other).max() <= 1e-5 * np.abs(one).max()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="where shared memory is a file that can be seen")
def test_a_worker_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shared memory does not stay behind."""
    before = set(Path("/dev/shm").glob("rnnlm-*"))
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(TrainingError, match="ended unexpectedly"):
        Training(MODEL, Train(batch=B), 2)
    assert set(Path("/dev/shm").glob("rnnlm-*")) == before
