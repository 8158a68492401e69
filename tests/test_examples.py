"""The examples run, say what they are meant to show, stay short, and are all listed in their README."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rnnlm
from conftest import TINY

EXAMPLES = Path(__file__).parents[1] / "examples"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")

# What each prints among other things, and its arguments; that its own numbers agree with rnnlm's it asserts itself.
SAYS: dict[str, tuple[str, list[str]]] = {
    "01_one_neuron.py": ("δ = (y - 1.0) f'(net) = -0.4230", []),
    "02_softmax_and_cross_entropy.py": ("∂E/∂V = (o - t) sᵀ", []),
    "03_two_steps_of_bptt_by_hand.py": ("E = 2.5869, perplexity 3.6454", []),  # as chapter 7 of the derivation
    "04_gradient_check.py": ("a check must also find what is wrong", []),
    "05_vanishing.py": ("explodes", []),
    "06_lstm_cell.py": ("has the same states", []),
    "07_ngram_by_counting.py": ("probability 0, perplexity infinite", []),
    "08_train_tiny.py": ("我的 -> 我的手机坏了", []),
    "09_look_inside.sh": ("the steps' parts of dW sum to dW", []),
    "10_train_your_own.sh": ("== what the run is", [str(TINY), "--epochs", "2", "--hidden", "16", "--embedding", "16"]),
}


@pytest.mark.parametrize("name", SAYS)
def test_example(name: str, tmp_path: Path) -> None:
    """It ends well, from any folder, and shows its point; a program warns of nothing."""
    script, (point, arguments) = EXAMPLES / name, SAYS[name]
    if script.suffix == ".sh":
        if not (shell := shutil.which("sh")):
            pytest.skip("there is no sh here")
        command = [shell, str(script), *arguments]
    else:
        command = [sys.executable, "-W", "error", str(script), *arguments]
    programs = tmp_path / "bin"  # `rnnlm` is this checkout's, whatever is installed
    programs.mkdir()
    (programs / "rnnlm").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rnnlm.cli.main "$@"\n')
    (programs / "rnnlm").chmod(0o755)
    environment = os.environ | ONE_THREAD
    environment["PYTHONPATH"] = str(Path(rnnlm.__file__).parents[1])
    environment["PYTHONUTF8"] = "1"
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert point in done.stdout
    if script.suffix == ".py":
        assert done.stderr == ""


def test_all_are_listed_and_short() -> None:
    """The README names every example, the tests run every one, and none is longer than a page of 60 lines."""
    scripts = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".sh"))
    assert scripts == sorted(SAYS)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in scripts:
        assert f"({name})" in readme
        assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) <= 60
