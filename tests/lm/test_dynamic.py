"""Dynamic evaluation: each word is scored before it is learned from, by plain steps, and the model stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import flat
from rnnlm.errors import ConfigError
from rnnlm.lm.cache import Cached
from rnnlm.lm.dynamic import BACK, STEPS, Dynamic, dynamic
from rnnlm.lm.mixture import Mixture, Renumbered
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network


def network_model(**settings: bool | tuple[int, ...]) -> RecurrentModel:
    network = Network(9, 4, 4, 1, "gru", **settings)  # type: ignore[arg-type]
    p = Parameters(network.shapes())
    network.initialise(p, np.random.default_rng(1))
    return RecurrentModel(network, p)


IDS = np.random.default_rng(2).integers(0, 9, (2 * STEPS + 6, 1))


@pytest.mark.parametrize("settings", [{}, {"tied": True}, {"cuts": (3, 6)}], ids=["untied", "tied", "adaptive"])
def test_steps_of_the_derivation(settings: dict[str, bool]) -> None:
    """A window is scored by weights that have stepped along the gradients of the windows before it, by hand."""
    model, rate = network_model(**settings), 0.5
    before = model.parameters.flat.copy()
    learner = Dynamic(model, rate)
    found, _ = learner.score(learner.start(1), IDS[:-1], IDS[1:])

    network, p = model.network, model.parameters.astype(np.float32)
    state = network.start(1)
    for first in range(0, len(IDS) - 1, STEPS):
        inputs, targets = IDS[:-1][first : first + STEPS], IDS[1:][first : first + STEPS]
        tape = network.tape(*inputs.shape)
        scored, _ = network.score(p, inputs, targets, state, tape)
        np.testing.assert_allclose(found[first : first + STEPS], scored, rtol=1e-5)
        g = p.like()
        _, state, rows = network.loss(p, g, inputs, targets, state, tape)
        if rows is not None:
            rows.add_to(g["embedding.W"])
        p.flat -= rate / len(inputs) * g.flat
        p.flat += BACK * (before - p.flat)
    np.testing.assert_allclose(learner.parameters.flat, p.flat, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model.parameters.flat, before)


def test_it_learns_what_repeats() -> None:
    """A text that repeats itself becomes more probable while it is read; at rate 0 nothing changes."""
    model = network_model()
    ids = np.tile([0, 3, 5, 7], 100)[:, None]
    (learned, _), (still, _), (plain, _) = (
        one.score(one.start(1), ids[:-1], ids[1:]) for one in (Dynamic(model, 1.0), Dynamic(model, 0.0), model)
    )
    assert learned[-40:].mean() > still[-40:].mean() + 0.5
    np.testing.assert_allclose(learned[:STEPS], plain[:STEPS], rtol=1e-5)
    np.testing.assert_allclose(still, plain, rtol=1e-4, atol=1e-5)


def test_networks_inside() -> None:
    """Every network inside a mixture or under a cache learns, and nothing else changes; counts alone cannot."""
    counts = flat(*[1 / 9] * 9)
    numbers = np.arange(9)
    made = dynamic(Cached(Mixture([counts, Renumbered(network_model(), numbers)], [0.25, 0.75]), 0.1, 0.9), 0.5)
    assert isinstance(made, Cached)
    assert isinstance(made.model, Mixture)
    assert made.model.models[0] is counts
    assert isinstance(made.model.models[1], Renumbered)
    assert isinstance(made.model.models[1].model, Dynamic)
    assert (made.weight, made.decay, made.model.weights.tolist()) == (0.1, 0.9, [0.25, 0.75])
    for model in (counts, Cached(counts, 0.1), Mixture([counts, counts], [0.5, 0.5])):
        with pytest.raises(ConfigError, match="network"):
            dynamic(model)
