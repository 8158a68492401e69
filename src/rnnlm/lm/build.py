"""From settings to a model: the one place where names become classes; it trains and loads nothing."""

from __future__ import annotations

from typing import Any

from rnnlm.config import Model
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.bidirectional import Bidirectional
from rnnlm.nn.dropout import Dropout
from rnnlm.nn.network import Network


def network_arguments(model: Model, words: int) -> dict[str, Any]:
    """What `make_network` needs to make the network of these settings: plain values, so that they can be sent to a
    worker."""
    return {
        "kind": model.kind,
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
    if values.pop("kind") == "cloze":
        del values["tied"]
        return Bidirectional(**values)
    return Network(**values)


def make_model(network: Network, parameters: Parameters) -> RecurrentModel | ClozeModel:
    """The model of a network with its parameters."""
    if isinstance(network, Bidirectional):
        return ClozeModel(network, parameters)
    return RecurrentModel(network, parameters)
