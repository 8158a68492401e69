"""The folder of a run while trainings want it: one at a time, and an old run waits aside; it reads no file of a run."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnlm.errors import CheckpointError
from rnnlm.store.files import writing
from rnnlm.store.run import CHECKPOINTS, FILES, Run

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAMES = (*FILES, CHECKPOINTS)
LOCK = ".training"
ASIDE = (".replaced", ".replaced.part")  # where a run waits while another is made in its place


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Keeps other trainings out of the folder of a run. Raises CheckpointError where one is under way."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        file = (path / LOCK).open("w")
    with file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not (path / LOCK).exists() or not os.path.samestat(os.fstat(file.fileno()), (path / LOCK).stat()):
                    raise BlockingIOError  # that of a training that has just ended, and another may have begun
        except BlockingIOError:
            raise CheckpointError(f"another training is under way in {path}", "name another --out") from None
        except OSError:  # where there are no locks nobody is kept out
            pass
        try:
            yield
        finally:
            if fcntl is None:
                file.close()  # Windows removes no open file
            with contextlib.suppress(OSError):
                (path / LOCK).unlink()
                path.rmdir()  # if it is empty


def is_run(path: Path) -> bool:
    """Is there a run in this folder, or one that waits in it?"""
    return any((place / "config.toml").exists() for place in (path, *(path / name for name in ASIDE)))


@contextmanager
def replaced(run: Run) -> Iterator[None]:
    """Sets a run aside while another is made in its place; puts it back if that one has no checkpoint by then."""
    aside, under_way = (run.path / name for name in ASIDE)
    index = run.path / "checkpoints.json"
    with writing(run.path):
        if under_way.exists():  # a process was killed while it moved the files
            move(under_way, run.path, NAMES)
        if index.exists() or not aside.exists():
            shutil.rmtree(aside, ignore_errors=True)
            move(run.path, under_way, reversed(NAMES))  # what makes it a run goes last and comes back first
            under_way.rename(aside)
        else:  # a run that was killed before its first checkpoint, in the place of what lies there
            run.remove()
    try:
        yield
    finally:
        with writing(run.path):
            if not index.exists():
                run.remove()
                aside.rename(under_way)
                move(under_way, run.path, NAMES)
            shutil.rmtree(aside, ignore_errors=True)


def move(old: Path, new: Path, names: Iterable[str]) -> None:
    """Moves the files of a run from one folder into another; the old one goes when it is empty."""
    new.mkdir(exist_ok=True)
    for name in names:
        if (old / name).exists():
            (old / name).rename(new / name)
    with contextlib.suppress(OSError):
        old.rmdir()
