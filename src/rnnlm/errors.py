"""What can go wrong, told to a person: a message that says what is wrong and a hint that says what to do.

This file knows nothing of any command; the command line turns these errors into two lines and an exit status.
"""

from __future__ import annotations


class RnnlmError(Exception):
    """An error with a message and, where there is one, a hint.

    ``str(error)`` is the message alone; ``error.hint`` tells what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(RnnlmError):
    """A configuration that cannot be used: unknown key, wrong type, impossible combination."""


class CorpusError(RnnlmError):
    """A text that cannot be used: missing, empty, not text, too short."""


class VocabularyError(RnnlmError):
    """A word list that cannot be used, or two that do not match."""


class CheckpointError(RnnlmError):
    """A run or checkpoint that cannot be read or written."""


class TrainingError(RnnlmError):
    """A training run that cannot go on, such as one whose loss is no longer a number."""


class ModelError(RnnlmError):
    """A model asked for something that its kind cannot do."""
