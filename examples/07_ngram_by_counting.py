"""A language model by counting: shares of counts, what they cannot say, and what must be stored.

P(word | word before) = count(both) / count(word before). Chapter 2 of docs/derivation.md.
"""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

from rnnlm.lm.kneser_ney import estimate
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

text = (Path(__file__).parents[1] / "data" / "valid.txt").read_text(encoding="utf-8")
lines = [line for line in text.splitlines() if line]
train, test = lines[:1500], lines[1500:]

characters = make_tokenizer("characters")
counts = Counter(character for line in train for character in characters.cut(line))
coder = Coder(characters, Vocabulary.from_counts(dict(counts), 2, 0, dict(counts), []))


def ids(lines: list[str]) -> list[int]:
    """Each sentence's ids with the boundary 0 behind it."""
    return [number for line in lines for number in [*coder.encode(line).ids, 0]]


row = [0, *ids(train)]
pairs, single = Counter(pairwise(row)), Counter(row[:-1])
known = coder.vocabulary.words
print("after 我 (counted in", len(train), "sentences):")
first = coder.vocabulary.ids["我"]
for (_, word), count in Counter({pair: n for pair, n in pairs.items() if pair[0] == first}).most_common(5):
    print(f"  {known[word]}  {count:3} of {single[first]} = {count / single[first]:.3f}")

unseen = sum(pair not in pairs for pair in zip([0, *ids(test)], ids(test), strict=False))
total = len(ids(test))
print(f"\nof {total:,} pairs of new text, {unseen:,} were never seen: probability 0, perplexity infinite")

print("\nKneser-Ney takes something from what was seen and gives it to what was not:")
for order in (1, 2, 3, 4):
    model = estimate(np.array(row[1:], np.int32), len(known), order).model
    new = np.array([0, *ids(test)])[:, None]
    nats, _ = model.score(model.start(1), new[:-1], new[1:])
    grams = model.counts[-1]
    mine = {tuple(row[at : at + order]) for at in range(len(row) - order + 1)}
    mine = {gram for gram in mine if 0 not in gram[1:-1]}  # no n-gram reaches across a boundary
    if order > 1:
        assert grams == len(mine), (grams, len(mine))
    print(f"  order {order}: {grams:6,} n-grams stored, perplexity of the new text {np.exp(-nats.mean()):7.2f}")
    log_probs, _ = model.step(model.start(1), np.array([first]))
    assert np.isclose(np.exp(log_probs).sum(), 1, rtol=1e-4)
print(f"each order sees one character further, and stores up to one n-gram for each of {len(row) - 1:,} characters")
