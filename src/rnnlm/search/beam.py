"""The most probable texts behind a prompt, by beam search; over any language model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, LanguageModel, select
from rnnlm.search.predictions import read
from rnnlm.search.sampling import Drawn


def beam_search(model: LanguageModel, prompt: Sequence[int], width: int, most: int, count: int = 1) -> list[Drawn]:
    """The `count` best texts that end within `most` words, the best first; of width 1, the greedy text.

    Texts are ranked by their log probability, with no bonus for length. A text that does not end in time is kept as it
    is, behind those that end.
    """
    width = max(width, count)
    found, state = read(model, prompt)
    log_probs, state = found[None], state
    texts: list[list[int]] = [[]]
    totals = np.zeros(1)
    done: list[Drawn] = []
    for _ in range(most):
        scores = totals[:, None] + log_probs
        scores[:, UNKNOWN] = -np.inf
        flat = scores.reshape(-1)
        top = np.argpartition(-flat, min(width, flat.size - 1))[:width]
        top = top[np.lexsort((top, -flat[top]))]
        top = top[np.isfinite(flat[top])]
        parents, words = np.divmod(top, scores.shape[1])
        ends = words == BOUNDARY
        done += [Drawn(texts[parents[at]], float(flat[top[at]]), True) for at in np.flatnonzero(ends)]
        parents, words, totals = parents[~ends], words[~ends], flat[top[~ends]].astype(np.float64)
        texts = [[*texts[parent], int(word)] for parent, word in zip(parents, words, strict=True)]
        done.sort(key=lambda text: -text.log_probability)
        if not texts or (len(done) >= count and done[count - 1].log_probability >= totals.max()):
            break  # what is still open can only fall
        log_probs, state = model.step(select(state, parents), words)
    else:
        done += [Drawn(text, float(total), False) for text, total in zip(texts, totals, strict=True)]
    return done[:count]
