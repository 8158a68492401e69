"""One worker's share of a training step: some columns of the batch, a part of the parameters; it talks to nobody.

A step has these parts, between which all workers wait for each other:
    gradient   forward and backward over the own columns, into the own gradient vector
    reduce     the own part of all gradient vectors is summed
    apply      the own part of the parameters is stepped
Several workers with a full softmax divide its words (`divided_head`); then `gradient` is three parts of its own:
    read       forward over the own columns
    weigh      the own words of the head, for all columns
    learn      the gradient of the own words, and backward over the own columns
What no word of a window touches, rows of an embedding and clusters of an adaptive softmax, is neither summed nor
stepped: it keeps its value, its moments too, and its decay waits until it is touched again. Which clusters a window
touches, its targets tell, and every worker can read them all: so all know the same parts without asking each other.
The embedding's sparse gradient is merged and stepped by the first worker alone: it is 1 % of the work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlm.config import Train
from rnnlm.nn.arrays import Array, Ids, Parameters, scatter_rows
from rnnlm.nn.dropout import Masks
from rnnlm.nn.embedding import RowGradient
from rnnlm.nn.network import Network, NetworkTape
from rnnlm.nn.recurrent import Resets
from rnnlm.nn.softmax import Softmax
from rnnlm.nn.stack import StackState
from rnnlm.train.divided_head import DividedHead, head_layout
from rnnlm.train.memory import Layout, SharedMemory, piece
from rnnlm.train.optimizer import make_optimizer, pieces


def layout(network: Network, settings: Train, steps: int, workers: int) -> Layout:
    """The arrays that the workers share, for windows of `steps` time steps."""
    shapes = network.shapes()
    p = Parameters(shapes, flat=np.empty(sum(int(np.prod(shape)) for shape in shapes.values()), np.float32))
    size, dense, batch = p.flat.size, network.dense_size(p), settings.batch
    rows = steps * -(-batch // workers)
    arrays: Layout = {
        "parameters": ("f4", (size,)),
        "gradients": ("f4", (workers, dense)),
        "inputs": ("i4", (steps * batch,)),
        "targets": ("i4", (steps * batch,)),
        "rows": ("i4", (workers, 2 * rows)),  # a network that reads from both sides may touch more than `rows`
        "values": ("f4", (workers, 2 * rows, network.embedding)),
        "average": ("f4", (size if settings.average else 0,)),
    }
    for number in range(make_optimizer(settings).slots):
        arrays[f"slot.{number}"] = ("f4", (size,))
    for name, width in state_widths(network).items():
        arrays[name] = ("f4", (batch, width))
    if (head := divided(network, workers)) is not None:
        arrays |= head_layout(head, rows, workers)
    return arrays


def divided(network: Network, workers: int) -> Softmax | None:
    """The head, where its words are divided: a full softmax among several workers."""
    return network.head if workers > 1 and isinstance(network.head, Softmax) else None


def state_widths(network: Network) -> dict[str, int]:
    """`state.<layer>.<slot>` and its width, for the carried state of every layer."""
    return {
        f"state.{level}.{slot}": layer.hidden
        for level, layer in enumerate(network.stack.layers)
        for slot in layer.cell.slots
    }


@dataclass
class Window:
    """The own columns of a window."""

    inputs: Ids
    targets: Ids
    all_targets: Ids  # those of all columns
    tape: NetworkTape
    masks: Masks
    resets: Resets | None


class Shard:
    """Worker `index` of `workers`."""

    def __init__(self, network: Network, settings: Train, memory: SharedMemory, index: int, workers: int) -> None:
        self.network, self.settings, self.memory, self.index = network, settings, memory, index
        bounds = np.linspace(0, settings.batch, workers + 1).astype(int)
        self.columns = slice(int(bounds[index]), int(bounds[index + 1]))
        self.p = Parameters(network.shapes(), flat=memory["parameters"])
        self.dense = network.dense_size(self.p)
        dense = {name: shape for name, shape in self.p.shapes.items() if self.p.spans[name].stop <= self.dense}
        gradients = memory["gradients"]
        self.g = Parameters(dense, flat=gradients[index])
        self.optimizer = make_optimizer(settings)
        self.slots = [memory[f"slot.{number}"] for number in range(self.optimizer.slots)]
        self.workers = workers
        self.parts: list[slice] = []  # of the dense vector, to be summed and stepped in this step
        self.whole_part = piece(slice(0, self.p.flat.size), index, workers)
        self.tapes: dict[int, NetworkTape] = {}
        self.touched: tuple[Ids, Array] | None = None
        self.window: Window | None = None
        self.head: DividedHead | None = None
        self.head_part = slice(0, 0)  # of the dense vector, to be stepped, and nobody else's to sum
        if (head := divided(network, workers)) is not None:
            self.head = DividedHead(head, memory, index, workers)
            self.head_g = Parameters(dense, flat=gradients[0]).layer("head")
            span, width = self.p.spans["head.Wa"], head.hidden + 2
            own = self.head.own
            self.head_part = slice(span.start + own.start * width, span.start + own.stop * width)
            rest = [other for name, other in self.g.spans.items() if name != "head.Wa"]
            self.parts = [piece(other, index, workers) for other in joined(rest)]

    def gradient(self, steps: int, step: int, scale: float, resets: Sequence[Sequence[int]]) -> tuple[float, int]:
        """The loss of the own columns of a window of T = `steps`, in nats; gradient and carried state stay in memory.

        `step` seeds the dropout masks; the gradient is that of the loss times `scale`; `resets` holds (time, column)
        pairs. Gives the loss and the number of embedding rows.
        """
        w = self.open(steps, step, resets)
        nats, state, sparse = self.network.loss(
            self.p, self.g, w.inputs, w.targets, self.state(), w.tape, scale, w.masks, w.resets
        )
        self.divide(w.all_targets, w.targets)
        self.carry(state)
        return nats, self.lay_down(sparse)

    def read(self, steps: int, step: int, resets: Sequence[Sequence[int]]) -> int:
        """The forward pass of `gradient` for a divided head; gives the number of rows that the head is to read."""
        assert self.head is not None
        self.window = w = self.open(steps, step, resets)
        h, words, state = self.network.read(self.p, w.inputs, w.targets, self.state(), w.tape, w.masks, w.resets)
        self.carry(state)
        return self.head.put(h, words)

    def weigh(self, counts: Sequence[int], block: int, scale: float) -> None:
        """The own words of the head for one block of the rows, of which each worker has its number in `counts`."""
        assert self.head is not None
        self.head.weigh(self.p.layer("head"), self.head_g, counts, block, scale)

    def learn(self, counts: Sequence[int], scale: float) -> tuple[float, int]:
        """The rest of `gradient` for a divided head, with the same results."""
        assert self.head is not None and self.window is not None
        w, self.window = self.window, None
        nats, dh = self.head.finish(self.p.layer("head"), self.head_g, counts, scale)
        sparse = self.network.learn(self.p, self.g, dh, w.inputs, w.targets, w.tape, w.masks, w.resets)
        return nats, self.lay_down(sparse)

    def open(self, steps: int, step: int, resets: Sequence[Sequence[int]]) -> Window:
        """What the own columns of a window are computed from."""
        batch, columns = self.settings.batch, self.columns
        inputs = self.memory["inputs"][: steps * batch].reshape(steps, batch)
        targets = self.memory["targets"][: steps * batch].reshape(steps, batch)
        masks = self.network.masks(np.random.default_rng([self.settings.seed, step]), steps, batch).of_rows(columns)
        if steps not in self.tapes:  # windows differ only at the end of an epoch
            self.tapes = {steps: self.network.tape(steps, columns.stop - columns.start)}
        return Window(
            inputs[:, columns], targets[:, columns], targets, self.tapes[steps], masks,
            own_resets(resets, steps, columns),
        )  # fmt: skip

    def carry(self, state: StackState) -> None:
        """Leaves the state after the window to the next one."""
        for level, layer in enumerate(self.network.stack.layers):
            for slot, value in zip(layer.cell.slots, state[level], strict=True):
                self.memory[f"state.{level}.{slot}"][self.columns] = value

    def lay_down(self, sparse: RowGradient | None) -> int:
        """Leaves the embedding's gradient where all can read it; gives the number of its rows."""
        if sparse is None:
            return 0
        count = len(sparse.ids)
        self.memory["rows"][self.index, :count] = sparse.ids
        self.memory["values"][self.index, :count] = sparse.values
        return count

    def divide(self, window: Ids, targets: Ids) -> None:
        """Finds the own parts, given all targets of the window; zeros in what only targets of other columns touch."""
        untouched = self.network.untouched(window)
        for name in self.network.untouched(targets) - untouched:
            self.g[name][...] = 0
        spans = [span for name, span in self.g.spans.items() if name not in untouched]
        self.parts = [piece(span, self.index, self.workers) for span in joined(spans)]

    def state(self) -> StackState:
        """The carried state of the own columns."""
        return tuple(
            tuple(self.memory[f"state.{level}.{slot}"][self.columns].copy() for slot in layer.cell.slots)
            for level, layer in enumerate(self.network.stack.layers)
        )

    def reduce(self, counts: Sequence[int]) -> float:
        """Sums the own part of all gradient vectors into the first; gives the sum of its squares.

        `counts`: the number of embedding rows of every worker; the first worker sums those too. Where the embedding is
        the divided head's matrix, each worker adds those of its own words.
        """
        squares = 0.0
        if self.head is not None:
            if self.network.tied:
                for worker, count in enumerate(counts):
                    ids = self.memory["rows"][worker, :count]
                    here = (ids >= self.head.own.start) & (ids < self.head.own.stop)
                    values = self.memory["values"][worker, :count][here]
                    RowGradient(ids[here], values).add_to(self.head_g.Wa[:, : self.network.embedding])
            for near in pieces(self.head_part):
                own = self.memory["gradients"][0, near]
                squares += float(np.dot(own, own))
        for part in self.parts:
            for near in pieces(part):
                total, *others = self.memory["gradients"][:, near]
                for other in others:
                    total += other
                squares += float(np.dot(total, total))
        if self.index == 0 and any(counts) and not self.network.tied:
            ids = np.concatenate([self.memory["rows"][worker, :n] for worker, n in enumerate(counts)])
            values = np.concatenate([self.memory["values"][worker, :n] for worker, n in enumerate(counts)])
            self.touched = scatter_rows(ids, values)
            squares += float(np.vdot(self.touched[1], self.touched[1]))
        return squares

    def apply(self, factor: float, rate: float, t: int) -> None:
        """Steps the own part of the parameters along `factor` times the summed gradient."""
        for part in [*self.parts, self.head_part]:
            g = self.memory["gradients"][0, part]
            self.optimizer.step(self.p.flat[part], g, [slot[part] for slot in self.slots], rate, t, factor)
        if self.index == 0 and self.touched is not None:
            ids, values = self.touched
            self.touched = None
            tables = [array[self.dense :].reshape(-1, values.shape[1]) for array in (self.p.flat, *self.slots)]
            own = [table[ids] for table in tables]
            self.optimizer.step(
                own[0].reshape(-1), values.reshape(-1), [a.reshape(-1) for a in own[1:]], rate, t, factor
            )
            for table, changed in zip(tables, own, strict=True):
                table[ids] = changed

    def blend(self, keep: float) -> None:
        """Averages the own slice of the parameters: average := keep · average + (1 - keep) · parameters."""
        average, flat = self.memory["average"][self.whole_part], self.p.flat[self.whole_part]
        average *= keep
        average += (1 - keep) * flat

    def handle(self, message: dict[str, Any]) -> Any:
        """Calls the method that a message names."""
        return getattr(self, message.pop("do"))(**message)


def joined(spans: Sequence[slice]) -> list[slice]:
    """Rising spans, those that touch made one: few long passes over memory instead of many short ones."""
    found: list[slice] = []
    for span in spans:
        if found and found[-1].stop == span.start:
            found[-1] = slice(found[-1].start, span.stop)
        else:
            found.append(span)
    return found


def own_resets(resets: Sequence[Sequence[int]], steps: int, columns: slice) -> list[Ids | None] | None:
    """The (time, column) pairs of some columns, as the network reads them."""
    found: list[list[int]] = [[] for _ in range(steps)]
    for time, column in resets:
        if columns.start <= column < columns.stop:
            found[time].append(column - columns.start)
    return [np.array(some) if some else None for some in found] if any(found) else None


def settings_from(values: dict[str, Any]) -> Train:
    """The settings that were sent to a worker."""
    return Train(**{field.name: values[field.name] for field in dataclasses.fields(Train)})
