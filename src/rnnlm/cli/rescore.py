"""`rnnlm rescore`: n-best lists in the order of a language model."""

from __future__ import annotations

import dataclasses
from itertools import chain
from typing import TYPE_CHECKING

import click

from rnnlm.cli.mixing import Mixing, load_mixed, mixing_options
from rnnlm.cli.options import Number, encoding_option, json_option, model_option
from rnnlm.cli.show import echo_json

if TYPE_CHECKING:
    from rnnlm.search.rescoring import Rescored

BOTH = 0.5  # the weight of the model against the older one, where nobody says


@click.command()
@click.argument("nbest", default="-", metavar="[NBEST]")
@model_option
@click.option(
    "--columns",
    metavar="NAME,...",
    help="What stands before the words: acoustic, lm, another name.  [default: acoustic, lm by tabs]",
)
@click.option(
    "--lm-scale", type=Number(), default=1.0, show_default=True, metavar="X", help="Scale of the language model."
)
@click.option(
    "--word-insertion", type=Number(), default=0.0, show_default=True, metavar="X", help="Added for each word."
)
@click.option("--best", is_flag=True, help="Only the best of each utterance.")
@json_option
@encoding_option
@mixing_options
def command(
    nbest: str, model: str | None, columns: str | None, lm_scale: float, word_insertion: float, best: bool,
    as_json: bool, encoding: str | None, mixing: Mixing,
) -> None:  # fmt: skip
    """Reorder the n-best lists in NBEST (or standard input), the best hypothesis of each utterance first.

    A line is an utterance's name, perhaps scores, and the words; the lines of an utterance stand together. The score is
    the acoustic one, plus --lm-scale times the log10 probability, plus --word-insertion for each word. Where lines
    have the lm score of an older model (log10), --lambda is the weight of the new one against it [default: 0.5].

    Columns: utterance, score, log10 probability, text.
    """
    from rnnlm.cli.reading import NAME_IT, lines_of_input, tell_encodings
    from rnnlm.search.rescoring import KNOWN, Weights, columns_of, read_nbest, rescore
    from rnnlm.text.reader import read_lines

    tell_encodings([nbest], encoding)
    lines = lines_of_input("hypotheses", NAME_IT) if nbest == "-" and not encoding else read_lines(nbest, encoding)
    first = next((line for line in lines if line.strip()), "")
    names = columns_of(first) if columns is None else tuple(name.strip().lower() for name in columns.split(","))
    if twice := [name for name in KNOWN if names.count(name) > 1]:
        raise click.UsageError(f"--columns names {twice[0]} twice")
    share = 1.0
    if "lm" in names:
        share = BOTH if mixing.share is None else mixing.share
        mixing = dataclasses.replace(mixing, share=None)
    loaded = load_mixed(model, mixing)
    hypotheses = read_nbest(chain([first], lines), names, "standard input" if nbest == "-" else nbest)
    weights = Weights(lm_scale, word_insertion, share)
    for ranked in rescore(loaded.left_to_right, loaded.coder, hypotheses, weights):
        for one in ranked[:1] if best else ranked:
            show(one, names, as_json)


def show(one: Rescored, names: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        echo_json({key: value for key, value in one.to_json().items() if key not in {"acoustic", "lm"} - set(names)})
    else:
        click.echo(f"{one.utterance}\t{one.score:.6g}\t{one.log10_probability:.6g}\t{one.text}")
