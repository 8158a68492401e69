"""Kneser-Ney by hand, against a slow twin written from the papers, and against what KenLM's lmplz estimated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlm.errors import ConfigError, CorpusError
from rnnlm.lm.kneser_ney import FALLBACK, Estimate, estimate
from rnnlm.lm.ngram import NgramModel
from rnnlm.lm.protocol import BOUNDARY, UNKNOWN, Ids

CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"
GOLDEN = CORPORA / "arpa-lmplz"
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden output of lmplz is not here")
needs_ptb = pytest.mark.skipif(not (CORPORA / "ptb").is_dir(), reason="the Penn Treebank text is not here")

START = -1  # the sentence start in the tuples of the twin
Gram = tuple[int, ...]
Row = tuple[float, list[str], float]  # a line of an ARPA file: log10 probability, words, log10 back-off


def flat(sentences: Sequence[Sequence[int]]) -> Ids:
    return np.array([word for sentence in sentences for word in [*sentence, BOUNDARY]], np.int64)


def distribution(model: NgramModel, context: Sequence[int]) -> list[float]:
    """The probabilities of all words after `context`, which begins with a boundary."""
    state = model.start(1)
    for word in context:
        log_probs, state = model.step(state, np.array([word]))
    return [float(p) for p in np.exp(log_probs[0])]


# By hand


def test_two_sentences_by_hand() -> None:
    """A bigram model of 'a b' and 'a' has the probabilities worked out here."""
    # Ids: </s> 0, <unk> 1, a 2, b 3. Bigrams: <s> a 2, a b 1, a </s> 1, b </s> 1.
    # Adjusted counts of words: a 1 (after <s>), b 1 (after a), </s> 2 (after a, b), <unk> 0; 4 in all.
    # No word has adjusted count 3 and no bigram occurs three times: D = 0.5, 1, 1.5 for both orders.
    # gamma() = (0.5 + 0.5 + 1) / 4 = 1/2, uniform 1/4:
    #   p(a) = p(b) = 0.5/4 + 1/8 = 0.25, p(</s>) = 1/4 + 1/8 = 0.375, p(<unk>) = 1/8.
    # After <s> (2 in all): gamma = 1/2; p(a) = 1/2 + 1/2 p(a) = 0.625, others half of the above.
    # After a (2 in all): gamma = (0.5 + 0.5)/2 = 1/2; p(b) = 0.25 + 0.125, p(</s>) = 0.25 + 0.1875.
    # After b (1 in all): gamma = 1/2; p(</s>) = 0.5 + 0.1875.
    found = estimate(flat([[2, 3], [2]]), 4, 2)
    assert found.fallback == (1, 2)
    assert found.discounts == (FALLBACK, FALLBACK)
    assert found.counts == found.model.counts == (5, 4)
    assert distribution(found.model, [0]) == pytest.approx([0.1875, 0.0625, 0.625, 0.125])
    assert distribution(found.model, [0, 2]) == pytest.approx([0.4375, 0.0625, 0.125, 0.375])
    assert distribution(found.model, [0, 3]) == pytest.approx([0.6875, 0.0625, 0.125, 0.125])
    assert distribution(found.model, [0, 1]) == pytest.approx([0.375, 0.125, 0.25, 0.25])


def test_pruning_by_hand() -> None:
    """A pruned bigram leaves all that it had to the back-off of its context."""
    # The text above without its bigrams that occur once. After a: nothing is kept, gamma = 1. After <s>: as before.
    model = estimate(flat([[2, 3], [2]]), 4, 2, prune=(0, 1)).model
    assert model.counts == (5, 1)
    assert distribution(model, [0]) == pytest.approx([0.1875, 0.0625, 0.625, 0.125])
    assert distribution(model, [0, 2]) == pytest.approx([0.375, 0.125, 0.25, 0.25])


def test_discounts_by_hand() -> None:
    """Discounts follow equation 26 of Chen and Goodman."""
    # Counts: three words and </s> once, two words twice, one three times, one four times.
    # Y = 4 / (4 + 2*2) = 1/2; D1 = 1 - 2/2 * 2/4 = 0.5; D2 = 2 - 3/2 * 1/2 = 1.25; D3 = 3 - 4/2 * 1/1 = 1.
    found = estimate(flat([[2, 3, 4, 5, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8]]), 9, 1)
    np.testing.assert_allclose(found.discounts, [(0.5, 1.25, 1.0)])
    assert found.fallback == ()


# Against a twin


class Twin:
    """The recursion of Chen and Goodman with dictionaries and loops: the probability of any word after any context."""

    def __init__(self, sentences: Sequence[Sequence[int]], size: int, order: int, prune: Sequence[int] = ()) -> None:
        self.size = size
        self.limits = [0, *(prune[min(n, len(prune) - 1)] if prune else 0 for n in range(order))]
        self.raw: list[Counter[Gram]] = [Counter() for _ in range(order + 1)]
        for sentence in sentences:
            words = (START, *sentence, BOUNDARY)
            for n in range(1, order + 1):
                grams = (words[i : i + n] for i in range(len(words) - n + 1))
                self.raw[n].update(gram for gram in grams if gram != (START,))
        self.adjusted: list[dict[Gram, int]] = [{}]
        for n in range(1, order + 1):
            before = Counter(gram[1:] for gram in self.raw[n + 1]) if n < order else Counter()
            use_raw = {gram for gram in self.raw[n] if n == order or gram[0] == START}
            self.adjusted.append({gram: self.raw[n][gram] if gram in use_raw else before[gram] for gram in self.raw[n]})
        first_seen = {word: i for i, word in reversed(list(enumerate(flat(sentences).tolist())))}
        first_seen |= {BOUNDARY: -1, START: -2}
        longest = {gram for n in range(1, order + 1) for gram in self.raw[n] if n == order or gram[0] == START}
        self.last = max(longest, key=lambda gram: [first_seen[word] for word in reversed(gram)])
        self.discounts = [(0.0, 0.0, 0.0), *map(self.discount, range(1, order + 1))]

    def discount(self, n: int) -> tuple[float, float, float]:
        counted = dict(self.adjusted[n])
        if self.last[-n:] in counted:  # what lmplz does with the n-gram that it sorts last
            counted[self.last[-n:]] = self.raw[n][self.last[-n:]]
        many = Counter(counted.values())
        if not many[1] or not many[2] or not many[3]:
            return FALLBACK
        y = many[1] / (many[1] + 2 * many[2])
        d1 = 1 - 2 * y * many[2] / many[1]
        d2 = 2 - 3 * y * many[3] / many[2]
        d3 = 3 - 4 * y * many[4] / many[3]
        return (d1, d2, d3) if d1 > 0 and d2 > 0 and d3 > 0 else FALLBACK

    def probability(self, gram: Gram) -> float:
        """p(last word | the words before it)."""
        n = len(gram)
        if n == 0:
            return 1 / self.size
        shorter = self.probability(gram[1:])
        total, given_away, own = 0, 0.0, 0.0
        for other, count in self.adjusted[n].items():
            if other[:-1] == gram[:-1]:
                kept = n == 1 or self.raw[n][other] > self.limits[n]
                taken = self.discounts[n][min(count, 3) - 1] if kept else count
                total += count
                given_away += taken
                if other == gram:
                    own = count - taken
        return own / total + given_away / total * shorter if total else shorter


def same_as_twin(
    sentences: list[list[int]], size: int, order: int, prune: Sequence[int], contexts: list[Gram]
) -> Estimate:
    """The estimate, after its discounts, its n-grams and its distributions after `contexts` were found to be equal."""
    found = estimate(flat(sentences), size, order, prune)
    twin = Twin(sentences, size, order, prune)
    np.testing.assert_allclose(found.discounts, twin.discounts[1:], rtol=1e-9)
    for n in range(2, order + 1):
        kept = {gram for gram, count in twin.raw[n].items() if count > twin.limits[n]}
        grams = found.model.ngrams(n)
        grams[grams[:, 0] == BOUNDARY, 0] = START
        assert sorted(kept) == sorted(map(tuple, grams.tolist()))
    for context in contexts:
        seen = (START, *context)[max(0, len(context) + 2 - order) :]
        expected = [twin.probability((*seen, word)) for word in range(size)]
        got = distribution(found.model, [BOUNDARY, *context])
        np.testing.assert_allclose(got, expected, rtol=1e-5)
        assert sum(got) == pytest.approx(1, abs=1e-5)
    return found


sentences = st.lists(st.lists(st.integers(1, 5), max_size=6), min_size=1, max_size=12)
prunes = st.sampled_from([(), (0,), (0, 1), (0, 0, 1), (0, 1, 1, 2)])


@settings(max_examples=60, deadline=None)
@given(sentences, st.integers(1, 5), prunes, st.lists(st.integers(1, 5), max_size=4).map(tuple))
def test_small_texts(text: list[list[int]], order: int, prune: tuple[int, ...], context: Gram) -> None:
    """On any small text the estimate equals the twin's, with and without pruning."""
    contexts = [context, *(tuple(sentence) for sentence in text[:3])]
    same_as_twin(text, 6, order, prune[:order], contexts)


