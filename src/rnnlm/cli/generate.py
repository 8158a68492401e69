"""`rnnlm generate`: text drawn from a model, or its most probable text."""

from __future__ import annotations

import math

import click

from rnnlm.cli.mixing import Mixing, load_mixed, mixing_options
from rnnlm.cli.options import Number, json_option, model_option, seed_option
from rnnlm.cli.reading import unknown_words
from rnnlm.cli.show import echo_json, remark


@click.command()
@model_option
@click.option("--prompt", "--prefix", default="", metavar="TEXT", help="How the text begins.")
@click.option("--count", "-n", type=click.IntRange(1), default=5, show_default=True, help="How many texts.")
@click.option("--max-words", type=click.IntRange(1), default=60, show_default=True, help="Longest text.")
@click.option(
    "--temperature",
    type=Number(0),
    default=0.7,
    show_default=True,
    help="Below 1 safer, above 1 wilder; 0 takes the best word.",
)
@click.option("--top-k", type=click.IntRange(0), default=0, help="Draw from the k best words only.  [default: all]")
@click.option(
    "--top-p",
    type=Number(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    help="Draw from the best words that hold this mass.",
)
@click.option(
    "--best-of",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Draw so many with one first word, write the one whose words are the most probable on average.",
)
@click.option(
    "--beam", type=click.IntRange(1), help="Search the most probable texts with a beam so wide, draw nothing."
)
@seed_option
@json_option
@mixing_options
def command(
    model: str | None, prompt: str, count: int, max_words: int, temperature: float,
    top_k: int, top_p: float, best_of: int, beam: int | None, seed: int, as_json: bool, mixing: Mixing,
) -> None:  # fmt: skip
    """Write texts, one a line, each to its sentence end. The same seed gives the same texts."""
    from rnnlm.search.beam import beam_search
    from rnnlm.search.sampling import draw

    loaded = load_mixed(model, mixing)
    coder = loaded.coder
    begun = coder.encode(prompt)
    start = begun.ids
    for line in unknown_words(coder, [prompt]):
        remark(line)
    if beam and beam < count:
        remark(f"a beam of {beam} finds {beam} texts; name a wider --beam for more")
    if beam:
        drawn = beam_search(loaded.left_to_right, start, beam, max_words, count if count <= beam else beam)
    else:
        drawn = draw(
            loaded.left_to_right, start, count, max_words, seed, temperature, top_k, top_p,
            best_of if temperature else 1,
        )  # fmt: skip
    for text in drawn:
        words = [*begun.words, *coder.words(text.ids)]  # the prompt as it stands, whatever the model knows of it
        written = coder.tokenizer.join(words)
        if as_json:
            echo_json({"text": written, "tokens": words, "log10_probability": text.log_probability / math.log(10)})
        else:
            click.echo(written)
