"""Drawing: the distribution that is drawn from, and that a seed fixes what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import flat, random_table
from rnnlm.search import sampling
from rnnlm.search.predictions import read
from rnnlm.search.sampling import Drawn, draw, draw_all, restrict

# </s>, <unk> and four words; without <unk> the mass is 0.8
P = np.array([[0.08, 0.2, 0.4, 0.16, 0.12, 0.04]])
WITHOUT = P[0] * [1, 0, 1, 1, 1, 1] / 0.8  # 0.1, 0, 0.5, 0.2, 0.15, 0.05


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, WITHOUT),
        # temperature 0.5 squares: 64, 0, 1600, 256, 144, 16 of 2080
        ({"temperature": 0.5}, np.array([64, 0, 1600, 256, 144, 16]) / 2080),
        # temperature 2 takes roots: 2√2, 0, 2√10, 4, 2√3, 2 (of the percentages 8, 40, 16, 12, 4)
        ({"temperature": 2}, np.sqrt([8, 0, 40, 16, 12, 4]) / np.sqrt([8, 40, 16, 12, 4]).sum()),
        # the two best: 0.4 and 0.16
        ({"top_k": 2}, np.array([0, 0, 0.4, 0.16, 0, 0]) / 0.56),
        ({"top_k": 99}, WITHOUT),
        # 0.5 + 0.2 < 0.75, so the word that crosses it, 0.15, belongs to the nucleus
        ({"top_p": 0.75}, np.array([0, 0, 0.5, 0.2, 0.15, 0]) / 0.85),
        # 0.5 reaches 0.5: the second word is outside
        ({"top_p": 0.5}, np.array([0, 0, 1, 0, 0, 0])),
        ({"top_p": 1e-9}, np.array([0, 0, 1, 0, 0, 0])),
        # the nucleus is taken of the k best: 0.4 / 0.68 = 0.59, 0.16 / 0.68 = 0.24 crosses 0.8
        ({"top_k": 3, "top_p": 0.8}, np.array([0, 0, 0.4, 0.16, 0, 0]) / 0.56),
    ],
)
def test_distributions(options: dict[str, float], expected: np.ndarray) -> None:
    """Temperature, then the k best, then the nucleus; <unk> never; what is left sums to one."""
    found = restrict(np.log(P), **options)  # type: ignore[arg-type]
    assert found[0] == pytest.approx(expected)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("peaked", [0.1, 1.0, 6.0])
def test_the_nucleus_is_that_of_a_full_sort(peaked: float, top_p: float) -> None:
    """Sorting only what can belong to the nucleus finds what sorting all words finds."""
    logits = peaked * np.random.default_rng(1).normal(size=(3, 400))
    logits[:, 1] = -np.inf  # <unk>
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    order = np.argsort(-probs, axis=1)
    ranked = np.take_along_axis(probs, order, axis=1)
    kept = np.zeros_like(probs)
    np.put_along_axis(kept, order, np.where(np.cumsum(ranked, axis=1) - ranked < top_p, ranked, 0), axis=1)
    with np.errstate(divide="ignore"):
        found = restrict(np.log(probs), top_p=top_p)
    np.testing.assert_allclose(found, kept / kept.sum(axis=1, keepdims=True), rtol=1e-9, atol=1e-15)


def test_frequencies() -> None:
    """Many draws come out as often as the distribution says, to four standard deviations."""
    count = 4000
    drawn = draw(flat(*P[0]), [], count, 1, seed=7)
    found = np.bincount([text.ids[0] if text.ids else 0 for text in drawn], minlength=6) / count
    assert np.all(np.abs(found - WITHOUT) <= 4 * np.sqrt(WITHOUT * (1 - WITHOUT) / count))


def test_the_same_seed_gives_the_same_texts() -> None:
    """A seed fixes the texts; another seed gives others."""
    model = random_table(8)
    assert draw(model, [2], 5, 30, seed=3) == draw(model, [2], 5, 30, seed=3)
    assert draw(model, [2], 5, 30, seed=3) != draw(model, [2], 5, 30, seed=4)


def test_a_text_does_not_depend_on_the_others() -> None:
    """The n-th text is the same among three and among seven, though the texts end at different times."""
    model = random_table(8)
    many = draw(model, [2], 7, 30, seed=3)
    assert draw(model, [2], 3, 30, seed=3) == many[:3]
    assert len({len(text.ids) for text in many}) > 1


def test_scores_are_the_models_own() -> None:
    """A text's log probability is the sum over its words and its end, whatever it was drawn with."""
    model = random_table(6)
    for text in draw(model, [3, 4], 4, 50, seed=1, temperature=0.7, top_k=4):
        words = [0, 3, 4, *text.ids, 0]
        assert text.ended
        total = sum(model.log[tuple(words[at - 2 : at + 1])] for at in range(3, len(words)))
        assert text.log_probability == pytest.approx(total)


