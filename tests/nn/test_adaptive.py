"""The adaptive softmax: its gradients, its sum of one, the full softmax, PyTorch's numbers, and where it is cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlm.errors import ConfigError
from rnnlm.nn import softmax
from rnnlm.nn.adaptive import AdaptiveSoftmax, choose_cuts
from rnnlm.nn.arrays import Array, Ids, Names, Parameters, Tape
from rnnlm.nn.check import relative_error
from rnnlm.nn.dropout import Dropout
from rnnlm.nn.network import Network
from rnnlm.nn.softmax import Softmax
from rnnlm.nn.stack import StackState

H, V, CUTS = 12, 17, (5, 9, 14)
WINDOWS = {
    "every cluster": [1, 6, 4, 16, 9, 0, 6, 13, 5, 14],
    "no tail": [0, 4, 2, 2, 1],
    "no head": [5, 16, 16, 9],
    "the last tail alone": [15, 14, 15],
    "a gap": [0, 8, 16],
    "one row": [13],
}


def head_and_parameters(cuts: tuple[int, ...] = CUTS) -> tuple[AdaptiveSoftmax, Parameters]:
    """Weights of every size, biases that are not zero."""
    head = AdaptiveSoftmax(H, V, cuts)
    p = Parameters({f"head.{name}": shape for name, shape in head.shapes().items()}, np.float64)
    p.flat[:] = np.random.default_rng(1).normal(size=p.flat.size)
    head.pin(p.layer("head"))
    return head, p


def trained(p: Parameters) -> Array:
    """1 for the parameters that are trained: all but the columns of ones."""
    marks = p.like()
    marks.flat[:] = 1
    for name, view in marks.views.items():
        if name.endswith(".Wa"):
            view[:, -1] = 0
    return marks.flat


@pytest.mark.parametrize("rows_of_a_block", [2, 100])
@pytest.mark.parametrize("window", WINDOWS)
def test_gradient(window: str, rows_of_a_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parameter and h get their exact gradient, whichever clusters the targets fall into."""
    head, p = head_and_parameters()
    monkeypatch.setattr(softmax, "block_of", lambda rows, words, itemsize: max(1, min(rows, rows_of_a_block)))
    rng = np.random.default_rng(2)
    targets = np.array(WINDOWS[window])
    h, g, k = rng.normal(size=(len(targets), H)), p.like(), Tape()
    for _ in range(2):  # twice on one tape: nothing may be left over from the first time
        _, dh = head.loss(p.layer("head"), g.layer("head"), h, targets, 0.5, k)
    marks = trained(p)
    weights, fixed = p.flat.copy(), p.flat * (1 - marks)

    def value() -> float:
        p.flat[:] = weights * marks + fixed
        return 0.5 * head.loss(p.layer("head"), p.like().layer("head"), h, targets, 0.5, Tape())[0]

    assert np.all(g.flat[marks == 0] == 0)
    assert relative_error(value, weights, g.flat, rng, directions=5) < 1e-8
    assert relative_error(value, h, dh, rng) < 1e-8


@pytest.mark.parametrize("window", WINDOWS)
def test_untouched_clusters(window: str) -> None:
    """The gradient of a tail without targets is zero and is not written; `untouched` names exactly these tails."""
    head, p = head_and_parameters()
    targets = np.array(WINDOWS[window])
    h = np.random.default_rng(3).normal(size=(len(targets), H))
    untouched = head.untouched(targets.reshape(1, -1))
    expected = set[str]()
    for number, (first, last) in enumerate([(5, 9), (9, 14), (14, 17)]):
        if not any(first <= word < last for word in WINDOWS[window]):
            expected |= {f"tail.{number}.P", f"tail.{number}.Wa"}
    assert untouched == expected
    g = p.like()
    g.flat[:] = 7
    head.loss(p.layer("head"), g.layer("head"), h, targets, 1.0, Tape())
    for name in head.shapes():
        assert bool((g[f"head.{name}"] == 7).all()) == (name in untouched), name


