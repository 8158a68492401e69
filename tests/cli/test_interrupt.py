"""Ctrl-C in training, and the installed command, in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import TINY
from rnnlm.store.run import Run

MODULE = [sys.executable, "-m", "rnnlm.cli.main"]
PATIENCE = 60  # seconds; far more than anything here takes
Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Ctrl-C reaches the programs started here also where the tests run in the background of a shell, which has them,
    and all that they start, ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def steps_of(run: Path) -> int:
    """Training steps that the run's log has seen."""
    return max((entry["step"] for entry in Run(run).metrics()), default=0)


def interrupted(command: list[str], folder: Path, run: Path, number: int) -> tuple[int, str]:
    """Starts a training, signals its group when it has made a few steps; gives its exit status and last words."""
    before = steps_of(run)
    process = subprocess.Popen(
        command, cwd=folder, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + PATIENCE
        while steps_of(run) <= before + 5 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert out == ""
    return process.returncode, err


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
@pytest.mark.parametrize(("threads", "number"), [("1", signal.SIGINT), ("2", signal.SIGINT), ("1", signal.SIGTERM)])
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path, small_config: Write, threads: str, number: int) -> None:
    """Ctrl-C ends the step, saves, prints the command that goes on, and leaves with 130; that command goes on there."""
    run = tmp_path / "a run"
    options = ["--config", str(small_config("characters")), "--epochs", "100000", "--threads", threads]
    command = [*MODULE, "train", str(TINY), "--valid", str(TINY), "--out", "a run", *options]
    status, err = interrupted(command, tmp_path, run, number)
    assert status == 130
    assert "Traceback" not in err
    assert f"saved in {run.name}; go on with" in err
    state = Run(run).checkpoint("last") / "trainer.json"
    stopped = json.loads(state.read_text())["position"]["step"]
    assert stopped >= steps_of(run) > 5

    printed = next(line for line in err.splitlines() if line.startswith("  rnnlm train"))
    _, *arguments = shlex.split(printed)
    status, err = interrupted([*MODULE, *arguments], tmp_path, run, number)
    assert status == 130
    seen = [entry["step"] for entry in Run(run).metrics() if entry["kind"] == "train"]
    assert seen == sorted(set(seen))
    assert json.loads((Run(run).checkpoint("last") / "trainer.json").read_text())["position"]["step"] > stopped


@pytest.mark.skipif(os.name != "posix", reason="terminals")
def test_a_terminal_that_is_closed(tmp_path: Path, small_config: Write) -> None:
    """Training saves, though nobody can be told so any more."""
    run, (terminal, end) = tmp_path / "run", os.openpty()
    command = [*MODULE, "train", str(TINY), "--valid", str(TINY), "--out", str(run), "--epochs", "100000"]
    config = ["--config", str(small_config("characters")), "--threads", "1"]
    with subprocess.Popen([*command, *config], stdin=end, stdout=end, stderr=end, start_new_session=True) as process:
        os.close(end)
        until = time.monotonic() + PATIENCE
        while steps_of(run) <= 5 and process.poll() is None and time.monotonic() < until:
            os.set_blocking(terminal, False)
            with contextlib.suppress(OSError):
                os.read(terminal, 1 << 16)
            time.sleep(0.05)
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        process.wait(PATIENCE)
    assert json.loads((Run(run).checkpoint("last") / "trainer.json").read_text())["position"]["step"] > 5


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_while_the_text_is_cut(
    tmp_path: Path, small_config: Write, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Ctrl-C before training stops at once and leaves nothing; after it and after a kill the same command begins
    anew."""
    cache, run = tmp_path / "cache", tmp_path / "run"
    monkeypatch.setenv("RNNLM_CACHE", str(cache))
    text = tmp_path / "text.txt"
    text.write_text("some words of a long text\n" * 200_000)
    config = ["--config", str(small_config("whitespace")), "--epochs", "100000"]
    command = [*MODULE, "train", "text.txt", *config, "--out", "run"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + PATIENCE
        while not any(path.stat().st_size for path in cache.glob(".*/tokens.0")) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert not run.exists()
    assert not list(cache.glob("*/done"))
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert err.strip() == "interrupted"
        assert not list(cache.glob(".*"))
    status, err = interrupted(command, tmp_path, run, signal.SIGINT)
    assert status == 130
    assert "saved in run" in err
    assert steps_of(run) > 5


def test_the_installed_command(tmp_path: Path, small_config: Write) -> None:
    """`rnnlm` as it was installed trains, predicts and ends in a pipe that is closed, from any folder."""
    installed = Path(sys.executable).with_name("rnnlm.exe" if os.name == "nt" else "rnnlm")
    if not installed.exists():
        pytest.skip("rnnlm is not installed in this environment")
    train: list[str | Path] = [installed, "train", TINY, "--config", small_config("characters"), "--epochs", "1"]
    done = subprocess.run(train, cwd=tmp_path, capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout.startswith("run: runs")
    predict: list[str | Path] = [installed, "predict", "我们", "--json"]
    done = subprocess.run(predict, cwd=tmp_path, capture_output=True, text=True, check=True, encoding="utf-8")
    assert json.loads(done.stdout)["tokens"] == ["我", "们", "____"]
    predict = [installed, "predict", "--model", "none", "我"]
    wrong = subprocess.run(predict, cwd=tmp_path, capture_output=True, text=True)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("rnnlm: there is no run none")


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_no_copy_of_a_piped_text_is_left(tmp_path: Path, number: int) -> None:
    """A text from a pipe lies in a temporary file while it comes; whoever ends the program, the file goes too."""
    command = [*MODULE, "train", "-", "--out", str(tmp_path / "run")]
    places = os.environ | {"TMPDIR": str(tmp_path), "RNNLM_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(command, env=places, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write("我昨天上学迟到了。\n" * 10_000)
        process.stdin.flush()
        until = time.monotonic() + PATIENCE
        while not list(tmp_path.glob("rnnlm-*")) and time.monotonic() < until:
            time.sleep(0.05)
        assert list(tmp_path.glob("rnnlm-*"))
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "interrupted" in err
    assert not list(tmp_path.glob("rnnlm-*"))


@pytest.mark.skipif(os.name != "posix", reason="a pipe whose reader has gone")
def test_a_closed_pipe(character_run: Path) -> None:
    """When the reader of a pipe has gone, as `head` does, the command ends quietly."""
    command = shlex.join([*MODULE, "generate", "--model", str(character_run), "--count", "2000", "--max-words", "30"])
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | head -1"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="a pipe whose reader has gone")
def test_a_closed_pipe_as_a_file(tmp_path: Path) -> None:
    """A reader who has enough of what is written to /dev/stdout as to a file is no error either."""
    subprocess.run(
        [*MODULE, "train", TINY, "--config", "ngram", "--valid", TINY, "--out", tmp_path / "run"], check=True
    )
    command = shlex.join([*MODULE, "export", "--model", str(tmp_path / "run"), "--out", "/dev/stdout"])
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | true"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="a shell that closes what is inherited")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_from_the_start(character_run: Path, closed: str) -> None:
    """Without standard input it is empty, without an output what was said is lost; neither is an error."""
    command = shlex.join([*MODULE, "score", "--model", str(character_run)])
    done = subprocess.run(f"{command} {closed}", shell=True, input="我。\n", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