def test_the_end() -> None:
    """A text stops at the sentence end, which is not one of its words, or after `most` words."""
    sure = draw(flat(1, 0, 0, 0), [], 2, 5, seed=1)
    assert [(text.ids, text.ended, text.log_probability) for text in sure] == [([], True, 0)] * 2
    never = draw(flat(0, 0.5, 0.25, 0.25), [], 2, 5, seed=1)
    assert [(len(text.ids), text.ended) for text in never] == [(5, False)] * 2
    assert never[0].log_probability == pytest.approx(5 * np.log(0.25))


def test_no_temperature_takes_the_best_word() -> None:
    """At temperature 0 every text is the greedy one, also where <unk> is the most probable word."""
    model = flat(0.1, 0.5, 0.15, 0.25)
    assert [text.ids for text in draw(model, [], 2, 3, seed=1, temperature=0)] == [[3, 3, 3]] * 2


def test_the_best_of_several() -> None:
    """Of each group of texts with one first word the one is kept that ended and is most probable a word behind it."""
    model = random_table(8)
    found, state = read(model, [2])
    kept = draw(model, [2], 3, 6, seed=3, best_of=4)
    first = np.array([own.ids[0] if own.ids else 0 for own in kept])
    texts = draw_all(model, found, state, np.arange(12), 6, 3, 1.0, 0, 1.0, np.repeat(first, 4))

    def rate(text: Drawn) -> float:
        words = len(text.ids) + text.ended
        return (text.log_probability - float(found[text.ids[0]])) / (words - 1) if text.ids else 0.0

    for number, own in enumerate(kept):
        group = texts[4 * number : 4 * number + 4]
        assert own in group
        ended = [text for text in group if text.ended]
        assert own.ended or not ended
        assert rate(own) == max(map(rate, ended or group))


def test_many_beginnings() -> None:
    """The kept texts begin as often with each word as the model says, though one beginning is far more probable; and
    the n-th text does not depend on how many there are."""
    count = 2000
    kept = draw(flat(*P[0]), [], count, 1, seed=7, temperature=0.3, best_of=2)
    found = np.bincount([text.ids[0] if text.ids else 0 for text in kept], minlength=6) / count
    assert np.all(np.abs(found - WITHOUT) <= 4 * np.sqrt(WITHOUT * (1 - WITHOUT) / count))
    assert draw(flat(*P[0]), [], 9, 1, seed=7, temperature=0.3, best_of=2) == kept[:9]


@pytest.mark.parametrize("best_of", [1, 3])
def test_the_bound_of_memory_changes_nothing(best_of: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn in groups of five or all together, the texts are the same."""
    model = random_table(8)
    whole = draw(model, [2], 7, 30, seed=3, best_of=best_of)
    monkeypatch.setattr(sampling, "TOGETHER", 5 * model.size)
    assert draw(model, [2], 7, 30, seed=3, best_of=best_of) == whole


def test_the_k_best_of_equals() -> None:
    """Not more than k words are left, however many are equally good: the first by id."""
    probs = restrict(np.log(np.array([[0.1, 0.3, 0.2, 0.2, 0.2], [0.2, 0.2, 0.2, 0.2, 0.2]])), 1.0, 2)
    assert [np.flatnonzero(own).tolist() for own in probs] == [[2, 3], [0, 2]]
    assert np.flatnonzero(restrict(np.log(np.full((1, 5), 0.2)), 1.0, 1)[0]).tolist() == [0]
