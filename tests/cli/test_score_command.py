"""`rnnlm score`: by sentence and by token, from files and from pipes that wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Command

TEXT = "今天下雨了。\n妹妹看见一只鲸,很高兴。\n\n我每天七点起床。\n"


def test_the_end_is_counted_and_told(rnnlm: Command, character_run: Path) -> None:
    """The sentence end is a token and a character, and --help says so."""
    (row,) = rnnlm("score", "--model", character_run, input="我\n").lines
    assert row.split("\t")[1:] == ["2", "0", "2", "我"]
    told = " ".join(rnnlm("score", "--help").out.split())
    assert "The end of a sentence counts as a token and as a character." in told


def test_tokens_as_rows(rnnlm: Command, character_run: Path) -> None:
    """A row for each token and for the end, an empty line behind each sentence; they sum to the sentence's score."""
    out = rnnlm("score", "--model", character_run, "--level", "token", input=TEXT).out
    assert out.endswith("\n\n")
    assert out.count("\n\n\n") == 1  # the empty line has no token, only the empty line behind it
    sentences = [[row.split("\t") for row in part.strip().splitlines()] for part in out.split("\n\n")]
    lines = rnnlm("score", "--model", character_run, "--json", input=TEXT).objects
    told = [rows for rows in sentences if rows]
    assert ["".join(row[0] for row in rows) for rows in told] == [
        "今天下雨了。</s>", "妹妹看见一只鲸，很高兴。</s>", "我每天七点起床。</s>",
    ]  # fmt: skip
    for rows, line in zip(told, (line for line in lines if line["tokens"]), strict=True):
        assert sum(float(row[1]) for row in rows) == pytest.approx(line["log10_probability"], rel=1e-4)
        assert {len(row) for row in rows} == {4}
        assert sum(int(row[3]) for row in rows) == line["oov"]
        assert all(int(row[2]) >= 1 for row in rows)


def test_tokens_as_json(rnnlm: Command, character_run: Path) -> None:
    """One object for each line in, an empty line without tokens; ranks are those of `predict`."""
    found = rnnlm("score", "--model", character_run, "--level", "token", "--json", input=TEXT).objects
    assert [entry["text"] for entry in found] == TEXT.splitlines()
    assert found[2]["tokens"] == []
    first = found[0]["tokens"][0]
    assert list(first) == ["token", "log10_probability", "rank", "oov"]
    predicted = rnnlm("predict", "--model", character_run, "--top", "999", "--json", "").objects[0]
    words = [entry["word"] for entry in predicted["blanks"][0]["predictions"]]
    assert abs(words.index("今") + 1 - first["rank"]) <= 1  # <unk> has a rank, but is not predicted


def test_threads_change_nothing(rnnlm: Command, character_run: Path, tmp_path: Path) -> None:
    """Any number of threads gives the same scores in the same order."""
    path = tmp_path / "text.txt"
    path.write_text(TEXT * 900, encoding="utf-8")
    one, three = (rnnlm("score", "--model", character_run, path, "--threads", n).out for n in ("1", "3"))
    assert one == three
    assert len(one.splitlines()) == 3600


def test_bytes_of_a_pipe(rnnlm: Command, character_run: Path) -> None:
    """A last line without its end, a mark in front and Windows line ends are read; other bytes are an error."""
    expected = rnnlm("score", "--model", character_run, input=TEXT).out
    marked = b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode().removesuffix(b"\r\n")
    assert rnnlm("score", "--model", character_run, input=marked).out == expected
    answer = rnnlm("score", "--model", character_run, input=b"\n\xff\xfe\n")
    assert answer.status == 1
    assert "line 2 of standard input" in answer.err


def test_a_pipe_that_waits_is_answered(character_run: Path) -> None:
    """Who writes a line and waits gets its score before writing the next."""
    code = "from rnnlm.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "score", "--model", str(character_run)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": ""},
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        for line in TEXT.splitlines():
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline().decode()
            assert answer.rstrip("\n").split("\t")[4] == line
        process.stdin.close()
        assert process.wait() == 0