@pytest.mark.parametrize("cuts", [(), (5,), CUTS, (1, 2, 3), (16,)])
def test_one_distribution(cuts: tuple[int, ...]) -> None:
    """Probabilities sum to one; `score` picks from `log_probs`; the loss is the sum of the scores."""
    head, p = head_and_parameters(cuts)
    rng = np.random.default_rng(4)
    h, targets = rng.normal(size=(40, H)), rng.integers(0, V, 40)
    names = p.layer("head")
    log_probs = head.log_probs(names, h)
    assert log_probs.shape == (40, V)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-12)
    score = head.score(names, h, targets)
    np.testing.assert_allclose(score, log_probs[np.arange(40), targets], rtol=1e-10)
    nats, _ = head.loss(names, p.like().layer("head"), h, targets, 1.0, Tape())
    assert nats == pytest.approx(-score.sum(), rel=1e-12)


def test_one_cluster_is_the_full_softmax() -> None:
    """Without cut-offs, loss, gradients, distribution and scores are those of the full softmax, bit for bit."""
    adaptive, full = AdaptiveSoftmax(H, V, ()), Softmax(H, V)
    assert adaptive.shapes() == full.shapes()
    rng = np.random.default_rng(5)
    h, targets = rng.normal(size=(20, H)), rng.integers(0, V, 20)
    p = Names(Wa=rng.normal(size=(V, H + 2)))
    full.clear(p)
    one, other = Names(Wa=np.zeros_like(p.Wa)), Names(Wa=np.zeros_like(p.Wa))
    nats, dh = adaptive.loss(p, one, h, targets, 0.3, Tape())
    expected, dexpected = full.loss(p, other, h, targets, 0.3, Tape())
    assert nats == expected
    assert np.array_equal(dh, dexpected)
    assert np.array_equal(one.Wa, other.Wa)
    assert np.array_equal(adaptive.log_probs(p, h), full.log_probs(p, h))
    assert np.array_equal(adaptive.score(p, h, targets), full.score(p, h, targets))
    assert adaptive.untouched(targets) == full.untouched(targets) == frozenset()


class Golden:
    """PyTorch's numbers (tests/golden/write_adaptive.py), and our head with the same weights."""

    def __init__(self) -> None:
        with np.load(Path(__file__).parents[1] / "golden" / "adaptive.npz") as file:
            self.of: dict[str, Any] = dict(file)
        self.h: Array = self.of["h"]
        self.targets: Ids = self.of["targets"]
        cuts = tuple(self.of["cuts"].tolist())
        self.head = AdaptiveSoftmax(self.h.shape[1], int(self.of["words"]), cuts)
        self.p = self.parameters("")
        self.head.pin(self.p.layer("head"))

    def parameters(self, prefix: str) -> Parameters:
        """PyTorch's parameters, or with the prefix `grad.` their gradients, under our names; else zeros."""
        p = Parameters({f"head.{name}": shape for name, shape in self.head.shapes().items()}, np.float64)
        p["head.Wa"][:, :-2] = self.of[f"{prefix}head.weight"]
        p["head.Wa"][:, -2] = self.of[f"{prefix}head.bias"]
        for number in range(len(self.head.tails)):
            if f"{prefix}tail.{number}.0.weight" in self.of:
                down, up = self.of[f"{prefix}tail.{number}.0.weight"], self.of[f"{prefix}tail.{number}.1.weight"]
                p[f"head.tail.{number}.P"][:, : len(down)] = down.T
                p[f"head.tail.{number}.Wa"][:, : len(down)] = up
        return p


def test_pytorch_has_the_same_distribution() -> None:
    """With PyTorch's weights, every log-probability is PyTorch's, in tails with 4 and 1 of our 8 features too."""
    golden = Golden()
    assert len(golden.of["tail.2.0.weight"]) == 1
    names = golden.p.layer("head")
    np.testing.assert_allclose(golden.head.log_probs(names, golden.h), golden.of["log_prob"], rtol=1e-12)
    np.testing.assert_allclose(golden.head.score(names, golden.h, golden.targets), golden.of["output"], rtol=1e-12)


def test_pytorch_has_the_same_gradients() -> None:
    """The gradients of the mean loss are PyTorch's; it has no biases in the tails to compare with."""
    golden = Golden()
    g, rows = golden.p.like(), len(golden.h)
    nats, dh = golden.head.loss(golden.p.layer("head"), g.layer("head"), golden.h, golden.targets, 1 / rows, Tape())
    assert nats == pytest.approx(-golden.of["output"].sum(), rel=1e-12)
    np.testing.assert_allclose(dh, golden.of["grad.h"], rtol=1e-10, atol=1e-14)
    for name, expected in golden.parameters("grad.").views.items():
        found = g[name].copy()
        if name.startswith("head.tail") and name.endswith("Wa"):
            found[:, -2] = 0
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("cuts", [(0, 5), (5, 5), (9, 5), (5, 17), (-3,), (18,)])
def test_impossible_cut_offs_are_refused(cuts: tuple[int, ...]) -> None:
    """Cut-offs that do not rise inside the vocabulary are an error that says so."""
    with pytest.raises(ConfigError, match="17 words"):
        AdaptiveSoftmax(H, V, cuts)


