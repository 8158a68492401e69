"""From settings to a model: the one place where names become classes; it trains and loads nothing."""

from __future__ import annotations

from typing import Any

from rnnlm.config import Model
from rnnlm.nn.dropout import Dropout
from rnnlm.nn.network import Network


def network_arguments(model: Model, words: int) -> dict[str, Any]:
    """What `make_network` needs to make the network of these settings: plain values, so that they can be sent to a worker."""
    return {
        "words": words,
        "embedding": model.embedding,
        "hidden": model.hidden,
        "layers": model.layers,
        "cell": model.cell,
        "tied": model.tied,
        "cuts": list(model.cutoffs) if model.head == "adaptive" else [],
        "dropout": [model.dropout, model.dropout_input, model.dropout_words, model.dropout_weights],
    }


def make_network(arguments: dict[str, Any]) -> Network:
    """The network of `network_arguments`."""
    values = arguments | {"cuts": tuple(arguments["cuts"]), "dropout": Dropout(*arguments["dropout"])}
    return Network(**values)
