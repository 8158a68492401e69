"""The program of a worker process: reads orders, a line of JSON each, until there are no more; it decides nothing."""

from __future__ import annotations

import contextlib
import json
import os
import sys

import numpy as np

from rnnlm.lm.build import make_network
from rnnlm.train.memory import SharedMemory
from rnnlm.train.shard import Shard, settings_from


def main() -> None:
    """Serves one `Team`."""
    with contextlib.suppress(BrokenPipeError):  # nobody waits for the answer any more
        serve()


def serve() -> None:
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # nothing else may get between the answers
    order = json.loads(sys.stdin.buffer.readline())
    layout = {name: (kind, tuple(shape)) for name, (kind, shape) in order["layout"].items()}
    memory = SharedMemory(layout, order["path"])
    settings = settings_from(order["settings"])
    shard = Shard(make_network(order["network"]), settings, memory, order["index"], order["workers"])
    answers.write(b"true\n")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the norm of the gradient tells
        for line in sys.stdin.buffer:
            answers.write(json.dumps(shard.handle(json.loads(line))).encode() + b"\n")


if __name__ == "__main__":
    main()
