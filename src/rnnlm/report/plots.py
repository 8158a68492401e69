"""Pictures by matplotlib, the optional extra `plot`: curves of runs, the flow of errors, states as a heat map, a map
of words.

Nothing here computes what it shows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnlm.errors import ConfigError
from rnnlm.nn.arrays import Array
from rnnlm.report.flow import Flow
from rnnlm.report.inside import Step
from rnnlm.store.files import writing

FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Hiragino Sans GB", "AR PL UMing CN",
    "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


def pyplot(chinese: bool = False) -> Any:
    """matplotlib ready to draw into files. Raises ConfigError where it, or for Chinese labels a font, is missing."""
    try:
        import matplotlib
    except ImportError:
        raise ConfigError("plots need matplotlib", "pip install 'rnnlm-zh[plot]'") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib import font_manager

    plt.rcParams["axes.unicode_minus"] = False
    if chinese:
        own = os.environ.get("RNNLM_FONT")
        if own and Path(own).is_file():
            font_manager.fontManager.addfont(own)
            plt.rcParams["font.family"] = font_manager.FontProperties(fname=own).get_name()
            return plt
        known = {font.name for font in font_manager.fontManager.ttflist}
        found = next((name for name in FONTS if name in known), None)
        if found is None:
            raise ConfigError(
                "no font with Chinese characters was found",
                "install one (on Debian and Ubuntu: fonts-noto-cjk or fonts-wqy-zenhei) or name a file in $RNNLM_FONT",
            )
        plt.rcParams["font.sans-serif"] = [found, "DejaVu Sans"]
    return plt


def save(figure: Any, path: Path) -> None:
    """Writes a picture, PNG or SVG by the name's ending."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"{path} is no picture that can be written", "name a .png or .svg file")
    with writing(path):
        figure.savefig(path, dpi=130, bbox_inches="tight")


CURVES = (
    ("train", "loss", "loss (nats a word)", False),
    ("valid", "perplexity", "validation perplexity", True),
    ("train", "rate", "learning rate", False),
    ("train", "norm", "gradient norm before clipping", True),
    ("train", "words_per_second", "words/s", False),
    ("valid", "bits_per_character", "validation bits per character", False),
)


def curves(runs: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Loss, perplexity, rate, gradient norm and speed of one or several runs, over the seconds of training."""
    plt = pyplot()
    figure, axes = plt.subplots(2, 3, figsize=(13, 7), constrained_layout=True)
    for axis, (kind, key, label, log) in zip(axes.flat, CURVES, strict=True):
        drawn = False
        for name, entries in runs.items():
            points = [(e["seconds"], e[key]) for e in entries if e["kind"] == kind and key in e]
            if points:
                x, y = zip(*points, strict=True)
                axis.plot(x, y, marker="o" if kind == "valid" else None, markersize=3, linewidth=1.2, label=name)
                drawn = True
        axis.set_title(label, fontsize=10)
        axis.set_xlabel("seconds")
        axis.grid(alpha=0.3)
        if log and drawn:
            axis.set_yscale("log")
    axes.flat[0].legend(fontsize=8)
    save(figure, path)
    plt.close(figure)


def flows(found: dict[str, Flow], path: Path) -> None:
    """|δ| against the distance to the error, every layer of every network, with the bound of the simple network."""
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(8, 5), constrained_layout=True)
    for number, (name, own) in enumerate(found.items()):
        colour = f"C{number}"
        for level, norms in enumerate(own.norms):
            top = level == len(own.norms) - 1
            label = f"{name}, layer {level + 1}" if len(own.norms) > 1 else name
            axis.plot(
                norms / own.norms[-1][0],
                color=colour,
                label=label,
                linewidth=1.8 if top else 0.9,
                alpha=1 if top else 0.6,
            )
        if own.bound is not None:
            axis.plot(own.bound / own.norms[-1][0], color=colour, linestyle=":", label=f"{name}: bound")
    axis.set_yscale("log")
    axis.set_xlabel("steps back from the error, t - k")
    axis.set_ylabel("|δ_k| / |δ_t|")
    axis.set_title("How far back an error is felt")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    save(figure, path)
    plt.close(figure)


def heat_map(steps: Sequence[Step], words: Sequence[str], path: Path) -> None:
    """The states of every layer over time: a column a word, a row a unit."""
    plt = pyplot(chinese=True)
    layers = len(steps[0].layers)
    figure, axes = plt.subplots(
        layers, 1, figsize=(max(5, 0.7 * len(steps)), 3.2 * layers), squeeze=False, constrained_layout=True
    )
    for level, axis in enumerate(axes.flat):
        states = np.stack([step.layers[level].state for step in steps], axis=1)
        picture = axis.imshow(states, aspect="auto", cmap="RdBu", vmin=-1, vmax=1, interpolation="nearest")
        axis.set_xticks(range(len(steps)), words)
        axis.set_ylabel(f"units of layer {level + 1}")
        figure.colorbar(picture, ax=axis)
    save(figure, path)
    plt.close(figure)


def word_map(points: Array, words: Sequence[str], marked: Sequence[str], path: Path) -> None:
    """Words on the plane of two principal components."""
    plt = pyplot(chinese=True)
    figure, axis = plt.subplots(figsize=(11, 9), constrained_layout=True)
    axis.scatter(points[:, 0], points[:, 1], s=2, color="0.7")
    for (x, y), word in zip(points, words, strict=True):
        mark = word in marked
        axis.annotate(word, (x, y), fontsize=11 if mark else 7, color="C3" if mark else "0.15")
    axis.set_title("The most frequent words by their embedding (PCA)")
    save(figure, path)
    plt.close(figure)
