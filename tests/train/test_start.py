"""The weights that training starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnlm.config import Config, Model, Train
from rnnlm.errors import CorpusError
from rnnlm.nn.network import Network
from rnnlm.text.vocabulary import Vocabulary
from rnnlm.train.start import starting_weights

WORDS = Vocabulary.from_words(["甲", "乙", "丙"])


def start(tied: bool = False, seed: int = 1, embeddings: Path | str = "") -> tuple[Network, np.ndarray]:
    """The network and the embedding (V, 4) it starts with."""
    network = Network(len(WORDS), 4, 4, tied=tied)
    config = Config(model=Model(embeddings=str(embeddings)), train=Train(seed=seed))
    return network, network.table(starting_weights(network, config, WORDS))[:, :4]


def test_the_seed_fixes_them() -> None:
    """The same seed gives the same weights, another seed others."""
    assert np.array_equal(start()[1], start()[1])
    assert not np.array_equal(start()[1], start(seed=2)[1])


@pytest.mark.parametrize("header", ["", "3 4\n"])
@pytest.mark.parametrize("tied", [False, True])
def test_word_vectors(tmp_path: Path, header: str, tied: bool) -> None:
    """Known words start from their vectors, scaled to the spread of the random rows; the others stay as they were."""
    path = tmp_path / "vectors.txt"
    path.write_text(header + "乙 1 2 3 4\n丁 9 9 9 9\n甲 -4 -3 -2 -1\n", encoding="utf-8")
    before, after = start(tied)[1], start(tied, embeddings=path)[1]
    assert np.array_equal(np.delete(after, [2, 3], 0), np.delete(before, [2, 3], 0))
    given = np.array([[-4, -3, -2, -1], [1, 2, 3, 4]])
    assert after[2:4] == pytest.approx(given * before.std() / given.std(), rel=1e-5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("甲 1 2 3\n", "line 1: a vector of 3 numbers, but the embedding has 4"),
        ("2 4\n甲 1 2 3 4\n乙 1 2 3\n", "line 3: a vector of 3 numbers"),
        ("甲 1 2 x 4\n", "line 1: not all of '甲'"),
        ("甲 1 nan 3 4\n", "line 1: not all of '甲'"),
        ("甲 1 1e99 3 4\n", "line 1: not all of '甲'"),
        ("丁 1 2 3 4\n", "holds no word of the vocabulary"),
    ],
)
def test_vectors_that_do_not_fit(tmp_path: Path, text: str, told: str) -> None:
    """A file of another size, with words for numbers, or about other words, is refused with its line."""
    path = tmp_path / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=told):
        start(embeddings=path)
