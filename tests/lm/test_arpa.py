"""ARPA files go in and out: against KenLM's expected scores and its reader, there and back, and damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from rnnlm.errors import CheckpointError, VocabularyError
from rnnlm.lm.arpa import read_arpa, write_arpa
from rnnlm.lm.kneser_ney import estimate
from rnnlm.lm.ngram import NgramModel
from rnnlm.lm.protocol import BOUNDARY, UNKNOWN

KENLM = Path(__file__).parents[2].parent / "shared" / "corpora" / "arpa-kenlm"
needs_kenlm_files = pytest.mark.skipif(not KENLM.is_dir(), reason="KenLM's test files are not here")

NO_WORD = -1
WORDS = ["</s>", "<unk>", "我", "你", "来", "了", "迟到", "。", "a\u3000b"]  # the ideographic space parts nothing

SMALL = """\
made by hand

\\data\\
ngram 1=5
ngram 2=4

\\1-grams:
-0.5\t</s>
-99\t<s>\t-0.3
-0.6\t你\t-0.4
-0.7\t好\t0.25
-2 再 -0.125

\\2-grams:
-0.1\t<s> 你
-0.2\t你 好
-0.3\t好 </s>
-0.4\t你 你

\\end\\
"""


def text_model(order: int, prune: tuple[int, ...] = ()) -> NgramModel:
    ids = np.random.default_rng(order).choice(len(WORDS), 400, p=[0.2, 0.02, 0.3, 0.2, 0.1, 0.1, 0.05, 0.02, 0.01])
    return estimate(ids, len(WORDS), order, prune).model


def log10(words: list[str], model: NgramModel, context: list[str], text: list[str]) -> list[tuple[float, int]]:
    """log10 probability of each word of `text` after `context`, which may begin with <s>; and the order used."""
    index = {word: i for i, word in enumerate(words)}
    read = [BOUNDARY if word == "<s>" else index.get(word, UNKNOWN) for word in context] or [NO_WORD]
    asked = [index.get(word, UNKNOWN) for word in text]
    inputs = np.array([*read, *asked[:-1]])[:, None]
    targets = np.array([*read[1:], *asked])[:, None]
    log_probs, orders, _ = model.score_with_order(model.start(1), inputs, targets)
    found = zip(log_probs[:, 0].astype(float) / np.log(10), orders[:, 0].tolist(), strict=True)
    return [(float(p), n) for p, n in found][-len(asked) :]


@needs_kenlm_files
def test_expected_scores_of_kenlm() -> None:
    """All 51 scores that KenLM's own tests expect of its odd file come out."""
    words, model = read_arpa(KENLM / "test.arpa")
    rows = [row.split("\t") for row in (KENLM / "expected_scores.tsv").read_text().splitlines()[1:]]
    assert len(rows) == 51
    for test, context, word, order, expected in rows:
        before = [] if context == "(empty)" else context.split()
        ((probability, used),) = log10(words, model, before, [word])
        assert probability == pytest.approx(float(expected), rel=1e-5), (test, context, word)
        # KenLM also counts prefixes of longer n-grams that the file does not list; that is its way, not a score.
        assert used == int(order) or test in ("blanks3", "blanks4", "blanks5"), (test, context, word)


@needs_kenlm_files
def test_file_without_unknown_word() -> None:
    """Where a file has no <unk>, an unknown word has a log10 probability of -100, as in KenLM."""
    words, model = read_arpa(KENLM / "test_nounk.arpa")
    assert words[:2] == ["</s>", "<unk>"]
    # After 'more': backoff(more) -0.544068, and -100.
    ((probability, order),) = log10(words, model, ["more"], ["not_found"])
    assert probability == pytest.approx(-100.544068)
    assert order == 1


@needs_kenlm_files
@pytest.mark.parametrize("name", ["toy0.arpa", "toy1.arpa", "test.arpa", "test_nounk.arpa"])
def test_other_files_there_and_back(tmp_path: Path, name: str) -> None:
    """What was read can be written and is read again as the same."""
    words, model = read_arpa(KENLM / name)
    write_arpa(model, words, tmp_path / "again.arpa")
    same(*read_arpa(tmp_path / "again.arpa"), words, model)


def same(words: list[str], model: NgramModel, expected_words: list[str], expected: NgramModel) -> None:
    assert words == expected_words
    arrays, expected_arrays = model.arrays(), expected.arrays()
    assert list(arrays) == list(expected_arrays)
    for name, array in expected_arrays.items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
@pytest.mark.parametrize(("order", "prune"), [(1, ()), (2, ()), (5, ()), (3, (0, 1, 1))])
def test_there_and_back(tmp_path: Path, order: int, prune: tuple[int, ...], name: str) -> None:
    """A model that was written and read is the same to the last bit."""
    model = text_model(order, prune)
    write_arpa(model, WORDS, tmp_path / name)
    same(*read_arpa(tmp_path / name), WORDS, model)
    if name.endswith(".gz"):
        assert gzip.decompress((tmp_path / name).read_bytes()).startswith(b"\\data\\\nngram 1=10\n")


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_kenlm_reads_what_we_write(tmp_path: Path, order: int) -> None:
    """The kenlm package gives our sentence scores, unknown words and sentence ends included."""
    kenlm = pytest.importorskip("kenlm")
    model = text_model(order, (0, 0, 1) if order == 4 else ())
    write_arpa(model, WORDS, tmp_path / "model.arpa")
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    assert theirs.order == order
    draw = np.random.default_rng(0)
    for length in range(1, 30):
        sentence = [*draw.choice(WORDS[2:], length).tolist(), "生词"][draw.integers(2) :]
        for start in (["<s>"], []):
            ours = log10(WORDS, model, start, [*sentence, "</s>"])
            full = list(theirs.full_scores(" ".join(sentence), bos=bool(start), eos=True))
            assert [p for p, _ in ours] == pytest.approx([p for p, _, _ in full], abs=1e-5)
            score = theirs.score(" ".join(sentence), bos=bool(start), eos=True)
            assert sum(p for p, _ in ours) == pytest.approx(score, abs=1e-4)


