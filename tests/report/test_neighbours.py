"""Nearest words against a search by hand, and the flat map against the eigenvectors of the covariance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from by_hand import D, H, V, random_model
from rnnlm.report.neighbours import flat_map, nearest, tables


def test_nearest_against_brute_force() -> None:
    """The words with the largest cosine, without the word itself, the boundary and the unknown word."""
    table = np.random.default_rng(1).normal(size=(30, 6))

    def cosine(a: int, b: int) -> float:
        dot = sum(x * y for x, y in zip(table[a], table[b], strict=True))
        return float(dot / math.sqrt(sum(x * x for x in table[a]) * sum(y * y for y in table[b])))

    for word in (2, 17, 29):
        expected = sorted((other for other in range(2, 30) if other != word), key=lambda other: -cosine(word, other))[
            :5
        ]
        found = nearest(table, word, 5)
        assert [other for other, _ in found] == expected
        assert [value for _, value in found] == pytest.approx([cosine(word, other) for other in expected])


def test_more_than_there_are() -> None:
    """A small vocabulary gives all its other words, a row of zeros among them."""
    table = np.eye(5)
    table[4] = 0
    assert sorted(word for word, _ in nearest(table, 2, 99)) == [3, 4]


def test_flat_map_against_eigenvectors() -> None:
    """The coordinates are those along the two largest eigenvectors of the covariance, up to their signs."""
    rows = np.random.default_rng(2).normal(size=(9, 4)) * [3, 1, 0.5, 2]
    centred = rows - rows.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    expected = centred @ vectors[:, [-1, -2]]
    np.testing.assert_allclose(np.abs(flat_map(rows)), np.abs(expected), rtol=1e-9)


def test_tables() -> None:
    """Embedding and output weights where they are two and whole; one where they are tied, or the output is in parts."""
    both = tables(random_model("tanh"))
    assert {name: table.shape for name, table in both.items()} == {"embedding": (V, D), "output": (V, H)}
    tied = tables(random_model("tanh", tied=True))
    assert {name: table.shape for name, table in tied.items()} == {"embedding": (V, H)}
    assert list(tables(random_model("tanh", cuts=(4, 9)))) == ["embedding"]
