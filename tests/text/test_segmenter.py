"""The cuts are jieba's own: on every corpus, on any text, with any user dictionary, whatever befalls its file."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlm.errors import CorpusError
from rnnlm.text import dictionary, segmenter
from rnnlm.text.dictionary import Dictionary
from rnnlm.text.reader import read_lines
from rnnlm.text.segmenter import Segmenter, load_segmenter
from strategies import ANY, CHINESE, LINES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jieba
    from jieba import finalseg

# A corpus takes jieba a minute: every line of all of them is compared where this is set, otherwise every 25th
STRIDE = 1 if os.environ.get("RNNLM_ALL_LINES") else 25
TEXTS = [
    "他来到了网易杭研大厦",
    "我昨天上学迟到了，老师批评了我。",
    "AT&T是一件不错的公司，给你发offer了吗？C++和c#是什么关系？11+122=133，PI=3.14159",
    "工信处女干事每月经过下属科室都要亲口交代24口交换机等技术性器件的安装工作",
    "常在吃早饭时",  # two paths of the hidden Markov model are within one part in ten million of each other
    "龘龘靐齉爩麤 \r\n\t　𠀀㐀〇",
]


@pytest.fixture(scope="module")
def theirs() -> Any:
    """jieba itself, with no word split by force, which it keeps for all its tokenizers together."""
    jieba.setLogLevel(logging.ERROR)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    return tokenizer


@pytest.fixture(scope="module")
def ours() -> Segmenter:
    return Segmenter(Dictionary())


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Segmenter) -> Path:
    """The file of the dictionary, alone in a cache."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path))
    return Path(shutil.copy(ours.weights.dictionary.path, tmp_path))


def awake(tokenizer: Any) -> Any:
    """Another tokenizer of jieba's, with the dictionary of the first."""
    other = jieba.Tokenizer()
    other.FREQ, other.total, other.initialized = tokenizer.FREQ.copy(), tokenizer.total, True
    return other


def test_every_corpus(corpora: Path, theirs: Any, ours: Segmenter) -> None:
    """The lines of all corpora are cut as jieba cuts them."""
    compared = 0
    for file in sorted(corpora.glob("*/*")):
        for line in list(read_lines(file))[::STRIDE]:
            assert ours.lcut(line) == theirs.lcut(line), file
            compared += 1
    assert compared > 200_000 / STRIDE


@given(text=LINES | ANY | st.text("龘䶮乊乣㐀\u9fd5\u9fd6的了a1.%-\r\n ", max_size=12))
def test_any_text(theirs: Any, ours: Segmenter, text: str) -> None:
    """Rare characters, which the hidden Markov model never saw, marks and blanks are cut as jieba cuts them."""
    assert ours.lcut(text) == theirs.lcut(text)


@pytest.mark.parametrize("text", TEXTS)
def test_known_sentences(theirs: Any, ours: Segmenter, text: str) -> None:
    """jieba's own examples, and some that are hard."""
    assert ours.lcut(text) == theirs.lcut(text)


def test_every_count(theirs: Any, ours: Segmenter) -> None:
    """Every word and every beginning of a word has jieba's count, and the total is jieba's."""
    assert ours.total == theirs.total
    assert {word: ours.count(word, -1) for word in theirs.FREQ} == theirs.FREQ
    assert ours.count("龘龘", 1) == ours.count("😀", 1) == 1


USER_WORDS = st.builds(
    lambda word, count, tag: word + count + tag,
    st.text(CHINESE, min_size=1, max_size=4)
    | st.sampled_from(["云计算", "easy_install", "C++", "台中", "x", "😀好", "a b"]),
    st.sampled_from(["", "", " 1", " 3", " 20000", " 0", " 00"]),
    st.sampled_from(["", " n", " nz"]),
)


@given(lines=st.lists(USER_WORDS, min_size=1, max_size=6), data=st.data())
def test_user_dictionaries(theirs: Any, lines: list[str], data: st.DataObject) -> None:
    """With a user's words, with and without counts, some forbidden by a count of 0, cuts and counts are jieba's."""
    finalseg.Force_Split_Words.clear()
    theirs = awake(theirs)
    before = {line.split(" ")[0]: 0 for line in lines}
    theirs.load_userdict(lines)
    ours: Any = load_segmenter(lines)
    assert ours.total == theirs.total
    assert {word: ours.count(word, -1) for word in before} == {word: theirs.FREQ[word] for word in before}
    text = data.draw(st.lists(st.sampled_from(list(before)) | st.text(CHINESE, max_size=3), max_size=8).map("".join))
    assert ours.lcut(text) == theirs.lcut(text)
    finalseg.Force_Split_Words.clear()


