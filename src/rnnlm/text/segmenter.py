"""jieba's accurate mode on a dictionary that opens at once; it knows nothing of normalising or joining.

The cuts are those of jieba 0.42.1, word for word, by its two algorithms with the same floating point operations in the
same order: the most probable path through the words of the dictionary, each as probable as its share of all counts, and
for runs of single characters that are left a hidden Markov model, whose best path Viterbi's algorithm finds. Where two
paths are equally probable the longer word wins, and of two states the one whose letter comes later.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from math import exp, inf, log
from typing import Any, Protocol

from rnnlm.errors import CorpusError
from rnnlm.text.dictionary import STATES, Dictionary, Emission, jieba_version

VERSION = "0.42.1"  # the jieba whose algorithms stand here
BLOCK = re.compile(r"([\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+)")  # what words are made of; all else is a character by itself
CHINESE = re.compile(r"([\u4E00-\u9FD5]+)")  # what the hidden Markov model reads
LATIN = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")  # what it leaves together of the rest
LETTER = re.compile(r"[a-zA-Z0-9]")
CHARACTER = re.compile(r"\r\n|.", re.DOTALL)
USER_WORD = re.compile(r"^(.+?)( [0-9]+)?( [a-z]+)?$")
NONE = -inf  # the logarithm of the count of what is no word
B, M, E, S = range(len(STATES))


class Cutter(Protocol):
    """What others need of a segmenter."""

    def lcut(self, text: str) -> list[str]:
        """The words of a text; together they are the text."""
        ...


def load_segmenter(user_words: Sequence[str] = ()) -> Cutter:
    """A segmenter with a user's words beside jieba's; they are lines `word [count] [tag]` as jieba reads them.

    Raises CorpusError for a line that is none.
    """
    try:
        segmenter = Segmenter(Dictionary()) if jieba_version() == VERSION else load_jieba()
    except OSError:  # jieba's files are not where files are, but in an archive
        segmenter = load_jieba()
    try:
        segmenter.load_userdict(list(user_words))
    except (ValueError, AttributeError, OverflowError) as error:
        raise CorpusError(f"the user dictionary cannot be read: {error}", "a line is: word [count] [tag]") from error
    return segmenter


def load_jieba() -> Any:
    """jieba itself with its dictionary loaded, which takes a second."""
    import logging

    with warnings.catch_warnings():  # jieba 0.42.1 was written before Python deprecated what it uses
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    segmenter = jieba.Tokenizer()
    segmenter.initialize()
    return segmenter


class Weights(dict[str, dict[str, float]]):
    """ln count of each word, by its first character and then by the rest of it; a page is opened when first used."""

    def __init__(self, dictionary: Dictionary) -> None:
        super().__init__()
        self.dictionary = dictionary
        self.emissions: dict[str, Emission] = {}  # of the characters whose pages are open

    def __missing__(self, character: str) -> dict[str, float]:
        emission, rests, counts = self.dictionary.page(character)
        page = {"": NONE}
        for rest, count in zip(rests, counts, strict=False):  # no counts, and one empty rest, where no word begins
            page[rest] = log(count) if count else NONE
        self.emissions[character] = emission
        self[character] = page
        return page


class Segmenter:
    """A dictionary with a user's words in it, and how a text is cut by it."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.weights = Weights(dictionary)
        self.total = dictionary.total
        self.start = dictionary.start
        self.moves = dictionary.moves
        self.user_counts: dict[str, int] = {}
        self.split: set[str] = set()  # a user's words with the count 0, which the other model must not find either

    def lcut(self, text: str) -> list[str]:
        """The words of a text; together they are the text."""
        words: list[str] = []
        for at, block in enumerate(BLOCK.split(text)):
            if at % 2 == 0:
                words += CHARACTER.findall(block) if "\r\n" in block else block
                continue
            singles = start = 0  # block[singles:start] is a run of single characters
            for end in self.best_path(block):
                if end - start > 1:
                    if singles < start:
                        words += self.join_singles(block[singles:start])
                    words.append(block[start:end])
                    singles = end
                start = end
            if singles < start:
                words += self.join_singles(block[singles:])
        return words

    def best_path(self, block: str) -> list[int]:
        """Where each word ends on the most probable path through the words of the dictionary.

        best[k] is ln of the probability of the best path from k on, where a word's probability is its count / total.
        """
        weights, total, length = self.weights, log(self.total), len(block)
        best, ends = [0.0] * (length + 1), [0] * length
        for start in range(length - 1, -1, -1):
            page = weights[block[start]]
            rest = end = to = start + 1
            top = page[""] - total + best[end]
            while end < length:
                end += 1
                weight = page.get(block[rest:end])
                if weight is None:  # no word begins so
                    break
                score = weight - total + best[end]
                if score >= top:
                    top, to = score, end
            if top == NONE:  # no word begins here: the character counts 1
                top, to = -total + best[rest], rest
            best[start], ends[start] = top, to
        path = [ends[0]]
        while path[-1] < length:
            path.append(ends[path[-1]])
        return path

    def join_singles(self, run: str) -> Iterable[str]:
        """The words in a run of characters that the dictionary does not hold together."""
        if len(run) == 1:
            return run
        if self.weight(run) != NONE:  # a word that was less probable than its characters: jieba lets them be
            return run
        words: list[str] = []
        for at, piece in enumerate(CHINESE.split(run)):
            if at % 2 == 0:
                words += filter(None, LATIN.split(piece))
            else:
                for word in self.best_states(piece):
                    words += word if word in self.split else (word,)
        return words

    def best_states(self, run: str) -> list[str]:
        """The words of the most probable states of the hidden Markov model: begin, middle, end of a word, or single.

        b, m, e, s are the logarithms of the probabilities of the best paths that end in each state.
        """
        moves, emissions = self.moves, self.weights.emissions
        to_b, to_s = (moves["E"]["B"], moves["S"]["B"]), (moves["E"]["S"], moves["S"]["S"])
        to_m, to_e = (moves["B"]["M"], moves["M"]["M"]), (moves["B"]["E"], moves["M"]["E"])
        first = emissions[run[0]]
        b, m, e, s = (self.start[state] + emission for state, emission in zip(STATES, first, strict=True))
        came_from = []
        for character in run[1:]:
            in_b, in_m, in_e, in_s = emissions[character]
            b_from_e, b_from_s = e + to_b[0] + in_b, s + to_b[1] + in_b
            m_from_b, m_from_m = b + to_m[0] + in_m, m + to_m[1] + in_m
            e_from_b, e_from_m = b + to_e[0] + in_e, m + to_e[1] + in_e
            s_from_e, s_from_s = e + to_s[0] + in_s, s + to_s[1] + in_s
            came_from.append((
                S if b_from_s >= b_from_e else E, M if m_from_m >= m_from_b else B,
                M if e_from_m >= e_from_b else B, S if s_from_s >= s_from_e else E,
            ))  # fmt: skip
            b, m = max(b_from_e, b_from_s), max(m_from_b, m_from_m)
            e, s = max(e_from_b, e_from_m), max(s_from_e, s_from_s)
        states = [S if s >= e else E]
        for origins in reversed(came_from):
            states.append(origins[states[-1]])
        words, begin, done = [], 0, 0
        for at, state in enumerate(reversed(states)):
            if state == B:
                begin = at
            elif state == E:
                words.append(run[begin : at + 1])
                done = at + 1
            elif state == S:
                words.append(run[at])
                done = at + 1
        if done < len(run):
            words.append(run[done:])
        return words

    def load_userdict(self, lines: Iterable[str]) -> None:
        """Adds words, lines `word [count] [tag]`; for a line that is none, what Python raises."""
        for line in filter(None, map(str.strip, lines)):
            word, count, _ = USER_WORD.match(line).groups()  # type: ignore[union-attr]
            self.add_word(word, int(count) if count else None)

    def add_word(self, word: str, count: int | None = None) -> None:
        """Adds a word or changes its count; without a count it gets one that is just enough for it to be cut out."""
        if count is None:
            count = self.suggest_count(word)
        self.user_counts[word] = count
        self.total += count
        page = self.weights[word[0]]
        page[word[1:]] = log(count) if count else NONE
        for end in range(1, len(word)):
            page.setdefault(word[1:end], NONE)
        if count == 0:
            self.split.add(word)

    def suggest_count(self, word: str) -> int:
        """One more than the count that makes a word as probable as its pieces now, or its own if that is more."""
        total, share = float(self.total), 1.0
        for piece in self.cut_plainly(word):
            share *= self.count(piece, 1) / total
        return max(int(share * self.total) + 1, self.count(word, 1))

    def cut_plainly(self, text: str) -> list[str]:
        """The words of the most probable path; of what is left only Latin letters and digits are joined."""
        words: list[str] = []
        for at, block in enumerate(BLOCK.split(text)):
            if at % 2 == 0:
                words += block
                continue
            start, run = 0, False
            for end in self.best_path(block):
                word = block[start:end]
                letter = len(word) == 1 and LETTER.match(word) is not None
                if run and letter:
                    words[-1] += word
                else:
                    words.append(word)
                start, run = end, letter
        return words

    def weight(self, word: str) -> float:
        """ln of the count of a word."""
        return self.weights[word[0]].get(word[1:], NONE)

    def count(self, word: str, missing: int) -> int:
        """The count of a word, which is 0 for what only begins words, and `missing` for what does not even that."""
        if word in self.user_counts:
            return self.user_counts[word]
        page = self.weights[word[0]]
        if word[1:] not in page or (len(page) == 1 and page[""] == NONE):
            return missing
        return round(exp(page[word[1:]]))