@pytest.mark.parametrize(("order", "prune"), [(1, ()), (2, ()), (3, ()), (4, ()), (3, (0, 0, 1)), (4, (0, 1, 1, 2))])
def test_larger_texts(order: int, prune: tuple[int, ...]) -> None:
    """So it does on texts that are large enough for sound discounts."""
    sound = 0
    for seed in range(3):
        draw = np.random.default_rng(seed)
        lengths = draw.integers(0, 9, 150)
        text = [(2 + np.minimum(draw.zipf(1.4, length), 60)).tolist() for length in lengths]
        found = same_as_twin(text, 64, order, prune, [tuple(text[i][:cut]) for i, cut in enumerate([0, 1, 2, 3, 9])])
        sound += not found.fallback
    assert sound


# Properties


def test_words_never_seen_have_a_probability() -> None:
    """Unknown and unseen words share what the words of the text leave, and the distribution still sums to one."""
    probs = distribution(estimate(flat([[2, 3, 2], [2]]), 10, 3).model, [0, 2])
    assert probs[UNKNOWN] == pytest.approx(probs[9])
    assert 0 < probs[9] < probs[3]
    assert sum(probs) == pytest.approx(1, abs=1e-6)


def test_order_above_every_sentence() -> None:
    """An order that no sentence reaches has no n-grams and changes nothing."""
    short, long = (estimate(flat([[2, 3], [3]]), 4, order).model for order in (4, 10))
    assert long.counts == (*short.counts, 0, 0, 0, 0, 0, 0)
    assert distribution(long, [0, 2, 3]) == pytest.approx(distribution(short, [0, 2, 3]))


