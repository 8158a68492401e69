"""How the cost of training grows with H, V, B, T and depth: words/s and the share of the sgemm peak, table and picture.

    python benchmarks/cost.py [-o FILE.svg] [--turns N]

One LSTM layer of 256, V = 10,000, B = 20, T = 35 and SGD are the base; along each axis one number changes. Each point
is the median of some turns of a second; the large sgemm with two threads, to which it is compared, runs in between.
The adaptive output layer is the one that `choose_cuts` gives for words whose counts follow Zipf's law.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from machine import Contender
from setups import Setup

from rnnlm.nn.adaptive import choose_cuts

PROGRAM = str(Path(__file__).with_name("contenders.py"))
BASE = Setup("lstm", 1, 256, 10_000, 20, 35)
AXES: dict[str, tuple[str, Sequence[int]]] = {
    "hidden": ("hidden size H", (64, 128, 256, 512, 1024)),
    "words": ("vocabulary V", (1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)),
    "batch": ("batch B", (1, 2, 5, 10, 20, 40, 80, 128)),
    "steps": ("time steps T", (5, 10, 20, 35, 70, 100)),
    "layers": ("layers", (1, 2, 3, 4)),
}
TURN = 1.0  # seconds


@dataclass(frozen=True)
class Point:
    """Words/s of one setup, and the share of the machine's sgemm peak that its FLOPs make."""

    axis: str
    value: int
    adaptive: bool
    speed: float
    share: float


def cuts(words: int) -> tuple[int, ...]:
    """The cut-offs for a vocabulary whose k-th word is seen 1/k as often as the first."""
    counts = np.maximum(1, 1e7 / np.arange(1, words + 1)).astype(int)
    return choose_cuts(counts.tolist(), BASE.hidden)


def measure(axis: str, value: int, adaptive: bool, turns: int, sgemm: Contender) -> Point:
    setup = replace(BASE, **{axis: value})  # type: ignore[arg-type]
    if adaptive:
        setup = replace(setup, cuts=cuts(setup.words))
    with Contender(PROGRAM, "rnnlm", json.dumps(asdict(setup))) as contender:
        speeds, peaks = [], []
        for _ in range(turns):
            speeds.append(contender.turn(TURN))
            peaks.append(sgemm.turn(TURN)[1])
    speed = median(speeds)
    print(f"{setup}: {speed:.0f} words/s", file=sys.stderr)
    return Point(axis, value, adaptive, speed, speed * setup.flops / median(peaks))


def draw(points: list[Point], path: Path) -> None:
    """A column for each axis: words/s above (logarithmic), the share of the peak below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import NullLocator

    figure, panels = plt.subplots(2, len(AXES), figsize=(13, 5), sharex="col", sharey="row", layout="constrained")
    for (upper, lower), (axis, (title, values)) in zip(panels.T, AXES.items(), strict=True):
        for adaptive, style, color in ((False, "o-", "tab:blue"), (True, "s--", "tab:green")):
            own = [point for point in points if point.axis == axis and point.adaptive == adaptive]
            x = [point.value for point in own]
            label = "adaptive softmax" if adaptive else "full softmax"
            upper.plot(x, [point.speed for point in own], style, color=color, label=label)
            if not adaptive:
                lower.plot(x, [100 * point.share for point in own], "o-", color="tab:orange")
        upper.set(xscale="log", yscale="log")
        names = [f"{value // 1000}k" if value >= 1000 and axis == "words" else str(value) for value in values]
        lower.set_xticks(list(values), names, rotation=45, fontsize=9)
        lower.xaxis.set_minor_locator(NullLocator())
        lower.set(xlabel=title, ylim=(0, 100))
        for panel in (upper, lower):
            panel.grid(alpha=0.3)
        if axis == "words":
            upper.legend(fontsize=8)
    panels[0, 0].set_ylabel("words/s")
    panels[1, 0].set_ylabel("% of the sgemm peak")
    figure.align_xlabels()
    figure.suptitle(f"Training {BASE}: one number changed at a time, two cores", fontsize=10)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="draw the picture (.svg or .png)")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    points = []
    with Contender(PROGRAM, "sgemm", json.dumps(asdict(BASE))) as sgemm:
        for axis, (_, values) in AXES.items():
            for value in values:
                points.append(measure(axis, value, False, options.turns, sgemm))
                if axis == "words" and cuts(value):
                    points.append(measure(axis, value, True, options.turns, sgemm))
    print("| | words/s | of the sgemm peak | adaptive, words/s |\n|---|---:|---:|---:|")
    for point in points:
        if not point.adaptive:
            other = [p for p in points if p.adaptive and (p.axis, p.value) == (point.axis, point.value)]
            beside = f"{other[0].speed:,.0f}" if other else ""
            print(f"| {AXES[point.axis][0]} = {point.value:,} | {point.speed:,.0f} | {point.share:.0%} | {beside} |")
    speed = {point.value: point.speed for point in points if point.adaptive}
    print(f"\nadaptive: words/s at V = 200,000 are {speed[200_000] / speed[10_000]:.2f} of those at V = 10,000")
    if options.output:
        draw(points, options.output)


if __name__ == "__main__":
    main()
