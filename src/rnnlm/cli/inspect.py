"""`rnnlm inspect`: the network from inside: forward pass, flow of gradients, gradient check, nearest words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnlm.cli.options import F, json_option, model_option
from rnnlm.cli.show import bar, echo_json, remark, table, visible

if TYPE_CHECKING:
    from rnnlm.api import Model
    from rnnlm.report.inside import Step


@click.group()
def command() -> None:
    """Look into a network: every formula of the derivation at work on your text."""


def plot_option(text: str) -> Callable[[F], F]:
    return click.option("--plot", metavar="FILE", help=text)


def words_of(model: Model, text: str) -> list[int]:
    """The ids of a text; words parted by blanks are taken as they are where the model knows them all."""
    parts = text.split()
    ids = model.coder.vocabulary.ids
    if len(parts) > 1 and all(part in ids for part in parts):
        return [ids[part] for part in parts]
    return model.coder.encode(text).ids


@command.command()
@click.argument("text")
@model_option
@click.option("--top", "-k", type=click.IntRange(1), default=3, show_default=True, help="Most probable words shown.")
@plot_option("A heat map of the states, as PNG or SVG.")
@json_option
def forward(text: str, model: str | None, top: int, plot: str | None, as_json: bool) -> None:
    """The forward pass over TEXT: embedding, U x, W s, net, gates, state, softmax, cross-entropy."""
    from rnnlm.api import load
    from rnnlm.report.inside import forward as run
    from rnnlm.report.inside import recurrent

    loaded = load(model)
    words = loaded.coder.vocabulary.words
    steps = run(recurrent(loaded.lm), words_of(loaded, text), top)
    for number, step in enumerate(steps):
        if as_json:
            echo_json(step_json(step, words))
        else:
            show_step(number, step, words)
    if not as_json:
        known = [step.cross_entropy for step in steps if step.cross_entropy is not None]
        if known:
            mean = sum(known) / len(known)
            remark(f"mean cross-entropy {mean:.3f} nats a word, perplexity {2.718281828**mean:.1f}")
    if plot:
        from rnnlm.report.plots import heat_map

        heat_map(steps, [visible(words[step.read]) for step in steps], Path(plot))
        remark(f"wrote {plot}")


def step_json(step: Step, words: list[str]) -> dict[str, Any]:
    """One time step as an object."""
    return {
        "word": words[step.read],
        "embedding_norm": step.embedding,
        "layers": [
            {
                "from_input": layer.from_input,
                "from_state": layer.from_state,
                "net": layer.net,
                "state_norm": layer.norm,
                "saturated": layer.saturated,
                "active": [{"unit": unit, "value": value} for unit, value in layer.active],
                "gates": {name: {"mean": mean, "saturated": full} for name, (mean, full) in layer.gates.items()},
                "state": [round(float(value), 6) for value in layer.state],
            }
            for layer in step.layers
        ],
        "top": [{"word": words[word], "probability": p} for word, p in step.top],
        "entropy": step.entropy,
        "came": None if step.came is None else words[step.came],
        "cross_entropy": step.cross_entropy,
    }


def show_step(number: int, step: Step, words: list[str]) -> None:
    """One time step as lines of a table."""
    name = "boundary </s>" if step.read == 0 else words[step.read]
    click.echo(f"t = {number}  {name}   |x| {step.embedding:.2f}")
    rows = []
    for level, layer in enumerate(step.layers, 1):
        active = " ".join(f"{unit}:{value:+.2f}" for unit, value in layer.active)
        rows.append(
            [f"layer {level}", f"|U x + b| {layer.from_input:.2f}", f"|W s| {layer.from_state:.2f}", f"|net| {layer.net:.2f}",
             f"|s| {layer.norm:.2f}", f"saturated {layer.saturated:.0%}", f"units {active}"]
        )  # fmt: skip
    click.echo(table(rows, indent="  "))
    for layer in step.layers:
        gates = [f"{gate} {mean:+.2f} ({full:.0%} saturated)" for gate, (mean, full) in layer.gates.items()]
        if gates:
            click.echo("    " + "   ".join(gates))
    best = "  ".join(f"{visible(words[word])} {p:.1%}" for word, p in step.top)
    line = f"  softmax: {best}   entropy {step.entropy:.2f}"
    if step.came is not None and step.cross_entropy is not None:
        line += f"   came {visible(words[step.came])}: cross-entropy {step.cross_entropy:.2f}"
    click.echo(line)


@command.command()
@click.argument("text")
@click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    metavar="RUN",
    help="A run; several are set side by side.  [default: the newest]",
)
@click.option("--compare", is_flag=True, help="Set untrained networks of the same size beside it: RNN, GRU, LSTM.")
@plot_option("|δ| against the distance, as PNG or SVG.")
@json_option
def gradients(text: str, models: tuple[str, ...], compare: bool, plot: str | None, as_json: bool) -> None:
    """How far back the error of TEXT's last word is felt: |δ| along time and depth, and the gradient of W as a sum."""
    from rnnlm.api import load
    from rnnlm.report.flow import flow
    from rnnlm.report.inside import recurrent

    found = {}
    for name in models or (None,):
        loaded = load(name)
        ids = words_of(loaded, text)
        found[loaded.name] = flow(recurrent(loaded.lm), ids)
        if compare:
            found |= {title: flow(other, ids) for title, other in untrained(recurrent(loaded.lm)).items()}
    for name, own in found.items():
        if as_json:
            echo_json(
                {
                    "model": name, "cell": own.cell, "norms": [list(map(float, norms)) for norms in own.norms],
                    "bound": None if own.bound is None else list(map(float, own.bound)),
                    "beta_w": own.beta_w, "beta_f": own.beta_f, "factor": own.factor, "verdict": own.verdict(),
                    "shares": list(map(float, own.shares)), "difference": own.difference,
                }
            )  # fmt: skip
            continue
        click.echo(f"{name} ({own.cell}): {own.verdict()}; |δ| changes by a factor of {own.factor:.3f} a step")
        if own.beta_w is not None and own.beta_f is not None:
            click.echo(f"  bound: (β_W β_f)^(t-k) with β_W = {own.beta_w:.3f}, β_f = {own.beta_f:.3f}")
        header = ["t - k", *(f"|δ| layer {level + 1}" for level in range(len(own.norms)))]
        header += (["bound"] if own.bound is not None else []) + ["share of dW", ""]
        rows = [header]
        for distance in range(len(own.shares)):
            row = [str(distance), *(f"{norms[distance]:.2e}" for norms in own.norms)]
            row += [f"{own.bound[distance]:.2e}"] if own.bound is not None else []
            rows.append([*row, f"{own.shares[distance]:.1%}", bar(own.norms[-1][distance] / max(own.norms[-1]), 12)])
        click.echo(table(rows, right=range(len(header) - 1), indent="  "))
        click.echo(f"  the steps' parts of the gradient of W sum to it: relative difference {own.difference:.1e}")
    if plot:
        from rnnlm.report.plots import flows

        flows(found, Path(plot))
        remark(f"wrote {plot}")


