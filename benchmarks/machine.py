"""What a measurement must know of its machine (Linux): contenders in processes of their own, memory, lost time."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")  # each contender chooses its threads itself


def kernels() -> str:
    """What OpenBLAS computes with here, and whether that was its own choice."""
    from rnnlm.nn import products

    named = os.environ.get("OPENBLAS_CORETYPE")
    return products.kernels() + (f", as OPENBLAS_CORETYPE={named} says" if named else "")


@contextlib.contextmanager
def neighbour() -> Iterator[None]:
    """Another program that keeps one core busy meanwhile."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


class Contender:
    """A process that stays alive between its turns; it talks in lines of JSON, and its first line says it is ready."""

    def __init__(self, *command: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in LIMITS}
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.peak = 0.0  # memory in bytes, while it was watched
        self.ready = self.receive()

    def __enter__(self) -> Contender:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()  # the end of its orders is the end of a contender
        self.process.wait()
        self.process.stdout.close()

    def turn(self, seconds: float, watched: bool = False) -> Any:
        """Has it work for so long and gives its answer. While `watched`, which costs it time, its memory is read."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(seconds).encode() + b"\n")
        self.process.stdin.flush()
        assert self.process.stdout is not None
        while watched and not select.select([self.process.stdout], [], [], 0.002)[0]:
            self.peak = max(self.peak, memory(self.process.pid))
        return self.receive()

    def receive(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a contender ended unexpectedly (status {self.process.wait()})")
        return json.loads(line)


def memory(pid: int) -> float:
    """Bytes that a process and its descendants hold; what they share is counted once (the sum of their PSS)."""
    total = 0.0
    for own in family(pid):
        with contextlib.suppress(OSError):  # it may end meanwhile
            rollup = Path(f"/proc/{own}/smaps_rollup").read_text().splitlines()
            total += sum(1024.0 * int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return total


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


@dataclass(frozen=True)
class Ticks:
    """Time of all cores since the machine began, in ticks of 10 ms: all of it, and parts of it."""

    all: int
    stolen: int  # a virtual machine's cores were taken away by its host
    others: int  # spent by processes that do not belong to the measurement

    def __sub__(self, earlier: Ticks) -> Ticks:
        return Ticks(self.all - earlier.all, self.stolen - earlier.stolen, self.others - earlier.others)


def ticks() -> Ticks:
    """The time until now."""
    user, nice, system, idle, waiting, irq, softirq, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    busy, own = user + nice + system + irq + softirq, 0
    for pid in family(os.getpid()):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            own += sum(map(int, fields[11:13]))  # utime and stime
    return Ticks(busy + idle + waiting + stolen, stolen, busy - own)
