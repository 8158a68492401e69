"""`rnnlm inspect`: the network from inside: forward pass, flow of gradients, gradient check, nearest words."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnlm.cli.options import F, json_option, model_option
from rnnlm.cli.show import bar, echo_json, remark, table, visible

if TYPE_CHECKING:
    from rnnlm.api import Model
    from rnnlm.report.flow import Flow
    from rnnlm.report.inside import Step


@click.group()
def command() -> None:
    """Look into a network: every formula of the derivation at work on your text."""


def plot_option(text: str) -> Callable[[F], F]:
    return click.option("--plot", metavar="FILE", help=text)


def words_of(model: Model, text: str) -> list[int]:
    """The ids of a text; words parted by blanks are taken as they are, and only what the model lacks is cut further."""
    coder = model.coder
    parts = coder.tokenizer.normalise(text).split()
    if len(parts) < 2:
        return coder.encode(text).ids
    cut = [word for part in parts for word in ([part] if part in coder.vocabulary else coder.tokenizer.cut(part))]
    return coder.encode(text, cut).ids


def percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else "100%"


@command.command()
@click.argument("text")
@model_option
@click.option("--top", "-k", type=click.IntRange(1), default=5, show_default=True, help="Most probable words shown.")
@plot_option("A heat map of the states, as PNG or SVG.")
@json_option
def forward(text: str, model: str | None, top: int, plot: str | None, as_json: bool) -> None:
    """The forward pass over TEXT, word by word.

    The embedding x; in each layer U x + b, W s and their sum net; the gates (i f g o of an LSTM, r u n of a GRU: mean,
    and share of saturated units); the state s (number and value of its largest units); the softmax with its entropy;
    the cross-entropy of the word that came, in nats. |v| is the length of a vector.
    """
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
            click.echo(f"t = {number}  {words[step.read]}")
            click.echo(table(step_rows(step, words), indent="  "))
    came = [step.cross_entropy for step in steps if step.cross_entropy is not None]
    if came and not as_json:
        mean = sum(came) / len(came)
        click.echo(f"mean cross-entropy {mean:.3f} nats a word, perplexity {math.exp(mean):.1f}")
    if plot:
        from rnnlm.report.plots import heat_map

        heat_map(steps, [words[step.read] for step in steps], Path(plot))
        remark(f"wrote {plot}")


def step_json(step: Step, words: list[str]) -> dict[str, Any]:
    """One time step as an object."""
    layers = [
        {
            "from_input": layer.from_input,
            "from_state": layer.from_state,
            "net": layer.net,
            "gates": {name: {"mean": gate.mean, "saturated": gate.saturated} for name, gate in layer.gates.items()},
            "saturated": layer.saturated,
            "state_norm": layer.norm,
            "active": [{"unit": unit, "value": value} for unit, value in layer.active()],
            "state": layer.state.tolist(),
        }
        | ({} if layer.cell is None else {"cell": layer.cell.tolist()})
        for layer in step.layers
    ]
    return {
        "word": words[step.read],
        "embedding_norm": step.embedding,
        "layers": layers,
        "top": [{"word": words[word], "probability": p} for word, p in step.top],
        "entropy": step.entropy,
        "came": None if step.came is None else words[step.came],
        "cross_entropy": step.cross_entropy,
    }


def step_rows(step: Step, words: list[str]) -> list[list[str]]:
    """One time step as rows of a table."""
    rows = [["embedding", f"|x| {step.embedding:.2f}"]]
    for level, layer in enumerate(step.layers, 1):
        parts = f"|U x + b| {layer.from_input:.2f}  |W s| {layer.from_state:.2f}  |net| {layer.net:.2f}"
        rows.append([f"layer {level}", parts])
        gates = [f"{name} {gate.mean:+.2f} ({gate.saturated:.0%})" for name, gate in layer.gates.items()]
        if gates:
            rows.append(["", "  ".join(gates)])
        units = " ".join(f"{unit}:{value:+.2f}" for unit, value in layer.active())
        rows.append(["", f"|s| {layer.norm:.2f}  saturated {layer.saturated:.0%}  units {units}"])
    best = "  ".join(f"{visible(words[word])} {percent(p)}" for word, p in step.top)
    rows.append(["softmax", f"{best}  entropy {step.entropy:.2f}"])
    if step.came is not None and step.cross_entropy is not None:
        probability = percent(math.exp(-step.cross_entropy))
        rows.append(["came", f"{visible(words[step.came])} {probability}  cross-entropy {step.cross_entropy:.2f}"])
    return rows


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
@click.option("--compare", is_flag=True, help="Set networks of its size that have learnt nothing beside it.")
@plot_option("|δ| against the distance, as PNG or SVG.")
@json_option
def gradients(text: str, models: tuple[str, ...], compare: bool, plot: str | None, as_json: bool) -> None:
    """How far back the error of TEXT's last word is felt.

    |δ_k| of every layer at every step k before it, with the bound |δ_t| (β_W β_f)^(t-k) of the simple network; and the
    gradient of the top layer's W as the sum of its steps. --compare: RNN, GRU and LSTM with random weights.
    """
    from rnnlm.api import load
    from rnnlm.report.flow import flow, untrained
    from rnnlm.report.inside import recurrent

    found, read = {}, {}
    for name in models or (None,):
        loaded = load(name)
        network, ids = recurrent(loaded.lm), words_of(loaded, text)
        own = flow(network, ids)
        title = f"{loaded.name} ({own.cell})"
        found[title] = own
        read[title] = [loaded.coder.vocabulary.words[word] for word in [0, *ids[:-1]]]
        if compare and name == (models or (None,))[-1]:
            for other, fresh in untrained(network).items():
                found[other], read[other] = flow(fresh, ids), read[title]
    for name, own in found.items():
        if as_json:
            echo_json(flow_json(name, own, read[name]))
        else:
            show_flow(name, own, read[name])
    if plot:
        from rnnlm.report.plots import flows

        flows(found, Path(plot))
        remark(f"wrote {plot}")


def flow_json(name: str, own: Flow, read: list[str]) -> dict[str, Any]:
    """One network's flow as an object; lists begin at the error and go back."""
    return {
        "model": name,
        "cell": own.cell,
        "words": read[::-1],
        "norms": [norms.tolist() for norms in own.norms],
        "bound": None if own.bound is None else own.bound.tolist(),
        "beta_w": own.beta_w,
        "beta_f": own.beta_f,
        "factor": own.factor,
        "verdict": own.verdict(),
        "verdicts": own.verdicts(),
        "shares": own.shares.tolist(),
        "difference": own.difference,
    }


