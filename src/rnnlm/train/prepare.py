"""From text files and settings to what a trainer reads: vocabulary, ids to train and to validate on; no model yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnlm.config import Config
from rnnlm.errors import CorpusError
from rnnlm.text.coder import Coder
from rnnlm.text.corpus import Corpus, columns, count_words, encode_stream
from rnnlm.text.reader import is_pipe, read_lines
from rnnlm.text.streams import FIRST_TYPE, Progress, Stream, cut_files
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.user_dictionary import parts_of, read_user_words
from rnnlm.text.vocabulary import BLANK_WORD, Vocabulary

CHUNK = 1 << 16


@dataclass(frozen=True)
class Files:
    """The texts of a training. Without `valid`, every 20th passage (or line) of `train` is held out."""

    train: list[Path]
    valid: list[Path]

    @property
    def hold_out(self) -> bool:
        return not self.valid


@dataclass(frozen=True)
class Prepared:
    """What a trainer reads. `counts[i]` is how often word i was seen in the training text."""

    coder: Coder
    user_words: list[str]
    train: Corpus
    valid: Corpus
    counts: list[int]
    overlap: float  # share of validation sentences that stand in the training text too


def find_files(names: Sequence[str | Path], valid: Sequence[str | Path]) -> Files:
    """The files that the names mean: files, folders of text files, or a folder with train.txt (valid.txt, test.txt).

    Hidden files are nobody's text. Raises CorpusError where a name means nothing, or a folder has other parts only.
    """
    train: list[Path] = []
    found_valid = [Path(name) for name in valid]
    for name in names:
        path = Path(name)
        if not path.is_dir():
            train.append(path)
            continue
        split = {part: splits(path, part) for part in ("train", "valid", "test")}
        if split["train"]:
            train += split["train"]
            if not valid:
                found_valid += split["valid"]
            continue
        if others := split["valid"] + split["test"]:
            raise CorpusError(
                f"the folder {name} holds {others[0].name}, but no train.txt",
                "name the files to train on, and with --valid the one to validate on",
            )
        inside = sorted(p for p in path.iterdir() if p.name.endswith((".txt", ".txt.gz")) and not hidden(p))
        if not inside:
            raise CorpusError(f"the folder {name} holds no .txt files")
        train += inside
    return Files(train, found_valid)


def splits(folder: Path, part: str) -> list[Path]:
    """The files of one part: train.txt, or names that end so, such as ptb.train.txt."""
    exact = [path for path in (folder / f"{part}.txt", folder / f"{part}.txt.gz") if path.exists()]
    return exact or sorted(p for p in folder.glob(f"*.{part}.txt") if not hidden(p))


def hidden(path: Path) -> bool:
    return path.name.startswith(".")


def prepare(
    files: Files, config: Config, progress: Callable[[str, int, int], None] | None = None, coder: Coder | None = None
) -> Prepared:
    """Cuts, counts and encodes the texts; `coder`: that of a run that goes on, instead of one made from the text.

    `progress` is told the stage, how much of it was done since the last time, and how much there is in all:
    characters in "reading", where 0 stands for not known, and tokens in "encoding".

    Raises CorpusError where there is not enough text.
    """
    text, encoding = config.text, config.text.encoding or None
    normalised = config.normalised is not False
    user_words = (
        read_user_words(text.user_dict, normalised, list_encoding(text.user_dict, encoding)) if text.user_dict else []
    )
    tokenizer = coder.tokenizer if coder else make_tokenizer(text.tokenizer, config.normalised, user_words)

    def told(stage: str, total: int) -> Progress | None:
        return None if progress is None else lambda done: progress(stage, done, total)

    threads = config.train.threads
    streams = cut_files(files.train, tokenizer, encoding, files.hold_out, told("reading", 0), threads)
    if files.valid:
        streams.append(cut_files(files.valid, tokenizer, encoding, False, told("reading", 0), threads)[0])
    stream, held = streams
    if held.sentences == 0:
        raise CorpusError("the text is too short to hold some of it out", "name a validation text with --valid")
    words, characters = count_words(stream)
    coder = coder or Coder(tokenizer, choose_words(config, words, characters, user_words), config.oov)
    encoding_told = told("encoding", len(stream.tokens) + len(held.tokens))
    train, valid = encode_stream(stream, coder, encoding_told), encode_stream(held, coder, encoding_told)
    if config.model.kind != "ngram":
        columns(train, config.train.batch)  # raises where there is less than one row, before a run is begun
    counts = [words.get(word, 0) for word in coder.vocabulary.words]
    return Prepared(coder, user_words, train, valid, counts, overlap(stream, held))


def list_encoding(path: str, named: str | None) -> str | None:
    """The encoding of a list of words: mostly UTF-8, whatever encoding was `named` for the text. The text's, where the
    list is no UTF-8, can be read only once, or is all ASCII."""
    if not named or is_pipe(path):
        return named
    try:
        next(line for line in read_lines(path, "utf-8") if not line.isascii())
        return "utf-8"
    except (CorpusError, StopIteration):
        return named


def choose_words(
    config: Config, words: dict[str, int], characters: dict[str, int], user_words: Sequence[str]
) -> Vocabulary:
    """The vocabulary: the words of a file, or the frequent ones of the text and those that the user named, with what is
    needed to spell the others."""
    text = config.text
    always = [BLANK_WORD] if config.model.kind == "cloze" else []
    if text.vocabulary:
        listed = read_lines(text.vocabulary, list_encoding(text.vocabulary, text.encoding))
        return Vocabulary.from_words([*always, *filter(None, listed)])
    spelling = characters if config.oov == "characters" else None
    wanted = {parts_of(line)[0] for line in user_words}
    return Vocabulary.from_counts(words, text.min_count, text.max_vocab, spelling, always, wanted)


def overlap(train: Stream, valid: Stream) -> float:
    """The share of the validation sentences (of 5 words or more) that stand in the training text too.

    Up to 2,000 of them are looked at.
    """
    wanted = {sentence for sentence in sentences(valid, 100_000) if len(sentence) >= 5}
    wanted = set(sorted(wanted)[:2000])
    if not wanted:
        return 0.0
    seen = {sentence for sentence in sentences(train, 5_000_000) if sentence in wanted}
    return len(seen) / len(wanted)


def sentences(stream: Stream, most: int) -> Iterator[tuple[str, ...]]:
    """The sentences in the first `most` tokens of a stream."""
    current: list[str] = []
    for first in range(0, min(most, len(stream.tokens)), CHUNK):
        for number in stream.tokens[first : min(first + CHUNK, most)].tolist():
            if number >= FIRST_TYPE:
                current.append(stream.types[number - FIRST_TYPE])
            elif current:
                yield tuple(current)
                current = []
