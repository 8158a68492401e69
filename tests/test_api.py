"""A model that takes text: against its table, and the same calls on kenlm's model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnlm
from commands import Command
from fakes import random_table
from rnnlm.api import Model, State
from rnnlm.errors import CheckpointError, ModelError
from rnnlm.lm.arpa import write_arpa
from rnnlm.lm.kneser_ney import estimate
from rnnlm.store.load import Loaded
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

TABLE = random_table(5)
MODEL = Model(Loaded("fake", TABLE, Coder(make_tokenizer("characters"), Vocabulary.from_words("我你好"))))
# 我 你 们: ids 2, 3 and 1; each word is given the two before it, the first ones the boundary
GIVEN = [TABLE.log[0, 0, 2], TABLE.log[0, 2, 3], TABLE.log[2, 3, 1], TABLE.log[3, 1, 0]]
EXPECTED = [float(value) / math.log(10) for value in GIVEN]
SENTENCES = ["我 你 来 了", "你 迟到 了 。 我 来 了", "你 你 你", "生词 我 来 生词 了", "来", ""]


def test_scores() -> None:
    """A sentence's log10 probability is the sum over its words and its end, each with its words so far and OOV."""
    scores, counts, unknown = zip(*MODEL.full_scores("我你们"), strict=True)
    assert list(scores) == pytest.approx(EXPECTED)
    assert (counts, unknown) == ((2, 3, 4, 5), (False, False, True, False))  # the sentence start counts
    assert MODEL.score("我你们") == pytest.approx(sum(EXPECTED))
    assert MODEL.perplexity("我你们") == pytest.approx(10 ** (-sum(EXPECTED) / 4))


def test_beginning_and_end() -> None:
    """Without `eos` the end is not counted; a model that is not of n-grams knows no other beginning."""
    assert MODEL.score("我你们", eos=False) == pytest.approx(sum(EXPECTED[:3]))
    assert MODEL.score("我你们", bos=False) == pytest.approx(sum(EXPECTED))
    assert list(MODEL.full_scores("", eos=False)) == []
    assert MODEL.score("") == pytest.approx(float(TABLE.log[0, 0, 0]) / math.log(10))


def test_word_by_word() -> None:
    """Scores with a carried state are those of the sentence, whichever state object takes the next one."""
    one, other = State(), State()
    MODEL.BeginSentenceWrite(one)
    found = []
    for word in ["我", "你", "们", "</s>"]:
        found.append(MODEL.BaseScore(one, word, other))
        one, other = other, one
    assert found == pytest.approx(EXPECTED)


def test_a_spelled_word() -> None:
    """An unknown word that is spelled has the probability of its characters."""
    state = State()
    MODEL.BeginSentenceWrite(state)
    score = MODEL.BaseFullScore(state, "我你", state)
    assert score.log_prob == pytest.approx(sum(EXPECTED[:2]))
    assert not score.oov
    assert MODEL.BaseScore(state, "们", state) == pytest.approx(EXPECTED[2])


def test_words() -> None:
    """`in` asks whether a word is known; only an n-gram model has an order."""
    assert "我" in MODEL
    assert "们" not in MODEL
    assert not hasattr(MODEL, "order")


def test_load(character_run: Path) -> None:
    """`rnnlm.load` takes the folder of a run; a name that is none is an error of rnnlm."""
    model = rnnlm.load(character_run)
    assert model.name == str(character_run)
    assert "妹" in model
    assert model.score("妹妹喜欢画画。") > model.score("画欢。喜妹画妹")
    with pytest.raises(rnnlm.RnnlmError) as caught:
        rnnlm.load("none")
    assert isinstance(caught.value, CheckpointError)


@pytest.fixture(scope="module", params=[2, 3, 5])
def arpa(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    words = ["</s>", "<unk>", "我", "你", "来", "了", "迟到", "。"]
    ids = np.random.default_rng(request.param).choice(len(words), 400, p=[0.2, 0.05, 0.3, 0.15, 0.1, 0.1, 0.05, 0.05])
    file = tmp_path_factory.mktemp("arpa") / "model.arpa"
    write_arpa(estimate(ids, len(words), request.param).model, words, file)
    return str(file)


def uses(module: Any, path: str) -> list[Any]:
    """What code written for kenlm does with a model, and what it sees."""
    model = module.Model(path)
    seen: list[Any] = [model.order, "你" in model, "生词" in model]
    for sentence in SENTENCES:
        seen.append(model.perplexity(sentence))
        for bos in (True, False):
            for eos in (True, False):
                seen.append(model.score(sentence, bos=bos, eos=eos))
                seen += [tuple(score) for score in model.full_scores(sentence, bos=bos, eos=eos)]
        for begin in (model.BeginSentenceWrite, model.NullContextWrite):
            state, after = module.State(), module.State()
            begin(state)
            for word in [*sentence.split(), "</s>"]:
                seen.append(model.BaseScore(state, word, after))
                full = model.BaseFullScore(state, word, after)
                seen += [full.log_prob, full.ngram_length, full.oov]
                state, after = after, state
    return seen


def test_the_same_calls_on_kenlm(arpa: str) -> None:
    """Code written for kenlm gives the same answers with `import rnnlm as kenlm`."""
    kenlm = pytest.importorskip("kenlm")
    ours, theirs = uses(rnnlm, arpa), uses(kenlm, arpa)
    assert len(ours) == len(theirs) > 300
    for mine, its in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(its, rel=1e-5, abs=1e-5)


def test_equal_states(arpa: str) -> None:
    """States are equal, and hash alike, where the words that the model can still see are the same, as in kenlm."""
    kenlm = pytest.importorskip("kenlm")

    def behind(module: Any, words: str) -> Any:
        model, state = module.Model(arpa), module.State()
        model.NullContextWrite(state)
        for word in words.split():
            after = module.State()
            model.BaseScore(state, word, after)
            state = after
        return state

    same, other = "来 了 我 我 你 来", "你 你 我 我 你 来"  # their last four words are the same: all that order 5 sees
    for module in (rnnlm, kenlm):
        assert behind(module, same) == behind(module, other)
        assert hash(behind(module, same)) == hash(behind(module, other))
        assert behind(module, same) != behind(module, "来 了 我 我 来 你")


def test_an_arpa_file_is_a_model(rnnlm: Command, arpa: str) -> None:
    """`--model FILE.arpa` scores, evaluates, predicts and writes, over the words of the file."""
    model = Model(arpa)
    scored = rnnlm("score", "--model", arpa, "--json", input="你 来 生词\n").objects[0]
    assert scored["log10_probability"] == pytest.approx(model.score("你 来 生词"), rel=1e-5)
    assert (scored["tokens"], scored["oov"]) == (4, 1)
    predicted = rnnlm("predict", "--model", arpa, "--json", "你").objects[0]["blanks"][0]["predictions"]
    for entry in predicted:
        state = State()
        model.BeginSentenceWrite(state)
        model.BaseScore(state, "你", state)
        expected = model.BaseScore(state, entry["word"], State())
        assert math.log10(entry["probability"]) == pytest.approx(expected, abs=1e-5)
    assert len(rnnlm("generate", "--model", arpa, "--count", "2").lines) == 2
    assert rnnlm("score", "--model", "none.arpa", input="你\n").status == 1


def test_a_state_that_read_nothing() -> None:
    """It is told what makes it one."""
    with pytest.raises(ModelError, match="nothing yet") as caught:
        MODEL.BaseScore(State(), "我", State())
    assert "BeginSentenceWrite" in caught.value.hint