def test_small_file(tmp_path: Path) -> None:
    """Ids, back-offs left out, blanks for tabs and a remark before the data are read as they should be."""
    file = tmp_path / "small.arpa"
    file.write_text(SMALL, encoding="utf-8")
    words, model = read_arpa(file)
    assert words == ["</s>", "<unk>", "你", "好", "再"]
    assert model.counts == (6, 4)
    #   你 after <s> -0.1;   好 after 你 -0.2;   再 after 好: 0.25 - 2;   </s> after 再: -0.125 - 0.5
    scores = [p for p, _ in log10(words, model, ["<s>"], ["你", "好", "再", "</s>"])]
    assert scores == pytest.approx([-0.1, -0.2, -1.75, -0.625], rel=1e-6)


def test_ngrams_that_cannot_be_used(tmp_path: Path) -> None:
    """N-grams that read the sentence end or predict the sentence start are left out."""
    file = tmp_path / "small.arpa"
    text = SMALL.replace("ngram 2=4", "ngram 2=6").replace("\n\\end", "-0.1\t</s> 你\n-0.1\t你 <s>\n\n\\end")
    file.write_text(text, encoding="utf-8")
    assert read_arpa(file)[1].counts == (6, 4)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("ngram 2=4", "ngram 2=5", 19),  # too few
        ("ngram 2=4", "ngram 2=3", 18),  # too many
        ("ngram 1=5", "ngram 1=6", 13),
        ("ngram 2=4", "ngram 2=999999999999", 20),
        ("ngram 1=5", "ngram 1=many", 4),
        ("ngram 1=5\n", "", 4),
        ("\\end\\\n", "", 19),
        ("-0.3\t好 </s>\n-0.4\t你 你\n\n\\end\\\n", "", 16),
        ("-0.2\t你 好", "minus\t你 好", 16),
        ("-0.2\t你 好", "nan\t你 好", 16),
        ("-0.2\t你 好", "0.2\t你 好", 16),  # a probability above 1
        ("-0.2\t你 好", "-0.2\t你 好\tlow", 16),
        ("-0.2\t你 好", "-0.2\t你", 16),
        ("-0.2\t你 好", "-0.2\t你 好 好 -1", 16),
        ("-0.2\t你 好", "-0.2\t你 们", 16),  # a word that is not listed
        ("-0.4\t你 你", "-0.4\t你 好", 18),  # twice the same
        ("-0.6\t你\t-0.4", "-0.6\t好\t-0.4", 11),
        ("\\2-grams:", "\\3-grams:", 14),
    ],
)
def test_damaged_files(tmp_path: Path, old: str, new: str, line: int) -> None:
    """A damaged file is refused with its name and the line."""
    file = tmp_path / "damaged.arpa"
    assert old in SMALL
    file.write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(CheckpointError, match=rf"damaged\.arpa, line {line}:") as error:
        read_arpa(file)
    assert error.value.hint


def test_context_that_is_missing(tmp_path: Path) -> None:
    """An n-gram whose context the file does not list is refused: its back-off is unknown."""
    file = tmp_path / "orphan.arpa"
    text = SMALL.replace("ngram 2=4", "ngram 2=4\nngram 3=1").replace("\\end", "\\3-grams:\n-0.1\t再 你 好\n\n\\end")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match="line 22:"):
        read_arpa(file)


@pytest.mark.parametrize("content", [b"", b"no model\n", b"\\data\\\n\\1-grams:\n", SMALL.encode("gb18030")])
def test_files_of_another_kind(tmp_path: Path, content: bytes) -> None:
    """A file that is no ARPA file, or not UTF-8, is refused."""
    file = tmp_path / "other.arpa"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"other\.arpa"):
        read_arpa(file)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    """A missing file, a .gz file that is none or is cut short, and a folder that is not there are told as such."""
    with pytest.raises(CheckpointError, match="cannot read"):
        read_arpa(tmp_path / "none.arpa")
    for content in (b"plain", gzip.compress(SMALL.encode())[:-20]):
        (tmp_path / "broken.arpa.gz").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"broken\.arpa\.gz"):
            read_arpa(tmp_path / "broken.arpa.gz")


@pytest.mark.parametrize("word", ["two words", "", "<s>", "tab\t"])
def test_words_that_the_format_cannot_hold(tmp_path: Path, word: str) -> None:
    """Words with white space, no letters at all, and the sentence start cannot be written."""
    with pytest.raises(VocabularyError):
        write_arpa(text_model(2), [*WORDS[:-1], word], tmp_path / "model.arpa")
    assert not (tmp_path / "model.arpa").exists()


def test_words_of_another_model(tmp_path: Path) -> None:
    """A word list of another length is refused."""
    with pytest.raises(VocabularyError):
        write_arpa(text_model(2), WORDS[:-1], tmp_path / "model.arpa")
