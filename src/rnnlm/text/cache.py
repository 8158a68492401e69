"""The folder in which things that cost time to make are kept between runs; it does not know what they are."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$RNNLM_CACHE, or the user's cache folder; it need not exist."""
    if chosen := os.environ.get("RNNLM_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rnnlm"
