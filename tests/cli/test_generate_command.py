"""`rnnlm generate`: texts, one a line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from commands import Command
from rnnlm.api import load


def test_the_same_seed_gives_the_same_texts(rnnlm: Command, character_run: Path) -> None:
    """A seed fixes the texts, also when fewer are asked for; another seed gives others."""
    first = rnnlm("generate", "--model", character_run, "--count", "4", "--seed", "3")
    assert (first.status, first.err, len(first.lines)) == (0, "", 4)
    assert rnnlm("generate", "--model", character_run, "--count", "4", "--seed", "3").out == first.out
    assert rnnlm("generate", "--model", character_run, "-n", "2", "--seed", "3").lines == first.lines[:2]
    assert rnnlm("generate", "--model", character_run, "--count", "4", "--seed", "4").out != first.out


def test_json(rnnlm: Command, character_run: Path) -> None:
    """The object of the contract; the text is that of its tokens and begins with the prompt; <unk> is never written."""
    answer = rnnlm("generate", "--model", character_run, "--prompt", "妹妹", "--json", "--count", "3")
    assert len(answer.objects) == 3
    for found in answer.objects:
        assert list(found) == ["text", "tokens", "log10_probability"]
        assert found["text"] == "".join(found["tokens"])
        assert found["text"].startswith("妹妹")
        assert "<unk>" not in found["tokens"]
        assert found["log10_probability"] < 0


def test_a_prompt_stays_as_it_is(rnnlm: Command, character_run: Path, word_run: Path) -> None:
    """What the model does not know of a prompt is read as unknown, and said so; written it is as it was."""
    for run in (character_run, word_run):
        answer = rnnlm("generate", "--model", run, "--prompt", "我的Zyx「鱻」，", "--count", "2")
        assert all(line.startswith("我的Zyx「鱻」，") for line in answer.lines)
        assert "鱻" in answer.err
        assert "read as unknown" in answer.err
        assert "<unk>" not in answer.out


def test_scores_are_those_of_the_model(rnnlm: Command, character_run: Path) -> None:
    """Without a prompt, a text that ended has the log10 probability that `score` gives it."""
    found = rnnlm("generate", "--model", character_run, "--json", "--beam", "3", "--count", "3").objects
    model = load(character_run)
    for text in found:
        assert text["log10_probability"] == pytest.approx(model.score(text["text"]), rel=1e-4)
    scores = [text["log10_probability"] for text in found]
    assert scores == sorted(scores, reverse=True)


def test_chinese_has_no_blanks(rnnlm: Command, word_run: Path) -> None:
    """Between Chinese words stand no blanks."""
    answer = rnnlm("generate", "--model", word_run, "--count", "5")
    assert " " not in answer.out.strip()


def test_greedy_is_a_beam_of_one(rnnlm: Command, character_run: Path) -> None:
    """Temperature 0 and a beam of 1 write the same text."""
    greedy = rnnlm("generate", "--model", character_run, "--temperature", "0", "--count", "1", "--max-words", "20")
    beam = rnnlm("generate", "--model", character_run, "--beam", "1", "--count", "1", "--max-words", "20")
    assert greedy.out == beam.out


def test_length(rnnlm: Command, character_run: Path) -> None:
    """No text is longer than asked for."""
    found = rnnlm("generate", "--model", character_run, "--max-words", "3", "--json", "--temperature", "2").objects
    assert all(len(text["tokens"]) <= 3 for text in found)
    assert all(math.isfinite(text["log10_probability"]) for text in found)
