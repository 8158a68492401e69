"""The models and data shapes that training is timed on; it runs nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setup:
    """`layers` layers of H = D = `hidden` units of a `cell`, V = `words`, windows of T = `steps` by B = `batch`.

    `cuts` asks for the adaptive softmax with these cut-offs.
    """

    cell: str
    layers: int
    hidden: int
    words: int
    batch: int
    steps: int
    cuts: tuple[int, ...] = ()

    def __str__(self) -> str:
        name = self.cell if self.cell == "tanh" else self.cell.upper()
        head = ", adaptive" if self.cuts else ""
        return f"{name} {self.layers}x{self.hidden}, V {self.words // 1000}k{head}, B {self.batch}, T {self.steps}"

    @property
    def recurrent_weights(self) -> int:
        gates = {"tanh": 1, "gru": 3, "lstm": 4}[self.cell]
        return self.layers * gates * 2 * self.hidden**2

    @property
    def flops(self) -> int:
        """Of a training step, a word: each weight is multiplied and added once forward, and twice as often backward.

        An adaptive output layer is counted like a full one: what it saves shows as speed.
        """
        return 6 * (self.recurrent_weights + self.words * self.hidden)


SETUPS = {
    "a": Setup("lstm", 2, 200, 10_000, 20, 20),
    "a'": Setup("lstm", 2, 200, 10_000, 64, 35),
    "b": Setup("lstm", 2, 650, 10_000, 20, 35),
    "c": Setup("tanh", 1, 200, 10_000, 20, 35),
    "d": Setup("lstm", 1, 256, 100_000, 20, 35),
    "e": Setup("gru", 2, 200, 10_000, 20, 20),
    "f": Setup("lstm", 1, 256, 100_000, 20, 35, (4_000, 20_000)),
}
