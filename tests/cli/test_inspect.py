"""`rnnlm inspect`: its JSON, its tables and their width, its pictures, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import Answer, Command
from conftest import TINY
from rnnlm.api import load
from rnnlm.nn.arrays import Tape
from rnnlm.nn.cells import GRU
from rnnlm.report.flow import Flow
from rnnlm.report.terminal import width

TEXT = "今天早上下雨了，我"


@pytest.fixture(scope="session")
def simple_run(rnnlm: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two simple layers over characters, with an embedding of its own."""
    out = tmp_path_factory.mktemp("simple") / "run"
    answer = rnnlm(
        "train", TINY, "--valid", TINY, "--out", out, "--tokenizer", "characters", "--cell", "tanh", "--layers", "2",
        "--hidden", "12", "--embedding", "10", "--untied", "--batch", "4", "--min-count", "1", "--epochs", "1",
        "--threads", "1",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    return out


@pytest.fixture(scope="session")
def other_run(rnnlm: Command, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A run of a kind that has no such inside: the parameter names its configuration."""
    out = tmp_path_factory.mktemp("other") / "run"
    more = [] if request.param == "ngram" else ["--hidden", "8", "--embedding", "8", "--batch", "4", "--epochs", "1"]
    answer = rnnlm("train", TINY, "--valid", TINY, "--config", request.param, "--out", out, "--threads", "1", *more)
    assert answer.status == 0, answer.err
    return out


def ask(rnnlm: Command, *arguments: str | Path) -> list[Any]:
    answer = rnnlm("inspect", *arguments, "--json")
    assert (answer.status, answer.err) == (0, "")
    return answer.objects


def fits(answer: Answer, columns: int) -> bool:
    """Does every line fit a terminal so wide?"""
    assert (answer.status, answer.err) == (0, "")
    return all(width(line) <= columns for line in answer.lines)


# ---------------------------------------------------------------- forward


def test_forward_json(rnnlm: Command, word_run: Path) -> None:
    """An object a word: its parts, the best words, and a cross-entropy that is the model's own score."""
    found = ask(rnnlm, "forward", TEXT, "-m", word_run, "-k", "4")
    model = load(word_run)
    assert [step["word"] for step in found] == ["</s>", *model.coder.encode(TEXT).words]
    assert [step["came"] for step in found] == [*(step["word"] for step in found[1:]), None]
    scores = [-score.log_prob * math.log(10) for score in model.full_scores(TEXT, eos=False)]
    assert [step["cross_entropy"] for step in found[:-1]] == pytest.approx(scores, rel=1e-5)
    for step in found:
        assert list(step) == ["word", "embedding_norm", "layers", "top", "entropy", "came", "cross_entropy"]
        assert len(step["top"]) == 4
        (layer,) = step["layers"]
        assert list(layer["gates"]) == ["r", "u", "n"]
        assert layer["state_norm"] == pytest.approx(np.linalg.norm(layer["state"]), rel=1e-5)
        assert len(layer["state"]) == 16
        assert [unit["value"] for unit in layer["active"]] == [layer["state"][unit["unit"]] for unit in layer["active"]]


def test_forward_table(rnnlm: Command, word_run: Path, simple_run: Path) -> None:
    """Every step with its layers, gates and softmax, in 80 columns; the mean as `predict` and `score` count it."""
    answer = rnnlm("inspect", "forward", TEXT, "-m", word_run)
    assert fits(answer, 80)
    words = load(word_run).coder.encode(TEXT).words
    assert [line for line in answer.lines if line.startswith("t = ")] == [
        f"t = {t}  {word}" for t, word in enumerate(["</s>", *words])
    ]
    assert answer.out.count("softmax") == len(words) + 1
    assert answer.out.count("  r +") + answer.out.count("  r -") == len(words) + 1
    mean = -load(word_run).score(TEXT, eos=False) * math.log(10) / len(words)
    assert answer.lines[-1] == f"mean cross-entropy {mean:.3f} nats a word, perplexity {math.exp(mean):.1f}"
    deep = rnnlm("inspect", "forward", TEXT, "-m", simple_run)
    assert fits(deep, 80)
    assert "layer 2" in deep.out


def test_words_parted_by_blanks(rnnlm: Command, word_run: Path) -> None:
    """Words that the model knows are taken as they are; so is what its tokenizer would cut otherwise."""
    found = ask(rnnlm, "forward", "我 们 下雨", "-m", word_run)
    assert [step["word"] for step in found] == ["</s>", "我", "们", "下雨"]
    assert [step["word"] for step in ask(rnnlm, "forward", "我们", "-m", word_run)] == ["</s>", "我们"]


def test_an_unknown_word_among_blanks(rnnlm: Command, word_run: Path, character_run: Path) -> None:
    """A word that the model lacks is spelled, and the cuts between the others stay: no blank becomes a word."""
    assert "天上" not in load(word_run).coder.vocabulary
    for run, cut in ((word_run, ["我", "们", "天", "上", "下雨"]), (character_run, list("我们天上下雨"))):
        found = ask(rnnlm, "forward", "我 们　天上 下雨", "-m", run)
        assert [step["word"] for step in found] == ["</s>", *cut]


# ---------------------------------------------------------------- gradients


def test_gradients_json(rnnlm: Command, simple_run: Path, character_run: Path) -> None:
    """An object a network: the simple one with its bound, the other without; lists go back from the error."""
    simple, gated = ask(rnnlm, "gradients", TEXT, "-m", simple_run, "-m", character_run)
    assert [simple["cell"], gated["cell"]] == ["RNN", "GRU"]
    assert simple["words"] == ["，", "了", "雨", "下", "上", "早", "天", "今", "</s>"]
    assert [len(norms) for norms in simple["norms"]] == [9, 9]
    assert all(norm <= bound * 1.000001 for norm, bound in zip(simple["norms"][1], simple["bound"], strict=True))
    assert (gated["bound"], gated["beta_w"], gated["beta_f"]) == (None, None, None)
    for own in (simple, gated):
        assert sum(own["shares"]) == pytest.approx(1)
        assert own["difference"] < 1e-5
        assert own["verdict"].split(":")[0] in ("vanishes", "vanishes slowly", "holds")
        assert len(own["verdicts"]) == len(own["norms"])
    assert simple["verdict"] == f"{simple['verdicts'][1]}, in the top layer"
    assert gated["verdicts"] == [gated["verdict"]]


def test_gradients_table(rnnlm: Command, simple_run: Path) -> None:
    """A verdict, the bound, and a row a step, in 80 columns."""
    answer = rnnlm("inspect", "gradients", TEXT, "-m", simple_run)
    assert fits(Answer(0, "\n".join(answer.lines[1:]), answer.err), 80)
    assert answer.lines[0].startswith(f"{simple_run} (RNN): ")
    assert "β_W β_f" in answer.out
    assert [line.split()[0] for line in answer.lines[-10:-1]] == list("012345678")
    assert answer.lines[-1].startswith("  the steps' parts of dW sum to dW: relative difference ")


def test_gradients_of_layers_that_differ(
    rnnlm: Command, simple_run: Path, character_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the layers differ in kind, the kind of each is told."""
    verdicts = ["holds: 98.0% is left after 9 steps", "vanishes: below 1% from 2 steps on"]
    monkeypatch.setattr(Flow, "verdicts", lambda own: verdicts[-len(own.norms) :])
    answer = rnnlm("inspect", "gradients", TEXT, "-m", simple_run)
    assert answer.lines[0] == f"{simple_run} (RNN): {verdicts[1]}, in the top layer"
    assert answer.lines[1:3] == ["  layer 1: holds", "  layer 2: vanishes"]
    assert "layer 1:" not in rnnlm("inspect", "gradients", TEXT, "-m", character_run).out


def test_gradients_compared(rnnlm: Command, character_run: Path) -> None:
    """--compare sets RNN, GRU and LSTM with random weights beside the run."""
    found = ask(rnnlm, "gradients", TEXT, "-m", character_run, "--compare")
    assert [own["cell"] for own in found] == ["GRU", "RNN", "GRU", "LSTM"]
    assert [own["model"] for own in found[1:]] == ["untrained RNN", "untrained GRU", "untrained LSTM"]


def test_gradients_of_one_word(rnnlm: Command, character_run: Path) -> None:
    """An error needs some way to flow."""
    answer = rnnlm("inspect", "gradients", "我", "-m", character_run)
    assert (answer.status, answer.out) == (1, "")
    assert "at least two words" in answer.err


# ---------------------------------------------------------------- check


def test_check(rnnlm: Command, simple_run: Path, character_run: Path) -> None:
    """Every parameter is right, as a table and as objects."""
    answer = rnnlm("inspect", "check", "-m", simple_run)
    assert fits(answer, 80)
    names = ["rnn.0.Wx", "rnn.0.Wh", "rnn.0.b", "rnn.1.Wx", "rnn.1.Wh", "rnn.1.b", "head.Wa", "embedding.W"]
    assert [line.split()[0] for line in answer.lines] == ["parameter", *names]
    assert all(line.endswith("right") for line in answer.lines[1:])
    found = ask(rnnlm, "check", TEXT, "-m", character_run)
    assert all(list(one) == ["parameter", "size", "norm", "error", "right"] and one["right"] for one in found)


def test_check_finds_a_wrong_gradient(rnnlm: Command, character_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell whose backward step forgets the reset gate is told, with exit status 1."""
    right = GRU.step_back

    def wrong(self: GRU, k: Tape, t: int, d: Tape) -> None:
        right(self, k, t, d)
        k.dz[t][:, : self.hidden] = 0

    monkeypatch.setattr(GRU, "step_back", wrong)
    answer = rnnlm("inspect", "check", "-m", character_run)
    assert answer.status == 1
    assert "WRONG" in answer.out
    assert "rnn.0.Wx" in answer.err
    assert "head.Wa" not in answer.err


# ---------------------------------------------------------------- words


def test_words(rnnlm: Command, simple_run: Path, word_run: Path) -> None:
    """Neighbours by embedding and by output weights, the nearest first."""
    (found,) = ask(rnnlm, "words", "雨", "-m", simple_run, "-k", "3")
    assert list(found) == ["word", "embedding", "output"]
    model = load(simple_run)
    table = model.lm.parameters["embedding.W"]  # type: ignore[union-attr]
    row = table[model.coder.vocabulary.ids["雨"]]
    cosine = table @ row / np.linalg.norm(table, axis=1) / np.linalg.norm(row)
    order = [word for word in np.argsort(-cosine) if word >= 2][1:4]
    assert [near["word"] for near in found["embedding"]] == [model.coder.vocabulary.words[word] for word in order]
    assert [near["cosine"] for near in found["embedding"]] == pytest.approx(cosine[order].tolist(), rel=1e-5)
    answer = rnnlm("inspect", "words", "雨", "我", "-m", simple_run)
    assert fits(answer, 80)
    assert [line.split()[0] for line in answer.lines] == ["雨", "embedding", "output", "我", "embedding", "output"]


def test_words_are_normalised(rnnlm: Command, simple_run: Path) -> None:
    """A word is looked up in the form in which the run's tokenizer reads it."""
    assert ask(rnnlm, "words", " 雨", "雨　", "-m", simple_run) == 2 * ask(rnnlm, "words", "雨", "-m", simple_run)


def test_an_unknown_word(rnnlm: Command, simple_run: Path) -> None:
    """A word outside the vocabulary is named."""
    answer = rnnlm("inspect", "words", "雨", "魑魅", "-m", simple_run)
    assert (answer.status, answer.out) == (1, "")
    assert "魑魅" in answer.err
    assert "雨" not in answer.err


# ---------------------------------------------------------------- pictures, and other models


def test_pictures(rnnlm: Command, simple_run: Path, in_folder: Path) -> None:
    """--plot writes the picture that it names and says so on standard error."""
    pytest.importorskip("matplotlib")
    from rnnlm.errors import ConfigError
    from rnnlm.report.plots import chinese_font

    answer = rnnlm("inspect", "gradients", TEXT, "-m", simple_run, "--compare", "--plot", "flow.png")
    assert (answer.status, answer.err) == (0, "wrote flow.png\n")
    try:
        chinese_font()
    except ConfigError as error:
        pytest.skip(str(error))
    for arguments in (["forward", TEXT], ["words", "雨", "--frequent", "30"]):
        answer = rnnlm("inspect", *arguments, "-m", simple_run, "--plot", f"{arguments[0]}.svg")
        assert (answer.status, answer.err) == (0, f"wrote {arguments[0]}.svg\n")
    assert sorted(path.name for path in in_folder.iterdir()) == ["flow.png", "forward.svg", "words.svg"]


@pytest.mark.parametrize("other_run", ["bidirectional", "ngram"], indirect=True)
@pytest.mark.parametrize("what", ["forward", "gradients", "check", "words"])
def test_other_models_are_refused(rnnlm: Command, other_run: Path, what: str) -> None:
    """A model that is no network from left to right is refused in two lines, whatever is asked."""
    answer = rnnlm("inspect", what, "我们", "-m", other_run)
    assert (answer.status, answer.out) == (1, "")
    reason, hint = answer.err.splitlines()
    assert "reads from both sides" in reason or "counting model" in reason
    assert "--model" in hint
