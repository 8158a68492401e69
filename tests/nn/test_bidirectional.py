"""The network that reads from both sides: its gradients, and that no word sees itself."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from rnnlm.nn.arrays import Array, Ids, Parameters
from rnnlm.nn.bidirectional import BLANK, BOUNDARY, Bidirectional
from rnnlm.nn.cells import CELLS
from rnnlm.nn.check import relative_error
from rnnlm.nn.dropout import Dropout, Masks
from rnnlm.nn.network import NONE
from rnnlm.nn.stack import StackState

V, D, H, B = 12, 3, 4, 2


def network(
    cell: str, layers: int, dropout: Dropout | None = None, cuts: tuple[int, ...] = ()
) -> tuple[Bidirectional, Parameters]:
    rng = np.random.default_rng(2)
    net = Bidirectional(V, D, H, layers, cell, cuts, dropout)
    p = Parameters(net.shapes(), np.float64)
    net.initialise(p, rng)
    p.flat += 0.3 * rng.normal(size=p.flat.size)
    net.head.clear(p.layer("head"))
    return net, p


def window(steps: int, seed: int = 0) -> tuple[Ids, Ids]:
    """Running text of T + 1 words, in which a sentence ends."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(3, V, (steps + 1, B))
    ids[0, 0] = BOUNDARY
    if steps > 3:
        ids[3, 1] = BOUNDARY
    return ids[:-1], ids[1:]


def state_of(net: Bidirectional, seed: int = 1) -> StackState:
    rng = np.random.default_rng(seed)
    return tuple(tuple(rng.normal(size=a.shape) for a in level) for level in net.start(B, np.float64))


def loss(net: Bidirectional, p: Parameters, ids: tuple[Ids, Ids], masks: Masks) -> tuple[float, Parameters]:
    g = p.like()
    k = net.tape(len(ids[0]), B, np.float64)
    resets = [np.array([0]) if t == len(ids[0]) // 2 else None for t in range(len(ids[0]))]
    nats, _, sparse = net.loss(p, g, *ids, state_of(net), k, 1.0, masks, resets)
    assert sparse is not None
    sparse.add_to(g["embedding.W"])
    return nats, g


@pytest.mark.parametrize("steps", [1, 2, 6])
@pytest.mark.parametrize(
    ("cell", "layers", "cuts"), [*product(CELLS, (1, 2, 3), [()]), ("lstm", 1, (5, 9)), ("gru", 2, (6,))]
)
def test_gradient(cell: str, layers: int, cuts: tuple[int, ...], steps: int) -> None:
    """Both stacks, the head and the shared embedding get their exact gradient, with dropout, blanks and resets."""
    net, p = network(cell, layers, Dropout(0.3, 0.2, 0.2, 0.3), cuts)
    ids = window(steps)
    masks = net.masks(np.random.default_rng(4), steps, B, np.float64)
    _, g = loss(net, p, ids, masks)

    def value() -> float:
        net.head.pin(p.layer("head"))
        return loss(net, p, ids, masks)[0]

    rng = np.random.default_rng(0)
    for name in p.views:
        if not name.endswith(".Wa"):
            assert relative_error(value, p[name], g[name], rng) < 1e-7, name
            continue
        weights = p[name][:, :-1].copy()

        def of_head(name: str = name, weights: Array = weights) -> float:
            p[name][:, :-1] = weights
            return value()

        assert relative_error(of_head, weights, g[name][:, :-1], rng) < 1e-7, name
        p[name][:, :-1] = weights


def features(net: Bidirectional, p: Parameters, ids: Array | Ids) -> Array:
    """The features for every word of sentences (T + 1, B) of ids, the boundary first and last."""
    k = net.tape(len(ids) - 1, B, np.float64)
    return net.features(p, ids[:-1], ids[1:], net.start(B, np.float64), k)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_no_word_sees_itself(cell: str, layers: int) -> None:
    """Changing word t leaves the prediction for t bit for bit as it was, and changes that for its neighbours."""
    net, p = network(cell, layers)
    if cell == "relu":
        p.flat[:] = np.abs(p.flat)  # no sleeping unit hides a change
    ids = np.random.default_rng(1).integers(3, V, (8, B))
    ids[0] = ids[-1] = BOUNDARY
    before = features(net, p, ids)
    for t in range(1, 7):  # the prediction for ids[t] is features[t - 1]
        changed = ids.copy()
        changed[t] = 3 + (ids[t] - 2) % (V - 3)
        assert (changed[t] != ids[t]).all()
        after = features(net, p, changed)
        assert np.array_equal(after[t - 1], before[t - 1])
        for other in range(6):
            if other != t - 1:
                assert (after[other] != before[other]).any(axis=-1).all(), (t, other)


def test_the_right_context_ends_with_the_sentence() -> None:
    """What stands behind the sentence's end does not change the predictions inside it."""
    net, p = network("lstm", 2)
    ids = np.random.default_rng(1).integers(3, V, (10, B))
    ids[0] = ids[5] = ids[9] = BOUNDARY
    before = features(net, p, ids)
    changed = ids.copy()
    changed[6:9] = 3
    assert np.array_equal(features(net, p, changed)[:4], before[:4])


def test_blanks_hide_a_word_from_both_sides() -> None:
    """With a mask on word t, no prediction depends on which word stands there."""
    net, p = network("gru", 1)
    ids = np.random.default_rng(1).integers(3, V, (7, B))
    ids[0] = ids[-1] = BOUNDARY
    masks = Masks(blanks=np.zeros((6, B), bool), back=NONE)
    assert masks.blanks is not None
    masks.blanks[3] = True  # the input at time 3 is ids[3]

    def found(row: int) -> Array:
        text = ids.copy()
        text[3] = row
        k = net.tape(6, B, np.float64)
        return net.features(p, text[:-1], text[1:], net.start(B, np.float64), k, masks)[0]

    assert np.array_equal(found(4), found(9))
    as_blank = features(net, p, np.where(np.arange(7)[:, None] == 3, BLANK, ids))
    assert np.array_equal(found(4), as_blank)


def test_padding_changes_nothing() -> None:
    """A sentence filled up with boundaries gets the same distributions and the same state as alone."""
    net, p = network("lstm", 2)
    words = [3, 7, 5]
    alone_in, alone_out = np.array([[0, *words]]).T, np.array([[*words, 0]]).T
    k = net.tape(4, 1, np.float64)
    alone, end = net.fill(p, alone_in, alone_out, net.start(1, np.float64), k, np.array([4]))
    padded_in = np.array([[0, *words, 0, 0], [0, 4, 4, 4, 4, 4]]).T
    padded_out = np.array([[*words, 0, 0, 0], [4, 4, 4, 4, 4, 0]]).T
    k = net.tape(6, 2, np.float64)
    both, ends = net.fill(p, padded_in, padded_out, net.start(2, np.float64), k, np.array([4, 6]))
    np.testing.assert_allclose(both[:3, :1], alone[:3], rtol=1e-12)
    for level, other in zip(end, ends, strict=True):
        for a, b in zip(level, other, strict=True):
            np.testing.assert_allclose(b[:1], a, rtol=1e-12)
