"""Writing files so that nobody ever sees half of one; it does not know what is in them."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlm.errors import CheckpointError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the operating system says about a write to `path` into an error that a person can use."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CheckpointError(
                f"the disk is full: {path} was not written", "free some space; what was saved before is whole"
            ) from None
        raise CheckpointError(f"{path} cannot be written: {error.strerror or error}") from None
    except Exception as error:
        if type(error).__name__ == "SafetensorError":  # its writer wraps what the operating system says
            text = str(error)
            if "No space left" in text or "os error 28" in text:
                raise CheckpointError(
                    f"the disk is full: {path} was not written", "free some space; what was saved before is whole"
                ) from None
            raise CheckpointError(f"{path} cannot be written: {text}") from None
        raise


def write_text(path: Path, text: str) -> None:
    """Replaces a file in one move."""
    with writing(path):
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(fd, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_json(path: Path) -> Any:
    """Raises CheckpointError where the file is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CheckpointError(f"{path} is damaged") from None


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name `path` when everything in it is written."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield work
            if path.exists():
                shutil.rmtree(path)
            work.rename(path)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