def untrained(model: Any) -> dict[str, Any]:
    """Fresh networks of the model's size, one of each cell."""
    import numpy as np

    from rnnlm.lm.recurrent import RecurrentModel
    from rnnlm.nn.arrays import Parameters
    from rnnlm.nn.network import Network

    own, found = model.network, {}
    hidden = own.stack.layers[-1].hidden
    for title, cell in (("untrained RNN", "tanh"), ("untrained GRU", "gru"), ("untrained LSTM", "lstm")):
        network = Network(own.words, own.embedding, hidden, len(own.stack.layers), cell)
        p = Parameters(network.shapes())
        network.initialise(p, np.random.default_rng(1), 0.08)
        found[title] = RecurrentModel(network, p)
    return found


@command.command()
@click.argument("text", default="我昨天去图书馆借了一本书。")
@model_option
@json_option
def check(text: str, model: str | None, as_json: bool) -> None:
    """Compare the gradient of every parameter with finite differences, on a float64 copy of the model."""
    from rnnlm.api import load
    from rnnlm.report.flow import check as run
    from rnnlm.report.inside import recurrent

    loaded = load(model)
    rows = [["parameter", "numbers", "|gradient|", "relative error", ""]]
    for found in run(recurrent(loaded.lm), words_of(loaded, text)):
        if as_json:
            echo_json({"parameter": found.name, "size": found.size, "norm": found.norm, "error": found.error})
        right = "right" if found.error < 1e-6 else "WRONG"
        rows.append([found.name, f"{found.size:,}", f"{found.norm:.3e}", f"{found.error:.1e}", right])
    if not as_json:
        click.echo(table(rows, right=(1, 2, 3)))


@command.command()
@click.argument("words", nargs=-1, required=True)
@model_option
@click.option("--top", "-k", type=click.IntRange(1), default=8, show_default=True, help="Neighbours of each word.")
@click.option("--frequent", type=click.IntRange(10), default=250, show_default=True, help="Words on the map.")
@plot_option("A map of the most frequent words, as PNG or SVG.")
@json_option
def words(words: tuple[str, ...], model: str | None, top: int, frequent: int, plot: str | None, as_json: bool) -> None:
    """The words nearest to WORDS by embedding and by output weights."""
    from rnnlm.api import load
    from rnnlm.errors import VocabularyError
    from rnnlm.report.inside import recurrent
    from rnnlm.report.neighbours import FIRST_WORD, flat_map, nearest, tables

    loaded = load(model)
    known = loaded.coder.vocabulary
    if strange := [word for word in words if word not in known]:
        raise VocabularyError(
            f"not in the vocabulary: {'、'.join(strange)}", "`rnnlm tokenize -m RUN TEXT` shows how it is spelled"
        )
    found = tables(recurrent(loaded.lm))
    for word in words:
        near = {name: nearest(rows, known.ids[word], top) for name, rows in found.items()}
        if as_json:
            echo_json({"word": word} | {
                name: [{"word": known.words[other], "cosine": cosine} for other, cosine in own] for name, own in near.items()
            })  # fmt: skip
            continue
        click.echo(word)
        for name, own in near.items():
            click.echo(
                f"  by {name}: " + "  ".join(f"{visible(known.words[other])} {cosine:.2f}" for other, cosine in own)
            )
    if plot:
        from rnnlm.report.plots import word_map

        chosen = list(range(FIRST_WORD, min(len(known), FIRST_WORD + frequent)))
        chosen += [known.ids[word] for word in words if known.ids[word] not in chosen]
        word_map(flat_map(found["embedding"][chosen]), [known.words[at] for at in chosen], words, Path(plot))
        remark(f"wrote {plot}")
