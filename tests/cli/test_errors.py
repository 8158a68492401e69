"""Bad input: one or two lines that say what is wrong and what to do, the right exit status, nothing lost."""

from __future__ import annotations

import errno
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Answer, Command
from conftest import TINY
from rnnlm.cli.show import finite
from rnnlm.store import files
from rnnlm.store.run import Run


def told(answer: Answer, *words: str) -> None:
    """The answer is an error of one or two lines that hold these words, and nothing else."""
    assert answer.status == 1, answer
    lines = [line for line in answer.err.splitlines() if line.startswith(("rnnlm: ", "       "))]
    assert 1 <= len(lines) <= 2
    assert lines[-1] == answer.err.splitlines()[-1]
    assert lines[0].startswith("rnnlm: ")
    assert "Traceback" not in answer.err
    for word in words:
        assert word in "\n".join(lines)


@pytest.fixture
def damaged(character_run: Path, tmp_path: Path) -> Path:
    """A copy of a run, to be damaged."""
    return Path(shutil.copytree(character_run, tmp_path / "run"))


COMMANDS: dict[str, Callable[[Path], list[str | Path]]] = {
    "train": lambda file: ["train", file],
    "valid": lambda file: ["train", TINY, "--valid", file],
    "evaluate": lambda file: ["evaluate", file],
    "score": lambda file: ["score", file],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("none.txt", None, ["there is no file", "none.txt"]),
        ("image.png", b"\x89PNG\0\0\0", ["image.png does not look like text", "--encoding"]),
        ("text.txt.gz", b"not packed", ["text.txt.gz cannot be read"]),
        ("empty.txt", b"", ["there are no words in", "empty.txt"]),
        ("blank.txt", b"\n  \n\n", ["there are no words in", "blank.txt"]),
    ],
)
def test_files(
    rnnlm: Command, character_run: Path, in_folder: Path, monkeypatch: pytest.MonkeyPatch,
    command: str, name: str, data: bytes | None, words: list[str],
) -> None:  # fmt: skip
    """A file that is missing, empty or not text is told by its name, whichever command reads it."""
    monkeypatch.setenv("RNNLM_MODEL", str(character_run))
    path = in_folder / name
    if data is not None:
        path.write_bytes(data)
    answer = rnnlm(*COMMANDS[command](path))
    if command == "score" and "no words" in words[0]:  # lines without words have scores too
        assert answer.status == 0
    else:
        told(answer, *words)
    assert not (in_folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--batch", "9000"], ["fewer than one batch of 9000 columns", "--batch"]),
        (["--config", "defualt"], ["there is no configuration 'defualt'", "default"]),
        (["--set", "model.hiden=3"], ["there is no key model.hiden; do you mean model.hidden?", "info --keys"]),
        (["--set", "hidden=3"], ["'hidden=3' is not section.key=value"]),
        (["--encoding", "utf-7000"], ["no encoding called 'utf-7000'"]),
        (["--encoding", "ascii"], ["is not ascii text", "--encoding"]),
        (["--user-dict", "none.txt"], ["there is no file none.txt"]),
        (["--vocabulary", "none.txt"], ["there is no file none.txt"]),
        (["--tied", "--hidden", "16", "--embedding", "8"], ["model.tied needs model.hidden = model.embedding"]),
        (["--optimizer", "adma"], ["do you mean adam?"]),
        (["--set", "model.embeddings=none.txt"], ["there is no file none.txt"]),
    ],
)
def test_training_that_cannot_begin(rnnlm: Command, in_folder: Path, arguments: list[str], words: list[str]) -> None:
    """What can be known before is told before: no run is begun."""
    told(rnnlm("train", TINY, "--out", "run", "--threads", "1", *arguments), *words)
    assert not (in_folder / "run").exists()


def test_all_settings_at_once(rnnlm: Command, in_folder: Path) -> None:
    """Every wrong setting is named, not only the first."""
    answer = rnnlm("train", TINY, "--set", "model.hiden=3", "--set", "train.batch=x", "--set", "model.dropout=2")
    assert answer.status == 1
    assert all(word in answer.err for word in ("model.hiden", "train.batch", "model.dropout"))


@pytest.mark.parametrize("command", ["predict", "generate", "evaluate", "score", "info"])
def test_no_run(rnnlm: Command, in_folder: Path, command: str) -> None:
    """Where there is no run, and where the one named is none, the command says how to get one."""
    told(rnnlm(command, input="我\n"), "there is no run", "rnnlm train")
    told(rnnlm(command, "--model", "none", input="我\n"), "there is no run none", "rnnlm train")
    told(rnnlm(command, "--model", ".", input="我\n"), ". is not the folder of a run")


