"""A text as one row of ids: the same as line by line, its documents in their places, its columns and windows whole."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlm.errors import CorpusError
from rnnlm.text import corpus as module
from rnnlm.text.coder import Coder
from rnnlm.text.corpus import Corpus, columns, count_words, encode_stream
from rnnlm.text.streams import DOCUMENT_END, FIRST_TYPE, SENTENCE_END, Stream
from rnnlm.text.tokenizer import KINDS, Tokenizer, make_tokenizer
from rnnlm.text.vocabulary import Vocabulary
from strategies import LINES

TOKENIZERS = {kind: make_tokenizer(kind) for kind in KINDS}


def stream_of(lines: list[str], tokenizer: Tokenizer) -> Stream:
    """The lines cut, each word numbered by its first appearance; as `cut_files` gives them."""
    numbers: dict[str, int] = {}
    tokens: list[int] = []
    sentences = documents = characters = 0
    for line in [*lines, ""]:
        if line.strip():
            documents += not tokens or tokens[-1] == DOCUMENT_END
            tokens += [FIRST_TYPE + numbers.setdefault(word, len(numbers)) for word in tokenizer.cut(line)]
            tokens.append(SENTENCE_END)
            sentences += 1
            characters += len(tokenizer.normalise(line)) + 1
        elif tokens and tokens[-1] != DOCUMENT_END:
            tokens.append(DOCUMENT_END)
    counts = np.bincount(np.array(tokens, int), minlength=FIRST_TYPE + len(numbers))[FIRST_TYPE:]
    return Stream(np.array(tokens, np.int32), list(numbers), counts, sentences, documents, characters)


def line_by_line(lines: list[str], coder: Coder) -> Corpus:
    """What `encode_stream` should give: each line encoded by itself, a boundary behind it, documents parted."""
    ids, starts, oov, sentences, characters, fresh = [0], list[int](), list[int](), 0, 0, True
    for line in lines:
        encoded = coder.encode(line)
        if not encoded.characters:
            fresh = True
            continue
        if fresh:
            starts.append(len(ids) - 1)
        fresh = False
        oov += [len(ids) + at for at in encoded.oov]
        ids += [*encoded.ids, 0]
        sentences += 1
        characters += encoded.characters + 1
    return Corpus(np.array(ids, np.int32), np.array(starts), np.array(oov), sentences, characters)


@pytest.mark.parametrize("oov", ["characters", "unk"])
@pytest.mark.parametrize("kind", KINDS)
@given(lines=st.lists(LINES | st.just(""), min_size=1, max_size=8), data=st.data())
def test_the_same_as_line_by_line(kind: str, oov: str, lines: list[str], data: st.DataObject) -> None:
    """Whatever the text and the vocabulary, the tables find the ids, documents and unknown words of `Coder.encode`."""
    tokenizer = TOKENIZERS[kind]
    stream = stream_of(lines, tokenizer)
    seen = sorted({*stream.types, *"".join(stream.types), " "})
    coder = Coder(tokenizer, Vocabulary.from_words(data.draw(st.lists(st.sampled_from(seen)))), oov)
    found, expected = encode_stream(stream, coder), line_by_line(lines, coder)
    assert found.ids.tolist() == expected.ids.tolist()
    if found.tokens:
        assert found.starts.tolist() == expected.starts.tolist()
    assert found.oov.tolist() == expected.oov.tolist()
    assert (found.sentences, found.characters) == (expected.sentences, expected.characters)


@given(st.integers(1, 6))
def test_blocks_do_not_show(size: int) -> None:
    """A text longer than a block gives the same ids, also where a block ends inside a document or a Latin phrase."""
    lines = ["hello big world 你好 good morning", "", "", "again good world", "bye"]
    coder = Coder(TOKENIZERS["jieba"], Vocabulary.from_words(["big", "你好", *"helo wrdgmnib"]))
    stream = stream_of(lines, TOKENIZERS["jieba"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", size)
        found, expected = encode_stream(stream, coder), line_by_line(lines, coder)
    assert found.ids.tolist() == expected.ids.tolist()
    assert found.starts.tolist() == expected.starts.tolist()
    assert found.oov.tolist() == expected.oov.tolist()


def test_ids_lie_beside_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the system's folder for temporary files, which may be memory; but there where there is no cache."""
    places: list[object] = []

    def noted(**where: Any) -> IO[bytes]:
        file: IO[bytes] = TemporaryFile(**where)  # noqa: SIM115
        places.append(where.get("dir"))
        return file

    monkeypatch.setattr(module, "TemporaryFile", noted)
    coder = Coder(make_tokenizer("whitespace"), Vocabulary.from_words(["甲"]), "unk")
    for cache, expected in ((tmp_path, tmp_path), (tmp_path / "none", None)):
        places.clear()
        monkeypatch.setenv("RNNLM_CACHE", str(cache))
        assert encode_stream(stream_of(["甲 乙"], coder.tokenizer), coder).tokens == 3
        assert places == [expected] * 3


def test_counts() -> None:
    """Words are counted, and the characters in them; a blank that stands as a word is one."""
    stream = stream_of(["手机 a 手机", "", "机"], TOKENIZERS["characters"])
    words, characters = count_words(stream)
    assert words == characters == {"手": 2, "机": 3, " ": 2, "a": 1}
    assert count_words(stream_of(["手机 坏了 手机"], TOKENIZERS["whitespace"])) == (
        {"手机": 2, "坏了": 1},
        {"手": 2, "机": 2, "坏": 1, "了": 1},
    )


@st.composite
def corpora_of_numbers(draw: st.DrawFn) -> Corpus:
    """A corpus of a few documents of numbered words."""
    documents = draw(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=9), min_size=1, max_size=6))
    ids, starts = [0], list[int]()
    for document in documents:
        starts.append(len(ids) - 1)
        ids += [*document, 0]
    return Corpus(np.array(ids, np.int32), np.array(starts), np.empty(0, np.int64), len(documents), 0)


@given(corpora_of_numbers(), st.integers(1, 4), st.integers(1, 7))
def test_windows_walk_the_columns(corpus: Corpus, batch: int, bptt: int) -> None:
    """The windows of an epoch, one after another, are the columns; a target is the word behind its input."""
    if corpus.tokens < batch:
        with pytest.raises(CorpusError, match=f"{corpus.tokens} words, fewer than one batch of {batch} columns"):
            columns(corpus, batch)
        return
    found = columns(corpus, batch)
    assert found.length == corpus.tokens // batch
    windows = [found.window(at, min(at + bptt, found.length)) for at in range(0, found.length, bptt)]
    inputs = np.concatenate([window[0] for window in windows])
    targets = np.concatenate([window[1] for window in windows])
    assert inputs.T.reshape(-1).tolist() == corpus.ids[: batch * found.length].tolist()
    assert targets.T.reshape(-1).tolist() == corpus.ids[1 : batch * found.length + 1].tolist()


@given(corpora_of_numbers(), st.integers(1, 4), st.integers(1, 7))
def test_resets_stand_at_document_starts(corpus: Corpus, batch: int, bptt: int) -> None:
    """A column begins anew exactly where a document begins, and nowhere else."""
    if corpus.tokens < batch:
        return
    found = columns(corpus, batch)
    marked = []
    for first in range(0, found.length, bptt):
        last = min(first + bptt, found.length)
        resets = found.resets(first, last)
        assert resets is None or len(resets) == last - first
        for time, some in enumerate(resets or []):
            marked += [] if some is None else [first + time + int(column) * found.length for column in some]
    assert sorted(marked) == [start for start in corpus.starts.tolist() if start < batch * found.length]
