"""Files to lines, whatever their encoding; and a sentence for every file that cannot be read."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from rnnlm.errors import CorpusError
from rnnlm.text.reader import SAMPLE, SOME, characters_in, read_all, read_lines

LINES = ["我昨天上学迟到了。", "", "Latin, 3.14 and ½", "最后一行"]
TEXT = "\n".join(LINES) + "\n"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-32"])
def test_encodings(tmp_path: Path, name: str, encoding: str, named: bool) -> None:
    """UTF-8 with and without its mark, GB18030 and UTF-16 are recognised, others can be named; packed ones too."""
    path = write(tmp_path / name, TEXT.encode(encoding))
    if named or encoding != "utf-32":
        assert list(read_lines(path, encoding if named else None)) == LINES


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_byte_order_marks_are_no_text(tmp_path: Path, encoding: str | None) -> None:
    """Marks at the head of a file, and inside where files were put together, are not read as characters."""
    path = write(tmp_path / "text.txt", "\ufeff甲\n\ufeff乙\n".encode())
    assert list(read_lines(path, encoding)) == ["甲", "乙"]


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_about_how_many_characters(tmp_path: Path, name: str, encoding: str) -> None:
    """Told within a tenth from the beginning alone, in any encoding, packed or not."""
    draw = random.Random(1)
    text = "".join(draw.choices("我昨天上学迟到了老师批评a1，。\n", k=400_000))
    path = write(tmp_path / name, text.encode(encoding))
    assert path.stat().st_size > SOME
    assert characters_in(path) == pytest.approx(len(text), rel=0.1)
    assert characters_in(path, "no such encoding") is None


def test_what_holds_no_characters_that_can_be_counted(tmp_path: Path) -> None:
    """Nobody is told a number that is not known, and nothing goes wrong that reading will say better."""
    for path in ("-", tmp_path / "none", tmp_path, write(tmp_path / "binary.txt", bytes(range(256)))):
        assert characters_in(path) is None
    assert characters_in(write(tmp_path / "empty.txt", b"")) == 0
    (tmp_path / "plain.gz").write_bytes(b"not packed")
    assert characters_in(tmp_path / "plain.gz") is None
    assert characters_in(write(tmp_path / "much.gz", b"a" * 5 * SAMPLE)) == pytest.approx(5 * SAMPLE, rel=0.2)


def test_line_ends(tmp_path: Path) -> None:
    """Windows and old Mac line ends are line ends; a missing last one costs no line; other blanks stay."""
    path = write(tmp_path / "text.txt", "甲\r\n乙\r丙\u2028 丁".encode())
    assert list(read_lines(path)) == ["甲", "乙", "丙\u2028 丁"]


def test_a_character_across_blocks(tmp_path: Path) -> None:
    """The sample that an encoding is recognised by may end inside a character."""
    text = "a" + "中" * 400_000
    for encoding in ("utf-8", "gb18030"):
        assert list(read_lines(write(tmp_path / "text.txt", text.encode(encoding)))) == [text]


def test_each_file_ends_a_document(tmp_path: Path) -> None:
    """An empty line stands behind each of several files."""
    paths = [write(tmp_path / "1.txt", "甲\n".encode()), write(tmp_path / "2.txt", "乙".encode())]
    assert list(read_all(paths)) == ["甲", "", "乙", ""]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    """Empty is not an error here: whoever needs words says so."""
    assert list(read_lines(write(tmp_path / "text.txt", b""))) == []


NOISE = random.Random(1).randbytes(5000)


@pytest.mark.parametrize(
    ("name", "data", "encoding", "told"),
    [
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None, "does not look like text"),
        ("noise.bin", NOISE, None, "does not look like text"),
        ("text.txt", "中文".encode("gb18030"), "utf-8", "is not utf-8 text"),
        ("text.txt", "中文".encode(), "ascii", "is not ascii text"),
        ("late.txt", b"a\n" * 600_000 + b"\xff\xfe\n", None, "is not utf-8 text"),
        ("text.txt", b"abc", "utf8000", "no encoding called 'utf8000'"),
    ],
)
def test_what_is_not_text(tmp_path: Path, name: str, data: bytes, encoding: str | None, told: str) -> None:
    """Binary files, wrong and unknown encodings are refused with the file's name and what to do."""
    with pytest.raises(CorpusError, match=told) as caught:
        list(read_lines(write(tmp_path / name, data), encoding))
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"not packed", gzip.compress(NOISE)[:900], gzip.compress(b"abc")[:-4] + b"1234"])
def test_damaged_gz(tmp_path: Path, data: bytes) -> None:
    """A packed file that is cut off, damaged or not packed is refused."""
    path = tmp_path / "text.gz"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=r"text.gz (cannot be read|does not look like text)"):
        list(read_lines(path))


def test_missing_and_folder(tmp_path: Path) -> None:
    """A file that is not there, and a folder, are told apart."""
    with pytest.raises(CorpusError, match="there is no file"):
        list(read_lines(tmp_path / "none.txt"))
    with pytest.raises(CorpusError, match="is a folder"):
        list(read_lines(tmp_path))


def test_gbk_fixture(corpora: Path) -> None:
    """jieba's GBK sentences are recognised and read as Chinese."""
    lines = list(read_lines(corpora / "jieba-fixtures" / "testlines.gbk.txt"))
    assert lines[0].startswith("我来到北京")


def test_utf16_without_its_mark(tmp_path: Path) -> None:
    """Under the name of UTF-16 it is an error that names the two that need no mark."""
    path = tmp_path / "a.txt"
    path.write_bytes("我们".encode("utf-16-le"))
    with pytest.raises(CorpusError, match="not utf-16 text") as caught:
        list(read_lines(path, "utf-16"))
    assert "utf-16-le" in caught.value.hint
    assert list(read_lines(path, "utf-16-le")) == ["我们"]
    with pytest.raises(CorpusError):
        list(read_lines(path, "utf-8\0"))
