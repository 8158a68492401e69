"""jieba itself, awake: its dictionary and a user's words; it knows nothing of normalising or joining."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

from rnnlm.errors import CorpusError


def load_segmenter(user_words: Sequence[str] = ()) -> Any:
    """A jieba tokenizer with its dictionary loaded; `user_words` are lines `word [count] [tag]` as jieba reads them.

    Raises CorpusError for a line that is none.
    """
    with warnings.catch_warnings():  # jieba 0.42.1 was written before Python deprecated what it uses
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    segmenter = jieba.Tokenizer()
    segmenter.initialize()
    try:
        segmenter.load_userdict(list(user_words))
    except (ValueError, AttributeError) as error:
        raise CorpusError(f"the user dictionary cannot be read: {error}", "a line is: word [count] [tag]") from error
    return segmenter
