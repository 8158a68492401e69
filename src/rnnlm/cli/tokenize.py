"""`rnnlm tokenize`: how text is cut into words, and which of them a model knows."""

from __future__ import annotations

import click

from rnnlm.cli.options import json_option
from rnnlm.cli.reading import lines_of_input
from rnnlm.cli.show import echo_json, visible


@click.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--model", "-m", metavar="RUN", help="Cut as this run does, and spell what it does not know.")
@click.option(
    "--tokenizer",
    type=click.Choice(["jieba", "characters", "whitespace"]),
    help="How text is cut into words.  [default: jieba]",
)
@click.option("--user-dict", metavar="FILE", help="Words for jieba, one a line: word [count] [tag].")
@click.option("--normalize/--no-normalize", default=None, help="Make widths, punctuation and blanks alike.")
@json_option
def command(
    texts: tuple[str, ...],
    model: str | None,
    tokenizer: str | None,
    user_dict: str | None,
    normalize: bool | None,
    as_json: bool,
) -> None:
    """Show how TEXT (or each line of standard input) is cut, words parted by a blank."""
    from rnnlm.store.load import load_coder
    from rnnlm.text.tokenizer import make_tokenizer
    from rnnlm.text.user_dictionary import read_user_words

    if model and (user_dict or normalize is not None or tokenizer):
        raise click.UsageError("--model cuts as its run does: it goes with no --tokenizer, --user-dict or --normalize")
    coder = load_coder(model) if model else None
    user_words = read_user_words(user_dict, normalize is not False) if user_dict else []
    cutter = coder.tokenizer if coder else make_tokenizer(tokenizer or "jieba", normalize, user_words)
    for text in texts or lines_of_input("text"):
        words = coder.encode(text).words if coder else cutter.cut(text)
        if as_json:
            echo_json({"text": cutter.normalise(text), "tokens": words})
        else:
            click.echo(" ".join(visible(word) if word == " " else word for word in words))