def test_a_checkpoint_that_was_cut_off(rnnlm: Command, damaged: Path) -> None:
    """A truncated weight file is told as damaged, by every command that reads it."""
    weights = Run(damaged).checkpoint() / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    for command in (["predict", "我"], ["generate"], ["evaluate", str(TINY)], ["score", str(TINY)]):
        told(rnnlm(*command, "--model", damaged), "model.safetensors is damaged", "train again")


def test_a_damaged_checkpoint_is_not_resumed(rnnlm: Command, damaged: Path) -> None:
    """Neither weights nor state that cannot be read are trained on."""
    path = Run(damaged).checkpoint("last")
    (path / "trainer.safetensors").write_bytes(b"half")
    arguments: list[str | Path] = ["train", TINY, "--valid", TINY, "--out", damaged, "--resume", "--epochs=9"]
    told(rnnlm(*arguments), "trainer.safetensors is damaged")
    (path / "trainer.json").write_text("{}")
    told(rnnlm(*arguments), "trainer")


def test_a_vocabulary_that_does_not_match(rnnlm: Command, damaged: Path) -> None:
    """A model and a word list of different sizes do not go together."""
    path = damaged / "vocabulary.txt"
    path.write_text(path.read_text(encoding="utf-8") + "新词\n", encoding="utf-8")
    told(rnnlm("predict", "--model", damaged, "我"), "but vocabulary.txt holds", "put back the vocabulary")


@pytest.mark.parametrize("name", ["config.toml", "vocabulary.txt", "tokenizer.json", "checkpoints.json"])
def test_a_damaged_run(rnnlm: Command, damaged: Path, name: str) -> None:
    """Every file of a run that is damaged is named."""
    (damaged / name).write_bytes(b"\xff\0[")
    told(rnnlm("predict", "--model", damaged, "我"), name)