def show_flow(name: str, own: Flow, read: list[str]) -> None:
    """One network's flow as a table, a row a step."""
    click.echo(f"{name}: {own.verdict()}")
    kinds = [verdict.partition(":")[0] for verdict in own.verdicts()]
    if len(set(kinds)) > 1:
        for level, what in enumerate(kinds, 1):
            click.echo(f"  layer {level}: {what}")
    where = " of the top layer" * (len(own.norms) > 1)
    click.echo(f"  a step back multiplies |δ|{where} by {own.factor:.3f}, on the whole")
    if own.beta_w is not None and own.beta_f is not None:
        click.echo(f"  bound: a step back multiplies it by β_W β_f = {own.beta_w:.3f} x {own.beta_f:.3f} at most")
    header = ["t - k", "read", *(f"|δ| layer {level}" for level, _ in enumerate(own.norms, 1))]
    header += ["bound"] * (own.bound is not None) + ["share of dW", ""]
    rows = [header]
    for back, word in enumerate(reversed(read)):
        row = [str(back), word, *(f"{norms[back]:.2e}" for norms in own.norms)]
        row += [f"{own.bound[back]:.2e}"] if own.bound is not None else []
        rows.append([*row, f"{own.shares[back]:.1%}", bar(own.norms[-1][back] / (max(own.norms[-1]) or 1), 12)])
    click.echo(table(rows, right={0, *range(2, len(header) - 1)}, indent="  "))
    click.echo(f"  the steps' parts of dW sum to dW: relative difference {own.difference:.1e}")


