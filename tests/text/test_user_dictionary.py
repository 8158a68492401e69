"""A user's dictionary as people write it: what has an effect, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import Command
from rnnlm.errors import CorpusError
from rnnlm.text.reader import read_lines
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.user_dictionary import read_user_words


def write(folder: Path, *lines: str) -> Path:
    path = folder / "dict.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "line", ["驴杂汤", "驴杂汤 n", "驴杂汤 100 名词", "驴杂汤　100", "驴杂汤\t１００  NR", " 驴杂汤 100 n "]
)
def test_lines_that_people_write(tmp_path: Path, line: str) -> None:
    """Any blank parts the columns, any tag stands behind a count; empty lines are passed over."""
    words = read_user_words(write(tmp_path, "\ufeff", line, "　"), normalised=True)
    assert "驴杂汤" in make_tokenizer("jieba", None, words).cut("我们喝驴杂汤吧")


def test_the_form_of_the_text(tmp_path: Path) -> None:
    """The words have the form of the text: full-width letters are ASCII where the text is normalised."""
    path = write(tmp_path, "ＡＰＰ下载 100")
    assert read_user_words(path, normalised=True) == ["APP下载 100"]
    assert read_user_words(path, normalised=False) == ["ＡＰＰ下载 100"]


@pytest.mark.parametrize("line", ["驴杂汤 名词", "驴 杂汤 100 名词", "驴杂汤 100 名词 好"])
def test_a_word_with_a_blank(tmp_path: Path, line: str) -> None:
    """A word that can never be cut out is refused with its line."""
    with pytest.raises(CorpusError, match=r"dict.txt, line 2") as caught:
        read_user_words(write(tmp_path, "云计算 5", line), normalised=True)
    assert caught.value.hint == "a line is: word [count] [tag]"


def test_what_jieba_reads_stays(corpora: Path, tmp_path: Path) -> None:
    """The dictionary of jieba's documentation is taken as it is, one word with a blank too."""
    lines = list(read_lines(corpora / "jieba-fixtures" / "userdict.bom.utf8.txt"))
    assert "Edu Trust认证 2000" in lines
    assert read_user_words(write(tmp_path, *lines), normalised=True) == lines


def test_tokenize(rnnlm: Command, tmp_path: Path) -> None:
    """`tokenize --user-dict` reads them so."""
    path = write(tmp_path, "ＡＰＰ下载 100 名词")
    assert rnnlm("tokenize", "--user-dict", path, "ＡＰＰ下载好").out == "APP下载 好\n"
    told = rnnlm("tokenize", "--user-dict", write(tmp_path, "驴 杂汤"), "驴")
    assert told.status == 1
    assert "a line is: word [count] [tag]" in told.err
