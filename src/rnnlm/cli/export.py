"""`rnnlm export`: a model in another form: an ARPA file that other toolkits read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnlm.cli.options import model_option
from rnnlm.cli.show import remark

if TYPE_CHECKING:
    from rnnlm.api import Model

BLANK_SIGN = "␣"  # stands for the blank, which parts words in an ARPA file


@click.command()
@model_option
@click.option(
    "--format", "form", type=click.Choice(["arpa"]), default="arpa", show_default=True, help="What is written."
)
@click.option("--out", "-o", required=True, metavar="FILE", help="The file; packed if its name ends in .gz.")
def command(model: str | None, form: str, out: str) -> None:
    """Write a model in another form.

    arpa: n-grams with their log10 probabilities as text, as KenLM and SRILM read them; for n-gram models. A blank that
    is a word of its own is written as ␣.
    """
    from rnnlm.api import load

    export_arpa(load(model), Path(out))


def export_arpa(model: Model, file: Path) -> None:
    """Writes the ARPA file of an n-gram model. Raises ModelError for another."""
    from rnnlm.errors import ModelError
    from rnnlm.lm.arpa import write_arpa
    from rnnlm.lm.ngram import NgramModel

    if not isinstance(model.lm, NgramModel):
        raise ModelError(
            f"{model.name} is no n-gram model: an ARPA file cannot hold it",
            "train one with `rnnlm train --config ngram`",
        )
    words = [BLANK_SIGN if word == " " else word for word in model.coder.vocabulary.words]
    write_arpa(model.lm, words, file)
    remark(f"{file}: {', '.join(f'{count:,}' for count in model.lm.counts)} n-grams of order 1 to {model.lm.order}")