@command.command()
@click.argument("text", default="我昨天去图书馆借了一本书。")
@model_option
@json_option
def check(text: str, model: str | None, as_json: bool) -> None:
    """Compare every parameter's gradient with finite differences.

    On TEXT (there is a default), with a float64 copy of the model. Exit status 1 where one is wrong.
    """
    from rnnlm.api import load
    from rnnlm.errors import ModelError
    from rnnlm.report.gradient_check import check as run
    from rnnlm.report.inside import recurrent

    loaded = load(model)
    found = run(recurrent(loaded.lm), words_of(loaded, text))
    rows = [["parameter", "numbers", "|gradient|", "relative error", ""]]
    for one in found:
        if as_json:
            values = {"parameter": one.name, "size": one.size, "norm": one.norm, "error": one.error}
            echo_json(values | {"right": one.right})
        verdict = "right" if one.right else "WRONG"
        rows.append([one.name, f"{one.size:,}", f"{one.norm:.3e}", f"{one.error:.1e}", verdict])
    if not as_json:
        click.echo(table(rows, right=(1, 2, 3)))
    if wrong := [one.name for one in found if not one.right]:
        raise ModelError(f"the gradient of {', '.join(wrong)} is not that of the loss", "this is an error in the code")


@command.command()
@click.argument("words", nargs=-1, required=True)
@model_option
@click.option("--top", "-k", type=click.IntRange(1), default=6, show_default=True, help="Neighbours of each word.")
@click.option("--frequent", type=click.IntRange(10), default=300, show_default=True, help="Words on the map.")
@plot_option("A map of the most frequent words, as PNG or SVG.")
@json_option
def words(words: tuple[str, ...], model: str | None, top: int, frequent: int, plot: str | None, as_json: bool) -> None:
    """The words nearest to WORDS, by embedding and by output weights.

    Near is a large cosine of two words' rows. A model with tied weights has one matrix for both.
    """
    from rnnlm.api import load
    from rnnlm.errors import VocabularyError
    from rnnlm.report.inside import recurrent
    from rnnlm.report.neighbours import FIRST_WORD, flat_map, nearest, tables

    loaded = load(model)
    found, known = tables(recurrent(loaded.lm)), loaded.coder.vocabulary
    words = tuple(word if word in known else loaded.coder.tokenizer.normalise(word) for word in words)
    if strange := [word for word in words if word not in known]:
        raise VocabularyError(
            f"not in the vocabulary: {'、'.join(strange)}", "`rnnlm tokenize -m RUN TEXT` shows how it is spelled"
        )
    for word in words:
        near = {name: nearest(rows, known.ids[word], top) for name, rows in found.items()}
        if as_json:
            lists = {
                name: [{"word": known.words[other], "cosine": cosine} for other, cosine in own]
                for name, own in near.items()
            }
            echo_json({"word": word} | lists)
            continue
        click.echo(word)
        rows = [
            [name, "  ".join(f"{visible(known.words[other])} {cosine:.2f}" for other, cosine in own)]
            for name, own in near.items()
        ]
        click.echo(table(rows, indent="  "))
    if plot:
        from rnnlm.report.plots import word_map

        chosen = list(range(FIRST_WORD, min(len(known), FIRST_WORD + frequent)))
        chosen += [known.ids[word] for word in words if known.ids[word] not in chosen]
        word_map(flat_map(found["embedding"][chosen]), [known.words[at] for at in chosen], words, Path(plot))
        remark(f"wrote {plot}")
