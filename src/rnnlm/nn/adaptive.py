"""The adaptive softmax: rare words in clusters with few features, exactly normalised; it does not know what made h.

The vocabulary is in the order of frequency, and cut-offs c_1 < c_2 < ... divide it. The head is a softmax over the
words below c_1 and one entry for each tail; tail i is a softmax of its own over the words from c_i to c_{i+1}, which
sees h through a projection P_i to H / 4^i features (Grave et al. 2017; equation (12.1) of docs/derivation.md):

    log o[w] = head[w]                              w < c_1
    log o[w] = head[tail i] + tail_i(h P_i)[w]      c_i <= w < c_{i+1}

A row of h costs the head and, where its target is rare, one tail. A tail that no target of a window falls into has the
gradient zero, which is not even written: `untouched` names it, and nobody needs to sum it, measure it or step it.

Head and tails are `Softmax` each, bias included. torch.nn.AdaptiveLogSoftmaxWithLoss has no bias in its tails, and
none in the head unless asked: the same function has zeros there. Its `head.weight` is our Wa[:, :H], its
`tail.i.0.weight` our P of tail i transposed, its `tail.i.1.weight` our Wa[:, :-2] of tail i; where it has fewer than
NARROWEST features in a tail, ours has zeros in the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np

from rnnlm.errors import ConfigError
from rnnlm.nn.arrays import Array, Ids, Names, Shape, Tape
from rnnlm.nn.softmax import Softmax

NARROWEST = 8  # features of a tail: with fewer, the products cost no less and the words are hardly told apart


class AdaptiveSoftmax:
    """Scores for V words from H features, in a head and tails that begin at the word ids `cuts`; none: a full softmax.

    Parameters: the head's Wa (cuts[0] + tails, H + 2); of tail i, counted from 0, `tail.i.P` (H, H_i) and `tail.i.Wa`
    (V_i, H_i + 2) with H_i = H // divisor^(i+1), at least NARROWEST.
    """

    def __init__(self, hidden: int, words: int, cuts: tuple[int, ...], divisor: int = 4) -> None:
        """Raises ConfigError unless 0 < cuts[0] < cuts[1] < ... < words."""
        edges = (*cuts, words)
        if min(edges) < 1 or any(first >= last for first, last in pairwise(edges)):
            raise ConfigError(
                f"the cut-offs {', '.join(map(str, cuts))} do not divide {words} words",
                "they must rise and lie below the size of the vocabulary; without any, they are chosen from the text",
            )
        self.hidden, self.words, self.cuts = hidden, words, cuts
        self.head = Softmax(hidden, edges[0] + len(cuts))
        sizes = [last - first for first, last in pairwise(edges)]
        self.tails = [Softmax(width(hidden, number, divisor), size) for number, size in enumerate(sizes)]

    def shapes(self) -> dict[str, Shape]:
        shapes = self.head.shapes()
        for number, tail in enumerate(self.tails):
            shapes[f"tail.{number}.P"] = (self.hidden, tail.hidden)
            shapes |= {f"tail.{number}.{key}": shape for key, shape in tail.shapes().items()}
        return shapes

    def clear(self, p: Names) -> None:
        """The biases to zero, and the columns of ones."""
        self.head.clear(p)
        for number, tail in enumerate(self.tails):
            tail.clear(part(p, number))

    def pin(self, p: Names) -> None:
        """Sets what is not trained, the columns of ones, after weight decay has touched them."""
        self.head.pin(p)
        for number, tail in enumerate(self.tails):
            tail.pin(part(p, number))

    def untouched(self, targets: Ids) -> frozenset[str]:
        """The parameters whose gradient `loss` does not write for these targets, because it is zero."""
        touched = np.bincount(self.clusters(targets.reshape(-1)), minlength=1 + len(self.tails))
        tails = [number for number in range(len(self.tails)) if not touched[1 + number]]
        return frozenset(f"tail.{number}.{key}" for number in tails for key in ("P", "Wa"))

    def loss(self, p: Names, g: Names, h: Array, targets: Ids, scale: float, k: Tape) -> tuple[float, Array]:
        """Sum of -log o[target] over the N rows of h (N, H), and its gradient dh (N, H) times `scale`.

        Writes the gradient of the parameters, times `scale`, into g; not that of the `untouched` ones.
        """
        nats, dh = self.head.loss(p, g, h, self.entries(targets), scale, k)
        for number, rows, words in self.tailed(targets):
            own, down, x = part(p, number), part(g, number), h[rows]
            more, dx = self.tails[number].loss(own, down, x @ own.P, words, scale, k)
            nats += more
            np.matmul(x.T, dx, out=down.P)
            dh[rows] += dx @ own.P.T  # (12.2)
        return nats, dh

    def log_probs(self, p: Names, h: Array) -> Array:
        """log o for every word: (N, V) from h (N, H)."""
        head = self.head.log_probs(p, h)
        found = np.empty((len(h), self.words), h.dtype)
        frequent = self.head.words - len(self.tails)
        found[:, :frequent] = head[:, :frequent]
        for number, (tail, first) in enumerate(zip(self.tails, self.cuts, strict=True)):
            own = part(p, number)
            entry = head[:, frequent + number, None]
            np.add(tail.log_probs(own, h @ own.P), entry, out=found[:, first : first + tail.words])
        return found

    def score(self, p: Names, h: Array, targets: Ids) -> Array:
        """log o[target] (N,), computed in blocks whose memory is bounded."""
        result = self.head.score(p, h, self.entries(targets))
        for number, rows, words in self.tailed(targets):
            own = part(p, number)
            result[rows] += self.tails[number].score(own, h[rows] @ own.P, words)
        return result

    def clusters(self, targets: Ids) -> Ids:
        """The cluster of each target: 0 is the head, 1 the first tail."""
        return np.searchsorted(self.cuts, targets, side="right")

    def entries(self, targets: Ids) -> Ids:
        """What the head should predict: the word itself, or the entry of its tail."""
        clusters = self.clusters(targets)
        return np.where(clusters, self.head.words - len(self.cuts) - 1 + clusters, targets)

    def tailed(self, targets: Ids) -> Iterator[tuple[int, Ids, Ids]]:
        """Each tail that has targets: its number, the rows of its targets, and these as words of the tail."""
        clusters = self.clusters(targets)
        for number, first in enumerate(self.cuts):
            rows = np.flatnonzero(clusters == number + 1)
            if len(rows):
                yield number, rows, targets[rows] - first


def make_head(hidden: int, words: int, cuts: tuple[int, ...] = ()) -> Softmax | AdaptiveSoftmax:
    """The output layer for H features: adaptive with these cut-offs, full without any."""
    return AdaptiveSoftmax(hidden, words, cuts) if cuts else Softmax(hidden, words)


def width(hidden: int, number: int, divisor: int = 4) -> int:
    """The features of a tail; `number` counts from 0."""
    return max(hidden // int(divisor ** (number + 1)), min(NARROWEST, hidden))


def part(p: Names, number: int) -> Names:
    """The parameters of a tail."""
    return Names(P=getattr(p, f"tail.{number}.P"), Wa=getattr(p, f"tail.{number}.Wa"))


# What a training step costs, in nanoseconds of one core (3 GHz, AVX2), fitted to `Softmax.loss` and a step of SGD with
# H from 8 to 256, V from 500 to 150,000 and 3 to 350 rows; what was measured lies within a factor of 1.6.
EXP = 2.5  # for each row and word: its exponential, and the products' passes over it
PRODUCT = 0.085  # for each row and weight: six floating-point operations, in three products
WEIGHT = 2.0  # for each weight of a touched cluster: its gradient written, squared and stepped
CALLS = 100_000.0  # for each touched cluster
WINDOW = 350  # rows: 20 columns of 35 words, shared by two workers

# What cost does not tell: words in tails are predicted less well.
HEAD = 0.7  # of the running words, at least, are in the head
GAIN = 0.8  # a further tail must bring a step down to this share
PLACES = [round(10 * 1.25**power) * 100 for power in range(29)]  # where to cut: 1,000 words, and each a quarter more
MOST = 3  # tails


def choose_cuts(counts: Sequence[int], hidden: int) -> tuple[int, ...]:
    """The cut-offs at which a training step is cheapest, for words with these counts in the order of their ids.

    The model of cost is above: a row costs the head and the tail of its target, and a window costs each weight of the
    clusters that its targets touch. Beside them stands one LSTM layer of H units, so that a small vocabulary, where
    there is little to save, is left whole: no cut-offs, the full softmax.
    """
    words = len(counts)
    shares = np.concatenate(([0.0], np.cumsum(counts, dtype=np.float64))) / max(1, sum(counts))

    def cluster(rows: float, size: int, features: int, projection: int = 0) -> float:
        weights = size * (features + 2) + projection
        touched = 1 - np.exp(-rows)  # the probability that any target of a window is there
        return float(rows * (size * EXP + weights * PRODUCT) + touched * (weights * WEIGHT + CALLS))

    def step(cuts: Sequence[int]) -> float:
        edges = (*cuts, words)
        total = WINDOW * 8 * hidden**2 * PRODUCT + cluster(WINDOW, edges[0] + len(cuts), hidden)
        for number, (first, last) in enumerate(pairwise(edges)):
            features = width(hidden, number)
            total += cluster(WINDOW * (shares[last] - shares[first]), last - first, features, hidden * features)
        return total

    places = [cut for cut in PLACES if cut < words and shares[cut] >= HEAD]
    best: tuple[int, ...] = ()
    for tails in range(1, min(MOST, len(places)) + 1):
        cheapest = min(combinations(places, tails), key=step)
        if step(cheapest) > GAIN * step(best):
            break
        best = cheapest
    return best
