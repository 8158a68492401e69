"""Writing files so that nobody ever sees half of one; it does not know what is in them."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
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
    except BrokenPipeError:  # `--out /dev/stdout | head`: who reads has enough, and that is no error
        raise
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


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A file to write, which takes the name `path` when it is whole. A pipe, a device or a link is written as it is."""
    with writing(path):
        if path.is_symlink() or (path.exists() and not path.is_file()):
            yield path
            return
        work = beside(path)
        try:
            yield work
            to_disk(work)
            work.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                work.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    with new_file(path) as work:
        work.write_text(text, encoding="utf-8", newline="\n")


def beside(path: Path) -> Path:
    """A name for the unfinished `path`, with its ending; not one of `tempfile`, whose files nobody else may read."""
    return path.with_name(f".{os.getpid()}.{path.name}")


def to_disk(path: Path) -> None:
    """Has the operating system write what it holds back of a file or folder: a name must not outlive a power cut that
    its contents do not."""
    with contextlib.suppress(OSError):  # a folder on Windows; a disk that knows no such thing
        number = os.open(path, os.O_RDONLY if path.is_dir() or os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """The object in a file. Raises CheckpointError where it is missing, damaged or without one of the `keys`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CheckpointError(f"{path} is damaged") from None
    if not isinstance(found, dict) or not found.keys() >= set(keys):
        raise CheckpointError(f"{path} is damaged")
    return found


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name `path` when everything in it is written."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        work, old = beside(path), path.with_name(f".{path.name}.old")
        if old.exists() and not path.exists():
            old.rename(path)
        for left in (work, old):  # by a killed process: of the same number, or of any
            shutil.rmtree(left, ignore_errors=True)
        try:
            work.mkdir()
            yield work
            for written in work.rglob("*"):
                to_disk(written)
            if path.exists():
                path.rename(old)
            work.rename(path)
        except BaseException:
            if old.exists() and not path.exists():
                old.rename(path)
            shutil.rmtree(work, ignore_errors=True)
            raise
        to_disk(path.parent)
        shutil.rmtree(old, ignore_errors=True)
