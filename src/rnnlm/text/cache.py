"""The folder in which things that cost time to make are kept between runs; it does not know what they are.

What takes several files is a folder under its fingerprint, made under a name of its own and renamed when it is whole.
Its file `done` has the sizes of all others.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from pathlib import Path

ABANDONED = 600.0  # seconds
UNUSED = 30 * 86_400.0  # seconds after which a folder that nobody has used again is forgotten
NAME = r"[0-9a-f]{32}"  # a fingerprint; whatever else is in the folder is somebody's own


def cache_folder() -> Path:
    """$RNNLM_CACHE, or the user's cache folder; it need not exist."""
    if chosen := os.environ.get("RNNLM_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rnnlm"


def whole(folder: Path) -> bool:
    """Does the folder hold all that was written? After a power cut files may have lost their ends."""
    try:
        sizes = json.loads((folder / "done").read_text())["sizes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def keep(work: Path, folder: Path) -> None:
    """Gives finished work its name, unless another process was faster."""
    try:
        work.rename(folder)
    except OSError:  # there is something of that name
        if whole(folder):
            shutil.rmtree(work)
        else:
            shutil.rmtree(folder)  # what a power cut left of it
            work.rename(folder)


def tidy(cache: Path) -> None:
    """Removes from the cache what processes that were killed left behind, and what nobody has used for a month.

    Who works writes every few moments: where nothing was written for so long, nobody does.
    """
    for path in list(cache.iterdir()):
        with contextlib.suppress(OSError):
            if re.fullmatch(NAME, path.name) and (path / "done").exists():
                idle, most = time.time() - (path / "done").stat().st_mtime, UNUSED
            elif re.fullmatch(rf"{NAME}|\.{NAME}\..+", path.name):
                idle, most = time.time() - max(own.stat().st_mtime for own in (path, *path.iterdir())), ABANDONED
            else:
                continue
            if idle > most:
                shutil.rmtree(path)
