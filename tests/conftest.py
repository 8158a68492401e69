"""What all tests share: steady random choices, a cache of their own, and small trained runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from commands import Command, run_command

settings.register_profile("steady", deadline=None, derandomize=True, database=None, max_examples=100)
settings.load_profile("steady")

TINY = Path(__file__).parent / "cli" / "tiny.txt"
SMALL = """
[text]
tokenizer = "{tokenizer}"
min_count = 1

[model]
cell = "gru"
hidden = 16
embedding = 16

[train]
batch = 4
bptt = 8
epochs = 4
optimizer = "adam"
rate = 0.01
threads = 1
"""


@pytest.fixture(autouse=True, scope="session")
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cache, or takes the user's model for its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLM_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("RNNLM_MODEL", raising=False)
        yield


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora beside the checkout; tests that need it are skipped where it is absent."""
    folder = Path(__file__).parents[1].parent / "shared" / "corpora"
    if not folder.is_dir():
        pytest.skip("the corpora of ../shared are not here")
    return folder


@pytest.fixture(scope="session")
def rnnlm() -> Command:
    """Runs the command line in this process: `rnnlm("predict", "我", "--json")`."""
    return run_command


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A file with the settings of a model that trains in a second, for a tokenizer."""
    folder = tmp_path_factory.mktemp("configs")

    def write(tokenizer: str = "characters") -> Path:
        path = folder / f"{tokenizer}.toml"
        path.write_text(SMALL.format(tokenizer=tokenizer), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def _trained(
    tmp_path_factory: pytest.TempPathFactory, small_config: Callable[[str], Path], rnnlm: Command
) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("trained")

    def train(tokenizer: str) -> Path:
        out = folder / tokenizer
        config = small_config(tokenizer)
        answer = rnnlm("train", TINY, "--valid", TINY, "--config", config, "--out", out)
        assert answer.status == 0, answer.err
        return out

    return train


@pytest.fixture(scope="session")
def character_run(_trained: Callable[[str], Path]) -> Path:
    """A run over characters."""
    return _trained("characters")


@pytest.fixture(scope="session")
def word_run(_trained: Callable[[str], Path]) -> Path:
    """A run over jieba's words."""
    return _trained("jieba")


@pytest.fixture
def in_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder that is the current one."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)
