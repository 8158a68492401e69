"""Files appear whole or not at all, and what goes wrong is told in a sentence."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from rnnlm.errors import CheckpointError
from rnnlm.store.files import new_file, new_folder, read_json, write_json, write_text


def test_a_text_is_replaced_in_one_move(tmp_path: Path) -> None:
    """The new text takes the place of the old, as it stands, and nothing else is left."""
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "新\n的\r\n")
    assert path.read_bytes() == "新\n的\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_somebody_else_writes(tmp_path: Path) -> None:
    """The name it is written under keeps the ending, which may say how; half of it does not replace the old one."""
    path = tmp_path / "model.arpa.gz"
    path.write_text("old")
    with pytest.raises(KeyError), new_file(path) as work:
        work.write_text("ha")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with new_file(path) as work:
        assert work.name.endswith(".arpa.gz")
        work.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="links without special rights, and pipes with names")
def test_links_and_devices_are_written_as_they_are(tmp_path: Path) -> None:
    """A link stays a link, as /dev/stdout is one, and a device a device."""
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_text("old")
    link.symlink_to(path)
    for one in (link, Path(os.devnull)):
        with new_file(one) as work:
            work.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert Path(os.devnull).is_char_device()


def test_others_may_read(tmp_path: Path) -> None:
    """Files and folders have the rights of any new file, not those of a private temporary one."""
    (tmp_path / "plain").touch()
    write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode
    with new_folder(tmp_path / "new"):
        pass
    (tmp_path / "folder").mkdir()
    assert stat.filemode((tmp_path / "new").stat().st_mode) == stat.filemode((tmp_path / "folder").stat().st_mode)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told as such; the old file stays whole, and no half of the new one is left."""
    path = tmp_path / "a.txt"
    write_text(path, "old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CheckpointError, match=r"the disk is full: .*a\.txt was not written") as caught:
        write_text(path, "new")
    assert caught.value.hint
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_place_to_write(tmp_path: Path) -> None:
    """A folder that is not there, or a file in its place, is told with what the system says."""
    with pytest.raises(CheckpointError, match="cannot be written: No such file"):
        write_text(tmp_path / "none" / "a.txt", "text")
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be written"), new_folder(tmp_path / "file" / "new"):
        pass


def test_what_a_killed_process_left(tmp_path: Path) -> None:
    """Half of a folder, by a process of the same number, as in a container; or the old one under another name."""
    path = tmp_path / "1"
    with new_folder(path) as work:
        (work / "a.txt").write_text("old")
    work.mkdir()
    (work / "b.txt").write_text("half")
    with new_folder(path) as work:
        (work / "a.txt").write_text("new")
    assert {file.name: file.read_text() for file in path.iterdir()} == {"a.txt": "new"}
    assert list(tmp_path.iterdir()) == [path]

    path.rename(tmp_path / ".1.old")
    with pytest.raises(KeyError), new_folder(path):
        raise KeyError
    assert (path / "a.txt").read_text() == "new"
    with new_folder(path) as work:
        (work / "a.txt").write_text("newer")
    assert (path / "a.txt").read_text() == "newer"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_take_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is put back."""
    path, rename = tmp_path / "1", Path.rename
    with new_folder(path) as work:
        (work / "a.txt").write_text("old")

    def once(self: Path, target: Path) -> Path:
        if target == path and not self.suffix == ".old":
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", once)
    with pytest.raises(CheckpointError, match="Input/output"), new_folder(path) as work:
        (work / "a.txt").write_text("new")
    assert (path / "a.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Its name is there only when all of it is; an old one of that name is replaced as a whole."""
    path = tmp_path / "checkpoints" / "1"
    for text in ("old", "new"):
        with new_folder(path) as work:
            (work / f"{text}.txt").write_text(text)
            assert not (path / f"{text}.txt").exists()
        assert [file.name for file in path.iterdir()] == [f"{text}.txt"]
    assert [folder.name for folder in path.parent.iterdir()] == ["1"]


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Whatever interrupts the writing, the old folder stays and the unfinished one goes."""
    path = tmp_path / "1"
    with new_folder(path) as work:
        (work / "a").touch()
    for error in (KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")):
        with pytest.raises((KeyboardInterrupt, CheckpointError)), new_folder(path) as work:
            (work / "b").touch()
            raise error
    assert list(tmp_path.iterdir()) == [path]
    assert [file.name for file in path.iterdir()] == ["a"]


def test_json(tmp_path: Path) -> None:
    """What is written is read; a missing or damaged file, or one without a key, is a CheckpointError."""
    path = tmp_path / "a.json"
    write_json(path, {"best": "我", "number": 1.5})
    assert read_json(path, "best") == {"best": "我", "number": 1.5}
    with pytest.raises(CheckpointError, match="is damaged"):
        read_json(path, "best", "last")
    for damage in (b'{"best": "1', b"[1, 2]", b"\xff\xfe"):
        path.write_bytes(damage)
        with pytest.raises(CheckpointError, match="is damaged"):
            read_json(path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_json(tmp_path / "none.json")
