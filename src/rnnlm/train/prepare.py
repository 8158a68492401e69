"""From text files and settings to what a trainer reads: vocabulary, ids to train on, ids to validate on; no model yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnlm.config import Config
from rnnlm.errors import CorpusError
from rnnlm.text.coder import Coder
from rnnlm.text.corpus import Corpus, count_words, encode_stream
from rnnlm.text.reader import read_lines
from rnnlm.text.streams import Progress, Stream, cut_files
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import BLANK_WORD, Vocabulary


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

    Raises CorpusError where a name means nothing.
    """
    train: list[Path] = []
    found_valid = [Path(name) for name in valid]
    for name in names:
        path = Path(name)
        if not path.is_dir():
            train.append(path)
            continue
        split = {part: splits(path, part) for part in ("train", "valid")}
        if split["train"]:
            train += split["train"]
            if not valid:
                found_valid += split["valid"]
            continue
        inside = sorted(p for p in path.iterdir() if p.name.endswith((".txt", ".txt.gz")))
        if not inside:
            raise CorpusError(f"the folder {name} holds no .txt files")
        train += inside
    return Files(train, found_valid)


def splits(folder: Path, part: str) -> list[Path]:
    """The files of one part: train.txt, or names that end so, such as ptb.train.txt."""
    exact = [path for path in (folder / f"{part}.txt", folder / f"{part}.txt.gz") if path.exists()]
    return exact or sorted(folder.glob(f"*.{part}.txt"))


def prepare(files: Files, config: Config, progress: Progress | None = None) -> Prepared:
    """Cuts, counts and encodes the texts. Raises CorpusError where there is not enough of it."""
    text = config.text
    user_words = list(read_lines(text.user_dict, text.encoding or None)) if text.user_dict else []
    user_words = [line.strip() for line in user_words if line.strip()]
    tokenizer = make_tokenizer(text.tokenizer, config.normalised, user_words)
    encoding = text.encoding or None
    streams = cut_files(files.train, tokenizer, encoding, files.hold_out, progress)
    if files.valid:
        streams.append(cut_files(files.valid, tokenizer, encoding, False, progress)[0])
    stream, held = streams
    words, characters = count_words(stream)
    always = [BLANK_WORD] if config.model.kind == "cloze" else []
    if text.vocabulary:
        vocabulary = Vocabulary.from_words(read_lines(text.vocabulary, encoding))
    else:
        spelling = characters if config.oov == "characters" else None
        vocabulary = Vocabulary.from_counts(words, text.min_count, text.max_vocab, spelling, always)
    coder = Coder(tokenizer, vocabulary, config.oov)
    if held.sentences == 0:
        raise CorpusError("the text is too short to hold some of it out", "name a validation text with --valid")
    train = encode_stream(stream, vocabulary, coder.oov)
    valid = encode_stream(held, vocabulary, coder.oov)
    counts = [words.get(word, 0) for word in vocabulary.words]
    return Prepared(coder, user_words, train, valid, counts, overlap(stream, held))


def overlap(train: Stream, valid: Stream) -> float:
    """The share of the validation sentences (of 5 words or more) that stand in the training text too; up to 2,000 of them are looked at."""
    wanted = {sentence for sentence in sentences(valid, 100_000) if len(sentence) >= 5}
    wanted = set(sorted(wanted)[:2000])
    if not wanted:
        return 0.0
    seen = {sentence for sentence in sentences(train, 5_000_000) if sentence in wanted}
    return len(seen) / len(wanted)


def sentences(stream: Stream, most: int) -> Sequence[tuple[str, ...]]:
    """The sentences in the first `most` tokens of a stream."""
    found, current = [], []
    for number in stream.tokens[:most].tolist():
        if number >= 2:
            current.append(stream.types[number - 2])
        elif current:
            found.append(tuple(current))
            current = []
    return found
