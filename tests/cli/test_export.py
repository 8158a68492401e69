"""`rnnlm export`: models in other forms."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from commands import Command
from conftest import TINY


@pytest.fixture(scope="module")
def ngram_run(rnnlm: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ngram") / "run"
    settings = ["--config", "ngram", "--set", "model.order=3", "--tokenizer", "characters", "--min-count", "1"]
    answer = rnnlm("train", TINY, "--valid", TINY, "--out", out, *settings)
    assert answer.status == 0, answer.err
    return out


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_arpa(rnnlm: Command, ngram_run: Path, tmp_path: Path, name: str) -> None:
    """The exported file scores as the run does, its words parted by blanks."""
    file = tmp_path / name
    answer = rnnlm("export", "--format", "arpa", "--model", ngram_run, "--out", file)
    assert (answer.status, answer.out) == (0, "")
    assert "order 1 to 3" in answer.err
    lines = ["今天下雨了。", "妹妹看见一只鲸。"]
    (one, other) = (
        rnnlm("score", "--model", model, "--json", input="\n".join(text)).objects
        for model, text in ((ngram_run, lines), (file, [" ".join(line) for line in lines]))
    )
    for mine, its in zip(one, other, strict=True):
        assert mine["log10_probability"] == pytest.approx(its["log10_probability"], rel=1e-6)
        assert (mine["tokens"], mine["oov"]) == (its["tokens"], its["oov"])


def test_text_that_is_not_cut(rnnlm: Command, ngram_run: Path, tmp_path: Path) -> None:
    """An ARPA file does not cut text: export says so, and who gives it plain Chinese is told once."""
    file, text = tmp_path / "model.arpa", tmp_path / "text.txt"
    told = rnnlm("export", "--model", ngram_run, "--out", file).err.splitlines()[-1]
    assert f"rnnlm tokenize -m {ngram_run}" in told
    assert "rnnlm tokenize -m RUN" in rnnlm("export", "--help").out
    remark = "Chinese without blanks is one unknown word to this model"
    plain, cut = "妹妹看见一只鲸。\n我每天七点起床。\n", "妹 妹 看 见 一 只 鲸 。\n鲸\n我\n"
    for lines, count in ((plain, 1), (cut, 0)):
        text.write_text(lines, encoding="utf-8")
        for command in (["score"], ["score", text], ["evaluate", text], ["predict"]):
            answer = rnnlm(*command, "--model", file, "--json", input=lines)
            assert (answer.status, answer.err.count(remark)) == (0, count), (command, answer.err)
            assert remark not in rnnlm(*command, "--model", ngram_run, input=lines).err
    assert remark not in rnnlm("predict", "--model", file, "妹____").err


def test_kenlm_reads_it(rnnlm: Command, ngram_run: Path, tmp_path: Path) -> None:
    """The kenlm package gives the exported file's sentences the run's own scores."""
    kenlm = pytest.importorskip("kenlm")
    file = tmp_path / "model.arpa"
    rnnlm("export", "--model", ngram_run, "--out", file)
    (found,) = rnnlm("score", "--model", ngram_run, "--json", input="妹妹看见一只鲸。").objects
    score = kenlm.Model(str(file)).score(" ".join("妹妹看见一只鲸。"))
    assert score == pytest.approx(found["log10_probability"], rel=1e-5)


def test_an_arpa_file_that_fails_half_way(
    rnnlm: Command, ngram_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file stays, and nothing else; what went wrong is told in a line."""
    file = tmp_path / "model.arpa.gz"
    rnnlm("export", "--model", ngram_run, "--out", file)
    before = file.read_bytes()

    def full(*_: object) -> list[str]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rnnlm.lm.arpa._lines", full)
    answer = rnnlm("export", "--model", ngram_run, "--out", file)
    assert answer.status == 1
    assert "the disk is full" in answer.err
    assert "n-grams of order" not in answer.err
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
    assert "cannot be written" in rnnlm("export", "--model", ngram_run, "--out", tmp_path / "none" / "a.arpa").err


def test_a_network_has_no_arpa_file(rnnlm: Command, character_run: Path, tmp_path: Path) -> None:
    """A network is refused, with what to train instead."""
    answer = rnnlm("export", "--model", character_run, "--out", tmp_path / "model.arpa")
    assert answer.status == 1
    assert "no n-gram model" in answer.err
    assert "--config ngram" in answer.err


def test_info_and_tokenize(rnnlm: Command, ngram_run: Path, tmp_path: Path) -> None:
    """`info` and `tokenize` take an ARPA file and a mixture as they take a run; a file is not exported as a run."""
    file, mixed = tmp_path / "model.arpa", tmp_path / "mixed"
    rnnlm("export", "--model", ngram_run, "--out", file)
    mixing = ["--mix", str(ngram_run), "--lambda", "0.25", "--cache", "0.1"]
    assert rnnlm("export", "--format", "run", "--model", ngram_run, *mixing, "--out", mixed).status == 0
    lines = rnnlm("info", "--model", ngram_run).lines
    orders = [line.split(maxsplit=2)[2] for line in lines if line.startswith("order")]
    told = rnnlm("info", "--model", file).out
    assert len(orders) == 3
    assert all(order.split("n-grams")[0] in told for order in orders)
    told = rnnlm("info", "--model", mixed).out
    assert "0.2500" in told
    assert "0.7500" in told
    assert "weight 0.1, decay 0.99" in told
    assert rnnlm("tokenize", "--model", file, "妹 妹").out == "妹 妹\n"
    assert rnnlm("tokenize", "--model", mixed, "妹妹").out == "妹 妹\n"
    assert rnnlm("export", "--format", "run", "--model", file, "--out", tmp_path / "run").status == 1


def test_the_model_of_the_environment(
    rnnlm: Command, ngram_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$RNNLM_MODEL stands for --model whatever it names: an ARPA file and a mixture too."""
    file, mixed = tmp_path / "model.arpa", tmp_path / "mixed"
    rnnlm("export", "--model", ngram_run, "--out", file)
    named = rnnlm("info", "--model", file)
    monkeypatch.setenv("RNNLM_MODEL", str(file))
    assert rnnlm("info") == named
    assert "is an ARPA file" in rnnlm("export", "--format", "run", "--out", tmp_path / "run").err
    assert rnnlm("export", "--format", "run", "--cache", "0.1", "--out", mixed).status == 0
    named = rnnlm("info", "--model", mixed)
    monkeypatch.setenv("RNNLM_MODEL", str(mixed))
    assert rnnlm("info") == named
    assert rnnlm("export", "--format", "run", "--out", tmp_path / "copy").status == 0
    assert (tmp_path / "copy" / "mixture.json").read_text() == (mixed / "mixture.json").read_text()
