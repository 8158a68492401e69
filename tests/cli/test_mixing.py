"""The options that mix models, on every command that asks a model; and mixtures saved as runs of their own."""

from __future__ import annotations

import gzip
import math
import re
import shutil
from pathlib import Path

import pytest

from commands import Command
from conftest import TINY
from rnnlm.store.run import Run

TEXT = "今天下雨了。\n妹妹看见一只鲸,很高兴。\n\n我每天七点起床。\n我每天七点起床。\n"


@pytest.fixture(scope="module")
def ngram_run(rnnlm: Command, character_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Counts over the words of the network, in another order."""
    folder = tmp_path_factory.mktemp("ngram")
    words = Run(character_run).coder.vocabulary.words[2:]
    (folder / "words.txt").write_text("\n".join(reversed(words)) + "\n", encoding="utf-8")
    settings = ["--config", "ngram", "--set", "model.order=3", "--tokenizer", "characters"]
    vocabulary: list[str | Path] = ["--vocabulary", folder / "words.txt"]
    answer = rnnlm("train", TINY, "--valid", TINY, "--out", folder / "run", *settings, *vocabulary)
    assert answer.status == 0, answer.err
    return folder / "run"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def token_probabilities(rnnlm: Command, *options: str | Path) -> list[float]:
    answer = rnnlm("score", "--level", "token", "--json", *options, input=TEXT)
    assert answer.status == 0, answer.err
    return [10 ** token["log10_probability"] for line in answer.objects for token in line["tokens"]]


@pytest.mark.parametrize("options", [["--weights", "0.7,0.3"], ["--lambda", "0.7"]])
def test_probabilities_are_mixed(rnnlm: Command, character_run: Path, ngram_run: Path, options: list[str]) -> None:
    """Each token's probability is the weighted sum of the models' own, though their words have other numbers."""
    first = token_probabilities(rnnlm, "--model", character_run)
    second = token_probabilities(rnnlm, "--model", ngram_run)
    mixed = token_probabilities(rnnlm, "--model", character_run, "--mix", ngram_run, *options)
    assert mixed == pytest.approx([0.7 * a + 0.3 * b for a, b in zip(first, second, strict=True)], rel=1e-4)
    order: list[str | Path] = ["--model", ngram_run, "--mix", character_run, "--weights", "0.3,0.7"]
    assert token_probabilities(rnnlm, *order) == pytest.approx(mixed, rel=1e-4)


def test_evaluate_is_the_sum_of_score(rnnlm: Command, character_run: Path, ngram_run: Path, text: Path) -> None:
    """Without carried state, a mixture's figures are those of its sentences; equal weights where none are given."""
    options: list[str | Path] = ["--model", character_run, "--mix", ngram_run, "--cache", "0.1"]
    (found,) = rnnlm("evaluate", *options, text, "--no-carry", "--json").objects
    lines = rnnlm("score", *options, text, "--json").objects
    total = sum(line["log10_probability"] for line in lines)
    assert found["nats"] / math.log(10) == pytest.approx(-total, rel=1e-5)
    assert found["model"] == f"0.5 {character_run} + 0.5 {ngram_run}, cache 0.1"


def test_fitted_weights(rnnlm: Command, character_run: Path, ngram_run: Path, text: Path) -> None:
    """Fitted weights are printed, sum to one, and are at least as good as any others on their text."""
    options: list[str | Path] = ["evaluate", "--json", "--model", character_run, "--mix", ngram_run, text]
    answer = rnnlm(*options, "--weights", "fit", "--valid", text)
    (fitted,) = answer.objects
    weights = [float(w) for w in re.findall(r"(\d\.\d{4}) ", answer.err)]
    assert sum(weights) == pytest.approx(1, abs=1e-3)
    for share in ("0.1", "0.3", "0.5", "0.7", "0.9"):
        (other,) = rnnlm(*options, "--lambda", share).objects
        assert fitted["nats"] <= other["nats"] + 1e-3
    assert fitted["nats"] == pytest.approx(rnnlm(*options, "--lambda", str(weights[0])).objects[0]["nats"], rel=1e-4)


def test_a_cache_expects_words_again(rnnlm: Command, ngram_run: Path, tmp_path: Path) -> None:
    """In a document that repeats itself the cache helps; an empty line ends the document, and with it the help."""
    together, apart = tmp_path / "together.txt", tmp_path / "apart.txt"
    lines = ["鲸鱼看见起床的鲸鱼。"] * 20
    together.write_text("\n".join(lines), encoding="utf-8")
    apart.write_text("\n\n".join(lines), encoding="utf-8")
    nats = {
        (path.name, cache): rnnlm(
            "evaluate", "--model", ngram_run, path, "--json", *(["--cache", "0.3"] if cache else [])
        ).objects[0]["nats"]
        for path in (together, apart)
        for cache in (False, True)
    }
    gain = nats["together.txt", False] - nats["together.txt", True]
    assert gain > 5 * abs(nats["apart.txt", False] - nats["apart.txt", True])


def test_dynamic_evaluation(rnnlm: Command, character_run: Path, ngram_run: Path, tmp_path: Path) -> None:
    """A network learns while it reads, in a mixture too; line by line as a text; and its run stays as it is."""
    path = tmp_path / "long.txt"
    path.write_text("我每天七点起床。\n" * 60, encoding="utf-8")
    weights = next((character_run / "checkpoints").glob("*/model.safetensors"))
    before = weights.read_bytes()
    mixings: list[list[str | Path]] = [[], ["--mix", ngram_run, "--cache", "0.1"]]
    for mixing in mixings:
        options: list[str | Path] = ["--model", character_run, *mixing, path, "--json"]
        (still,), (learned,) = (rnnlm("evaluate", *options, *more).objects for more in ([], ["--dynamic"]))
        assert learned["nats"] < 0.9 * still["nats"]
        (alone,) = rnnlm("evaluate", *options, "--dynamic", "--no-carry").objects
        lines = rnnlm("score", *options, "--dynamic").objects
        total = sum(line["log10_probability"] for line in lines)
        assert alone["nats"] / math.log(10) == pytest.approx(-total, rel=1e-4)
        assert lines[0]["log10_probability"] < lines[-1]["log10_probability"]
    (unmoved,) = rnnlm("evaluate", *options, "--dynamic", "--dynamic-rate", "0").objects
    assert unmoved["nats"] == pytest.approx(still["nats"], rel=1e-4)
    assert weights.read_bytes() == before


def test_predict_and_generate(rnnlm: Command, character_run: Path, ngram_run: Path) -> None:
    """Prediction and drawing take a mixture; a mixture with itself writes what the model writes."""
    mixing: list[str | Path] = ["--model", character_run, "--mix", ngram_run, "--lambda", "0.6", "--cache", "0.1"]
    (found,) = rnnlm("predict", *mixing, "我每天", "--json", "--top", "5").objects
    assert len(found["blanks"][0]["predictions"]) == 5
    assert rnnlm("predict", *mixing, "我____起床。").status == 0
    assert len(rnnlm("generate", *mixing, "--count", "3").lines) == 3
    assert len(rnnlm("generate", *mixing, "--beam", "3", "--count", "2").lines) == 2
    alone = rnnlm("generate", "--model", character_run, "--count", "4").out
    assert rnnlm("generate", "--model", character_run, "--mix", character_run, "--count", "4").out == alone


@pytest.mark.parametrize("packed", [False, True])
def test_a_saved_mixture(rnnlm: Command, character_run: Path, ngram_run: Path, tmp_path: Path, packed: bool) -> None:
    """A mixture saved as a run gives the same scores, also in another place and with an ARPA file inside."""
    member = ngram_run
    if packed:
        member = tmp_path / "counts.arpa.gz"
        assert rnnlm("export", "--model", ngram_run, "--out", member).status == 0
        assert gzip.decompress(member.read_bytes()).startswith(b"\\data\\")
    mixing: list[str | Path] = ["--model", character_run, "--mix", member, "--weights", "0.6,0.4"]
    mixing += ["--cache", "0.2", "--cache-decay", "0.9"]
    answer = rnnlm("export", "--format", "run", *mixing, "--out", tmp_path / "mixed")
    assert (answer.status, answer.out) == (0, "")
    shutil.move(tmp_path / "mixed", tmp_path / "moved")
    assert rnnlm("score", "--model", tmp_path / "moved", input=TEXT).out == rnnlm("score", *mixing, input=TEXT).out
    # Of a member's training nothing is kept; and a mixture can be mixed and saved again.
    assert not list((tmp_path / "moved").rglob("trainer.*"))
    again: list[str | Path] = ["--model", tmp_path / "moved", "--mix", ngram_run]
    assert rnnlm("export", "--format", "run", *again, "--out", tmp_path / "twice").status == 0
    assert rnnlm("score", "--model", tmp_path / "twice", input=TEXT).out == rnnlm("score", *again, input=TEXT).out


def test_a_run_to_hand_on(rnnlm: Command, character_run: Path, tmp_path: Path) -> None:
    """A run is exported with what using it needs, and scores as before; an existing folder is not touched."""
    out = tmp_path / "slim"
    assert rnnlm("export", "--format", "run", "--model", character_run, "--out", out).status == 0
    names = {path.name for path in out.rglob("*") if path.is_file()}
    assert names == {
        "config.toml", "vocabulary.txt", "tokenizer.json", "metrics.jsonl", "checkpoints.json", "model.safetensors",
    }  # fmt: skip
    scored = rnnlm("score", "--model", out, input=TEXT)
    assert (scored.status, scored.out) == (0, rnnlm("score", "--model", character_run, input=TEXT).out)
    answer = rnnlm("export", "--format", "run", "--model", character_run, "--out", out)
    assert answer.status == 1
    assert "exists" in answer.err


def test_other_words_are_refused(rnnlm: Command, character_run: Path, word_run: Path) -> None:
    """Models over different words are not mixed: the error names a word and what to do."""
    answer = rnnlm("score", "--model", character_run, "--mix", word_run, input=TEXT)
    assert answer.status == 1
    assert "does not know" in answer.err
    assert "--vocabulary" in answer.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--weights", "0.5,0.5"], "without --mix"),
        (["--lambda", "0.5"], "without --mix"),
        (["--mix", "SAME", "--weights", "0.5"], "1 weights do not fit 2 models"),
        (["--mix", "SAME", "--weights", "0.5,0.6"], "no shares"),
        (["--mix", "SAME", "--weights", "half"], "no numbers"),
        (["--mix", "SAME", "--weights", "fit"], "--valid"),
        (["--mix", "SAME", "--valid", "x"], "without --weights fit"),
        (["--mix", "SAME", "--mix", "SAME", "--lambda", "0.5"], "--weights"),
        (["--cache-decay", "0.5"], "without --cache"),
        (["--dynamic-rate", "0.5"], "without --dynamic"),
        (["--mix", "none"], "there is no run none"),
    ],
)
def test_options_that_do_not_fit(rnnlm: Command, character_run: Path, options: list[str], told: str) -> None:
    """Options that do not fit together are an error in two lines."""
    named = [str(character_run) if option == "SAME" else option for option in options]
    answer = rnnlm("score", "--model", character_run, *named, input=TEXT)
    assert (answer.status, answer.out) == (1, "")
    assert told in answer.err