def test_tails_narrow() -> None:
    """Tail i has H // 4^(i+1) features, at least 8, and never more than H."""
    # 256 // 4 = 64, // 16 = 16, // 64 = 4: at least 8; 6 is less than 8
    assert [tail.hidden for tail in AdaptiveSoftmax(256, 40, (10, 20, 30)).tails] == [64, 16, 8]
    assert [tail.hidden for tail in AdaptiveSoftmax(6, 40, (10, 20)).tails] == [6, 6]
    assert [tail.hidden for tail in AdaptiveSoftmax(256, 40, (10, 20), divisor=2).tails] == [128, 64]


@pytest.mark.parametrize("layers", [1, 2])
def test_whole_model(layers: int) -> None:
    """A network with an adaptive softmax, dropout and a state gets its exact gradient."""
    rng = np.random.default_rng(6)
    network = Network(V, 3, H, layers, "lstm", cuts=CUTS, dropout=Dropout(0.3, 0.2, 0.2, 0.3))
    p = Parameters(network.shapes(), np.float64)
    network.initialise(p, rng)
    p.flat += 0.3 * rng.normal(size=p.flat.size)
    network.head.clear(p.layer("head"))
    start: StackState = tuple(tuple(rng.normal(size=a.shape) for a in s) for s in network.start(2, np.float64))
    inputs, targets = rng.integers(0, V, (4, 2)), np.array([[0, 6], [4, 16], [8, 1], [15, 2]])  # none in 9..13
    masks = network.masks(rng, 4, 2, np.float64)
    marks = trained(p)
    weights, fixed = p.flat.copy(), p.flat * (1 - marks)

    def loss() -> tuple[float, Parameters]:
        p.flat[:] = weights * marks + fixed
        g = p.like()
        nats, _, rows = network.loss(p, g, inputs, targets, start, network.tape(4, 2, np.float64), 1.0, masks)
        assert rows is not None
        rows.add_to(g["embedding.W"])
        return nats, g

    _, g = loss()
    assert network.untouched(targets) == {"head.tail.1.P", "head.tail.1.Wa"}
    assert relative_error(lambda: loss()[0], weights, g.flat, rng, directions=5) < 1e-7
    scored, _ = network.score(p, inputs, targets, start, network.tape(4, 2, np.float64))
    k, state = network.tape(1, 2, np.float64), start
    for t in range(4):  # one step after another
        log_probs, state = network.step(p, inputs[t], state, k)
        np.testing.assert_allclose(log_probs[[0, 1], targets[t]], scored[t], rtol=1e-10)


def zipf(words: int) -> list[int]:
    """Counts as of words in running text."""
    return [int(1e7 / (rank + 2.7)) for rank in range(1, words + 1)]


@pytest.mark.parametrize("hidden", [64, 200, 256, 650])
def test_cut_offs_of_running_text(hidden: int) -> None:
    """Small vocabularies stay whole; larger ones are cut, more often the larger; most of the text is in the head."""
    found = {words: choose_cuts(zipf(words), hidden) for words in (10, 500, 1000, 10_000, 50_000, 200_000)}
    assert found[10] == found[500] == found[1000] == ()
    numbers = [len(cuts) for cuts in found.values()]
    assert numbers == sorted(numbers)
    assert numbers[-1] >= 2
    for words, cuts in found.items():
        if cuts:
            AdaptiveSoftmax(hidden, words, cuts)
            counts = zipf(words)
            assert sum(counts[: cuts[0]]) >= 0.7 * sum(counts)


@pytest.mark.parametrize("counts", [[], [0], [0] * 5000, [3] * 5000, [1_000_000] + [0] * 20_000])
def test_cut_offs_of_strange_counts(counts: list[int]) -> None:
    """Counts that are missing or all alike give cut-offs that a head can be made with, or none."""
    cuts = choose_cuts(counts, 100)
    if cuts:
        AdaptiveSoftmax(100, len(counts), cuts)
