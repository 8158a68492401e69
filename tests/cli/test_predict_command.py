"""`rnnlm predict`: the contract of its JSON, its table, and what it tells a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import Command
from rnnlm.api import load
from rnnlm.search.predictions import read
from rnnlm.text.tokenizer import Jieba

TEXT = "今天早上下雨了，我"


def ask(rnnlm: Command, run: Path, *arguments: str, input: str | None = None) -> list[Any]:
    answer = rnnlm("predict", "--model", run, "--json", *arguments, input=input)
    assert (answer.status, answer.err) == (0, "")
    return answer.objects


def test_json(rnnlm: Command, word_run: Path) -> None:
    """The object of the command contract: text, tokens, direction, blanks with their predictions, fills."""
    (found,) = ask(rnnlm, word_run, TEXT, "--top", "4")
    model = load(word_run)
    words = model.coder.encode(TEXT).words
    assert list(found) == ["text", "tokens", "direction", "blanks", "fills"]
    assert (found["text"], found["direction"], found["fills"]) == (TEXT, "forward", [])
    assert found["tokens"] == [*words, "____"]
    (blank,) = found["blanks"]
    assert list(blank) == ["position", "predictions"]
    assert blank["position"] == len(words)
    assert all(list(prediction) == ["word", "probability"] for prediction in blank["predictions"])
    # the model's own probabilities, the best first, <unk> passed over
    log_probs, _ = read(model.left_to_right, model.coder.encode(TEXT).ids)
    probabilities = dict(zip(model.coder.vocabulary.words, np.exp(log_probs).tolist(), strict=True))
    del probabilities["<unk>"]
    best = sorted(probabilities, key=lambda word: -probabilities[word])[:4]
    assert [p["word"] for p in blank["predictions"]] == best
    assert [p["probability"] for p in blank["predictions"]] == pytest.approx([probabilities[word] for word in best])


@pytest.mark.parametrize("text", [f"{TEXT}____", f"{TEXT}____。", f"{TEXT}＿＿＿＿！", f"{TEXT} ______ "])
def test_a_blank_at_the_end(rnnlm: Command, character_run: Path, text: str) -> None:
    """A blank behind the last word is the next word, whatever mark stands behind it."""
    (plain,), (found,) = ask(rnnlm, character_run, TEXT), ask(rnnlm, character_run, text)
    assert found["blanks"] == plain["blanks"]
    assert found["tokens"][: len(plain["tokens"])] == plain["tokens"]
    assert found["text"] == text


def test_a_blank_in_the_middle(rnnlm: Command, character_run: Path) -> None:
    """A model that reads from the left ranks words for it by the whole sentence, and tells a person so."""
    (found,) = ask(rnnlm, character_run, "今天____上下雨了。")
    (blank,) = found["blanks"]
    assert (found["direction"], blank["position"]) == ("forward", 2)
    assert found["tokens"] == [*"今天", "____", *"上下雨了。"]
    assert "<unk>" not in [p["word"] for p in blank["predictions"]]
    answer = rnnlm("predict", "--model", character_run, "今天____上下雨了。")
    assert "ranked by the probability of the whole sentence" in answer.err
    assert "the marks behind the blank were not read" in rnnlm("predict", "--model", character_run, "今天____！").err
    assert "from left to right" not in rnnlm("predict", "--model", character_run, "今天____").err
    assert "whole sentence" in rnnlm("predict", "--model", character_run, "今天____、____。").err


def test_several_blanks(rnnlm: Command, character_run: Path) -> None:
    """Each blank has its predictions; whole answers come best first, with a word for each blank."""
    (found,) = ask(rnnlm, character_run, "今天____上____雨了。")
    assert [blank["position"] for blank in found["blanks"]] == [2, 4]
    assert found["fills"]
    assert all(len(fill["words"]) == 2 for fill in found["fills"])
    scores = [fill["score"] for fill in found["fills"]]
    assert scores == sorted(scores, reverse=True)


def test_several_texts(rnnlm: Command, character_run: Path) -> None:
    """Several texts, lines of standard input, and - among texts: one object each, in their order."""
    texts = ["我", "妹妹", "", "老师，你"]
    one_by_one = [ask(rnnlm, character_run, text)[0] for text in texts]
    assert ask(rnnlm, character_run, *texts) == one_by_one
    lines = "".join(f"{text}\n" for text in texts)
    assert ask(rnnlm, character_run, input=lines) == one_by_one
    assert ask(rnnlm, character_run, "-", input=lines) == one_by_one
    assert ask(rnnlm, character_run, texts[0], "-", input="妹妹\r\n") == one_by_one[:2]


def test_every_word_but_unk(rnnlm: Command, character_run: Path) -> None:
    """Asked for more words than there are, it gives all but <unk>."""
    (found,) = ask(rnnlm, character_run, "我", "--top", "9999")
    words = [p["word"] for p in found["blanks"][0]["predictions"]]
    vocabulary = load(character_run).coder.vocabulary.words
    assert sorted(words) == sorted(set(vocabulary) - {"<unk>"})
    assert sum(p["probability"] for p in found["blanks"][0]["predictions"]) < 1.0001


def test_table(rnnlm: Command, word_run: Path) -> None:
    """A person gets the text, then rank, word, probability and a bar on each line."""
    answer = rnnlm("predict", "--model", word_run, TEXT, "--top", "3")
    assert answer.status == 0
    assert answer.lines[0] == f"{TEXT} …"
    assert len(answer.lines) == 4
    for rank, line in enumerate(answer.lines[1:], 1):
        number, _, probability, bar = line.split()
        assert number == str(rank)
        assert probability.endswith("%")
        assert set(bar) <= set("█▏▎▍▌▋▊▉")


def test_the_sentence_end_is_legible(rnnlm: Command, character_run: Path) -> None:
    """Where the end is most probable the table says 句末, and a remark says what it means; JSON has </s>."""
    text = "等了十分钟，车来了，我们上了车。"
    (found,) = ask(rnnlm, character_run, text)
    assert found["blanks"][0]["predictions"][0]["word"] == "</s>"
    answer = rnnlm("predict", "--model", character_run, text)
    assert "句末" in answer.lines[1]
    assert "</s>" not in answer.out
    assert "the sentence most probably ends here" in answer.err


def test_unknown_words_are_named(rnnlm: Command, character_run: Path, word_run: Path) -> None:
    """Words that are not in the vocabulary are told: those that were spelled, and those that were lost."""
    assert "鲸" in rnnlm("predict", "--model", character_run, "我看见一只鲸").err
    err = rnnlm("predict", "--model", word_run, "妹妹在大家门口").err
    assert "read by characters: " in err
    assert "read as unknown" not in err
    assert rnnlm("predict", "--model", character_run, "妹妹").err == ""


def test_only_what_is_unknown_is_named(rnnlm: Command, word_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a word that is spelled, the characters that are unknown are named, and not the others."""
    monkeypatch.setattr(Jieba, "cut", lambda *_: ["妹妹", "嬿", "婉和", "嬿婉", "很鲸"])
    assert not {"嬿", "婉", "鲸"} & set(load(word_run).coder.vocabulary.words)
    err = rnnlm("predict", "--model", word_run, "妹妹嬿婉和嬿婉很鲸").err
    assert "read by characters: 婉和、很鲸\n" in err
    assert "read as unknown: 嬿、婉、鲸\n" in err


def test_both_spellings(rnnlm: Command, word_run: Path) -> None:
    """A sentence with ASCII marks and blanks around it predicts the same."""
    (first,), (second,) = ask(rnnlm, word_run, "今天早上下雨了，我"), ask(rnnlm, word_run, " 今天早上下雨了,我 ")
    assert first["blanks"] == second["blanks"]


def test_the_newest_run_is_taken(rnnlm: Command, character_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$RNNLM_MODEL stands for --model; so does a checkpoint's folder."""
    expected = ask(rnnlm, character_run, "我")
    monkeypatch.setenv("RNNLM_MODEL", str(character_run))
    assert rnnlm("predict", "我", "--json").objects == expected
    (best,) = {load_index(character_run)["best"]}
    assert ask(rnnlm, character_run / "checkpoints" / best, "我") == expected


def load_index(run: Path) -> dict[str, str]:
    from rnnlm.store.run import Run

    return Run(run).index
