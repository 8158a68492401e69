"""The table of a training and its advice: worked out by hand, and as `rnnlm train` prints them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from commands import Command
from conftest import TINY
from rnnlm.cli.course import CLOZE_HEADER, HEADER, Course
from rnnlm.config import Config, Model, Train
from rnnlm.train.evaluate import Metrics
from rnnlm.train.evaluate_cloze import ClozeMetrics
from rnnlm.train.trainer import Stepped, Validated

V = 1000  # ln V = 6.91


def course(cell: str = "lstm", kind: str = "rnn", rate: float = 0.3) -> Course:
    return Course(Config(model=Model(cell=cell, kind=kind), train=Train(rate=rate)), V)


def stepped(step: int, norm: float = 1.0, clipped: float = 0.0) -> Stepped:
    return Stepped(0, step, 100, step, 5.0, norm, clipped, 0.3, 10, 1.0)


def validated(train: float, valid: float, best: bool = True, epoch: int = 1) -> Validated:
    """The end of an epoch with these losses."""
    metrics = Metrics(10, 100, 0, 300, 100 * valid, 100 * valid, True)
    return Validated(epoch, train, metrics, valid, best, 12.3)


def test_a_row() -> None:
    """Norm and clipping are means over the steps, however many lie between two events."""
    own = course()
    own.see(stepped(10, norm=1.0, clipped=0.5))
    own.see(stepped(40, norm=3.0, clipped=0.1))
    (row,) = own.end(validated(math.log(200), math.log(300)), 0.5)
    # (10 · 1 + 30 · 3) / 40 = 2.5; (10 · 0.5 + 30 · 0.1) / 40 = 20 %
    bits = 100 * math.log(300) / math.log(2) / 300
    assert row.split() == ["*", "1", "200.00", "300.00", f"{bits:.3f}", "2.50", "20%", "50%", "12s"]
    own.see(stepped(50, norm=7.0))  # the next epoch begins anew
    (row,) = own.end(validated(math.log(150), math.log(310), best=False, epoch=2), 0.0)
    assert row.split() == ["2", "150.00", "310.00", f"{100 * math.log2(310) / 300:.3f}", "7.00", "0%", "0%", "12s"]


@pytest.mark.parametrize("loss", [0.5, 6.0, 300.0])
@pytest.mark.parametrize("kind", ["rnn", "cloze"])
def test_rows_stand_under_the_header(kind: str, loss: float) -> None:
    """Each figure ends where its name ends, also a very large one, and the table fits 80 columns."""
    own = course(kind=kind)
    own.see(stepped(10, norm=1e9, clipped=1.0))
    event = validated(loss, loss)
    if kind == "cloze":
        event = Validated(1, 6.0, ClozeMetrics(10, 3, 5, 0.4, 60.0), 6.0, True, 12.3)
    row = own.end(event, 1.0)[0]
    assert own.header == (HEADER if kind == "rnn" else CLOZE_HEADER)
    assert len(row) == len(own.header) <= 80
    for name in ("train", "valid", "|g|", "clipped", "saturated", "time"):
        end = own.header.index(name) + len(name)
        assert row[end - 1] != " ", name
        assert end == len(row) or row[end] == " ", name


def advice(own: Course, *epochs: tuple[float, float, bool], clipped: float = 0.0, saturated: float = 0.0) -> list[str]:
    """The names of what is advised after each of some epochs (training loss, validation loss, best?)."""
    found = []
    for epoch, (train, valid, best) in enumerate(epochs, 1):
        own.see(stepped(10 * epoch, clipped=clipped))
        found += [line.strip().split(":")[0] for line in own.end(validated(train, valid, best, epoch), saturated)[1:]]
    return found


def test_no_advice() -> None:
    """A training that goes as it should is left alone, also where each step is clipped and the loss falls."""
    assert advice(course(), (6.0, 5.9, True), (5.5, 5.6, True), (5.3, 5.5, True), clipped=1.0) == []


def test_rate_too_high() -> None:
    """A loss above ln V, and one that rises, are told once each, with a lower rate."""
    assert advice(course(), (7.0, 6.9, True), (6.95, 6.9, True), (6.95, 6.9, True)) == ["worse than guessing"] * 1
    assert advice(course(), (5.0, 5.0, True), (5.2, 5.3, False), (5.4, 5.5, False)) == ["the training loss rises"]
    own = course(rate=0.3)
    own.see(stepped(10))
    assert "--lr 0.1" in own.end(validated(8.0, 8.0), 0)[1]


def test_clipping_that_does_not_help() -> None:
    """Nearly every step clipped is worth a word only where the loss hardly falls."""
    assert advice(course(), (5.0, 5.0, True), (4.99, 5.0, True), clipped=0.95) == ["nearly every step is clipped"]
    assert advice(course(), (5.0, 5.0, True), (4.99, 5.0, True), clipped=0.5) == []


def test_learnt_by_heart() -> None:
    """A validation loss that is no longer the best, far above the training loss."""
    assert advice(course(), (5.0, 5.0, True), (3.0, 5.1, False)) == ["learnt by heart"]
    assert advice(course(), (5.0, 5.0, True), (3.0, 4.9, True)) == []


@pytest.mark.parametrize(
    ("cell", "share", "told"), [("tanh", 0.6, True), ("tanh", 0.4, False), ("relu", 0.6, False), ("lstm", 1.0, False)]
)
def test_saturated(cell: str, share: float, told: bool) -> None:
    """A simple network whose units are mostly saturated is told; a ReLU may rest, and gates hold fast by it."""
    assert advice(course(cell), (5.0, 5.0, True), saturated=share) == ["saturated"] * told


def test_rnnlm_train_prints_the_table(rnnlm: Command, in_folder: Path) -> None:
    """A header, a row an epoch, and advice for a rate that is far too high; all on standard error."""
    small = ["--hidden", "8", "--embedding", "8", "--batch", "4", "--epochs", "2", "--threads", "1", "--cell", "tanh"]
    answer = rnnlm("train", TINY, "--valid", TINY, *small, "--optimizer", "sgd", "--lr", "3000", "--out", "a")
    table = answer.err.partition(HEADER + "\n")[2]
    assert re.findall(r"^[* ] +(\d+) .*s$", table, re.M) == ["1", "2"]
    assert "worse than guessing" in answer.err
    assert "saturated:" in answer.err
    assert HEADER not in answer.out
    assert "warning: 100% of the validation sentences stand in the training text too" in answer.err


def test_nearly_all_words_unknown(rnnlm: Command, in_folder: Path) -> None:
    """Chinese text cut at blanks has hardly a word twice: that is told, for both texts, before training."""
    small = ["--hidden", "8", "--embedding", "8", "--batch", "4", "--epochs", "1", "--threads", "1"]
    answer = rnnlm("train", TINY, "--tokenizer", "whitespace", "--min-count", "2", *small, "--out", "a")
    assert answer.status == 0, answer.err
    for what in ("training", "validation"):
        assert f"of the {what} words are unknown; look at --tokenizer" in answer.err
