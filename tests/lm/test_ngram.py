"""An n-gram model answers as its tables say, however it is asked: by step, by score, whole or from a carried state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlm.errors import CheckpointError
from rnnlm.lm.kneser_ney import estimate
from rnnlm.lm.ngram import Level, NgramModel
from rnnlm.lm.protocol import BOUNDARY, Floats, Ids, LanguageModel, State, select

V = 6


def by_hand() -> NgramModel:
    """A trigram model over </s> 0, <unk> 1, a 2, b 3, with odd features; its logarithms are round numbers."""
    # 2-grams: <s> a, a b, b </s>. 3-grams: <s> a b; and a b a, whose suffix b a is not in the model.
    words = Level(np.arange(4), np.array([-1.0, -9.0, -2.0, -3.0]), np.array([-0.5, 0.0, -0.25, 1.0]))
    pairs = Level(
        np.array([0 * 4 + 2, 2 * 4 + 3, 3 * 4 + 0]), np.array([-0.1, -0.2, -0.3]), np.array([-4.0, -5.0, 0.0])
    )
    triples = Level(np.array([0 * 4 + 3, 1 * 4 + 2]), np.array([-0.01, -0.02]), np.zeros(2))
    return NgramModel([words, pairs, triples])


def random_model(seed: int, order: int, prune: tuple[int, ...] = ()) -> NgramModel:
    draw = np.random.default_rng(seed)
    return estimate(draw.choice(V, 300, p=[0.2, 0.05, 0.4, 0.2, 0.1, 0.05]), V, order, prune).model


def chained(model: NgramModel, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
    """What `score` means: a step for each time, picked at the target."""
    rows = []
    for words, wanted in zip(inputs, targets, strict=True):
        log_probs, state = model.step(state, words)
        rows.append(log_probs[np.arange(len(wanted)), wanted])
    return np.array(rows), state


def equal(one: State, other: State) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_back_off_by_hand() -> None:
    """Probabilities come from the longest n-gram, after the back-offs of the longer contexts."""
    model = by_hand()
    # Read <s> a b a; the sentence end and a come after.
    #   a  after <s>:    <s> a                                              -0.1   order 2
    #   b  after <s> a:  <s> a b                                            -0.01  order 3
    #   a  after a b:    a b a, though b a is absent                        -0.02  order 3
    #   b  after b a:    no context b a (0), then a b                       -0.2   order 2
    #   </s> after a b:  backoff(a b) -5, b </s> -0.3                       -5.3   order 2
    #   b  after <s>:    backoff(<s>) -0.5, b -3                            -3.5   order 1
    #   b  after <s> b:  no context <s> b, backoff(b) +1, b -3              -2     order 1
    targets = np.array([[2], [3], [2], [3], [0], [3], [3]])
    inputs = np.array([[0], [2], [3], [2], [3], [0], [3]])
    log_probs, orders, _ = model.score_with_order(model.start(1), inputs, targets)
    np.testing.assert_allclose(log_probs[:, 0], [-0.1, -0.01, -0.02, -0.2, -5.3, -3.5, -2], rtol=1e-6)
    assert orders[:, 0].tolist() == [2, 3, 3, 2, 2, 1, 1]


def test_whole_distribution_by_hand() -> None:
    """A step gives the same figures for all words at once."""
    model = by_hand()
    state = model.start(2)
    _, state = model.step(state, np.array([0, 0]))
    _, state = model.step(state, np.array([2, 3]))
    log_probs, _ = model.step(state, np.array([3, 0]))
    # After a b, of backoff -5; b has 1.   </s>: -5 - 0.3;   <unk>: -5 + 1 - 9;   a: -0.02;   b: -5 + 1 - 3
    # After a new <s>, of backoff -0.5.    a: -0.1
    np.testing.assert_allclose(log_probs, [[-5.3, -13, -0.02, -7], [-1.5, -9.5, -0.1, -3.5]], rtol=1e-6)


def test_no_word_is_no_context() -> None:
    """An input of -1 gives plain word probabilities, also where a state was."""
    model = by_hand()
    _, state = model.step(model.start(1), np.array([2]))
    log_probs, state = model.step(state, np.array([-1]))
    np.testing.assert_allclose(log_probs[0], [-1, -9, -2, -3])
    scored, _ = model.score(state, np.array([[-1], [2]]), np.array([[2], [3]]))
    np.testing.assert_allclose(scored[:, 0], [-2, -0.2], rtol=1e-6)


models = st.builds(random_model, st.integers(0, 99), st.integers(1, 5), st.sampled_from([(), (0,)])) | st.builds(
    random_model, st.integers(0, 99), st.integers(3, 5), st.just((0, 0, 1))
)
texts = st.integers(1, 9).flatmap(
    lambda T: st.lists(st.lists(st.integers(0, V - 1), min_size=T, max_size=T), min_size=1, max_size=4)
)


@settings(deadline=None)
@given(models, texts)
def test_distributions_sum_to_one(model: NgramModel, columns: list[list[int]]) -> None:
    """After anything read, the probabilities of all words sum to one."""
    state = model.start(len(columns))
    for words in np.array(columns).T:
        log_probs, state = model.step(state, words)
        assert log_probs.shape == (len(columns), model.size) and log_probs.dtype == np.float32
        np.testing.assert_allclose(np.exp(log_probs).sum(1), 1, atol=1e-5)


@settings(deadline=None)
@given(models, texts, st.integers(0, 9))
def test_score_is_chained_step(model: NgramModel, columns: list[list[int]], cut: int) -> None:
    """Scoring a text equals stepping through it, in one piece or two."""
    text = np.array(columns).T
    inputs = np.concatenate([np.zeros_like(text[:1]), text[:-1]])
    expected, end = chained(model, model.start(text.shape[1]), inputs, text)
    whole, state = model.score(model.start(text.shape[1]), inputs, text)
    np.testing.assert_allclose(whole, expected, rtol=1e-5)
    assert equal(state, end)
    cut = min(max(cut, 1), len(text))
    first, middle = model.score(model.start(text.shape[1]), inputs[:cut], text[:cut])
    parts = [first]
    if cut < len(text):
        second, state = model.score(middle, inputs[cut:], text[cut:])
        parts.append(second)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5)
    assert equal(state, end)


@settings(deadline=None)
@given(models, texts, st.integers(0, 99))
def test_targets_need_not_be_the_next_inputs(model: NgramModel, columns: list[list[int]], seed: int) -> None:
    """What is asked for has no influence on what was read."""
    inputs = np.array(columns).T
    targets = np.random.default_rng(seed).integers(0, V, inputs.shape)
    expected, end = chained(model, model.start(inputs.shape[1]), inputs, targets)
    got, state = model.score(model.start(inputs.shape[1]), inputs, targets)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert equal(state, end)


def test_many_words() -> None:
    """Where V times a word is more than 32 bits hold, a step still gives the figures of `score`, which sum to one."""
    size = 60_000
    text = np.array([50_007, 59_999, 50_007, 50_008, 0, 50_007, 59_999, 50_007, 0, 59_999, 0])
    model = estimate(text, size, 3).model
    inputs, targets = np.append(0, text[:-1])[:, None], text[:, None]
    expected, _ = model.score(model.start(1), inputs, targets)
    found, _ = chained(model, model.start(1), inputs, targets)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    state = model.start(2)
    for words in ([0, 0], [50_007, 59_999], [59_999, 50_007]):
        log_probs, state = model.step(state, np.array(words, np.int32))
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=1, dtype=np.float64), 1, atol=1e-5)


def test_a_boundary_forgets() -> None:
    """What was read before a boundary has no influence on what comes after it."""
    model = random_model(3, 4)
    _, state = model.score(model.start(1), np.array([[2], [3], [2]]), np.array([[3], [2], [2]]))
    text = np.array([[2], [4], [3]])
    inputs = np.concatenate([[[BOUNDARY]], text[:-1]])
    carried, _ = model.score(state, inputs, text)
    fresh, _ = model.score(model.start(1), inputs, text)
    np.testing.assert_array_equal(carried, fresh)


def test_states_can_be_selected() -> None:
    """A beam may reorder and double the sequences of a state."""
    model: LanguageModel = random_model(5, 3)
    _, state = model.step(model.start(3), np.array([0, 2, 3]))
    log_probs, _ = model.step(state, np.array([2, 3, 4]))
    rows = np.array([2, 0, 0])
    chosen, _ = model.step(select(state, rows), np.array([4, 2, 2]))
    np.testing.assert_array_equal(chosen, log_probs[rows])


@pytest.mark.parametrize("order", [1, 2, 5])
def test_arrays_and_back(order: int) -> None:
    """A model goes out as named arrays and comes back the same; its bytes are theirs."""
    model = random_model(7, order)
    arrays = model.arrays()
    again = NgramModel.from_arrays({name: array.copy() for name, array in arrays.items()})
    assert (again.order, again.size, again.counts) == (order, V, model.counts)
    for n in range(1, order + 1):
        np.testing.assert_array_equal(again.ngrams(n), model.ngrams(n))
    text = np.random.default_rng(0).integers(0, V, (20, 2))
    np.testing.assert_array_equal(
        again.score(again.start(2), text, text)[0], model.score(model.start(2), text, text)[0]
    )
    assert sum(model.bytes_per_order) == sum(array.nbytes for array in arrays.values())
    assert len(model.bytes_per_order) == order
    # 6 words: a 1-gram has a probability, and below the highest order a back-off: 4 bytes each.
    assert model.bytes_per_order[0] == 6 * (4 if order == 1 else 8)


@pytest.mark.parametrize("name", ["1.log_prob", "2.word", "2.children", "2.log_prob", "2.backoff"])
def test_damaged_arrays(name: str) -> None:
    """Arrays that do not fit together are refused."""
    arrays = random_model(7, 3).arrays()
    with pytest.raises(CheckpointError):
        NgramModel.from_arrays({**arrays, name: arrays[name][:-1]})


def test_arrays_of_something_else() -> None:
    """Arrays of another kind of model are refused."""
    with pytest.raises(CheckpointError):
        NgramModel.from_arrays({"rnn.0.Wx": np.zeros((2, 2))})


def test_words_out_of_order() -> None:
    """N-grams that are not sorted are refused: the search would not find them."""
    arrays = random_model(7, 2).arrays()
    with pytest.raises(CheckpointError):
        NgramModel.from_arrays({**arrays, "2.word": arrays["2.word"][::-1]})
