"""`rnnlm evaluate`: the figures of one or several models on a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rnnlm.cli.options import encoding_option, json_option
from rnnlm.cli.show import echo_json, remark, table


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option("--model", "-m", "models", multiple=True, metavar="RUN", help="A run; several are measured side by side.  [default: the newest]")
@click.option("--carry/--no-carry", default=True, help="Carry the state from sentence to sentence of a document.  [default: carry]")
@encoding_option
@json_option
def command(files: tuple[str, ...], models: tuple[str, ...], carry: bool, encoding: str | None, as_json: bool) -> None:
    """Measure how well models predict FILES.  [default: the test part of the bundled corpus]"""
    from rnnlm.api import load
    from rnnlm.share import shared_folder
    from rnnlm.text.corpus import encode_stream
    from rnnlm.text.streams import cut_files
    from rnnlm.train.evaluate import evaluate

    paths: list[str | Path] = list(files) or [shared_folder("data") / "test.txt"]
    if not files:
        remark("no file named: the test part of the bundled corpus")
    rows = []
    for name in models or (None,):
        loaded = load(name)
        stream = cut_files(paths, loaded.coder.tokenizer, encoding)[0]
        corpus = encode_stream(stream, loaded.coder.vocabulary, loaded.coder.oov)
        metrics = evaluate(loaded.lm, corpus, carry)
        answer = {"model": loaded.name, **metrics.to_json()}
        if as_json:
            echo_json(answer)
        rows.append((answer, len(loaded.coder.vocabulary)))
    if not as_json:
        show(rows)


def show(rows: list[tuple[dict[str, Any], int]]) -> None:
    """The figures of the models, a column each."""
    answers = [answer for answer, _ in rows]
    lines = [["model", *(answer["model"] for answer in answers)]]
    lines.append(["vocabulary", *(f"{size:,} words" for _, size in rows)])
    for label, key, form in (
        ("sentences", "sentences", "{:,}"),
        ("tokens", "tokens", "{:,}"),
        ("characters", "characters", "{:,}"),
        ("perplexity per token", "perplexity", "{:.2f}"),
        ("… without OOV", "perplexity_without_oov", "{:.2f}"),
        ("perplexity per character", "character_perplexity", "{:.2f}"),
        ("bits per character", "bits_per_character", "{:.4f}"),
    ):
        lines.append([label, *(form.format(answer[key]) for answer in answers)])
    lines.insert(5, ["OOV tokens", *(f"{a['oov']:,} ({a['oov'] / max(1, a['tokens']):.2%})" for a in answers)])
    carried = ["carried along a document" if a["carried_state"] else "begun anew each sentence" for a in answers]
    lines.append(["state", *carried])
    click.echo(table(lines))
    remark("Bits per character compare models with different words: an upper bound for a word model (other cuts of the text")
    remark("have probability too), a lower one in so far as <unk> hides characters.")
