"""From named files to ids: which files are meant, which words are known, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlm.config import Config, Model, Text, Train
from rnnlm.errors import CorpusError, VocabularyError
from rnnlm.text.coder import Coder
from rnnlm.text.cutting import Cut, cut_lines
from rnnlm.text.tokenizer import Tokenizer, make_tokenizer
from rnnlm.text.vocabulary import Vocabulary
from rnnlm.train.prepare import Files, find_files, prepare


def write(path: Path, text: str = "甲 乙\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def config_of(batch: int = 2, **text: Any) -> Config:
    values: dict[str, Any] = {"tokenizer": "whitespace", "min_count": 1}
    return Config(text=Text(**(values | text)), train=Train(batch=batch))


def test_a_folder_with_its_parts(tmp_path: Path) -> None:
    """train.txt and valid.txt of a folder are taken as such, test.txt is left alone, and --valid stands above."""
    for name in ("train.txt", "valid.txt", "test.txt"):
        write(tmp_path / name)
    found = find_files([tmp_path], [])
    assert (found.train, found.valid, found.hold_out) == ([tmp_path / "train.txt"], [tmp_path / "valid.txt"], False)
    assert find_files([tmp_path], ["mine.txt"]).valid == [Path("mine.txt")]


def test_other_folders(tmp_path: Path) -> None:
    """Names such as ptb.train.txt count as parts; without any, all texts of a folder are read, in order."""
    for name in ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"):
        write(tmp_path / "ptb" / name)
    assert find_files([tmp_path / "ptb"], []).train == [tmp_path / "ptb" / "ptb.train.txt"]
    for name in ("b.txt", "a.txt.gz", "readme.md"):
        write(tmp_path / "loose" / name)
    found = find_files([tmp_path / "loose"], [])
    assert [path.name for path in found.train] == ["a.txt.gz", "b.txt"]
    assert found.hold_out


def test_an_empty_folder(tmp_path: Path) -> None:
    """A folder without texts is refused with its name."""
    write(tmp_path / ".隐.txt")
    with pytest.raises(CorpusError, match="holds no"):
        find_files([tmp_path], [])


@pytest.mark.parametrize("name", ["valid.txt", "test.txt", "ptb.test.txt", "valid.txt.gz"])
def test_a_folder_without_its_training_part(tmp_path: Path, name: str) -> None:
    """What is there to measure is not trained on; hidden files are no text."""
    for other in ("a.txt", ".隐.txt", ".old.train.txt"):
        write(tmp_path / other)
    assert find_files([tmp_path], []).train == [tmp_path / "a.txt"]
    write(tmp_path / name)
    with pytest.raises(CorpusError, match=f"holds {name}, but no train.txt") as caught:
        find_files([tmp_path], [])
    assert "--valid" in caught.value.hint


def test_valid_text(tmp_path: Path) -> None:
    """The vocabulary and its counts come from the training text alone; the validation text is measured against it."""
    train, valid = write(tmp_path / "a.txt", "a b a\nb a\n"), write(tmp_path / "b.txt", "a c\nc\n")
    found = prepare(Files([train], [valid]), config_of())
    assert found.coder.vocabulary.words == ["</s>", "<unk>", "a", "b"]
    assert found.counts == [0, 0, 3, 2]
    assert found.train.ids.tolist() == [0, 2, 3, 2, 0, 3, 2, 0]
    assert found.valid.ids.tolist() == [0, 2, 1, 0, 1, 0]
    assert found.valid.oov.tolist() == [2, 4]


def test_hold_out(tmp_path: Path) -> None:
    """Without a validation text every 20th line is held out, and its words do not join the vocabulary."""
    path = write(tmp_path / "a.txt", "".join(f"word{number} x\n" for number in range(1, 41)))
    found = prepare(Files([path], []), config_of())
    assert (found.train.sentences, found.valid.sentences) == (38, 2)
    assert "word20" not in found.coder.vocabulary
    assert "word19" in found.coder.vocabulary


@pytest.mark.parametrize(
    ("text", "batch", "told"),
    [
        ("a b\n" * 5, 2, "too short to hold some of it out"),
        ("a\n" * 25, 60, "48 words, fewer than one batch of 60 columns"),
        ("\n\n", 2, "no words"),
    ],
)
def test_too_little_text(tmp_path: Path, text: str, batch: int, told: str) -> None:
    """Fewer words than one row of the batch, and too few lines to hold one out, are told."""
    with pytest.raises(CorpusError, match=told):
        prepare(Files([write(tmp_path / "a.txt", text)], []), config_of(batch))


def test_a_given_vocabulary(tmp_path: Path) -> None:
    """A word list is taken in its order, empty lines passed over; a word twice counts once."""
    train = write(tmp_path / "a.txt", "a b c\n" * 20)
    words = write(tmp_path / "words.txt", "b\n\nz\nb\na\n")
    found = prepare(Files([train], [train]), config_of(vocabulary=str(words)))
    assert found.coder.vocabulary.words == ["</s>", "<unk>", "b", "z", "a"]
    assert found.counts == [0, 0, 20, 0, 20]


def test_a_vocabulary_that_is_none(tmp_path: Path) -> None:
    """A missing word list is told."""
    train = write(tmp_path / "a.txt")
    with pytest.raises((CorpusError, VocabularyError), match="there is no file"):
        prepare(Files([train], [train]), config_of(vocabulary=str(tmp_path / "words.txt")))


def test_a_run_goes_on_with_its_own_words(tmp_path: Path) -> None:
    """With the coder of a run, neither the text nor the settings choose the words."""
    train = write(tmp_path / "a.txt", "a b c\n" * 20)
    coder = Coder(make_tokenizer("characters"), Vocabulary.from_words("ca"))
    found = prepare(Files([train], [train]), config_of(), coder=coder)
    assert found.coder is coder
    assert found.train.ids[:6].tolist() == [0, 3, 1, 1, 1, 2]


def test_user_words(tmp_path: Path) -> None:
    """A user dictionary is read with its mark and blank lines; it changes the cut."""
    train = write(tmp_path / "a.txt", "李小福是创新办主任\n" * 20)
    words = write(tmp_path / "dict.txt", "\ufeff创新办 3 i\n\n李小福 2 nr \n")
    found = prepare(Files([train], [train]), config_of(tokenizer="jieba", user_dict=str(words)))
    assert found.user_words == ["创新办 3 i", "李小福 2 nr"]
    assert "创新办" in found.coder.vocabulary
    plain = prepare(Files([train], [train]), config_of(tokenizer="jieba"))
    assert "创新办" not in plain.coder.vocabulary


def test_a_user_word_that_is_rare(tmp_path: Path) -> None:
    """A word of the user's dictionary joins the vocabulary where it occurs twice, however rare that is."""
    train = write(tmp_path / "a.txt", "我们走吧\n" * 20 + "我们喝驴杂汤\n" * 2)
    words = write(tmp_path / "dict.txt", "驴杂汤 100 n\n云计算\n")
    found = prepare(Files([train], [train]), config_of(tokenizer="jieba", user_dict=str(words), min_count=5))
    assert "驴杂汤" in found.coder.vocabulary
    assert "云计算" not in found.coder.vocabulary


