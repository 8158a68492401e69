"""`rnnlm evaluate` and `rnnlm score`: figures by the contract."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest

from commands import Command
from rnnlm.api import load
from rnnlm.store.run import Run

KEYS = [
    "model", "sentences", "tokens", "oov", "characters", "nats", "perplexity", "perplexity_without_oov",
    "character_perplexity", "bits_per_character", "carried_state",
]  # fmt: skip
TEXT = "今天下雨了。\n妹妹看见一只鲸,很高兴。\n\n我每天七点起床。\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize("carry", [True, False])
def test_json(rnnlm: Command, character_run: Path, text: Path, carry: bool) -> None:
    """The keys of the contract exactly, and figures that fit together."""
    answer = rnnlm("evaluate", "--model", character_run, text, "--json", "--carry" if carry else "--no-carry")
    assert (answer.status, answer.err) == (0, "")
    (found,) = answer.objects
    assert list(found) == KEYS
    # 6, 12 and 8 characters, one end a line; 鲸 is unknown
    assert (found["sentences"], found["tokens"], found["oov"], found["characters"]) == (3, 29, 1, 29)
    assert found["carried_state"] is carry
    assert found["perplexity"] == pytest.approx(math.exp(found["nats"] / 29))
    assert found["bits_per_character"] == pytest.approx(found["nats"] / math.log(2) / 29)
    assert found["character_perplexity"] == pytest.approx(2 ** found["bits_per_character"])
    assert found["model"] == str(character_run)


def test_not_carried_is_the_sum_of_the_sentences(rnnlm: Command, character_run: Path, text: Path) -> None:
    """Without carried state, the nats are those of the sentences scored alone, however they are asked for."""
    (found,) = rnnlm("evaluate", "--model", character_run, text, "--json", "--no-carry").objects
    lines = rnnlm("score", "--model", character_run, text, "--json").objects
    model = load(character_run)
    total = sum(model.score(line) for line in TEXT.splitlines() if line)
    assert found["nats"] / math.log(10) == pytest.approx(-total, rel=1e-5)
    assert sum(line["log10_probability"] for line in lines) == pytest.approx(total, rel=1e-5)
    for key in ("tokens", "oov", "characters"):
        assert sum(line[key] for line in lines) == found[key]


def test_the_validation_of_training(rnnlm: Command, character_run: Path) -> None:
    """What training said about its validation text, `evaluate` says of the saved model."""
    from conftest import TINY

    (found,) = rnnlm("evaluate", "--model", character_run, TINY, "--json").objects
    best = min(entry["valid_loss"] for entry in Run(character_run).metrics() if entry["kind"] == "valid")
    assert found["nats"] / found["tokens"] == pytest.approx(best, rel=1e-5)


def test_table(rnnlm: Command, character_run: Path, word_run: Path, text: Path) -> None:
    """Several models stand side by side, with vocabulary, OOV rate, unit and state."""
    answer = rnnlm("evaluate", "--model", character_run, "--model", word_run, text)
    assert answer.status == 0
    told = {line.split("  ")[0]: line for line in answer.lines}
    for label in ("vocabulary", "OOV rate", "perplexity per token", "bits per character", "state"):
        assert label in told
    assert "carried along a document" in told["state"]
    assert len(rnnlm("evaluate", "-m", character_run, "-m", word_run, text, "--json").objects) == 2


def test_packed_and_encoded(rnnlm: Command, character_run: Path, text: Path, tmp_path: Path) -> None:
    """The same text, packed and in GB18030, has the same figures."""
    other = tmp_path / "text.txt.gz"
    other.write_bytes(gzip.compress(TEXT.encode("gb18030")))
    first, second = (rnnlm("evaluate", "-m", character_run, path, "--json").objects for path in (text, other))
    assert first == second


def test_score_keeps_lines(rnnlm: Command, character_run: Path, text: Path) -> None:
    """One line out for each line in; an empty one gives 0, 0, 0, 0 and an empty text; input and files alike."""
    answer = rnnlm("score", "--model", character_run, text)
    rows = [line.split("\t") for line in answer.lines]
    assert [row[4] for row in rows] == TEXT.splitlines()
    assert [row[1:4] for row in rows] == [["7", "0", "7"], ["13", "1", "13"], ["0", "0", "0"], ["9", "0", "9"]]
    assert rows[2] == ["0", "0", "0", "0", ""]
    assert float(rows[0][0]) < 0
    assert rnnlm("score", "--model", character_run, input=TEXT).out == answer.out
    assert rnnlm("score", "--model", character_run, "--format", "json", text).objects[2] == {
        "log10_probability": 0, "tokens": 0, "oov": 0, "characters": 0, "text": "",
    }  # fmt: skip


def test_score_of_nothing(rnnlm: Command, character_run: Path) -> None:
    """No lines in, no lines out."""
    assert rnnlm("score", "--model", character_run, input="").out == ""


def test_a_tab_does_not_break_a_row(rnnlm: Command, character_run: Path) -> None:
    """A tab inside a text does not become a column."""
    (line,) = rnnlm("score", "--model", character_run, input="我\t你\n").lines
    assert len(line.split("\t")) == 5


def test_tokenize(rnnlm: Command, word_run: Path) -> None:
    """Words parted by blanks; as JSON with the normal form; as a run cuts and spells them."""
    assert rnnlm("tokenize", "昨天迟到了,老师").out == "昨天 迟到 了 ， 老师\n"
    (found,) = rnnlm("tokenize", "--json", "--tokenizer", "characters", "好 a").objects
    assert found == {"text": "好 a", "tokens": ["好", " ", "a"]}
    assert rnnlm("tokenize", "--tokenizer", "whitespace", input="the cat\n\na\n").lines == ["the cat", "", "a"]
    assert rnnlm("tokenize", "--model", word_run, "雨伞").lines == ["雨 伞"]


def test_info(rnnlm: Command, character_run: Path) -> None:
    """What a run is, every key with its meaning, and a shipped configuration in full."""
    told = rnnlm("info", "--model", character_run).out
    assert "1 x gru of 16" in told
    assert "validation perplexity" in told
    keys = rnnlm("info", "--keys").out
    assert "[train]" in keys
    assert 'cell = "lstm"  (tanh, sigmoid, relu, lstm, gru)' in keys
    assert "layers = 1  (from 1)" in keys
    assert "order = 5  (from 1, below 11)" in keys
    assert "without --config takes others" in keys.splitlines()[0]
    assert "without --config takes configs/default.toml" in " ".join(rnnlm("info", "--help").out.split())
    assert "[model]" in rnnlm("info", "--config", "default").out
