"""`rnnlm evaluate`: the figures of one or several models on a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rnnlm.cli.mixing import Mixing, dynamic_options, load_mixed, mixing_options
from rnnlm.cli.options import encoding_option, json_option
from rnnlm.cli.reading import UNCUT, tell_encodings, uncut
from rnnlm.cli.show import echo_json, remark, table

if TYPE_CHECKING:
    from rnnlm.api import Model

WATCHED = 100_000  # tokens of a text that are looked at for whether it is cut


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    metavar="RUN",
    help="A run; several are measured side by side.  [default: the newest]",
)
@click.option(
    "--carry/--no-carry",
    default=True,
    help="Carry the state from sentence to sentence of a document.  [default: carry]",
)
@click.option(
    "--items",
    metavar="FILE",
    help="Items with a word left out, instead of a text: JSON lines of before, after, answer, candidates.",
)
@encoding_option
@json_option
@dynamic_options
@mixing_options
def command(
    files: tuple[str, ...], models: tuple[str, ...], carry: bool, items: str | None, encoding: str | None,
    as_json: bool, mixing: Mixing,
) -> None:  # fmt: skip
    """Measure how well models predict FILES.  [default: the test part of the bundled corpus]

    A model that reads both sides has no perplexity: it gets accuracy over all word positions.
    """
    if mixing.names and len(models) > 1:
        raise click.UsageError("--mix goes with one --model: what is mixed with which?")
    if mixing.dynamic and items:
        raise click.UsageError("--dynamic goes with a text, not with --items")
    if files and items:
        raise click.UsageError("--items stands in the place of FILES: name one of them")
    from rnnlm.text.reader import is_pipe

    if any(map(is_pipe, files)) and len(models) > 1:
        raise click.UsageError("a pipe is read once: name one --model with it, or write it into a file")
    if not files and not items:
        from rnnlm.share import shared_folder

        files = (str(shared_folder("data") / "test.txt"),)
        remark("no file named: the test part of the bundled corpus")
    tell_encodings([*files, *filter(None, [items])], encoding)
    answers = []
    for name in models or (None,):
        model = load_mixed(name, mixing, carry)
        if items:
            answer = measure_items(model, items, encoding)
        else:
            answer = measure(model, files, carry, encoding, mixing.dynamic)
        if as_json:
            echo_json(answer)
        answers.append((answer, len(model.coder.vocabulary)))
    if not as_json:
        show(answers)


def measure(model: Model, files: tuple[str, ...], carry: bool, encoding: str | None, in_order: bool) -> dict[str, Any]:
    """The figures of one model on a text; `in_order` for a model that learns while it reads."""
    from rnnlm.lm.cloze import ClozeModel
    from rnnlm.text.corpus import encode_stream
    from rnnlm.text.streams import cut_files
    from rnnlm.train.evaluate import evaluate
    from rnnlm.train.evaluate_cloze import evaluate_cloze
    from rnnlm.train.mixing import evaluate_in_order
    from rnnlm.train.prepare import sentences

    stream = cut_files(files, model.coder.tokenizer, encoding)[0]
    if uncut(model.coder, map(" ".join, sentences(stream, WATCHED))):
        remark(UNCUT)
    corpus = encode_stream(stream, model.coder)
    if isinstance(model.lm, ClozeModel):
        return {"model": model.name, **evaluate_cloze(model.lm, corpus, carry).to_json()}
    found = evaluate_in_order(model.lm, corpus, carry) if in_order else evaluate(model.lm, corpus, carry)
    return {"model": model.name, **found.to_json()}


def measure_items(model: Model, file: str, encoding: str | None) -> dict[str, Any]:
    """The share of items that one model answers right."""
    from rnnlm.search.items import read_items, right
    from rnnlm.text.reader import read_lines

    items = read_items(read_lines(file, encoding), file)
    share = sum(right(model.lm, model.coder, item) for item in items) / len(items)
    return {"model": model.name, "items": len(items), "accuracy": share}


FIGURES = (
    ("sentences", "sentences", "{:,}"),
    ("tokens", "tokens", "{:,}"),
    ("OOV tokens", "oov", "{:,}"),
    ("characters", "characters", "{:,}"),
    ("perplexity per token", "perplexity", "{:.2f}"),
    ("… without OOV", "perplexity_without_oov", "{:.2f}"),
    ("perplexity per character", "character_perplexity", "{:.2f}"),
    ("bits per character", "bits_per_character", "{:.4f}"),
    ("word positions", "positions", "{:,}"),
    ("right at once", "accuracy_at_1", "{:.2%}"),
    ("among the first five", "accuracy_at_5", "{:.2%}"),
    ("mean reciprocal rank", "mean_reciprocal_rank", "{:.4f}"),
    ("items", "items", "{:,}"),
    ("answered right", "accuracy", "{:.2%}"),
)


def show(answers: list[tuple[dict[str, Any], int]]) -> None:
    """The figures of the models, a column each."""
    lines = [["model", *(answer["model"] for answer, _ in answers)]]
    lines.append(["vocabulary", *(f"{size:,} words" for _, size in answers)])
    for label, key, form in FIGURES:
        if any(key in answer for answer, _ in answers):
            lines.append([label, *(form.format(answer[key]) if key in answer else "-" for answer, _ in answers)])
        if key == "oov" and key in answers[0][0]:
            lines.append(
                ["OOV rate", *(f"{a['oov'] / max(1, a['tokens']):.2%}" if key in a else "-" for a, _ in answers)]
            )
    if any("carried_state" in answer for answer, _ in answers):
        told = {True: "carried along a document", False: "begun anew each sentence", None: "-"}
        lines.append(["state", *(told[answer.get("carried_state")] for answer, _ in answers)])
    click.echo(table(lines))
    if any("bits_per_character" in answer for answer, _ in answers):
        remark("Bits per character compare models with different words: an upper bound for a")
        remark("word model (other cuts of the text have probability too), a lower one in so far")
        remark("as <unk> hides characters.")
