"""The weights that training starts from: random, and where wanted word vectors from a file; it steps nothing."""

from __future__ import annotations

import numpy as np

from rnnlm.config import Config
from rnnlm.errors import CorpusError
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network
from rnnlm.text.reader import read_lines
from rnnlm.text.vocabulary import Vocabulary


def starting_weights(network: Network, config: Config, vocabulary: Vocabulary) -> Parameters:
    """Random weights of the run's seed; the embedding from `model.embeddings` where that is named."""
    p = Parameters(network.shapes())
    network.initialise(p, np.random.default_rng(config.train.seed), config.model.init)
    if config.model.embeddings:
        read_vectors(config.model.embeddings, vocabulary, network.table(p)[:, : network.embedding])
    return p


def read_vectors(path: str, vocabulary: Vocabulary, table: np.ndarray) -> int:
    """Writes the vectors of a word2vec text file into the rows of the words that are known; gives their number.

    Lines are `word x1 x2 ... xD`, with or without a first line of counts. They are scaled to the spread of the random
    rows. Raises CorpusError where the size is another or a number is none, or no word is known.
    """
    found = 0
    spread = float(table.std())
    rows, vectors = [], []
    for number, line in enumerate(read_lines(path), 1):
        parts = line.rstrip().split(" ")
        if number == 1 and len(parts) == 2:
            continue
        word, values = parts[0], parts[1:]
        if len(values) != table.shape[1]:
            raise CorpusError(
                f"{path}, line {number}: a vector of {len(values)} numbers, but the embedding has {table.shape[1]}",
                f"set model.embedding={len(values)}",
            )
        if word in vocabulary:
            try:
                vector = np.array(values, np.float64)
            except ValueError:
                vector = np.array([np.nan])
            if not (np.abs(vector) < np.finfo(np.float32).max).all():
                raise CorpusError(f"{path}, line {number}: not all of {word!r}'s vector are numbers")
            vectors.append(vector)
            rows.append(vocabulary.ids[word])
            found += 1
    if not found:
        raise CorpusError(f"{path} holds no word of the vocabulary")
    block = np.array(vectors, np.float32)
    table[rows] = block * (spread / max(float(block.std()), 1e-9))
    return found