def test_a_full_disk(
    rnnlm: Command, damaged: Path, small_config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full, a run that goes on keeps the checkpoint it had."""
    index = Run(damaged).index

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    answer = rnnlm("train", TINY, "--valid", TINY, "--out", damaged, "--resume", "--epochs", "6")
    told(answer, "the disk is full", "free some space")
    monkeypatch.undo()
    assert Run(damaged).index == index
    assert rnnlm("predict", "--model", damaged, "我").status == 0
    assert sorted(path.name for path in (damaged / "checkpoints").iterdir()) == sorted(set(index.values()))


@pytest.mark.parametrize("where", ["cache", "run"])
def test_a_full_disk_from_the_start(
    rnnlm: Command, in_folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A disk that is full before training begins, in the cache or in the run, is told too."""
    import numpy as np

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where == "cache":
        monkeypatch.setenv("RNNLM_CACHE", str(in_folder / "cache"))
        monkeypatch.setattr(np, "save", full)
    else:
        monkeypatch.setattr(files, "beside", full)
    words = {"cache": ["No space left on device", "RNNLM_CACHE"], "run": ["the disk is full"]}
    told(rnnlm("train", TINY, "--out", "run", "--threads", "1"), *words[where])


def test_input_that_is_not_text(rnnlm: Command, character_run: Path) -> None:
    """Standard input in another encoding is told with its line."""
    data = "我\n".encode() + "中文\n".encode("gb18030")
    told(rnnlm("predict", "--model", character_run, input=data), "line 2 of standard input is not UTF-8")


def test_arguments_that_are_no_text(rnnlm: Command, character_run: Path) -> None:
    """Bytes on the command line that are not UTF-8 do not break the answer."""
    for flags in ([], ["--json"]):
        answer = rnnlm("predict", "--model", character_run, "我\udcff", *flags)
        assert answer.status in (0, 1)
        assert "Traceback" not in answer.err


def test_standard_input_is_read_once(rnnlm: Command, character_run: Path, in_folder: Path) -> None:
    """Whoever names it twice is told, before half of the work is done."""
    told(rnnlm("train", "-", "--valid", "-", input="我。\n"), "twice")
    answer = rnnlm("evaluate", "-", "-m", character_run, "-m", character_run, input="我。\n")
    assert (answer.status, answer.out) == (2, "")
    assert "read once" in answer.err
    assert rnnlm("evaluate", TINY, "--items", "items.jsonl", "-m", character_run).status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--temperature", "nan"],
        ["generate", "--top-p", "nan"],
        ["rescore", "--lm-scale", "inf"],
        ["evaluate", "--cache", "nan"],
        ["train", "--rate", "nan"],
    ],
)
def test_numbers_that_are_none(rnnlm: Command, arguments: list[str]) -> None:
    """Nobody can compute with them, and no bound keeps them out."""
    answer = rnnlm(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert "is no number" in answer.err


def test_scores_that_cannot_be_compared(rnnlm: Command, character_run: Path) -> None:
    """A hypothesis whose score is no number is told with its line: no order would be right."""
    lines = "u1\t-10\t今天\nu1\tnan\t你好\n"
    told(rnnlm("rescore", "-m", character_run, "--columns", "acoustic", input=lines), "line 2", "nan")


def test_json_knows_no_infinity() -> None:
    """null stands for it, or strict parsers refuse the whole line."""
    assert finite({"a": [math.inf, 1.5], "b": {"c": math.nan}, "d": "nan"}) == {
        "a": [None, 1.5],
        "b": {"c": None},
        "d": "nan",
    }


def test_tokenize_cuts_as_the_run_or_as_told(rnnlm: Command, character_run: Path) -> None:
    """Both at once would leave one of them without effect."""
    for options in (["--tokenizer", "jieba"], ["--user-dict", "words.txt"], ["--no-normalize"]):
        answer = rnnlm("tokenize", "-m", character_run, *options, "我")
        assert (answer.status, answer.out) == (2, "")
        assert "--model cuts as its run does" in answer.err


def test_columns_of_nbest_lists(rnnlm: Command, character_run: Path) -> None:
    """Names may have blanks and capitals, and stand there once; a line with more columns than the first is told."""
    lines = "u1\t-10\t-3\t今天\nu1\t-9\t-2\t你好\n"
    plain = rnnlm("rescore", "-m", character_run, "--columns", "acoustic,lm", input=lines)
    assert plain.status == 0
    assert rnnlm("rescore", "-m", character_run, "--columns", "Acoustic, LM", input=lines).out == plain.out
    assert rnnlm("rescore", "-m", character_run, "--columns", "lm,lm", input=lines).status == 2
    assert rnnlm("rescore", "-m", character_run, "--columns", "-,-", input=lines).status == 0
    tabs = lines.replace("\n", "\t\n")
    assert rnnlm("rescore", "-m", character_run, "--columns", "acoustic,lm", input=tabs).out == plain.out
    told(rnnlm("rescore", "-m", character_run, input="u1\t-10\nu1\t-2\t我\t好\n"), "line 2", "4 columns")


def test_an_arpa_file_under_another_name(rnnlm: Command, tmp_path: Path) -> None:
    """It is told how such a file is known."""
    (tmp_path / "model.lm").write_text("\\data\\\n")
    told(rnnlm("score", "-m", tmp_path / "model.lm", input="我\n"), "not a model", ".arpa")


def test_counting_that_has_no_reader(tmp_path: Path, in_folder: Path) -> None:
    """A counting model that is saved stays, though nobody hears of it; a text of a few words can be counted."""
    (tmp_path / "few.txt").write_text("我 你\n", "utf-8")
    few: str | Path = tmp_path / "few.txt"
    command: list[str | Path] = [sys.executable, "-m", "rnnlm.cli.main", "train", few, "--valid", few]
    options: list[str | Path] = [
        "--config",
        "ngram",
        "--tokenizer",
        "whitespace",
        "--min-count",
        "1",
        "--out",
        tmp_path / "run",
    ]
    with Path(os.devnull).open("w") as nobody:
        read, write = os.pipe()
        os.close(read)
        subprocess.run([*command, *options], stdout=write, stderr=nobody, check=False)
        os.close(write)
    assert Run(tmp_path / "run").index


def test_words_that_look_like_the_sign_of_a_blank(rnnlm: Command, tmp_path: Path) -> None:
    """An ARPA file has every word once: the blank gets a sign that is none."""
    text = tmp_path / "a.txt"
    text.write_text("你好 世界\n按␣键\n" * 5, "utf-8")
    run, file = tmp_path / "run", tmp_path / "a.arpa"
    options: list[str | Path] = ["--config", "ngram", "--tokenizer", "characters", "-s", "model.order=2", "--out", run]
    assert rnnlm("train", text, "--valid", text, *options).status == 0
    assert rnnlm("export", "-m", run, "-o", file).status == 0
    assert rnnlm("score", "-m", file, input="你 好\n").status == 0
