"""Pictures: what is in them, that nothing is printed, and what is said where matplotlib or a font is missing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from by_hand import IDS, random_model
from rnnlm.errors import ConfigError
from rnnlm.report import plots
from rnnlm.report.flow import flow
from rnnlm.report.inside import forward

matplotlib = pytest.importorskip("matplotlib")
WORDS = ["我", "昨天", "上学", "迟到", "了", "，", "老师"]


@pytest.fixture
def words_in_svg() -> Iterator[None]:
    """Labels of an SVG are written as text, so that a test can read them."""
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        yield


@pytest.fixture
def chinese() -> str:
    """The font for Chinese labels; tests that draw some are skipped where there is none."""
    try:
        return plots.chinese_font()
    except ConfigError as error:
        pytest.skip(str(error))


def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    monkeypatch.delenv("RNNLM_FONT", raising=False)
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])


def entries(offset: float) -> list[dict[str, Any]]:
    """What metrics.jsonl holds of two epochs."""
    steps = [
        {"kind": "train", "seconds": s, "loss": 5 - s + offset, "rate": 0.1, "norm": 1 / s, "words_per_second": 900}
        for s in (1, 2, 3)
    ]
    ends = [
        {"kind": "valid", "seconds": s, "valid_loss": 4.0, "perplexity": 300 / s, "bits_per_character": 5.0}
        for s in (1.5, 3)
    ]
    return [*steps, *ends]


def test_curves(tmp_path: Path, words_in_svg: None) -> None:
    """Every curve there are figures for is drawn, and each run is named once; the rest is left out."""
    path = tmp_path / "curves.svg"
    plots.curves({"first": entries(0), "second": entries(1)}, path)
    text = path.read_text(encoding="utf-8")
    for title in ("loss", "perplexity", "learning rate", "gradient norm", "words/s", "bits per character"):
        assert title in text
    assert "accuracy" not in text
    assert (text.count(">first<"), text.count(">second<")) == (1, 1)
    assert "×" not in text  # 300, not 3 x 10²


def test_curves_of_other_models(tmp_path: Path, words_in_svg: None) -> None:
    """A model that reads both sides has accuracy instead of perplexity; one that only counts has one point a curve."""
    path = tmp_path / "curves.svg"
    plots.curves({"cloze": [{"kind": "valid", "seconds": 1, "valid_loss": 4.0, "accuracy_at_1": 0.2}]}, path)
    assert "accuracy" in path.read_text(encoding="utf-8")
    assert "perplexity" not in path.read_text(encoding="utf-8")
    plots.curves({"counts": [{"kind": "valid", "seconds": 1, "perplexity": 90.0, "bits_per_character": 5.0}]}, path)
    assert "perplexity" in path.read_text(encoding="utf-8")


def test_flows(tmp_path: Path, words_in_svg: None) -> None:
    """Every layer of every network has its name, the simple network its bound; a dead one is no error."""
    deep, dead = random_model("lstm", 2), random_model("relu")
    dead.parameters["rnn.0.b"][...] = -99
    found = {"simple": flow(random_model(), IDS), "deep": flow(deep, IDS), "dead": flow(dead, IDS)}
    path = tmp_path / "flows.svg"
    plots.flows(found, path)
    text = path.read_text(encoding="utf-8")
    own = found["simple"]
    assert f"simple: bound ({own.beta_w:.2f} · {own.beta_f:.2f})^(t-k)" in text
    assert "deep, layer 1" in text
    assert "deep, layer 2" in text
    plots.flows({"dead": found["dead"]}, path)


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_kinds_of_picture(tmp_path: Path, ending: str, begins: bytes) -> None:
    """The ending tells the kind of picture."""
    path = tmp_path / f"flows.{ending}"
    plots.flows({"one": flow(random_model(), IDS)}, path)
    assert path.read_bytes().startswith(begins)


def test_an_unknown_kind(tmp_path: Path) -> None:
    """An ending that means no picture is refused before anything is drawn or written."""
    with pytest.raises(ConfigError, match="no picture") as caught:
        plots.flows({}, tmp_path / "flows.docx")
    assert ".png" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that brings matplotlib is named."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match="need matplotlib") as caught:
        plots.flows({"one": flow(random_model(), IDS)}, tmp_path / "flows.png")
    assert "rnnlm-zh[plot]" in caught.value.hint


def test_without_a_chinese_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chinese labels without a font for them are refused with what to install."""
    no_fonts(monkeypatch)
    with pytest.raises(ConfigError, match="no font with Chinese characters") as caught:
        plots.word_map(np.zeros((1, 2)), ["老师"], [], tmp_path / "words.png")
    assert "fonts-noto-cjk" in caught.value.hint
    assert "RNNLM_FONT" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_latin_words_need_no_chinese_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word map and the heat map of an English model ask for no Chinese font."""
    fonts: list[int] = []
    monkeypatch.setattr(plots, "chinese_font", lambda: fonts.append(1))
    plots.word_map(np.eye(2), ["teacher", "café"], [], tmp_path / "words.png")
    steps = forward(random_model(), IDS)
    plots.heat_map(steps, ["a-rather-long-word"] * len(steps), tmp_path / "states.png")
    assert not fonts


def test_a_font_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """$RNNLM_FONT names a font file; a file that is not there is told."""
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    monkeypatch.setenv("RNNLM_FONT", str(file))
    assert plots.chinese_font() == "DejaVu Sans Mono"
    monkeypatch.setenv("RNNLM_FONT", str(tmp_path / "none.ttf"))
    with pytest.raises(ConfigError, match=r"none\.ttf"):
        plots.chinese_font()


def test_nothing_is_printed(
    chinese: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Chinese labels, a character that no font has, minus signs: no warning, no output, all settings as before."""
    log, before = logging.getLogger("matplotlib.font_manager"), dict(matplotlib.rcParams)
    steps = forward(random_model("lstm", 2), IDS)
    plots.heat_map(steps, WORDS, tmp_path / "states.png")
    points = np.random.default_rng(1).normal(size=(len(WORDS) + 1, 2))
    plots.word_map(points, [*WORDS, "\U000323ae"], ["老师"], tmp_path / "words.png")
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert log.level == logging.NOTSET
    assert dict(matplotlib.rcParams) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_labels_of_the_heat_map(chinese: str, tmp_path: Path, words_in_svg: None) -> None:
    """A column for each word, a part for each layer."""
    path = tmp_path / "states.svg"
    plots.heat_map(forward(random_model("gru", 2), IDS), WORDS, path)
    text = path.read_text(encoding="utf-8")
    assert text.count(">昨天<") == 2
    assert "units of layer 2" in text
    assert chinese in text


def test_labels_that_would_cover_others(tmp_path: Path, words_in_svg: None) -> None:
    """Of words in one place the first is written, and what was asked for; the rest are dots."""
    path = tmp_path / "words.svg"
    points = np.array([[0, 0], [0, 0], [0, 0], [9, 9]])
    plots.word_map(points, ["first", "second", "asked", "far"], ["asked"], path)
    text = path.read_text(encoding="utf-8")
    assert ">asked<" in text
    assert ">far<" in text
    assert ">second<" not in text
    plots.word_map(points, ["first", "second", "third", "far"], [], path)
    text = path.read_text(encoding="utf-8")
    assert ">first<" in text
    assert ">third<" not in text