def test_characters_join_the_vocabulary(tmp_path: Path) -> None:
    """A word model holds the characters it needs to spell the words it leaves out."""
    train = write(tmp_path / "a.txt", "手机坏了\n手机好了\n老师来了\n" * 2 + "鲸鱼\n")
    found = prepare(Files([train], [train]), config_of(tokenizer="jieba", min_count=5))
    assert {"手", "机", "老", "师"} <= set(found.coder.vocabulary.words)
    assert not {"手机", "老师", "鲸"} & set(found.coder.vocabulary.words)
    assert not np.isin(found.train.ids[:-3], 1).any()


def test_a_blank_is_a_word_of_a_cloze_model(tmp_path: Path) -> None:
    """The blank stands right behind the special words, with a given word list too."""
    train, words = write(tmp_path / "a.txt", "a b\n" * 20), write(tmp_path / "words.txt", "a\nb\n")
    for text in (Text(tokenizer="whitespace"), Text(tokenizer="whitespace", vocabulary=str(words))):
        config = Config(text=text, model=Model(kind="cloze"), train=Train(batch=2))
        found = prepare(Files([train], [train]), config).coder.vocabulary.words
        assert found[:3] == ["</s>", "<unk>", "____"]


def test_overlap(tmp_path: Path) -> None:
    """The share of validation sentences that were trained on: one of two here, short ones not counted."""
    train = write(tmp_path / "a.txt", "a b c d e\na b\n" * 5)
    valid = write(tmp_path / "b.txt", "a b c d e\na b\ne d c b a\n")
    assert prepare(Files([train], [valid]), config_of()).overlap == 0.5


def test_lists_have_an_encoding_of_their_own(tmp_path: Path) -> None:
    """The encoding of the text is not that of a word list in UTF-8; another list is read as the text is."""
    text = tmp_path / "a.txt"
    text.write_text("我在创新办\n" * 20, encoding="gb18030")
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        words = tmp_path / f"{encoding}.txt"
        words.write_text("创新办\n我\n", encoding=encoding)
        named = config_of(tokenizer="jieba", encoding="gb18030", user_dict=str(words))
        assert prepare(Files([text], [text]), named).user_words == ["创新办", "我"]
        listed = config_of(tokenizer="jieba", encoding="gb18030", vocabulary=str(words))
        assert prepare(Files([text], [text]), listed).coder.vocabulary.words[2:] == ["创新办", "我"]


def test_threads_reach_the_cutting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`train.threads` holds for the cutting of the text as for the training."""
    asked = []

    def cut(lines: Iterable[str], tokenizer: Tokenizer, processes: int = 0) -> Iterator[Cut]:
        asked.append(processes)
        return cut_lines(lines, tokenizer, processes)

    monkeypatch.setattr("rnnlm.text.streams.cut_lines", cut)
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    files = Files([write(tmp_path / "a.txt", "甲 乙\n" * 50)], [write(tmp_path / "b.txt", "乙 甲\n")])
    prepare(files, Config(text=Text(tokenizer="whitespace", min_count=1), train=Train(batch=2, threads=3)))
    assert asked == [3, 3]