def test_documented_user_dictionary(corpora: Path, theirs: Any) -> None:
    """The user dictionary that comes with jieba's documentation has the documented effect."""
    folder = corpora / "jieba-fixtures"
    lines = list(read_lines(folder / "userdict.bom.utf8.txt"))
    ours, theirs = load_segmenter(lines), awake(theirs)
    theirs.load_userdict(lines)
    for line in read_lines(folder / "testlines.utf8.txt"):
        assert ours.lcut(line) == theirs.lcut(line)
    assert "云计算" in ours.lcut("李小福是创新办主任也是云计算方面的专家")
    assert "云计算" not in load_segmenter().lcut("李小福是创新办主任也是云计算方面的专家")


@pytest.mark.parametrize("line", ["两\n行", "词 " + "9" * 5000])
def test_a_line_that_is_no_word(line: str) -> None:
    """What jieba cannot read is refused with what a line should be."""
    with pytest.raises(CorpusError, match="user dictionary") as caught:
        load_segmenter(["云计算 5", line])
    assert "word [count]" in caught.value.hint


def cut_all() -> list[list[str]]:
    segmenter = Segmenter(Dictionary())
    return [segmenter.lcut(text) for text in TEXTS]


@pytest.mark.parametrize("damage", ["empty", "short", "long", "head", "index", "not a file at all"])
def test_a_damaged_file_is_made_again(path: Path, theirs: Any, damage: str) -> None:
    """The cuts are jieba's, and afterwards the file is whole again."""
    whole = path.read_bytes()
    index = whole.index(b"\n") + 100
    path.write_bytes({
        "empty": b"", "short": whole[:-1], "long": whole + b"x", "head": b"x" + whole[1:],
        "index": whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :], "not a file at all": b"[]\n" * 9,
    }[damage])  # fmt: skip
    assert cut_all() == [theirs.lcut(text) for text in TEXTS]
    assert path.read_bytes() == whole


def test_a_damaged_page_is_made_again(path: Path, theirs: Any) -> None:
    """A page is checked when it is opened, and the file made again when it is not what was written."""
    whole = path.read_bytes()
    pages = whole.index(b"\n") + 1 + 12 * len(Dictionary().codes)
    path.write_bytes(whole[:pages] + b"x" * (len(whole) - pages))
    assert cut_all() == [theirs.lcut(text) for text in TEXTS]
    assert path.read_bytes() == whole


def test_no_place_for_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: Any) -> None:
    """Where nothing can be written the cuts are the same, and nothing is left lying about."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "file" / "cache"))
    assert Segmenter(Dictionary()).lcut(TEXTS[0]) == theirs.lcut(TEXTS[0])
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_another_dictionary_is_another_file(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed byte in one of jieba's files leads to another name, so that an old file is never taken for it."""
    names = {dictionary.fingerprint()}
    for name in dictionary.SOURCES:
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((dictionary.jieba_folder() / name).read_bytes())
    version = (dictionary.jieba_folder() / "__init__.py").read_bytes()
    (tmp_path / "__init__.py").write_bytes(version)
    monkeypatch.setattr(dictionary, "jieba_folder", lambda: tmp_path)
    assert {dictionary.fingerprint()} == names
    for name in dictionary.SOURCES:
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        names.add(dictionary.fingerprint())
    (tmp_path / "__init__.py").write_bytes(version.replace(b"0.42.1", b"0.42.2"))
    names.add(dictionary.fingerprint())
    assert len(names) == 2 + len(dictionary.SOURCES)


def test_another_jieba_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The algorithms here are those of one version; another version cuts by its own."""
    assert dictionary.jieba_version() == jieba.__version__ == segmenter.VERSION
    monkeypatch.setattr(segmenter, "VERSION", "0.42.0")
    used: Any = load_segmenter(["云计算 5"])
    assert isinstance(used, jieba.Tokenizer)
    assert used.FREQ["云计算"] == 5


def test_no_jieba_wakes(path: Path) -> None:
    """With the file in the cache a cut imports neither jieba nor NumPy."""
    program = (
        "import sys; from rnnlm.text.tokenizer import make_tokenizer; print(make_tokenizer('jieba').cut('我迟到了'));"
        "assert not {'jieba', 'numpy', 'logging'} & sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], capture_output=True, text=True, encoding="utf-8"
    )
    assert (done.stdout, done.stderr) == ("['我', '迟到', '了']\n", "")
