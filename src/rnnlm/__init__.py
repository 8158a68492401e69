"""Recurrent language models from the command line; the public names are listed here and loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnlm.api import Model as Model
    from rnnlm.api import State as State
    from rnnlm.api import load as load
    from rnnlm.errors import RnnlmError as RnnlmError
    from rnnlm.lm.protocol import LanguageModel as LanguageModel

__version__ = "0.1.0"

HOMES = {"load": "api", "Model": "api", "State": "api", "LanguageModel": "lm.protocol", "RnnlmError": "errors"}
__all__ = ["LanguageModel", "Model", "RnnlmError", "State", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(import_module(f"rnnlm.{HOMES[name]}"), name)
    raise AttributeError(f"module 'rnnlm' has no attribute {name!r}")
