"""Workers that share each batch: one here, the others processes of their own; it does not know what they compute.

Plain Python threads lose 10 to 50 µs at every small call to the interpreter's lock; processes on shared memory do not,
and with one BLAS thread each they use all cores from the first product of a step to the last. A worker is started as a
program of its own (`python -m rnnlm.train.worker`), so that it works without fork and in any caller's script, and
talks in lines of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from rnnlm.config import Train
from rnnlm.errors import TrainingError
from rnnlm.nn.network import Network
from rnnlm.train.memory import Layout, SharedMemory
from rnnlm.train.shard import Shard, layout

# Ctrl-C is for this process, which ends the step and saves; the workers must live until then.
APART: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {"creationflags": 0x00000200}


class Team:
    """The workers of one training; a context manager that ends them."""

    def __init__(self, network: Network, settings: Train, steps: int, workers: int, arguments: dict[str, Any]) -> None:
        """`arguments` are those that `network` was made with: the other workers make their own."""
        workers = max(1, min(workers, settings.batch))
        shapes = layout(network, settings, steps, workers)
        self.memory = SharedMemory.create(shapes) if workers > 1 else SharedMemory(shapes)
        self.workers: list[subprocess.Popen[bytes]] = []
        try:
            self.shard = Shard(network, settings, self.memory, 0, workers)
            self.begin(settings, shapes, workers, arguments)
        except BaseException:
            self.__exit__()
            raise
        self.memory.unlink()

    def begin(self, settings: Train, shapes: Layout, workers: int, arguments: dict[str, Any]) -> None:
        """Starts the other workers."""
        # The path: they must find what this process finds.
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        environment = os.environ | threads | {"PYTHONPATH": os.pathsep.join(sys.path)}
        for index in range(1, workers):
            order = {
                "network": arguments,
                "settings": settings.__dict__,
                "layout": shapes,
                "path": self.memory.path,
                "index": index,
                "workers": workers,
            }
            worker = subprocess.Popen(
                [sys.executable, "-P", "-m", "rnnlm.train.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **APART,
            )  # fmt: skip
            self.workers.append(worker)
            self.send(worker, order)
        for worker in self.workers:
            self.receive(worker)

    @property
    def size(self) -> int:
        return 1 + len(self.workers)

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            with contextlib.suppress(OSError):
                if worker.stdin:
                    worker.stdin.close()  # the end of its orders is the end of a worker
            try:
                worker.wait(5)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            if worker.stdout:
                worker.stdout.close()
        self.memory.unlink()

    def call(self, do: str, **values: Any) -> list[Any]:
        """Has every worker do the same; gives their answers in the order of the workers."""
        for worker in self.workers:
            self.send(worker, {"do": do, **values})
        own = getattr(self.shard, do)(**values)
        return [own, *(self.receive(worker) for worker in self.workers)]

    def step(
        self, steps: int, step: int, words: int, resets: Sequence[Sequence[int]], rate: float, clip: float
    ) -> tuple[float, float]:
        """One training step on the window of T = `steps` that lies in memory, whose loss is the mean over `words`
        words.

        Gives the sum of the loss in nats, and the norm of the mean's gradient before clipping. `step` counts from 0. A
        gradient that is not finite is not applied.
        """
        results = self.gradient(steps, step, 1 / max(1, words), resets)
        nats = sum(nats for nats, _ in results)
        norm = sum(self.call("reduce", counts=[rows for _, rows in results])) ** 0.5
        if norm < float("inf"):
            factor = clip / norm if clip and norm > clip else 1.0  # (8.3)
            self.call("apply", factor=factor, rate=rate, t=step + 1)
        return nats, norm

    def gradient(self, steps: int, step: int, scale: float, resets: Sequence[Sequence[int]]) -> list[tuple[float, int]]:
        """The loss of each worker's columns in nats, and the number of embedding rows that it leaves to be summed."""
        head = self.shard.head
        if head is None:
            return self.call("gradient", steps=steps, step=step, scale=scale, resets=resets)
        counts = self.call("read", steps=steps, step=step, resets=resets)
        for block in range(len(head.blocks(counts))):
            self.call("weigh", counts=counts, block=block, scale=scale)
        return self.call("learn", counts=counts, scale=scale)

    def send(self, worker: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
        assert worker.stdin is not None
        try:
            worker.stdin.write(json.dumps(message).encode() + b"\n")
            worker.stdin.flush()
        except OSError:
            raise self.lost(worker) from None

    def receive(self, worker: subprocess.Popen[bytes]) -> Any:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if not line:
            raise self.lost(worker)
        return json.loads(line)

    def lost(self, worker: subprocess.Popen[bytes]) -> TrainingError:
        return TrainingError(
            f"a worker process ended unexpectedly (status {worker.poll()})",
            "go on with --resume, or before the first checkpoint anew; with --threads 1 there are no workers",
        )


def worker_count(threads: int) -> int:
    """The number of workers: as asked for, or one for each core that this process may use, at most 8."""
    if threads:
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


@contextlib.contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """BLAS with `count` threads: one while a team works, so that they do not fight over the cores."""
    with threadpool_limits(count, "blas"):
        yield
