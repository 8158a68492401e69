"""The gradient check finds a wrong gradient, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from by_hand import IDS, random_model
from rnnlm.nn.arrays import Tape
from rnnlm.nn.cells import CELLS, LSTM, Elman
from rnnlm.report.gradient_check import check


@pytest.mark.parametrize(("tied", "cuts"), [(False, ()), (True, ()), (False, (4, 9))])
@pytest.mark.parametrize("cell", CELLS)
def test_every_parameter_is_right(cell: str, tied: bool, cuts: tuple[int, ...]) -> None:
    """All parameters are checked, with their sizes, and found right; the model itself is left as it was."""
    model = random_model(cell, 2, tied, cuts)
    before = model.parameters.flat.copy()
    found = check(model, IDS)
    assert [one.name for one in found] == list(model.parameters.views)
    assert all(one.right and one.error < 1e-7 and one.norm > 0 for one in found)
    for one in found:
        shape = model.parameters[one.name].shape
        expected = shape[0] * (shape[1] - 1) if one.name.endswith(".Wa") else model.parameters[one.name].size
        assert one.size == expected
    assert (model.parameters.flat == before).all()


def test_clusters_that_the_text_does_not_touch() -> None:
    """Parameters without a gradient for this text are left out."""
    names = [one.name for one in check(random_model("tanh", cuts=(4, 9)), [2, 3, 5])]
    assert "head.tail.0.Wa" in names
    assert "head.tail.1.Wa" not in names


@pytest.mark.parametrize(("cell", "kind"), [("tanh", Elman), ("lstm", LSTM)])
def test_a_wrong_cell_is_found(monkeypatch: pytest.MonkeyPatch, cell: str, kind: Any) -> None:
    """A δ that is 1 % too large spoils what depends on it; the output layer's gradient stays right."""
    right = kind.step_back

    def wrong(self: Any, k: Tape, t: int, d: Tape) -> None:
        right(self, k, t, d)
        k.dz[t] *= 1.01

    monkeypatch.setattr(kind, "step_back", wrong)
    found = {one.name: one for one in check(random_model(cell), IDS)}
    assert found["head.Wa"].right
    for name in ("rnn.0.Wx", "rnn.0.Wh", "rnn.0.b", "embedding.W"):
        assert not found[name].right
        assert found[name].error > 1e-4
