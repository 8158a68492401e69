"""`rnnlm rescore`: hypotheses in a new order, with the scores that `score` gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import Command

TEXTS = {
    "s1": ["妹妹喜欢画画。", "妹妹喜欢话画。", "妹妹洗欢画画。", "妹妹喜欢画画。"],
    "s2": ["我每天七点起床。", "我每天七典起床。"],
}
NBEST = "".join(f"{name} {text}\n" for name, texts in TEXTS.items() for text in texts)


def test_as_score(rnnlm: Command, character_run: Path) -> None:
    """Every hypothesis has the score of its line alone; the best of each utterance stands first."""
    rows = [line.split("\t") for line in rnnlm("rescore", "--model", character_run, input=NBEST).lines]
    alone = {
        line["text"]: line["log10_probability"]
        for texts in TEXTS.values()
        for line in rnnlm("score", "--model", character_run, "--json", input="\n".join(texts)).objects
    }
    assert [row[0] for row in rows] == ["s1"] * 4 + ["s2"] * 2
    for name, texts in TEXTS.items():
        own = [row for row in rows if row[0] == name]
        assert [row[3] for row in own] == sorted(texts, key=lambda text: -alone[text])
        for row in own:
            assert float(row[1]) == float(row[2]) == pytest.approx(alone[row[3]], rel=1e-5)
    same = [row[1:] for row in rows if row[3] == TEXTS["s1"][0]]
    assert len(same) == 2
    assert same[0] == same[1]


def test_scores_put_together(rnnlm: Command, character_run: Path) -> None:
    """Acoustic and older scores, scale, insertion and lambda are put together as told; JSON says each of them."""
    nbest = "s1\t-20\t-7\t妹妹喜欢画画。\ns1\t-12\t-9\t妹妹喜欢话画。\n"
    weights = ["--lm-scale", "2", "--word-insertion", "0.5", "--lambda", "0.3"]
    found = rnnlm("rescore", "--model", character_run, *weights, "--json", input=nbest).objects
    assert list(found[0]) == ["utterance", "rank", "score", "log10_probability", "words", "acoustic", "lm", "text"]
    assert [one["rank"] for one in found] == [1, 2]
    for one in found:
        language = 0.3 * one["log10_probability"] + 0.7 * one["lm"]
        assert one["score"] == pytest.approx(one["acoustic"] + 2 * language + 0.5 * 7)
    blanks = nbest.replace("\t", " ")
    columns = ["--columns", "acoustic,lm"]
    assert rnnlm("rescore", "--model", character_run, *weights, *columns, "--json", input=blanks).objects == found
    even = rnnlm("rescore", "--model", character_run, "--lambda", "0.5", input=nbest).out
    assert rnnlm("rescore", "--model", character_run, input=nbest).out == even


def test_best_and_mixtures(rnnlm: Command, character_run: Path) -> None:
    """--best prints the winners; without older scores, --lambda is the share of the first of two models."""
    mixing = ["--mix", str(character_run), "--lambda", "0.4"]
    whole = rnnlm("rescore", "--model", character_run, input=NBEST).lines
    winners = rnnlm("rescore", "--model", character_run, "--best", input=NBEST).lines
    assert winners == [whole[0], whole[4]]
    rows = [line.split("\t") for line in winners]
    mixed = rnnlm("rescore", "--model", character_run, *mixing, "--best", "--json", input=NBEST).objects
    assert [one["log10_probability"] for one in mixed] == pytest.approx([float(row[2]) for row in rows], rel=1e-4)
    assert "acoustic" not in mixed[0]


def test_what_is_wrong_is_told(rnnlm: Command, character_run: Path, tmp_path: Path) -> None:
    """A score that is no number is named with its line; nothing in gives nothing out."""
    path = tmp_path / "list.txt"
    path.write_text("s1\t-1\t我\ns1\tx\t我\n", encoding="utf-8")
    answer = rnnlm("rescore", "--model", character_run, path)
    assert answer.status == 1
    assert "list.txt, line 2" in answer.err
    assert "--columns" in answer.err
    assert rnnlm("rescore", "--model", character_run, input="").out == ""


def test_lines_without_a_name(rnnlm: Command, character_run: Path) -> None:
    """Sentences without the name of an utterance are refused with the format; one empty hypothesis is not."""
    answer = rnnlm("rescore", "--model", character_run, input="我想找一家餐馆\n我想找一家参观\n")
    assert (answer.status, answer.out) == (1, "")
    assert "a line is: utterance<TAB>words" in answer.err
    answer = rnnlm("rescore", "--model", character_run, "--columns", "acoustic", input="s1 -1\n")
    assert "a line is: utterance<TAB>acoustic<TAB>words" in answer.err
    answer = rnnlm("rescore", "--model", character_run, input="s1\t我\ns1\t\n")
    assert (answer.status, len(answer.lines)) == (0, 2)
