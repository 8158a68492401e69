"""Pictures by matplotlib, the optional extra `plot`: curves of runs, the flow of errors, states as a heat map, a map of
words.

Nothing here computes what it shows.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rnnlm.errors import ConfigError
from rnnlm.nn.arrays import Array
from rnnlm.report.flow import Flow
from rnnlm.report.inside import Step
from rnnlm.report.terminal import width
from rnnlm.store.files import writing

FONT = "RNNLM_FONT"  # the environment variable that names a font file
FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Noto Sans CJK JP", "Source Han Sans SC", "Source Han Sans CN",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Heiti TC",
    "Hiragino Sans GB", "Noto Serif CJK SC", "AR PL UMing CN", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


@contextmanager
def picture(path: Path, size: tuple[float, float], words: Sequence[str] = ()) -> Iterator[Any]:
    """An empty figure of so many inches, which is written to `path` in the end; `words` will be labels in it.

    Raises ConfigError where the path's ending names no kind of picture, or matplotlib or a font for the words is
    missing.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"{path} is no picture that can be written", "name a .png or .svg file")
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("plots need matplotlib", "pip install 'rnnlm-zh[plot]'") from None
    families = ["DejaVu Sans"]
    if any(width(word) > len(word) for word in words):  # wide characters: Chinese
        families.insert(0, chinese_font())
    # The font lists say "no weight normal, now using 500" of fonts that have one weight only: nothing is missing.
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with matplotlib.rc_context({"font.family": families, "axes.unicode_minus": False}), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a rare character stays an empty box
            figure = Figure(figsize=size, layout="constrained")
            yield figure
            with writing(path):
                figure.savefig(path, dpi=130)
    finally:
        log.setLevel(level)


def chinese_font() -> str:
    """The name of a font with Chinese characters: that of the file in $RNNLM_FONT, or a known one of this computer.

    Raises ConfigError where there is none.
    """
    from matplotlib import font_manager

    if own := os.environ.get(FONT):
        if not Path(own).is_file():
            raise ConfigError(f"there is no font file {own}", f"${FONT} should name a .ttf, .otf or .ttc file")
        font_manager.fontManager.addfont(own)
        return str(font_manager.FontProperties(fname=own).get_name())
    known = {font.name for font in font_manager.fontManager.ttflist}
    if found := next((name for name in FONTS if name in known), None):
        return found
    raise ConfigError(
        "no font with Chinese characters was found",
        f"install one (on Debian and Ubuntu: fonts-noto-cjk or fonts-wqy-zenhei), or name a font file in ${FONT}",
    )


CURVES = (  # kind and key of an entry of metrics.jsonl, title, is the axis logarithmic?
    ("train", "loss", "loss (nats a word); dashed: validation", False),
    ("valid", "perplexity", "validation perplexity", True),
    ("train", "rate", "learning rate", False),
    ("train", "norm", "gradient norm before clipping", True),
    ("train", "words_per_second", "words/s", False),
    ("valid", "bits_per_character", "validation bits per character", False),
    ("valid", "accuracy_at_1", "validation accuracy", False),
)


