"""Several processes cut as one does: the same words in the same order, and nothing left behind when they end."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnlm.errors import CorpusError
from rnnlm.text import cutting
from rnnlm.text.cutting import BLOCK, SHORT, Workers, cut_block, cut_lines
from rnnlm.text.streams import cut_files
from rnnlm.text.tokenizer import Jieba, make_tokenizer

USER_WORDS = ["迟到了 1000", "小明明 3 nr"]
LINES = [
    "小明明昨天上学迟到了，老师批评了他。",
    "",
    "他用 Python 3 写了\u2028个 iPhone 软件",
    "  ",
    "\ud800残字",
    "龘龘",
]


def jieba(user_words: list[str] | None = None) -> Jieba:
    return Jieba(True, user_words or [])


def test_a_block() -> None:
    """Numbers count the different words in the order of their first appearance; lengths part them into lines."""
    cut = cut_block(["b a b", "", "a  c"], make_tokenizer("whitespace"))
    assert cut.words == ["b", "a", "c"]
    assert cut.numbers.tolist() == [0, 1, 0, 1, 2]
    assert cut.lengths == [3, 0, 2]
    assert cut.characters == [5, 0, 3]  # of "b a b", "" and "a c"


def test_a_block_leaves_nothing_behind() -> None:
    """What cutting used is free at once: a text of gigabytes does not wait for the cycle collector."""
    tokenizer = make_tokenizer("characters")
    gc.collect()
    gc.disable()
    try:
        cut_block(["我昨天上学迟到了。"] * 3, tokenizer)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.fixture
def any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text is too short for several processes."""
    monkeypatch.setattr(cutting, "SHORT", 1)


@pytest.mark.usefixtures("any_length")
def test_several_processes_cut_as_one() -> None:
    """Every line's words are those of the tokenizer, by a user dictionary too, line by line in order."""
    lines = [line * (number % 7) for number in range(2000) for line in LINES]
    assert sum(map(len, lines)) > 5 * BLOCK
    one = list(cut_lines(lines, jieba(USER_WORDS), 1))
    two = list(cut_lines(lines, jieba(USER_WORDS), 2))
    assert two == one
    tokenizer = jieba(USER_WORDS)
    spelled: list[list[str]] = []
    for cut in two:
        numbers = iter(cut.numbers)
        spelled += [[cut.words[next(numbers)] for _ in range(length)] for length in cut.lengths]
    assert spelled[:100] == [tokenizer.cut(line) for line in lines[:100]]
    assert len(spelled) == len(lines)
    assert "迟到了" in spelled[6]


@pytest.mark.usefixtures("any_length")
def test_little_is_under_way() -> None:
    """No more is read ahead than two blocks for each process."""
    read = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for _ in range(40):
            read += 1
            yield "我们" * (BLOCK // 2)  # a block by itself

    cuts = cut_lines(lines(), jieba(), 2)
    for returned, _ in enumerate(cuts, 1):
        assert read - returned <= 4
    assert read == 40


@pytest.mark.parametrize("dead", [1, 2])
def test_a_process_that_dies(dead: int) -> None:
    """The death of one process, or of all, is an error that says so, and the others are ended."""
    with pytest.raises(CorpusError, match="ended unexpectedly") as caught, Workers(2, jieba()) as workers:
        for worker in workers.all[:dead]:
            worker.kill()
            worker.wait()
        list(workers.cut([["我们"]] * 20))
    assert "memory" in caught.value.hint
    assert all(worker.returncode is not None for worker in workers.all)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Workers]:
    """All Workers that a test starts."""
    found: list[Workers] = []
    start = Workers.__init__

    def noted(self: Workers, count: int, tokenizer: Jieba) -> None:
        found.append(self)
        start(self, count, tokenizer)

    monkeypatch.setattr(Workers, "__init__", noted)
    return found


@pytest.mark.parametrize(("threads", "processes"), [(1, []), (3, [3])])
def test_threads_say_how_many(started: list[Workers], threads: int, processes: list[int]) -> None:
    """A long text is cut by as many processes as there are threads to use, and by this one where that is one."""
    assert sum(len(cut.lengths) for cut in cut_lines(["我们" * BLOCK] * SHORT, jieba(), threads)) == SHORT
    assert [len(workers.all) for workers in started] == processes


def test_a_text_that_is_left(started: list[Workers]) -> None:
    """Who stops reading in the middle leaves no process behind."""
    cuts = cut_lines(["我们" * BLOCK] * 20, jieba(), 2)
    assert next(cuts).words == ["我们"]
    cuts.close()  # type: ignore[attr-defined]
    (workers,) = started
    assert all(worker.returncode is not None for worker in workers.all)


def forbidden(*_: Any, **__: Any) -> Any:
    raise OSError("no more processes")


def test_a_short_text_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below about 1 MB nothing is started."""
    monkeypatch.setattr(Workers, "__init__", pytest.fail)
    (cut,) = cut_lines(["我迟到了"], jieba())
    assert cut.words == ["我", "迟到", "了"]


@pytest.mark.usefixtures("any_length")
def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system refuses another process, this one cuts."""
    monkeypatch.setattr(subprocess, "Popen", forbidden)
    (cut,) = cut_lines(["我迟到了"], jieba(), 2)
    assert cut.words == ["我", "迟到", "了"]


@pytest.mark.usefixtures("any_length")
def test_a_bad_user_dictionary() -> None:
    """It is told before any process starts."""
    with pytest.raises(CorpusError, match="user dictionary"):
        list(cut_lines(["我"], jieba(["两\n行"]), 2))


def test_streams_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a text does not depend on how many processes cut it."""
    text = tmp_path / "text.txt"
    text.write_text("\n".join(line.replace("\ud800", "") for line in LINES * 300), encoding="utf-8")
    results = []
    for cores in (1, 2):
        monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / str(cores)))
        monkeypatch.setattr(cutting, "BLOCK", 500)
        monkeypatch.setattr(cutting, "cores", lambda cores=cores: cores)
        streams = cut_files([text], jieba(USER_WORDS), hold_out=True)
        results.append([(part.tokens.tolist(), part.types, part.counts.tolist(), part.characters) for part in streams])
    assert results[0] == results[1]


def test_any_script(tmp_path: Path) -> None:
    """It works in a script that guards nothing, from a folder whose files have the names of Python's own modules."""
    script = tmp_path / "scripts" / "script.py"
    script.parent.mkdir()
    script.write_text(
        "from rnnlm.text import cutting\n"
        "from rnnlm.text.cutting import cut_lines\n"
        "from rnnlm.text.tokenizer import Jieba\n"
        "cutting.SHORT = 1\n"
        "print(sum(sum(cut.lengths) for cut in cut_lines(['我迟到了'] * 100, Jieba(True), 2)))\n"
    )
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong one')")
    path = os.pathsep.join(sys.path)
    program = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(program, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "300\n", "")
