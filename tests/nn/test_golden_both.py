"""The bidirectional network against numbers that PyTorch computed word by word; tests/golden/write_bidirectional.py
wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlm.nn.arrays import Parameters
from rnnlm.nn.bidirectional import Bidirectional

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = [(cell, layers) for cell in ("tanh", "lstm", "gru") for layers in (1, 2)]


def parameters(net: Bidirectional, of: dict[str, Any], prefix: str) -> Parameters:
    """PyTorch's parameters, or with the prefix `grad.` their gradients, under our names."""
    p = Parameters(net.shapes(), np.float64)
    for ours, theirs in (("rnn", "ahead"), ("back", "back")):
        for level in range(len(net.stack.layers)):
            own, name = p.layer(f"{ours}.{level}"), f"{prefix}{theirs}"
            own.Wx[...] = of[f"{name}.weight_ih_l{level}"].T
            own.Wh[...] = of[f"{name}.weight_hh_l{level}"].T
            of_input, of_state = of[f"{name}.bias_ih_l{level}"], of[f"{name}.bias_hh_l{level}"]
            own.b[...] = of_input if prefix else of_input + of_state  # two biases that are added have one gradient
            if "bh" in own:  # the GRU's candidate keeps its recurrent bias apart
                own.b[2 * net.hidden :] = of_input[2 * net.hidden :]
                own.bh[...] = of_state[2 * net.hidden :]
    p["head.Wa"][:, :-2] = of[f"{prefix}decoder.weight"]
    p["head.Wa"][:, -2] = of[f"{prefix}decoder.bias"]
    p["embedding.W"][...] = of[f"{prefix}encoder.weight"]
    return p


@pytest.mark.parametrize(("cell", "layers"), CASES)
def test_loss_state_and_gradients(cell: str, layers: int) -> None:
    """The loss of a window with sentence ends in it, the state behind it and every gradient are PyTorch's."""
    with np.load(GOLDEN / f"both-{cell}-{layers}.npz") as file:
        of = dict(file)
    words, embedding = of["encoder.weight"].shape
    net = Bidirectional(words, embedding, of["ahead.weight_hh_l0"].shape[1], layers, cell)
    p = parameters(net, of, "")
    net.head.pin(p.layer("head"))
    slots = net.stack.layers[0].cell.slots
    state = tuple(tuple(of[f"state.{slot}"][level] for slot in slots) for level in range(layers))
    inputs, targets = of["text"][:-1], of["text"][1:]
    count = net.predicted(targets)
    assert count == np.count_nonzero(targets)
    k, g = net.tape(len(inputs), inputs.shape[1], np.float64), p.like()
    nats, end, sparse = net.loss(p, g, inputs, targets, state, k, 1 / count)
    assert nats / count == pytest.approx(float(of["loss"]), rel=1e-12)
    for level in range(layers):
        for slot, ours in zip(slots, end[level], strict=True):
            np.testing.assert_allclose(ours, of[f"end.{slot}"][level], rtol=1e-12, atol=1e-14)
    assert sparse is not None
    sparse.add_to(g["embedding.W"])
    theirs = parameters(net, of, "grad.")
    for name in g.views:
        assert np.abs(g[name] - theirs[name]).max() <= 1e-12 * np.abs(theirs[name]).max(), name
