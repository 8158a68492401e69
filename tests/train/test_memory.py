"""The memory that workers share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnlm.errors import TrainingError
from rnnlm.nn.arrays import LINE
from rnnlm.train.memory import Layout, SharedMemory

LAYOUT: Layout = {"a": ("f4", (3, 2)), "b": ("i4", (5,)), "none": ("f4", (0,)), "c": ("f4", (1,))}


def test_two_views_of_one_file() -> None:
    """What one writes the other reads; arrays do not overlap, and begin at zero."""
    first = SharedMemory.create(LAYOUT)
    second = SharedMemory(LAYOUT, first.path)
    assert all((first[name] == 0).all() for name in LAYOUT)
    for number, name in enumerate(LAYOUT, 1):
        first[name][...] = number
    assert [second[name].tolist() for name in LAYOUT] == [[[1, 1]] * 3, [2] * 5, [], [4]]
    assert {name: (second[name].dtype.str[1:], second[name].shape) for name in LAYOUT} == LAYOUT
    first.unlink()


def test_nothing_is_left_behind() -> None:
    """The file's name can go while the memory is in use."""
    memory = SharedMemory.create(LAYOUT)
    assert memory.path is not None
    memory.unlink()
    assert not Path(memory.path).exists()
    memory["b"][...] = 7
    assert memory["b"].sum() == 35
    memory.unlink()


def test_memory_of_one_process() -> None:
    """Without a path the arrays are ordinary memory."""
    memory = SharedMemory(LAYOUT)
    assert [array.ctypes.data % LINE for array in memory.arrays.values()] == [0] * len(LAYOUT)
    memory["a"][...] = np.pi
    assert memory["c"][0] == 0
    memory.unlink()


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with what to do, and no file stays."""
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(TrainingError, match="no room") as caught:
        SharedMemory.create({"a": ("f4", (1 << 58,))})
    assert "--threads 1" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
