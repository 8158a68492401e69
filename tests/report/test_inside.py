"""The numbers of the forward pass are those of a slow and obvious computation from the weights."""

from __future__ import annotations

import numpy as np
import pytest

from by_hand import IDS, D, H, V, random_model, walk
from rnnlm.errors import ModelError
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.mixture import Mixture
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.bidirectional import Bidirectional
from rnnlm.nn.cells import CELLS, make_cell
from rnnlm.report.inside import SATURATED, forward, recurrent, saturation


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_every_number(cell: str, layers: int) -> None:
    """Norms of the parts, gates, state, entropy and cross-entropy of every layer and step."""
    model = random_model(cell, layers)
    steps, expected = forward(model, IDS), walk(model, cell, IDS)
    assert [step.read for step in steps] == [0, *IDS]
    assert [step.came for step in steps] == [*IDS, None]
    for step, right in zip(steps, expected, strict=True):
        assert step.embedding == pytest.approx(np.linalg.norm(right.x))
        for layer, slow in zip(step.layers, right.layers, strict=True):
            norms = [np.linalg.norm(part) for part in (slow.u, slow.w, slow.net, slow.s)]
            assert [layer.from_input, layer.from_state, layer.net, layer.norm] == pytest.approx(norms)
            np.testing.assert_allclose(layer.state, slow.s, rtol=1e-12)
            assert (layer.cell is None) == (slow.c is None)
            if layer.cell is not None and slow.c is not None:
                np.testing.assert_allclose(layer.cell, slow.c, rtol=1e-12)
            assert list(layer.gates) == list(slow.gates)
            for name, values in slow.gates.items():
                assert layer.gates[name].mean == pytest.approx(values.mean())
                flat = np.abs(values) > 0.95 if name in ("g", "n") else (values > 0.95) | (values < 0.05)
                assert layer.gates[name].saturated == pytest.approx(flat.mean())
        assert step.entropy == pytest.approx(-(right.o * np.log(right.o)).sum())
        if step.came is not None:
            assert step.cross_entropy == pytest.approx(-np.log(right.o[step.came]))
    assert steps[-1].cross_entropy is None


def test_the_best_words_and_units() -> None:
    """The most probable words and the most active units come first, with their values."""
    model = random_model("gru")
    step, right = forward(model, IDS, top=4)[-1], walk(model, "gru", IDS)[-1]
    ranked = sorted(range(V), key=lambda word: -right.o[word])[:4]
    assert [word for word, _ in step.top] == ranked
    assert [p for _, p in step.top] == pytest.approx([right.o[word] for word in ranked])
    state = right.layers[0].s
    units = sorted(range(H), key=lambda unit: -abs(state[unit]))[:2]
    assert [unit for unit, _ in step.layers[0].active(2)] == units
    assert [value for _, value in step.layers[0].active(2)] == pytest.approx([state[unit] for unit in units])


@pytest.mark.parametrize(("tied", "cuts"), [(True, ()), (False, (4, 9))])
def test_other_heads(tied: bool, cuts: tuple[int, ...]) -> None:
    """With tied weights and with the adaptive softmax the cross-entropy is that of the model's own scores."""
    model = random_model("lstm", 2, tied, cuts)
    steps = forward(model, IDS)
    inputs, targets = np.array([0, *IDS[:-1]])[:, None], np.array(IDS)[:, None]
    found, _ = model.score(model.start(1), inputs, targets)
    assert [step.cross_entropy for step in steps[:-1]] == pytest.approx((-found[:, 0]).tolist())
    assert sum(p for _, p in forward(model, IDS, top=V)[2].top) == pytest.approx(1)


def test_no_words() -> None:
    """Of an empty text only the boundary is read."""
    (step,) = forward(random_model(), [])
    assert (step.read, step.came, step.layers[0].from_state) == (0, None, 0)


# tanh(1.9) = 0.956, tanh(1.8) = 0.947
@pytest.mark.parametrize(
    ("cell", "state"),
    [
        ("tanh", [0.96, -0.96, 0.94, 0.0]),
        ("gru", [0.96, -0.96, 0.94, 0.0]),
        ("sigmoid", [0.96, 0.04, 0.06, 0.94]),
        ("relu", [0.0, 0.0, 0.01, 99.0]),
        ("lstm", [1.9, -1.9, 1.8, 0.0]),
    ],
)
def test_saturation(cell: str, state: list[float]) -> None:
    """Two of four units are so far out that their slope is all but gone, each by its own activation."""
    assert SATURATED == 0.95
    assert saturation(make_cell(cell, 4), np.array([state])) == 0.5


def test_what_has_no_such_inside() -> None:
    """A network that reads both sides is refused with a reason and a hint; one from left to right is handed back."""
    model = random_model()
    assert recurrent(model) is model
    network = Bidirectional(V, D, H)
    with pytest.raises(ModelError, match="reads from both sides") as caught:
        recurrent(ClozeModel(network, Parameters(network.shapes())))
    assert "rnnlm train" in caught.value.hint


def test_float32() -> None:
    """A model as it is trained gives the same numbers to the precision of float32."""
    model = random_model("lstm", 2)
    single = RecurrentModel(model.network, model.parameters.astype(np.float32))
    for step, right in zip(forward(single, IDS), forward(model, IDS), strict=True):
        assert step.entropy == pytest.approx(right.entropy, rel=1e-5)
        assert step.layers[1].net == pytest.approx(right.layers[1].net, rel=1e-5)


def test_a_mixture_has_no_such_inside() -> None:
    """A mixture is refused for what it is."""
    model = random_model()
    with pytest.raises(ModelError, match="mixture"):
        recurrent(Mixture([model, model], [0.5, 0.5]))
