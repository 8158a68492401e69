"""`rnnlm score`: a probability for each line of a text, or for each of its tokens, each line for itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from rnnlm.cli.mixing import Mixing, dynamic_options, load_mixed, mixing_options
from rnnlm.cli.options import encoding_option, json_option, model_option, threads_option
from rnnlm.cli.show import json_of

if TYPE_CHECKING:
    from rnnlm.search.scoring import Line, Token
    from rnnlm.text.coder import Coder


@click.command()
@click.argument("file", default="-", metavar="[FILE]")
@model_option
@click.option(
    "--level",
    type=click.Choice(["sentence", "token"]),
    default="sentence",
    show_default=True,
    help="What gets a score.",
)
@click.option(
    "--format", "form", type=click.Choice(["tsv", "json"]), default="tsv", show_default=True, help="How it is written."
)
@json_option
@encoding_option
@threads_option
@dynamic_options
@mixing_options
def command(
    file: str, model: str | None, level: str, form: str, as_json: bool, encoding: str | None, threads: int | None,
    mixing: Mixing,
) -> None:  # fmt: skip
    """Give each line of FILE (or of standard input) its log10 probability.

    Columns: log10 probability, tokens, tokens out of the vocabulary, characters, text. One line out for each line in.
    The end of a sentence counts as a token and as a character.

    --level token: a line for each token and one for the sentence end, then an empty line. Columns: token, log10
    probability, rank among all words, 1 if it is out of the vocabulary (its score is that of <unk>), and for n-gram
    models the length of the n-gram used. As JSON, one object for each line in.

    --dynamic: the lines are read in their order, and what was learned from one serves the next.

    A run that reads both sides gives no line a probability, but each word one, given all the other words of its line: a
    line gets their sum, the pseudo-log-likelihood, and its end is no token.
    """
    from rnnlm.cli.reading import tell_encodings
    from rnnlm.cli.show import remark
    from rnnlm.lm.cloze import ClozeModel
    from rnnlm.search.scoring import blocks_of, score_lines, score_tokens
    from rnnlm.text.cutting import cores
    from rnnlm.text.reader import read_lines

    if mixing.dynamic and level == "token":
        raise click.UsageError("--dynamic goes with --level sentence: it learns from whole sentences")
    loaded = load_mixed(model, mixing)
    piped = file == "-" and not encoding
    blocks = blocks_of_input() if piped else blocks_of(read_lines(file, encoding))
    tell_encodings([file], encoding)
    blocks = watched(loaded.coder, blocks)
    threads, as_json = threads or cores(), as_json or form == "json"
    if isinstance(loaded.lm, ClozeModel):
        remark("this run reads both sides: each word is scored given all the others of its line")
    if mixing.dynamic:
        threads, blocks = 1, ([line] for block in blocks for line in block)
    if level == "token":
        scored = score_tokens(loaded.lm, loaded.coder, blocks, threads)
        write(scored, token_json if as_json else token_rows)
    else:
        write(score_lines(loaded.lm, loaded.coder, blocks, threads), line_json if as_json else line_row)


def watched(coder: Coder, blocks: Iterable[list[str]]) -> Iterator[list[str]]:
    """The blocks as they are; says once where a line was not cut as it should be."""
    from rnnlm.cli.reading import UNCUT, uncut
    from rnnlm.cli.show import remark

    told = False
    for block in blocks:
        if not told and (told := uncut(coder, block)):
            remark(UNCUT)
        yield block


def write(found: Iterator[list[Any]], text: Callable[[Any], str]) -> None:
    """What was found, a block at a time."""
    for scores in found:
        if scores:
            click.echo("\n".join(map(text, scores)))


def line_json(line: Line) -> str:
    return json_of(line.to_json())


def line_row(line: Line) -> str:
    columns = f"{line.log10_probability:.6g}", line.tokens, line.oov, line.characters, line.text.replace("\t", " ")
    return "\t".join(map(str, columns))


def token_json(line: tuple[str, list[Token]]) -> str:
    text, tokens = line
    return json_of({"text": text, "tokens": [token.to_json() for token in tokens]})


def token_rows(line: tuple[str, list[Token]]) -> str:
    rows = []
    for token in line[1]:
        columns = [token.token, f"{token.log10_probability:.6g}", token.rank, int(token.oov)]
        rows.append("\t".join(map(str, columns if token.order is None else [*columns, token.order])) + "\n")
    return "".join(rows)


def blocks_of_input() -> Iterator[list[str]]:
    """What standard input holds at a time, in lines: who writes a line and waits gets its answer.

    Raises CorpusError where it is not text.
    """
    from rnnlm.cli.reading import NAME_IT, Decoder
    from rnnlm.cli.show import remark

    if sys.stdin.isatty():
        remark("reading sentences from the terminal, a line each; end with Ctrl-D")
    decode, rest = Decoder(NAME_IT), b""
    while True:
        piece = sys.stdin.buffer.read1(1 << 16)  # type: ignore[union-attr]  # it is buffered
        *lines, rest = (rest + piece).split(b"\n")
        if not piece and rest:
            lines, rest = [*lines, rest], b""
        if lines:
            yield [decode(line) for line in lines]
        if not piece:
            return
