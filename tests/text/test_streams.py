"""Text cut once: what is held out, what is counted, and that a second time reads the cache."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rnnlm.errors import CorpusError
from rnnlm.text import streams
from rnnlm.text.cache import ABANDONED, UNUSED, cache_folder
from rnnlm.text.streams import Stream, cut_files
from rnnlm.text.tokenizer import make_tokenizer

WORDS = make_tokenizer("whitespace")


def write(folder: Path, lines: list[str], name: str = "text.txt") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def documents(stream: Stream) -> list[list[str]]:
    """The sentences of each document, spelled out from the numbers."""
    found: list[list[str]] = [[]]
    words: list[str] = []
    for number in stream.tokens.tolist():
        if number == 1:
            found.append([])
        elif number == 0:
            found[-1].append(" ".join(words))
            words = []
        else:
            words.append(stream.types[number - 2])
    assert not words
    return [document for document in found if document]


def test_documents_and_counts(tmp_path: Path) -> None:
    """An empty line, several of them, or a file's end ends a document; every word is counted."""
    first = write(tmp_path, ["", "a b", "b", "", "  ", "c"], "1.txt")
    second = write(tmp_path, ["b a"], "2.txt")
    (stream,) = cut_files([first, second], WORDS)
    assert documents(stream) == [["a b", "b"], ["c"], ["b a"]]
    assert dict(zip(stream.types, stream.counts.tolist(), strict=True)) == {"a": 2, "b": 3, "c": 1}
    # characters: code points and one a line: "a b" 4, "b" 2, "c" 2, "b a" 4
    assert (stream.sentences, stream.documents, stream.characters) == (4, 3, 12)


def test_hold_out_by_passage(tmp_path: Path) -> None:
    """With enough passages, every 20th is held out whole."""
    passages = [[f"p{number} one", f"p{number} two"] for number in range(1, 46)]
    path = write(tmp_path, [line for passage in passages for line in (*passage, "")])
    train, held = cut_files([path], WORDS, hold_out=True)
    assert documents(held) == [passages[19], passages[39]]
    assert documents(train) == [passage for number, passage in enumerate(passages, 1) if number % 20]
    assert (train.sentences, held.sentences, held.documents) == (86, 4, 2)


def test_hold_out_by_line(tmp_path: Path) -> None:
    """Without passages, every 20th line is held out; none of them is left to train on."""
    lines = [f"line {number}" for number in range(1, 46)]
    train, held = cut_files([write(tmp_path, [*lines[:10], "", *lines[10:]])], WORDS, hold_out=True)
    assert [line for document in documents(held) for line in document] == [lines[19], lines[39]]
    assert [line for document in documents(train) for line in document] == [*lines[:19], *lines[20:39], *lines[40:]]
    assert len(documents(train)) == 2
    assert {"20", "40"} & {word for word, n in zip(train.types, train.counts, strict=True) if n} == set()


def test_the_second_time_nothing_is_cut(tmp_path: Path) -> None:
    """The cache is found again by the text, whatever the file is called; another text or tokenizer is cut anew."""
    told: list[int] = []
    text = ["cached once", "and for all", "", "say it again"]
    first = cut_files([write(tmp_path, text)], WORDS, progress=told.append)[0]
    # every character of the text and its line ends was reported: 12 + 12 + 1 + 13, and the empty line behind the file
    assert sum(told) in (38, 39)
    told.clear()
    second = cut_files([write(tmp_path, text, "other name.txt")], WORDS, progress=told.append)[0]
    assert not told
    assert documents(second) == documents(first)
    assert (second.types, second.counts.tolist()) == (first.types, first.counts.tolist())
    cut_files([write(tmp_path, [*text, "more"])], WORDS, progress=told.append)
    assert told
    told.clear()
    assert documents(cut_files([tmp_path / "other name.txt"], make_tokenizer("characters"), progress=told.append)[0])
    assert told


def test_no_place_for_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache cannot be written the text is cut all the same."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "here"))
    (tmp_path / "here").mkdir()
    (stream,) = cut_files([write(tmp_path, ["nowhere to keep it"])], WORDS)
    assert documents(stream) == [["nowhere to keep it"]]
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize("lines", [[], ["", "   ", "\u3000"]])
def test_no_words(tmp_path: Path, lines: list[str]) -> None:
    """A file without words is refused with its name, also when it comes from the cache."""
    path = write(tmp_path, lines)
    for _ in range(2):
        with pytest.raises(CorpusError, match=r"there are no words in .*text\.txt"):
            cut_files([path], WORDS)


