"""A run on disk: everything in it comes back, and damage to any part of it is told."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from rnnlm.config import Config, Model, Text, Train
from rnnlm.errors import CheckpointError, RnnlmError
from rnnlm.lm.build import make_network, network_arguments
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.protocol import LanguageModel
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.store import load as load_module
from rnnlm.store import run as module
from rnnlm.store.load import load_model
from rnnlm.store.place import in_use, is_run, replaced
from rnnlm.store.run import Run, find_run, newest_run, read_arrays, write_arrays
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

CONFIG = Config(text=Text(tokenizer="jieba"), model=Model(hidden=3, embedding=2), train=Train(rate=1e-5))
WORDS = ["云计算 5", "创新办 3 i"]
CODER = Coder(make_tokenizer("jieba", None, WORDS), Vocabulary.from_words(["我", " ", "云计算", "手机"]), "characters")


def weights(seed: int = 1) -> Parameters:
    network = make_network(network_arguments(CONFIG.model, len(CODER.vocabulary)))
    p = Parameters(network.shapes())
    network.initialise(p, np.random.default_rng(seed))
    return p


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two checkpoints, the first of which is the best."""
    run = Run.create(tmp_path / "runs" / "mine", CONFIG, CODER, WORDS)
    run.save("000010", weights(1).views, {"slot": np.ones(3, np.float32)}, {"step": 10}, best=True)
    run.save("000020", weights(2).views, {"slot": np.ones(3, np.float32)}, {"step": 20}, best=False)
    return run


def test_everything_comes_back(run: Run) -> None:
    """Settings, vocabulary, tokenizer with the user's words, and the weights under their names."""
    found, name = find_run(str(run.path))
    assert (found.config, name) == (CONFIG, "best")
    assert found.coder.vocabulary.words == CODER.vocabulary.words
    assert found.coder.oov == "characters"
    assert found.tokenizer.describe() == CODER.tokenizer.describe()
    assert "创新办" in found.tokenizer.cut("我在创新办")
    model = load_model(found, name)
    assert isinstance(model, RecurrentModel)
    assert np.array_equal(model.parameters.flat, weights(1).flat)
    assert load_file(found.checkpoint() / "model.safetensors").keys() == weights().views.keys()


def test_best_last_and_named_checkpoints(run: Run) -> None:
    """The best is loaded unless another is named; a checkpoint's folder can stand for the run."""
    assert run.index == {"best": "000010", "last": "000020"}
    assert find_run(str(run.path / "checkpoints" / "000020"))[1] == "000020"
    for name, seed in (("best", 1), ("last", 2), ("000010", 1)):
        model = load_model(run, name)
        assert isinstance(model, RecurrentModel)
        assert np.array_equal(model.parameters.flat, weights(seed).flat)
    with pytest.raises(CheckpointError, match="has no checkpoint 000015"):
        load_model(run, "000015")


def test_only_the_best_and_the_last_are_kept(run: Run) -> None:
    """Older checkpoints go when they are neither the best nor the last any more, and so does what a kill left."""
    (run.path / "checkpoints" / ".000025.99").mkdir()
    run.save("000030", weights(3).views, {}, {}, best=True)
    assert [folder.name for folder in (run.path / "checkpoints").iterdir()] == ["000030"]
    assert run.index == {"best": "000030", "last": "000030"}


def test_the_newest_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name it is the run saved last under runs/, or the one that $RNNLM_MODEL names."""
    monkeypatch.chdir(run.path.parent.parent)
    other = Run.create(Path("runs/other"), CONFIG, CODER, [])
    assert find_run(None)[0].path == Path("runs/mine")  # the other has no checkpoint yet
    other.save("000001", weights().views, {}, {}, best=True)
    os.utime(run.path / "checkpoints.json", (1, 1))
    assert find_run(None)[0].path == Path("runs/other")
    monkeypatch.setenv("RNNLM_MODEL", "runs/mine")
    assert find_run(None)[0].path == Path("runs/mine")
    assert newest_run().path == Path("runs/other")
    assert find_run("runs/other")[0].path == Path("runs/other")


def test_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run, a name that is none, and a run without a checkpoint are told with what to do."""
    monkeypatch.chdir(tmp_path)
    empty = Run.create(tmp_path / "empty", CONFIG, CODER, [])
    for name, told in ((None, "there is no run to load"), ("none", "there is no run none"), (".", "is not the folder")):
        with pytest.raises(CheckpointError, match=told) as caught:
            find_run(name)
        assert caught.value.hint
    with pytest.raises(CheckpointError, match="no checkpoint yet"):
        load_model(empty)