@pytest.mark.parametrize(("order", "prune"), [(0, ()), (11, ()), (2, (1, 1)), (3, (0, 2, 1)), (2, (0, 0, 1))])
def test_impossible_settings(order: int, prune: tuple[int, ...]) -> None:
    """Orders outside 1 to 10, pruned words, falling thresholds and too many of them are refused."""
    with pytest.raises(ConfigError):
        estimate(flat([[2]]), 4, order, prune)


def test_no_text() -> None:
    """A text without a word is refused."""
    with pytest.raises(CorpusError):
        estimate(np.zeros(0, np.int64), 4, 2)


# Against lmplz


def read_text(file: Path, index: dict[str, int], grow: bool) -> Ids:
    """Ids of a text of words parted by blanks; with `grow`, new words are added to `index`."""
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    for word in (word for line in lines for word in line if grow):
        index.setdefault(word, len(index))
    return flat([[index[word] for word in line] for line in lines])


def differences(model: NgramModel, entries: dict[int, list[Row]], index: dict[str, int]) -> float:
    """The largest difference, in log10, to lines of an ARPA file by order, whose n-grams must all be in the model."""
    largest = 0.0
    for n, rows in entries.items():
        level = model.level(n)
        rows = [row for row in rows if row[1] != ["<s>"]]
        at = model.index(np.array([[BOUNDARY if word == "<s>" else index[word] for word in row[1]] for row in rows]))
        assert at.min() >= 0
        wrong = np.abs(level.log_prob[at] / np.log(10) - [row[0] for row in rows])
        wrong_backoff = np.abs(level.backoff[at] / np.log(10) - [row[2] for row in rows])
        if n == 1:
            wrong_backoff[at == BOUNDARY] = 0  # there the model has the back-off of <s>, not of </s>
        largest = max(largest, float(wrong.max()), float(wrong_backoff.max()))
    return largest


