"""The memory that workers share: one mapped file with named arrays, and whose part is whose; it does not know what is
computed in it.

A file is mapped rather than `multiprocessing.shared_memory`, whose 3.11 tracker removes a segment as soon as the first
of several unrelated processes ends. On Linux it lies in the memory file system. It is removed as soon as everybody has
it open, so that nothing is left behind even by a kill.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlm.errors import TrainingError
from rnnlm.nn.arrays import LINE, from_line

Layout = dict[str, tuple[str, tuple[int, ...]]]  # name: (type, shape)


class SharedMemory:
    """Arrays by name, in memory of this process alone (`path` None) or in a file that others map too."""

    def __init__(self, layout: Mapping[str, tuple[str, tuple[int, ...]]], path: str | None = None) -> None:
        self.path = path
        offsets, size = {}, 0
        for name, (kind, shape) in layout.items():
            offsets[name] = size
            size += -(-np.dtype(kind).itemsize * prod(shape) // LINE) * LINE
        raw: NDArray[Any]
        if path is None:
            raw = from_line(np.zeros(size + LINE, np.uint8))
        else:
            raw = np.memmap(path, np.uint8, "r+", shape=(size,))
        self.arrays: dict[str, NDArray[Any]] = {}
        for name, (kind, shape) in layout.items():
            span = raw[offsets[name] : offsets[name] + np.dtype(kind).itemsize * prod(shape)]
            self.arrays[name] = span.view(kind).reshape(shape).view(np.ndarray)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    @classmethod
    def create(cls, layout: Layout) -> SharedMemory:
        """A new file of zeros, mapped."""
        folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        size = sum(-(-np.dtype(kind).itemsize * prod(shape) // LINE) * LINE for kind, shape in layout.values())
        if folder and os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize < 2 * size:
            folder = None
        with tempfile.NamedTemporaryFile(prefix="rnnlm-", dir=folder, delete=False) as file:
            try:
                file.truncate(max(size, 1))
                reserve(file.fileno(), max(size, 1))
                return cls(layout, file.name)
            except (OSError, MemoryError, ValueError) as error:
                with contextlib.suppress(OSError):
                    Path(file.name).unlink()
                raise TrainingError(
                    f"there is no room for {size / 1e6:,.0f} MB in {Path(file.name).parent}: {error}",
                    "try --threads 1, which shares nothing, or a smaller --hidden",
                ) from None

    def unlink(self) -> None:
        """Removes the file's name; the memory lives on while it is mapped. Where that is refused nothing happens, and
        `Team` tries again at its end."""
        if self.path:
            with contextlib.suppress(OSError):
                Path(self.path).unlink()


def reserve(number: int, size: int) -> None:
    """Takes the room for an open file now. Raises OSError where there is none, which a signal would tell later."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(number, 0, size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM):
                raise  # others say that this file system cannot do so


def piece(span: slice, index: int, workers: int) -> slice:
    """The part of a span of a vector that is worker `index`'s."""
    size = span.stop - span.start
    return slice(span.start + size * index // workers, span.start + size * (index + 1) // workers)