def test_nothing_private_or_executable(run: Run) -> None:
    """No file names a place of this disk, none is executable, all can be read by whoever can read the folder."""
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"config.toml", "vocabulary.txt", "tokenizer.json", "checkpoints.json"}
    plain = run.path / "plain"
    plain.touch()
    for path in files:
        assert str(run.path.parent).encode() not in path.read_bytes(), path
        assert stat.filemode(path.stat().st_mode) == stat.filemode(plain.stat().st_mode), path


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("config.toml", b"[model\n", "damaged config.toml"),
        ("config.toml", b"[model]\nhidden = 4\n", "does not fit the run's config.toml"),
        ("vocabulary.txt", b"\xff\xff", "no readable vocabulary.txt"),
        ("vocabulary.txt", "我\n".encode(), "no readable vocabulary.txt"),
        ("vocabulary.txt", "</s>\n<unk>\n我\n \n云计算\n".encode(), "knows 6 words, but vocabulary.txt holds 5"),
        ("vocabulary.txt", None, "no readable vocabulary.txt"),
        ("tokenizer.json", b"{}", "tokenizer.json is damaged"),
        ("tokenizer.json", b"[", "tokenizer.json is damaged"),
        ("tokenizer.json", None, "tokenizer.json cannot be read"),
        ("checkpoints.json", b"[]", "checkpoints.json is damaged"),
        ("checkpoints/000010/model.safetensors", b"", "model.safetensors is damaged"),
        ("checkpoints/000010/model.safetensors", None, "there is no file"),
    ],
)
def test_damage(run: Run, name: str, damage: bytes | None, told: str) -> None:
    """Whatever part of a run is damaged or missing, the error names it."""
    path = run.path / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(RnnlmError, match=told):
        load_model(*find_run(str(run.path)))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_off(run: Run, kept: float) -> None:
    """A truncated weight file is damaged, wherever it ends."""
    path = run.checkpoint() / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        load_model(run)
    assert caught.value.hint


def test_weights_that_are_no_numbers(run: Run) -> None:
    """A checkpoint with a NaN in it is not used."""
    p = weights()
    p.flat[7] = np.nan
    run.save("000030", p.views, {}, {}, best=True)
    with pytest.raises(CheckpointError, match="not numbers"):
        load_model(run)


def test_another_jieba(run: Run) -> None:
    """A run cut with a version of jieba that is not installed is refused: its cuts are part of the model."""
    path = run.path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "0.99"}))
    with pytest.raises(CheckpointError, match=r"jieba 0\.99, which is not installed"):
        _ = Run(run.path).coder


@pytest.mark.parametrize("text", [None, "", "云计算 5\n", "云计算 5\n创新办 4 i\n"])
def test_other_words_of_the_user(run: Run, text: str | None) -> None:
    """A run whose user_dict.txt is gone or another would cut differently: it is refused, with what to do."""
    path = run.path / "user_dict.txt"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"user_dict\.txt of the run .* is missing, or not the one") as caught:
        _ = Run(run.path).coder
    assert "put back" in caught.value.hint


def test_a_run_that_tells_less(run: Run) -> None:
    """A run that does not say which words the user had is taken as it is; line ends of another system do not matter."""
    words = run.path / "user_dict.txt"
    words.write_bytes(words.read_bytes().replace(b"\n", b"\r\n"))
    assert Run(run.path).tokenizer.describe() == CODER.tokenizer.describe()
    path = run.path / "tokenizer.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({key: about[key] for key in ("kind", "normalise", "oov")}))
    words.unlink()
    assert "创新办" not in Run(run.path).tokenizer.cut("我在创新办")


def test_words_with_odd_white_space(tmp_path: Path) -> None:
    """A word of the user's that holds what Unicode takes for a line end comes back whole."""
    coder = Coder(make_tokenizer("jieba", None, ["云\u2028计算 5"]), CODER.vocabulary)
    Run.create(tmp_path / "odd", CONFIG, coder, ["云\u2028计算 5"])
    assert Run(tmp_path / "odd").tokenizer.describe() == coder.tokenizer.describe()


def test_a_full_disk_keeps_the_last_checkpoint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a checkpoint cannot be written, the one before is still there, whole, and named the last."""
    write = module.write_arrays

    def full(path: Path, arrays: module.Arrays) -> None:
        if path.name == "trainer.safetensors":
            raise OSError(28, "No space left on device")
        write(path, arrays)

    monkeypatch.setattr(module, "write_arrays", full)
    with pytest.raises(CheckpointError, match="the disk is full"):
        run.save("000030", weights(3).views, {}, {}, best=True)
    assert run.index == {"best": "000010", "last": "000020"}
    assert sorted(folder.name for folder in (run.path / "checkpoints").iterdir()) == ["000010", "000020"]
    load_model(run)


def test_what_safetensors_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its writer has an error of its own, which becomes ours: a full disk is told as one."""
    import safetensors.numpy

    said = "Error while serializing: I/O error: No space left on device (os error 28)"

    def full(*_: object) -> None:
        raise safetensors.SafetensorError(said)

    monkeypatch.setattr(safetensors.numpy, "save_file", full)
    with pytest.raises(CheckpointError, match="the disk is full"):
        write_arrays(tmp_path / "a", {})
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_arrays(tmp_path / "none" / "a", {"x": np.ones(1)})


