"""`rnnlm predict`: the most probable next words of a text, as a table or as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click

from rnnlm.cli.options import json_option, model_option
from rnnlm.cli.show import bar, echo_json, lines_of_input, remark, table, visible

BLANK = re.compile(r"_{3,}|＿{3,}")


@click.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@model_option
@click.option("--top", "-k", type=click.IntRange(1), default=10, show_default=True, help="How many words.")
@json_option
def command(texts: tuple[str, ...], model: str | None, top: int, as_json: bool) -> None:
    """Show the most probable next words behind TEXT.

    With - or no TEXT, each line of standard input is one. A blank ____ at the end is the word asked for.
    """
    from rnnlm.api import load

    loaded = load(model)
    for number, text in enumerate(all_texts(texts)):
        answer = predict(loaded, text, top)
        if as_json:
            echo_json(answer)
        else:
            show(loaded, text, answer, number > 0)


def all_texts(texts: tuple[str, ...]) -> Iterator[str]:
    """The texts of the command line; - and none stand for standard input."""
    for text in texts or ("-",):
        if text == "-":
            yield from lines_of_input("texts")
        else:
            yield text


def predict(model: Any, text: str, top: int) -> dict[str, Any]:
    """The answer for one text, as the command contract has it."""
    from rnnlm.errors import ModelError
    from rnnlm.search.predictions import best, read

    blanks = list(BLANK.finditer(text))
    before = text
    if blanks:
        before, after = text[: blanks[0].start()], text[blanks[0].end() :]
        if len(blanks) > 1 or any(c.isalnum() for c in after):
            raise ModelError(
                "this model reads from left to right: it can fill a blank only at the end of the text",
                "put the blank ____ behind the last word",
            )
    encoded = model.coder.encode(before)
    found, _ = read(model.lm, encoded.ids)
    words = model.coder.vocabulary.words
    predictions = [{"word": words[p.id], "probability": p.probability} for p in best(found, top)]
    return {
        "text": text,
        "tokens": [*encoded.words, "____"],
        "direction": "forward",
        "blanks": [{"position": len(encoded.words), "predictions": predictions}],
        "fills": [],
    }


def show(model: Any, text: str, answer: dict[str, Any], more: bool) -> None:
    """The answer as a table."""
    if more:
        click.echo()
    click.echo(f"{text.strip()} …")
    encoded = model.coder.encode(BLANK.split(text)[0])
    spelled = [word for word in dict.fromkeys(encoded.unknown)]
    if spelled:
        lost = {encoded.words[at] for at in encoded.oov}
        how = "read as <unk>" if any(set(word) & lost or word in lost for word in spelled) else "read by characters"
        remark(f"not in the vocabulary, {how}: {'、'.join(spelled)}")
    for blank in answer["blanks"]:
        best = max((p["probability"] for p in blank["predictions"]), default=1.0)
        rows = [
            [str(rank), visible(p["word"]), f"{p['probability']:.1%}", bar(p["probability"] / max(best, 1e-9))]
            for rank, p in enumerate(blank["predictions"], 1)
        ]
        click.echo(table(rows, right=(0, 2), indent="  "))
        if blank["predictions"] and blank["predictions"][0]["word"] == "</s>":
            remark("句末: the sentence most probably ends here")
