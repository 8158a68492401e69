"""A run on disk: settings, vocabulary, tokenizer, metrics and checkpoints in one folder; it does not know how
training works.

    config.toml  vocabulary.txt  tokenizer.json  user_dict.txt (if any)  metrics.jsonl
    checkpoints.json                       which checkpoint is the best, which the last
    checkpoints/000450/model.safetensors   weights under their names
    checkpoints/000450/trainer.safetensors and trainer.json: what resuming needs

Nothing in it is executable, nothing names another place of the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlm.config import Config, load_config
from rnnlm.errors import CheckpointError, ConfigError, VocabularyError
from rnnlm.store.files import new_folder, read_json, write_json, write_text, writing
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import Tokenizer, make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

Arrays = Mapping[str, NDArray[Any]]
RUNS = "runs"
DESCRIPTION = ("config.toml", "vocabulary.txt", "tokenizer.json", "user_dict.txt", "metrics.jsonl")
CHECKPOINTS = "checkpoints"
FILES = (*DESCRIPTION, "checkpoints.json")


@dataclass(frozen=True)
class Run:
    """The folder of one run."""

    path: Path

    @classmethod
    def create(cls, path: Path, config: Config, coder: Coder, user_words: list[str]) -> Run:
        """Writes everything but metrics and checkpoints."""
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            write_text(path / "config.toml", config.to_toml())
            coder.vocabulary.save(path / "vocabulary.txt")
            write_json(path / "tokenizer.json", coder.tokenizer.describe() | {"oov": coder.oov})
            if user_words:
                write_text(path / "user_dict.txt", "".join(f"{line}\n" for line in user_words))
        return cls(path)

    def remove(self) -> None:
        """Removes the files of the run; what else somebody has put into its folder stays."""
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / CHECKPOINTS, ignore_errors=True)
        with contextlib.suppress(OSError):  # it is not empty
            self.path.rmdir()

    def change(self, config: Config) -> None:
        """Other settings from now on."""
        write_text(self.path / "config.toml", config.to_toml())
        self.__dict__["config"] = config

    @cached_property
    def config(self) -> Config:
        try:
            return load_config(self.path / "config.toml")
        except ConfigError as error:
            raise CheckpointError(f"the run {self.path} has a damaged config.toml: {error}") from None

    @cached_property
    def coder(self) -> Coder:
        """The tokenizer and vocabulary of the run."""
        try:
            vocabulary = Vocabulary.load(self.path / "vocabulary.txt")
        except (OSError, UnicodeDecodeError, VocabularyError) as error:
            raise CheckpointError(f"the run {self.path} has no readable vocabulary.txt: {error}") from None
        return Coder(self.tokenizer, vocabulary, read_json(self.path / "tokenizer.json", "oov")["oov"])

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the run was trained with. Raises CheckpointError where this machine would cut
        differently."""
        about = read_json(self.path / "tokenizer.json", "kind", "normalise")
        words = self.path / "user_dict.txt"
        lines = words.read_text(encoding="utf-8", errors="replace").split("\n") if words.exists() else []
        tokenizer = make_tokenizer(about["kind"], about["normalise"], [line for line in lines if line])
        found = tokenizer.describe()
        if about.get("version") not in (None, found.get("version")):
            raise CheckpointError(
                f"the run {self.path} was cut with {about['kind']} {about['version']}, which is not installed",
                f"pip install {about['kind']}=={about['version']}",
            )
        if any(about.get(key, found.get(key)) != found.get(key) for key in ("user_words", "user_fingerprint")):
            raise CheckpointError(
                f"the user_dict.txt of the run {self.path} is missing, or not the one that it was trained with",
                "put back the one that it was trained with: it decides how text is cut",
            )
        return tokenizer

    @property
    def index(self) -> dict[str, str]:
        """`best` and `last`: names of checkpoints."""
        path = self.path / "checkpoints.json"
        return read_json(path, "best", "last") if path.exists() else {}

    def checkpoint(self, name: str = "best") -> Path:
        """The folder of the best or last checkpoint, or of one named by its number."""
        index = self.index
        if not index:
            raise CheckpointError(f"the run {self.path} has no checkpoint yet", "train it anew with --force")
        path = self.path / CHECKPOINTS / index.get(name, name)
        if not path.is_dir():
            raise CheckpointError(f"the run {self.path} has no checkpoint {path.name}")
        return path

    def save(self, name: str, weights: Arrays, trainer: Arrays, state: dict[str, Any], best: bool) -> Path:
        """Writes a checkpoint, marks it as the last (and the best), and removes those that are neither any more."""
        path = self.path / CHECKPOINTS / name
        if not (self.path / "config.toml").exists():
            raise CheckpointError(f"the run {self.path} is gone", "somebody has moved or removed its folder")
        with new_folder(path) as work:
            write_arrays(work / "model.safetensors", weights)
            write_arrays(work / "trainer.safetensors", trainer)
            write_json(work / "trainer.json", state)
        index = self.index
        index["last"] = name
        if best or "best" not in index:
            index["best"] = name
        write_json(self.path / "checkpoints.json", index)
        for other in (self.path / CHECKPOINTS).iterdir():
            if other.name not in index.values():
                shutil.rmtree(other, ignore_errors=True)
        return path

    def log(self, entry: dict[str, Any]) -> None:
        """Adds a line to metrics.jsonl."""
        path = self.path / "metrics.jsonl"
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def forget(self, step: int) -> None:
        """Takes the lines behind a step out of metrics.jsonl: of steps that are made again."""
        kept = [entry for entry in self.metrics() if entry.get("step", 0) <= step]
        write_text(self.path / "metrics.jsonl", "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in kept))

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; damaged ones are passed over, such as a last line that was cut off."""
        path = self.path / "metrics.jsonl"
        found = []
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [entry for entry in found if isinstance(entry, dict)]


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Named arrays as a safetensors file."""
    from safetensors.numpy import save_file

    with writing(path):
        save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
        path.chmod(path.parent.stat().st_mode & 0o666)  # it writes for the owner alone


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file. Raises CheckpointError where it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path}") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged: {error}", "use another checkpoint of the run, or train again"
        ) from None


def chosen(name: str | None) -> str | None:
    """The name that `--model` gave, or else $RNNLM_MODEL; None for the newest run."""
    return name or os.environ.get("RNNLM_MODEL")


def find_run(name: str | None) -> tuple[Run, str]:
    """The run, and the checkpoint in it, that `--model` names: a run's folder, a checkpoint's, or None.

    None means $RNNLM_MODEL, or else the newest run. Raises CheckpointError where there is none.
    """
    name = chosen(name)
    if name:
        path = Path(name)
        if (path / "config.toml").is_file():
            return Run(path), "best"
        if (path / "model.safetensors").is_file() and (path.parent.parent / "config.toml").is_file():
            return Run(path.parent.parent), path.name
        if not path.exists():
            raise CheckpointError(f"there is no run {name}", "train one with `rnnlm train`")
        if path.is_file():
            raise CheckpointError(f"{name} is not a model", "an ARPA file is known by its name, .arpa or .arpa.gz")
        raise CheckpointError(f"{name} is not the folder of a run", "a run holds config.toml and checkpoints/")
    return newest_run(), "best"


def newest_run() -> Run:
    """The run under runs/ that a checkpoint was saved in last. Raises CheckpointError where there is none."""
    runs = [path.parent for path in Path(RUNS).glob("*/checkpoints.json")]
    if not runs:
        raise CheckpointError("there is no run to load here", "train one with `rnnlm train`, or name its folder")
    return Run(max(runs, key=lambda path: (path / "checkpoints.json").stat().st_mtime))
