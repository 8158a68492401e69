"""`rnnlm train`: what it says, what it writes, what it refuses, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Answer, Command
from conftest import TINY
from rnnlm.errors import RnnlmError
from rnnlm.report.terminal import width
from rnnlm.store.run import Run
from rnnlm.text.streams import Stream, cut_files

Write = Callable[[str], Path]


@pytest.fixture
def train(rnnlm: Command, small_config: Write, in_folder: Path) -> Callable[..., Answer]:
    """Trains a small model for an epoch, in an empty folder."""

    def run(*arguments: str | Path, input: str | None = None) -> Answer:
        return rnnlm("train", "--config", small_config("characters"), "--epochs", "1", *arguments, input=input)

    return run


def only_run() -> Run:
    (path,) = Path("runs").iterdir()
    return Run(path)


def test_the_last_words(train: Callable[..., Answer]) -> None:
    """Training ends by telling where the run is, its figures, and what to try next; that works as it stands."""
    answer = train(TINY)
    assert answer.status == 0, answer.err
    run = only_run()
    assert answer.lines[0] == f"run: {run.path}"
    assert "validation perplexity" in answer.lines[1]
    assert "bits per character" in answer.lines[1]
    assert answer.lines[2].startswith("next: rnnlm predict ")
    assert run.path.name.endswith("-gru")
    assert run.config.train.epochs == 1


def test_the_next_command_works(rnnlm: Command, train: Callable[..., Answer]) -> None:
    """Without --model, `predict` takes the run that was trained last."""
    import shlex

    last = train(TINY, "--out", "elsewhere/here").lines[-1]
    _, *arguments = shlex.split(last.removeprefix("next: "))
    assert rnnlm(*arguments).status == 0
    train(TINY)
    assert rnnlm("predict", "我").status == 0


def test_what_is_held_out(train: Callable[..., Answer], in_folder: Path) -> None:
    """Without --valid the lines, or passages, that are held out are told; with it nothing is."""
    assert "every 20th line is held out (2 sentences)" in train(TINY).err
    passages = in_folder / "passages.txt"
    passages.write_text("\n\n".join(["我们去公园。\n公园里人很多。"] * 41), encoding="utf-8")
    assert "every 20th passage is held out (4 sentences)" in train(passages).err
    assert "held out" not in train(TINY, "--valid", TINY).err


def test_a_folder_and_standard_input(train: Callable[..., Answer], in_folder: Path) -> None:
    """A folder with train.txt and valid.txt, and `-`, are read like files."""
    text = TINY.read_text(encoding="utf-8")
    (in_folder / "corpus").mkdir()
    for name in ("train.txt", "valid.txt"):
        (in_folder / "corpus" / name).write_text(text, encoding="utf-8")
    folder, named = train("corpus", "--out", "a"), train(TINY, "--valid", TINY, "--out", "b")
    assert folder.lines[1].split("(")[0] == named.lines[1].split("(")[0]
    assert train("-", "--out", "c", input=text).status == 0


def test_a_folder_of_texts(train: Callable[..., Answer], in_folder: Path) -> None:
    """Which files of a folder are read is said in a line, however many they are."""
    text = TINY.read_text(encoding="utf-8")
    (in_folder / "corpus").mkdir()
    for name in ("a.txt", "二.txt", ".隐.txt"):
        (in_folder / "corpus" / name).write_text(text, encoding="utf-8")
    assert "corpus: training on a.txt, 二.txt\n" in train("corpus", "--out", "a").err
    for number in range(20):
        (in_folder / "corpus" / f"第{number:02}篇.txt").write_text("我们去公园。\n", encoding="utf-8")
    (line,) = (line for line in train("corpus", "--out", "b").err.splitlines() if "training on" in line)
    assert line.startswith("corpus: training on a.txt, 二.txt, 第00篇.txt, ")
    assert line.endswith(" more")
    assert 60 < width(line) <= 80
    assert int(line.split()[-2]) + line.count(".txt") == 22


def test_options_are_settings(train: Callable[..., Answer]) -> None:
    """The names of the field stand for settings; --set reaches every key; the run's config.toml holds the result."""
    answer = train(
        TINY, "--out", "a", "--nhid", "6", "--emsize", "6", "--nlayers", "2", "--lr", "0.5", "--bptt", "7",
        "--clip", "0.3", "--dropout", "0.1", "--tied", "--batch", "3", "--seed", "9", "--no-normalize",
        "--set", "train.optimizer=sgd", "--set", "model.dropout_input=0.2",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    config = Run(Path("a")).config
    model, settings = config.model, config.train
    assert (model.hidden, model.embedding, model.layers, model.tied) == (6, 6, 2, True)
    assert (model.dropout, model.dropout_input) == (0.1, 0.2)
    assert (settings.rate, settings.bptt, settings.clip, settings.batch, settings.seed) == (0.5, 7, 0.3, 3, 9)
    assert (settings.optimizer, config.text.normalize) == ("sgd", "off")


def test_the_same_seed_trains_the_same_model(train: Callable[..., Answer]) -> None:
    """Two trainings with one seed end with the same figures; another seed with others."""
    figures = [train(TINY, "--out", name, "--seed", name).lines[1].split("(")[0] for name in ["1", "2"]]
    again = train(TINY, "--out", "3", "--seed", "1").lines[1].split("(")[0]
    assert again == figures[0] != figures[1]


def test_an_existing_folder_is_refused(train: Callable[..., Answer], in_folder: Path) -> None:
    """What stands in --out is not lost, unless --force is said, and never if it is no run."""
    train(TINY, "--out", "a")
    before = (in_folder / "a" / "checkpoints.json").read_text()
    answer = train(TINY, "--out", "a")
    assert (answer.status, answer.out) == (1, "")
    assert "a exists" in answer.err
    assert "--resume" in answer.err
    assert (in_folder / "a" / "checkpoints.json").read_text() == before
    (in_folder / "a" / "notes.md").write_text("mine")
    (in_folder / "a" / "text.txt").write_text(TINY.read_text("utf-8"), "utf-8")
    assert train("a/text.txt", "--out", "a", "--force", "--seed", "5").status == 0
    assert Run(Path("a")).config.train.seed == 5
    assert (in_folder / "a" / "notes.md").read_text() == "mine"
    kept = {path: path.stat().st_mtime_ns for path in (in_folder / "a").rglob("*") if path.is_file()}
    assert train(TINY, "--out", "a", "--force", "-s", "model.head=adaptive", "-s", "model.cutoffs=[100000]").status == 1
    assert {path: path.stat().st_mtime_ns for path in (in_folder / "a").rglob("*") if path.is_file()} == kept
    assert not (in_folder / "a" / ".replaced").exists()
    (in_folder / "a" / "checkpoints.json").write_text("{")
    assert train(TINY, "--out", "a", "--force").status == 0  # the way out of a damaged run
    assert (in_folder / "a" / "text.txt").exists()
    (in_folder / "mine").mkdir()
    (in_folder / "mine" / "photo").touch()
    assert train(TINY, "--out", "mine", "--force").status == 1
    assert (in_folder / "mine" / "photo").exists()
    (in_folder / "empty").mkdir()
    assert train(TINY, "--out", "empty").status == 0


def test_going_on(rnnlm: Command, train: Callable[..., Answer]) -> None:
    """--resume with more epochs goes on where the run stopped, to the same end as without the stop."""
    train(TINY, "--out", "whole", "--epochs", "3")
    train(TINY, "--out", "parts", "--epochs", "1")
    answer = rnnlm("train", TINY, "--out", "parts", "--resume", "--epochs", "3")
    assert Run(Path("parts")).config.train.epochs == 3  # the line that Ctrl-C prints goes on to the same end
    assert answer.status == 0, answer.err
    whole, parts = (
        [entry["valid_loss"] for entry in Run(Path(name)).metrics() if entry["kind"] == "valid"]
        for name in ("whole", "parts")
    )
    assert whole == parts
    assert len(parts) == 3


def test_going_on_with_the_newest(
    rnnlm: Command, train: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --out it is the newest run, not the one in $RNNLM_MODEL: that is one to use."""
    train(TINY, "--out", "used", "--epochs", "1")
    train(TINY, "--out", "runs/new", "--epochs", "1")
    before = Run(Path("used")).index
    monkeypatch.setenv("RNNLM_MODEL", "used")
    assert rnnlm("train", TINY, "--resume", "--epochs", "2").status == 0
    assert Run(Path("used")).index == before
    assert len([entry for entry in Run(Path("runs/new")).metrics() if entry["kind"] == "valid"]) == 2


def test_a_finished_run_has_nothing_to_go_on_with(rnnlm: Command, train: Callable[..., Answer]) -> None:
    """Resuming a finished run trains nothing and is no error."""
    train(TINY, "--out", "a")
    before = Run(Path("a")).index
    assert rnnlm("train", TINY, "--out", "a", "--resume").status == 0
    assert Run(Path("a")).index == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--out", "a", "--resume", "--hidden", "9"], "model.hidden=9 cannot change"),
        (["--out", "a", "--resume", "--config", "default"], "--config does not go with --resume"),
        (["--out", "none", "--resume"], "there is no run none"),
    ],
)
def test_what_cannot_go_on(rnnlm: Command, train: Callable[..., Answer], arguments: list[str], told: str) -> None:
    """A run goes on with its own settings only."""
    train(TINY, "--out", "a")
    answer = rnnlm("train", TINY, *arguments)
    assert answer.status == 1
    assert told in answer.err


def test_another_text_is_refused(rnnlm: Command, train: Callable[..., Answer], in_folder: Path) -> None:
    """A run does not go on with another text, and stays as it was."""
    train(TINY, "--out", "a")
    other = in_folder / "other.txt"
    lines = TINY.read_text(encoding="utf-8").splitlines(keepends=True)
    other.write_text("".join(reversed(lines)), encoding="utf-8")
    before = Run(Path("a")).index
    answer = rnnlm("train", other, "--out", "a", "--resume", "--epochs", "2")
    assert answer.status == 1
    assert "resume it with the same files" in answer.err
    assert Run(Path("a")).index == before


@pytest.mark.parametrize("which", ["--user-dict", "--vocabulary"])
def test_a_run_with_a_word_list_goes_on(
    rnnlm: Command, train: Callable[..., Answer], in_folder: Path, which: str
) -> None:
    """A run keeps its own words: going on needs neither the user dictionary nor the vocabulary it began with."""
    words = in_folder / "words.txt"
    words.write_text("妹妹说\n爸爸说\n我们\n", encoding="utf-8")
    train(TINY, "--out", "a", "--tokenizer", "jieba", which, words)
    words.unlink()
    answer = rnnlm("train", TINY, "--out", "a", "--resume", "--epochs", "2")
    assert answer.status == 0, answer.err


def test_no_path_in_a_run(train: Callable[..., Answer], in_folder: Path) -> None:
    """A run made from files of this disk names none of them."""
    words, vectors = in_folder / "words.txt", in_folder / "vectors.txt"
    words.write_text("妹妹说\n", encoding="utf-8")
    vectors.write_text("我 " + "0.1 " * 15 + "0.2\n", encoding="utf-8")
    answer = train(
        TINY, "--out", "a", "--tokenizer", "jieba", "--user-dict", words, "--set", f"model.embeddings={vectors}"
    )
    assert answer.status == 0, answer.err
    for path in Path("a").rglob("*"):
        assert path.is_dir() or str(in_folder).encode() not in path.read_bytes(), path


def test_a_loss_that_is_no_number(train: Callable[..., Answer]) -> None:
    """A rate that is far too high ends in two lines with advice, and no run's checkpoint is spoilt."""
    train(TINY, "--out", "a")
    answer = train(TINY, "--out", "b", "--lr", "1e38", "--clip", "0", "--epochs", "9")
    assert answer.status == 1
    assert "no longer a number" in answer.err
    assert "--lr" in answer.err
    assert not Run(Path("b")).index


def test_bundled_corpus(rnnlm: Command, small_config: Write, in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no files the bundled corpus is read, which is said; it has parts of its own, so nothing is held out."""

    def refuse(*_: object, **__: object) -> None:
        raise RnnlmError("read no further")

    seen: list[list[str]] = []

    def cut_less(paths: list[Path], *rest: Any) -> list[Stream]:
        seen.append([path.name for path in paths])
        return cut_files([TINY], *rest)

    monkeypatch.setattr("rnnlm.train.prepare.cut_files", cut_less)
    monkeypatch.setattr("rnnlm.train.prepare.encode_stream", refuse)
    answer = rnnlm("train", "--config", small_config("characters"))
    assert "bundled corpus" in answer.err
    assert seen == [["train.txt"], ["valid.txt"]]


def test_a_stopped_count_leaves_no_run(rnnlm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while n-grams are counted: there is nothing to go on with, and so no run in the way of the next."""

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rnnlm.cli.training.train_ngram", stopped)
    answer = rnnlm("train", TINY, "--config", "ngram", "--out", tmp_path / "run")
    assert answer.status == 130
    assert not (tmp_path / "run").exists()
