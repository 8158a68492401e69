"""What a mixture and a model that learns need of a text: weights fitted on it, and its figures read in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlm.lm.mixture import fit_weights
from rnnlm.lm.protocol import LanguageModel
from rnnlm.text.corpus import Corpus
from rnnlm.train.evaluate import Metrics, among, log_probabilities, spans


def fitted_weights(models: Sequence[LanguageModel], corpus: Corpus, carried: bool) -> list[float]:
    """The weights of a mixture of `models` under which a text is most probable."""
    pieces = spans(corpus, carried)
    rows = [np.concatenate([f for _, f in log_probabilities(model, corpus.ids, pieces)]) for model in models]
    return [float(weight) for weight in fit_weights(np.stack(rows))]


def evaluate_in_order(model: LanguageModel, corpus: Corpus, carried: bool) -> Metrics:
    """The metrics of a model on a text that is read from its beginning to its end, nothing side by side: the order
    matters to a model that learns while it reads."""
    nats = strange = 0.0
    for piece in spans(corpus, carried):
        for positions, found in log_probabilities(model, corpus.ids, piece[None]):
            nats -= float(found.sum(dtype=np.float64))
            strange -= float(found[among(positions + 1, corpus.oov)].sum(dtype=np.float64))
    return Metrics(corpus.sentences, corpus.tokens, len(corpus.oov), corpus.characters, nats, nats - strange, carried)
