"""The most probable texts, against all texts there are."""

from __future__ import annotations

from itertools import product

import pytest

from fakes import TableModel, flat, random_table
from rnnlm.search.beam import beam_search
from rnnlm.search.sampling import draw

WORDS, MOST = 5, 4  # the boundary, <unk> and three words; texts of at most three words and their end


def all_texts(model: TableModel, prompt: list[int]) -> list[tuple[float, list[int]]]:
    """Every text that ends within MOST tokens, the best first, by enumeration."""
    found = []
    for length in range(MOST):
        for text in product(range(2, WORDS), repeat=length):
            words = [0, 0, *prompt, *text, 0]
            first = len(prompt) + 2
            total = sum(model.log[tuple(words[at - 2 : at + 1])] for at in range(first, len(words)))
            found.append((float(total), list(text)))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("prompt", [[], [2], [3, 2]])
def test_wide_enough_it_finds_the_best_texts(prompt: list[int], seed: int) -> None:
    """A beam as wide as all prefixes finds the five best of all texts, in their order, with their scores."""
    model = random_table(WORDS, seed, end=2.0)
    found = beam_search(model, prompt, 200, MOST, 5)
    best = all_texts(model, prompt)[:5]
    ended = [text for text in found if text.ended]
    assert [text.ids for text in ended] == [ids for _, ids in best]
    assert [text.log_probability for text in ended] == pytest.approx([total for total, _ in best])


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed: int) -> None:
    """Width 1 takes the best word each time, as drawing at temperature 0 does."""
    model = random_table(9, seed)
    (found,) = beam_search(model, [3], 1, 20)
    (greedy,) = draw(model, [3], 1, 20, seed=1, temperature=0)
    assert (found.ids, found.ended) == (greedy.ids, greedy.ended)
    assert found.log_probability == pytest.approx(greedy.log_probability)


def test_states_follow_their_texts() -> None:
    """A wider beam is never worse, though its texts change places at every step."""
    model = random_table(9, 2, end=0.2)
    scores = [beam_search(model, [], width, 12)[0].log_probability for width in (1, 4, 16, 64)]
    assert scores == sorted(scores)


def test_what_does_not_end() -> None:
    """Texts that do not end in time stand behind those that do, and say so."""
    found = beam_search(flat(0, 0.5, 0.3, 0.2), [], 3, 2, 3)
    assert [(text.ids, text.ended) for text in found] == [([2, 2], False), ([2, 3], False), ([3, 2], False)]
    mixed = beam_search(flat(0.1, 0, 0.9), [], 2, 2, 2)
    assert [(text.ids, text.ended) for text in mixed] == [([], True), ([2], True)]


def test_no_unknown_word() -> None:
    """<unk> is never part of a text, however probable."""
    assert all(1 not in text.ids for text in beam_search(flat(0.05, 0.9, 0.05), [], 4, 5, 4))