def curves(runs: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Loss, perplexity, rate, gradient norm and speed of one or several runs, over the seconds of training.

    `runs`: the entries of metrics.jsonl under each run's name. The loss of the validation text is dashed.
    """
    shown = [curve for curve in CURVES if any(points(entries, *curve[:2])[0] for entries in runs.values())]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    with picture(path, (4.4 * columns, 3.2 * rows + 0.4), list(runs)) as figure:
        axes = figure.subplots(rows, columns, squeeze=False)
        for axis in axes.flat[len(shown) :]:
            axis.set_visible(False)
        for axis, (kind, key, title, log) in zip(axes.flat, shown, strict=False):
            lines = []
            for number, entries in enumerate(runs.values()):
                style = f"C{number}o-" if kind == "valid" else f"C{number}-"
                lines += axis.plot(*points(entries, kind, key), style, markersize=3, linewidth=1.2)
                if key == "loss":
                    axis.plot(*points(entries, "valid", "valid_loss"), f"C{number}o--", markersize=3, linewidth=1)
            axis.set_title(title, fontsize=10)
            axis.set_xlabel("seconds", fontsize=8)
            axis.tick_params(labelsize=8, which="both")
            axis.grid(alpha=0.3)
            if log:
                plain_logarithm(axis)
        figure.legend(lines, list(runs), loc="outside lower center", ncols=min(4, len(runs)), fontsize=8)


def points(entries: Sequence[dict[str, Any]], kind: str, key: str) -> tuple[list[float], list[float]]:
    """The seconds and values of the entries of a kind that have the key."""
    own = [entry for entry in entries if entry["kind"] == kind and key in entry]
    return [entry["seconds"] for entry in own], [entry[key] for entry in own]


def plain_logarithm(axis: Any) -> None:
    """A logarithmic axis whose few labels are plain numbers: 300, not 3 x 10²."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(Plain())
    axis.yaxis.set_minor_formatter(Plain(minor_thresholds=(1.5, 0.5)))


def flows(found: dict[str, Flow], path: Path) -> None:
    """|δ| against the distance to the error, every layer of every network, with the bound of the simple network.

    A bound may leave the picture: the axis is chosen for what was measured.
    """
    lines = len(found) + sum(len(own.norms) for own in found.values())
    with picture(path, (8, 4.6 + 0.1 * lines), list(found)) as figure:
        axis = figure.subplots()
        measured = []
        for number, (name, own) in enumerate(found.items()):
            first = own.norms[-1][0] or 1.0
            for level, norms in enumerate(own.norms, 1):
                is_top = level == len(own.norms)
                axis.plot(
                    norms / first,
                    color=f"C{number}",
                    label=name if len(own.norms) == 1 else f"{name}, layer {level}",
                    linestyle="-" if is_top else ("--", "-.")[level % 2],
                    linewidth=1.8 if is_top else 1,
                )
                measured.append(norms / first)
            if own.bound is not None and own.beta_w is not None and own.beta_f is not None:
                label = f"{name}: bound ({own.beta_w:.2f} · {own.beta_f:.2f})^(t-k)"
                axis.plot(own.bound / first, color=f"C{number}", linestyle=":", label=label)
        values = np.concatenate(measured)
        seen = values[values > 0]
        if seen.size:
            axis.set_yscale("log")
            axis.set_ylim(seen.min() / 3, max(10.0, 30 * seen.max()))
        axis.set_xlabel("steps back from the error, t - k")
        axis.set_ylabel("|δ$_k$| / |δ$_t$|")
        axis.set_title("How far back an error is felt")
        axis.grid(alpha=0.3)
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)


def heat_map(steps: Sequence[Step], words: Sequence[str], path: Path) -> None:
    """The states of every layer over time: a column a word, a row a unit."""
    layers = len(steps[0].layers)
    longest = max(map(width, words))
    wide = min(40, max(5, (0.45 + 0.1 * min(longest, 6)) * len(steps)))
    with picture(path, (wide, 3.2 * layers), words) as figure:
        axes = figure.subplots(layers, 1, squeeze=False)
        for level, axis in enumerate(axes.flat):
            states = np.stack([step.layers[level].state for step in steps], axis=1)
            largest = max(1.0, float(np.abs(states).max()))  # ReLU has no limit of its own
            style = {"cmap": "RdBu", "vmin": -largest, "vmax": largest}
            image = axis.imshow(states, aspect="auto", interpolation="nearest", **style)
            axis.set_xticks(range(len(steps)), words, rotation=45 if longest > 6 else 0)
            axis.set_ylabel(f"units of layer {level + 1}")
            figure.colorbar(image, ax=axis, label="s$_t$")


def word_map(points: Array, words: Sequence[str], marked: Sequence[str], path: Path) -> None:
    """Words on the plane of two principal components, points (n, 2); the marked ones first, then in the given order,
    each where it covers no other: the rest are dots."""
    with picture(path, (11, 9), words) as figure:
        axis = figure.subplots()
        axis.scatter(points[:, 0], points[:, 1], s=4, color="0.75")
        figure.draw_without_rendering()  # now the places of the axes are known
        taken: list[Any] = []
        for at in sorted(range(len(words)), key=lambda at: words[at] not in marked):
            mark = words[at] in marked
            style = {"fontsize": 13, "color": "C3"} if mark else {"fontsize": 9, "color": "0.1"}
            label = axis.text(*points[at], words[at], ha="center", va="center", zorder=3 if mark else 2, **style)
            place = label.get_window_extent()
            if place.count_overlaps(taken) and not mark:
                label.remove()
            else:
                taken.append(place)
        axis.set_title("The most frequent words by their embedding: two principal components")
        axis.set_xlabel("first component")
        axis.set_ylabel("second component")