def entry(fields: list[str]) -> Row:
    return float(fields[0]), fields[1].split(" "), float(fields[2] if len(fields) > 2 and fields[2] else 0)


@needs_golden
@pytest.mark.parametrize(
    ("name", "order", "prune"), [("o2", 2, ()), ("o3", 3, ()), ("o5", 5, ()), ("o3.prune001", 3, (0, 0, 1))]
)
def test_every_ngram_of_lmplz(name: str, order: int, prune: tuple[int, ...]) -> None:
    """Each probability, back-off, count and discount of lmplz is ours."""
    index = {"</s>": BOUNDARY, "<unk>": UNKNOWN}
    ids = read_text(GOLDEN / "tatoeba2000.txt", index, grow=True)
    found = estimate(ids, len(index), order, prune)

    entries: dict[int, list[Row]] = {}
    for line in (GOLDEN / f"tatoeba2000.{name}.arpa").read_text(encoding="utf-8").split("\n"):
        if "\t" in line:
            row = entry(line.split("\t"))
            entries.setdefault(len(row[1]), []).append(row)
    assert found.model.counts == tuple(len(entries[n]) for n in range(1, order + 1))
    assert differences(found.model, entries, index) < 2e-6
    starts = [row[2] for row in entries[1] if row[1] == ["<s>"]]
    assert found.model.level(1).backoff[BOUNDARY] / np.log(10) == pytest.approx(starts[0], abs=2e-6)

    log = (GOLDEN / f"tatoeba2000.o{order}.log").read_text(encoding="utf-8")
    logged = [[float(x) for x in row] for row in re.findall(r"^\d+ (\d+) D1=(\S+) D2=(\S+) D3\+=(\S+)$", log, re.M)]
    assert found.counts == tuple(int(row[0]) for row in logged)
    np.testing.assert_allclose(found.discounts, [row[1:] for row in logged], rtol=1e-5)
    assert found.fallback == ()


@needs_golden
@needs_ptb
def test_penn_treebank() -> None:
    """The 5-gram of the Penn Treebank is lmplz's, n-gram by n-gram and in perplexity."""
    # The corpus has a literal <unk>, our UNKNOWN; lmplz saw it as a word UNK and added an <unk> of its own, so that its
    # uniform distribution has one word more: 1/10,001 instead of 1/10,000, at most 4.3e-5 in log10.
    index = {"</s>": BOUNDARY, "<unk>": UNKNOWN}
    ids = read_text(CORPORA / "ptb" / "ptb.train.txt", index, grow=True)
    found = estimate(ids, len(index), 5)
    assert found.model.counts == (10_002 - 1, 264_990, 586_558, 717_733, 737_952)

    entries: dict[int, list[Row]] = {}
    for line in (GOLDEN / "ptb.o5.sample.tsv").read_text(encoding="utf-8").splitlines():
        n, *fields = line.split("\t")
        if fields[1] != "<unk>":
            fields[1] = re.sub(r"\bUNK\b", "<unk>", fields[1])
            entries.setdefault(int(n), []).append(entry(fields))
    assert sum(map(len, entries.values())) >= 19_999
    assert differences(found.model, entries, index) < 4.4e-5

    for part, expected in (("test", 141.19), ("valid", 148.01)):
        targets = read_text(CORPORA / "ptb" / f"ptb.{part}.txt", index, grow=False)[:, None]
        inputs = np.concatenate([[[BOUNDARY]], targets[:-1]])
        log_probs, _ = found.model.score(found.model.start(1), inputs, targets)
        assert np.exp(-log_probs.mean(dtype=np.float64)) == pytest.approx(expected, abs=0.005)


@needs_golden
def test_text_that_lmplz_refuses() -> None:
    """Repeated text gets lmplz's fallback discounts, says for which orders, and still sums to one."""
    index = {"</s>": BOUNDARY, "<unk>": UNKNOWN}
    found = estimate(read_text(GOLDEN / "repeated.txt", index, grow=True), len(index), 3)
    assert found.fallback == (1, 2, 3)
    assert found.discounts == (FALLBACK,) * 3
    assert sum(distribution(found.model, [0, 2, 3])) == pytest.approx(1, abs=1e-5)
