"""Preparing a text as the person at the terminal sees it."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from rnnlm.cli import training
from rnnlm.cli.training import Bars, prepare_with_bar
from rnnlm.config import Config, Text, Train


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_show_how_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar for each stage, with its share of the whole; without a number of the whole it only counts."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Bars(1000) as bars:
        bars.tell("reading", 250, 0)
        assert " 25%" in str(bars.bar)
        bars.tell("encoding", 30, 40)
        assert "encoding" in str(bars.bar)
        assert " 75%" in str(bars.bar)
    with Bars(0) as bars:
        bars.tell("reading", 250, 0)
        assert "%" not in str(bars.bar)


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
def test_both_passes_are_told_with_their_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Reading ends near its whole and encoding at it, for packed texts too."""
    text = "我 昨天 上学 迟到 了\n" * 400
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    bars: list[tuple[str, int, int]] = []
    whole: list[int] = []

    class Noted(Bars):
        def __init__(self, characters: int) -> None:
            whole.append(characters)
            super().__init__(characters)

        def tell(self, stage: str, done: int, total: int) -> None:
            bars.append((stage, done, total))

    monkeypatch.setattr(training, "Bars", Noted)
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    config = Config(text=Text(tokenizer="whitespace", min_count=1), train=Train(batch=2))
    prepared = prepare_with_bar([str(tmp_path / name)], [], config)
    read, encoded = (sum(done for stage, done, _ in bars if stage == one) for one in ("reading", "encoding"))
    assert whole == [pytest.approx(len(text), rel=0.01)]
    assert read == pytest.approx(len(text), rel=0.01)
    assert {total for stage, _, total in bars if stage == "encoding"} == {encoded}
    assert encoded >= prepared.train.tokens
