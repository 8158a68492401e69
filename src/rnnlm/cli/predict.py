"""`rnnlm predict`: the most probable next words of a text, or the words for its blanks, as a table or as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from rnnlm.cli.mixing import Mixing, load_mixed, mixing_options
from rnnlm.cli.options import json_option, model_option
from rnnlm.cli.reading import UNCUT, lines_of_input, uncut, unknown_words
from rnnlm.cli.show import bar, echo_json, remark, table, visible

if TYPE_CHECKING:
    from rnnlm.api import Model

BLANK = re.compile(r"[_＿]{3,}")
LOG10 = math.log(10)


@click.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@model_option
@click.option("--top", "-k", type=click.IntRange(1), default=10, show_default=True, help="How many words.")
@json_option
@mixing_options
def command(texts: tuple[str, ...], model: str | None, top: int, as_json: bool, mixing: Mixing) -> None:
    """Show the most probable words behind TEXT, or for each blank ____ in it.

    With - or no TEXT, each line of standard input is one. A run that reads both sides (`--config bidirectional`) fills
    a blank from what stands before and behind it; another run ranks words by the probability of the whole sentence, or
    where only marks stand behind a single blank, by that of the next word.
    """
    loaded, told = load_mixed(model, mixing), False
    for number, text in enumerate(all_texts(texts)):
        if not told and (told := uncut(loaded.coder, BLANK.split(text))):
            remark(UNCUT)
        answer = predict(loaded, text, top)
        if as_json:
            echo_json(answer)
        else:
            if number:
                click.echo()
            show(loaded, text, answer)


def all_texts(texts: tuple[str, ...]) -> Iterator[str]:
    """The texts of the command line; - and none stand for standard input."""
    for text in texts or ("-",):
        if text == "-":
            yield from lines_of_input("texts")
        else:
            yield text


def predict(model: Model, text: str, top: int) -> dict[str, Any]:
    """The answer for one text, as the command contract has it."""
    from rnnlm.lm.cloze import ClozeModel
    from rnnlm.search.blanks import Answer, fill_both_sides, fill_from_left
    from rnnlm.search.predictions import best, read

    pieces = [model.coder.encode(piece) for piece in BLANK.split(text)]
    if len(pieces) == 1:
        pieces.append(model.coder.encode(""))
        ended = False
    else:
        ended = True
    tokens, sentence = list(pieces[0].words), list[int | None](pieces[0].ids)
    places = []
    for piece in pieces[1:]:
        places.append(len(tokens))
        tokens += ["____", *piece.words]
        sentence += [None, *piece.ids]
    both = isinstance(model.lm, ClozeModel)
    if isinstance(model.lm, ClozeModel):
        answer = fill_both_sides(model.lm, sentence, top, ended)
    elif len(places) == 1 and only_marks(pieces[-1].words):
        found, _ = read(model.lm, pieces[0].ids)  # the next word, as if nothing stood behind it
        answer = Answer([best(found, top)], [])
    else:
        answer = fill_from_left(model.lm, sentence, top)
    words = model.coder.vocabulary.words
    return {
        "text": text,
        "tokens": tokens,
        "direction": "both" if both else "forward",
        "blanks": [
            {
                "position": place,
                "predictions": [{"word": words[p.id], "probability": p.probability} for p in predictions],
            }
            for place, predictions in zip(places, answer.blanks, strict=True)
        ],
        "fills": [{"words": [words[w] for w in fill.words], "score": fill.score / LOG10} for fill in answer.fills],
    }


def only_marks(words: Sequence[str]) -> bool:
    """Do no letters stand there, only marks or nothing?"""
    return not any(character.isalnum() for word in words for character in word)


def show(model: Model, text: str, answer: dict[str, Any]) -> None:
    """The answer as tables, one for each blank, and the best answers to several blanks at once."""
    click.echo(text.strip() + ("" if BLANK.search(text) else " …"))
    for remark_ in unknown_words(model.coder, BLANK.split(text)):
        remark(remark_)
    blanks = answer["blanks"]
    for number, blank in enumerate(blanks, 1):
        if len(blanks) > 1:
            click.echo(f"blank {number}")
        highest = max((p["probability"] for p in blank["predictions"]), default=1.0)
        rows = [
            [str(rank), visible(p["word"]), f"{p['probability']:.1%}", bar(p["probability"] / max(highest, 1e-9))]
            for rank, p in enumerate(blank["predictions"], 1)
        ]
        click.echo(table(rows, right=(0, 2), indent="  "))
        if blank["predictions"] and blank["predictions"][0]["word"] == "</s>":
            remark("句末: the sentence most probably ends here")
    if answer["fills"]:
        click.echo("all blanks together")
        rows = [
            [str(rank), " … ".join(map(visible, fill["words"])), f"{fill['score']:.2f}"]
            for rank, fill in enumerate(answer["fills"], 1)
        ]
        click.echo(table(rows, right=(0, 2), indent="  "))
    if answer["direction"] == "both":
        remark("read from both sides")
    elif BLANK.search(text) and (behind := answer["tokens"][blanks[0]["position"] + 1 :]):
        if len(blanks) == 1 and only_marks(behind):
            remark("read from left to right: the marks behind the blank were not read")
        else:
            remark("read from left to right, ranked by the probability of the whole sentence")