def test_standard_input_among_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` stands for standard input, also beside files."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from input\n")))
    (stream,) = cut_files([write(tmp_path, ["from a file"]), "-"], WORDS)
    assert documents(stream) == [["from a file"], ["from input"]]


def test_no_files() -> None:
    """No file at all is an error too."""
    with pytest.raises(CorpusError, match="no text"):
        cut_files([], WORDS)


def test_what_killed_processes_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of unfinished work go when nothing was written into them for long; fresh ones, finished texts and what is
    somebody's own stay."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    finished = cut_files([write(tmp_path, ["one text"])], WORDS)
    cache = cache_folder()
    work = f".{'0a1b' * 8}"
    kept = {f"{work}.working", ".emacs.d", ".0a1b.own"}
    for name, age in {
        f"{work}.killed": 2 * ABANDONED,
        **dict.fromkeys(kept, 2 * ABANDONED),
        f"{work}.working": 0,
    }.items():
        (cache / name).mkdir()
        (cache / name / "tokens.0").write_bytes(b"half")
        then = time.time() - age
        os.utime(cache / name / "tokens.0", (then, then))
        os.utime(cache / name, (then, then))
    cut_files([write(tmp_path, ["another text"], "b.txt")], WORDS)
    left = {path.name for path in cache.iterdir() if path.name.startswith(".")}
    assert left == kept
    assert documents(cut_files([write(tmp_path, ["one text"])], WORDS)[0]) == documents(finished[0])


def test_a_text_that_nobody_reads_any_more_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a month, counted from when it was read last, not from when it was cut."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    texts = [write(tmp_path, [f"text {name}"], f"{name}.txt") for name in "abc"]
    for text in texts[:2]:
        cut_files([text], WORDS)
    for path in cache_folder().iterdir():
        os.utime(path / "done", (time.time() - 2 * UNUSED,) * 2)
    cut_files(texts[:1], WORDS)
    kept = {path.name for path in cache_folder().iterdir() if (path / "done").stat().st_mtime > time.time() - UNUSED}
    assert len(kept) == 1
    cut_files(texts[2:], WORDS)
    left = {path.name for path in cache_folder().iterdir()}
    assert len(left) == 2
    assert kept < left


def test_a_killed_preparation_is_done_anew(tmp_path: Path) -> None:
    """A process killed while it cuts leaves nothing that a later one would take for finished."""
    text = write(tmp_path, ["some words of a long text"] * 200_000)
    environment = os.environ | {"RNNLM_CACHE": str(tmp_path / "cache")}
    program = (
        "import sys; from rnnlm.text.streams import cut_files; from rnnlm.text.tokenizer import make_tokenizer\n"
        "print(cut_files([sys.argv[1]], make_tokenizer('whitespace'), progress=lambda n: print('read', flush=True))"
        "[0].sentences)"
    )
    command = [sys.executable, "-c", program, str(text)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "read\n"
        process.kill()
    assert list((tmp_path / "cache").rglob("tokens.0"))
    assert not list((tmp_path / "cache").rglob("done"))
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert again.stdout.splitlines()[-1] == "200000"


def test_what_a_power_cut_damaged_is_cut_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the cache that lost its end, or the mark that all is written."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    text = write(tmp_path, ["one text", "of two lines"])
    expected = documents(cut_files([text], WORDS)[0])
    for name in ("tokens.0", "types.txt", "counts.0.npy", "done"):
        (folder,) = cache_folder().iterdir()
        (folder / name).write_bytes(b"")
        assert documents(cut_files([text], WORDS)[0]) == expected
    (folder,) = cache_folder().iterdir()
    (folder / "done").unlink()
    assert documents(cut_files([text], WORDS)[0]) == expected


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_pipe_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe under a name, as `<(...)` makes one, is a text like any other, and is not kept as an empty one."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    text = write(tmp_path, ["one text", "of two lines"])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(text.read_bytes()))
    writer.start()
    piped = documents(cut_files([pipe], WORDS)[0])
    writer.join()
    assert piped == documents(cut_files([text], WORDS)[0])
    assert piped != []


def test_two_processes_cut_the_same_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower one takes what the faster one has kept, and leaves it as it is."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    text, write_all = write(tmp_path, ["one text"]), streams.write_streams
    kept: list[tuple[int, int]] = []

    def slower(*arguments: Any) -> None:
        write_all(*arguments)
        monkeypatch.setattr(streams, "write_streams", write_all)
        cut_files([text], WORDS)  # the faster one
        kept.extend((path.stat().st_ino, path.stat().st_mtime_ns) for path in cache_folder().glob("[0-9a-f]*/tokens.0"))

    monkeypatch.setattr(streams, "write_streams", slower)
    found = documents(cut_files([text], WORDS)[0])
    assert found == documents(cut_files([text], WORDS)[0])
    (path,) = cache_folder().glob("*/tokens.0")
    assert [(path.stat().st_ino, path.stat().st_mtime_ns)] == kept