def test_wrong_usage(rnnlm: Command, character_run: Path, ngram_run: Path, text: Path) -> None:
    """Several models with --mix, tokens of a model that learns, counts that should learn, an ARPA file of two."""
    twice: list[str | Path] = ["--model", character_run, "--model", ngram_run, "--mix", ngram_run]
    assert rnnlm("evaluate", *twice, text).status == 2
    assert rnnlm("score", "--model", character_run, "--dynamic", "--level", "token", input=TEXT).status == 2
    assert rnnlm("export", "--model", character_run, "--mix", ngram_run, "--out", "x.arpa").status == 2
    answer = rnnlm("score", "--model", ngram_run, "--dynamic", input=TEXT)
    assert answer.status == 1
    assert "needs a network" in answer.err


def test_a_damaged_mixture(rnnlm: Command, character_run: Path, tmp_path: Path) -> None:
    """A mixture whose list of members is damaged, or leads out of its folder, is told as such."""
    made: list[str | Path] = ["--model", character_run, "--cache", "0.1", "--out", tmp_path / "mixed"]
    assert rnnlm("export", "--format", "run", *made).status == 0
    about = tmp_path / "mixed" / "mixture.json"
    for member in (".", "..", "members/..", "../elsewhere", str(character_run)):
        whole = about.read_text()
        about.write_text(whole.replace('"members/0"', f'"{member}"'))
        for command in ("score", "info"):
            answer = rnnlm(command, "--model", tmp_path / "mixed", input=TEXT)
            assert answer.status == 1
            assert f"its member {member} is not inside the folder" in answer.err
        about.write_text(whole)
    for old, new in (('"members"', '"menbers"'), ("0.1", '"much"')):
        whole = about.read_text()
        about.write_text(whole.replace(old, new))
        answer = rnnlm("score", "--model", tmp_path / "mixed", input=TEXT)
        assert answer.status == 1
        assert "damaged" in answer.err
        about.write_text(whole)