def test_arrays_round_trip(tmp_path: Path) -> None:
    """Arrays come back with their types, shapes and values; views and empty ones too."""
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.ones((0, 4), np.float32), "c": np.array(3, np.int64)}
    write_arrays(tmp_path / "a.safetensors", arrays)
    found = read_arrays(tmp_path / "a.safetensors")
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(found[name], array)


def test_metrics(run: Run) -> None:
    """Lines of the log come back in order; a last line that a kill cut off is passed over."""
    assert run.metrics() == []
    run.log({"kind": "train", "loss": 1.5})
    run.log({"kind": "valid", "text": "我"})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "tra')
    assert run.metrics() == [{"kind": "train", "loss": 1.5}, {"kind": "valid", "text": "我"}]


@pytest.mark.parametrize("killed", range(1, 15))
def test_a_run_is_replaced_or_put_back(run: Run, monkeypatch: pytest.MonkeyPatch, killed: int) -> None:
    """Wherever a process is killed while it sets the run aside or puts it back, the next one finds all of it."""
    before = contents(run.path)
    moves, rename = [0], Path.rename

    def dying(self: Path, target: Path) -> Path:
        moves[0] += 1
        if moves[0] == killed:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", dying)
    with contextlib.suppress(KeyboardInterrupt, KeyError), replaced(run):
        raise KeyError  # the new run fails before its first checkpoint
    assert moves[0] >= killed
    assert is_run(run.path)
    monkeypatch.setattr(Path, "rename", rename)
    with contextlib.suppress(KeyError), replaced(run):
        raise KeyError
    assert contents(run.path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_damaged_lists(run: Run) -> None:
    """Bytes that are no text: the user's dictionary is told, lines of the metrics are passed over."""
    run.log({"kind": "valid", "step": 1})
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(b'3\n"\xe8\xbf\n{"kind": "train", "note": "\xe2\x80\xa8"}\n{"ki')
    assert run.metrics() == [{"kind": "valid", "step": 1}, {"kind": "train", "note": "\u2028"}]
    (run.path / "user_dict.txt").write_bytes(b"\xe8\xbf\xff")
    with pytest.raises(CheckpointError, match="user_dict"):
        _ = Run(run.path).tokenizer


def test_one_training_in_a_folder(tmp_path: Path) -> None:
    """Another is kept out until the first ends, however that ends; an empty folder goes with it."""
    pytest.importorskip("fcntl")
    path = tmp_path / "runs" / "a"
    with pytest.raises(KeyError), in_use(path):
        with pytest.raises(CheckpointError, match="another training is under way"), in_use(path):
            pass
        raise KeyError
    assert not path.exists()
    with in_use(path):
        (path / "config.toml").touch()
    assert [file.name for file in path.iterdir()] == ["config.toml"]


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is kept out there, the only training neither."""

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", none)
    with in_use(tmp_path / "a"):
        pass
    assert not (tmp_path / "a").exists()


def test_steps_that_are_made_again(run: Run) -> None:
    """Their lines are taken out of the metrics; nothing else is."""
    for step in (5, 10, 15, 20):
        run.log({"kind": "train", "step": step})
    run.forget(10)
    assert [entry["step"] for entry in run.metrics()] == [5, 10]


def test_a_folder_that_is_gone(run: Run) -> None:
    """No checkpoint is written where the run was removed: nobody could use it."""
    run.remove()
    with pytest.raises(CheckpointError, match="is gone"):
        run.save("000030", weights(3).views, {}, {}, best=True)
    assert not run.path.exists()


def test_a_checkpoint_that_gives_way(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is being trained can be used: a checkpoint that goes while it is read is one that has a successor."""
    read, seen = load_module.load_model, list[str]()

    def late(run: Run, name: str) -> LanguageModel | ClozeModel:
        seen.append(name)
        if len(seen) == 1:
            run.save("000030", weights(3).views, {}, {}, best=True)
            raise CheckpointError("there is no file model.safetensors")
        return read(run, name)

    monkeypatch.setattr(load_module, "load_model", late)
    found = load_module.load_named(str(run.path)).lm
    assert isinstance(found, RecurrentModel)
    assert np.array_equal(found.parameters.flat, weights(3).flat)
    monkeypatch.setattr(load_module, "load_model", lambda *_: read_arrays(run.path / "none"))
    with pytest.raises(CheckpointError, match="no file"):
        load_module.load_named(str(run.path))
