"""`rnnlm score`: a probability for each line of a text, each line for itself."""

from __future__ import annotations

import click

from rnnlm.cli.options import encoding_option, json_option, model_option
from rnnlm.cli.show import echo_json


@click.command()
@click.argument("file", default="-", metavar="[FILE]")
@model_option
@click.option(
    "--level", type=click.Choice(["sentence"]), default="sentence", show_default=True, help="What gets a score."
)
@click.option(
    "--format", "form", type=click.Choice(["tsv", "json"]), default="tsv", show_default=True, help="How it is written."
)
@json_option
@encoding_option
def command(file: str, model: str | None, level: str, form: str, as_json: bool, encoding: str | None) -> None:
    """Give each line of FILE (or of standard input) its log10 probability.

    Columns: log10 probability, tokens, tokens out of the vocabulary, characters, text. One line out for each line in.
    """
    from rnnlm.api import load
    from rnnlm.cli.show import lines_of_input
    from rnnlm.search.scoring import score_lines
    from rnnlm.text.reader import read_lines

    loaded = load(model)
    lines = lines_of_input("sentences") if file == "-" and not encoding else read_lines(file, encoding)
    for line in score_lines(loaded.left_to_right, loaded.coder, lines):
        if as_json or form == "json":
            echo_json(line.to_json())
        else:
            text = line.text.replace("\t", " ")
            click.echo(f"{line.log10_probability:.6g}\t{line.tokens}\t{line.oov}\t{line.characters}\t{text}")
