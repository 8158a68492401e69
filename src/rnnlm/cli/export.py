"""`rnnlm export`: a model in another form: an ARPA file that other toolkits read, or a run to hand on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnlm.cli.mixing import Mixing, load_mixed, mixing_options
from rnnlm.cli.options import model_option
from rnnlm.cli.show import remark

if TYPE_CHECKING:
    from rnnlm.api import Model

BLANK_SIGNS = "␣▁⎵␠"  # the first that is no word stands for the blank, which parts words in an ARPA file


@click.command()
@model_option
@click.option(
    "--format", "form", type=click.Choice(["arpa", "run"]), default="arpa", show_default=True, help="What is written."
)
@click.option("--out", "-o", required=True, metavar="PATH", help="Where; an ARPA file is packed if it ends in .gz.")
@mixing_options
def command(model: str | None, form: str, out: str, mixing: Mixing) -> None:
    """Write a model in another form.

    arpa: n-grams with their log10 probabilities as text, as KenLM and SRILM read them; for n-gram models. A blank that
    is a word of its own is written as ␣. The file does not cut text: who asks it gives words parted by blanks, as
    `rnnlm tokenize -m RUN` writes them.

    run: a folder with all that is needed to use the run and nothing that training needs; with --mix and --cache the
    mixture, its members inside, which --model takes like a run.
    """
    if form == "run":
        export_folder(model, mixing, Path(out))
        return
    if mixing.names or mixing.cache:
        raise click.UsageError("a mixture has no ARPA file: --format run writes a folder")
    export_arpa(load_mixed(model, mixing), Path(out))


def export_folder(model: str | None, mixing: Mixing, out: Path) -> None:
    """Writes a run, or a mixture with its members."""
    from rnnlm.lm.cache import Cached
    from rnnlm.lm.mixture import Mixture
    from rnnlm.store.export import export_mixture, export_run

    lm = load_mixed(model, mixing).lm  # says what does not fit together, before anything is written
    if not mixing.names and not mixing.cache:
        export_run(model, out)
        return
    cache = (lm.weight, lm.decay) if isinstance(lm, Cached) and mixing.cache else None
    inner = lm.model if isinstance(lm, Cached) and cache else lm
    weights = inner.weights.tolist() if isinstance(inner, Mixture) and mixing.names else [1.0]
    export_mixture([model, *mixing.names], weights, cache, out)


def export_arpa(model: Model, file: Path) -> None:
    """Writes the ARPA file of an n-gram model. Raises ModelError for another."""
    from rnnlm.errors import ModelError
    from rnnlm.lm.arpa import write_arpa
    from rnnlm.lm.ngram import NgramModel
    from rnnlm.store.files import new_file

    if not isinstance(model.lm, NgramModel):
        raise ModelError(
            f"{model.name} is no n-gram model: an ARPA file cannot hold it",
            "train one with `rnnlm train --config ngram`",
        )
    known = model.coder.vocabulary
    sign = next(sign for sign in BLANK_SIGNS if sign not in known)
    words = [sign if word == " " else word for word in known.words]
    with new_file(file) as work:
        write_arpa(model.lm, words, work)
    remark(f"{file}: {', '.join(f'{count:,}' for count in model.lm.counts)} n-grams of order 1 to {model.lm.order}")
    if model.coder.tokenizer.kind != "whitespace":
        remark("an ARPA file does not cut text: give it what this writes")
        remark(f"  rnnlm tokenize -m {shlex.quote(model.name)}")
