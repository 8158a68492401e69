"""Words that a network takes for alike: the nearest by embedding and by output weights, and a map of frequent ones."""

from __future__ import annotations

import numpy as np

from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array
from rnnlm.nn.softmax import Softmax

FIRST_WORD = 2  # the boundary and the unknown word are nobody's neighbours


def tables(model: RecurrentModel) -> dict[str, Array]:
    """The matrices (V, ·) in which a word has a row: `embedding`, and `output` where that is another, and whole."""
    network, p = model.network, model.parameters
    found = {"embedding": network.table(p)[:, : network.embedding]}
    if not network.tied and isinstance(network.head, Softmax):
        found["output"] = p["head.Wa"][:, : network.head.hidden]
    return found


def nearest(table: Array, word: int, count: int) -> list[tuple[int, float]]:
    """The words whose rows (V, D) have the largest cosine with that of `word`: id and cosine, the best first."""
    rows = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    cosine = rows @ rows[word]
    cosine[:FIRST_WORD] = cosine[word] = -np.inf
    order = np.argsort(-cosine, kind="stable")[:count]
    return [(int(other), float(cosine[other])) for other in order if np.isfinite(cosine[other])]


def flat_map(table: Array) -> Array:
    """The rows (n, D) on the plane of their two largest principal components, (n, 2)."""
    centred = table - table.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ axes[:2].T)
