"""Scores become probabilities, and the whole derivative of softmax with cross-entropy is o - t.

o_i = exp(a_i) / Σ exp(a_j),  E = -ln o[target].  t is 1 at the word that came and 0 elsewhere. Equations (3.5), (3.6)
and (5.1) of docs/derivation.md.
"""

import numpy as np

from rnnlm.nn.arrays import Names, Tape
from rnnlm.nn.functions import log_softmax
from rnnlm.nn.softmax import Softmax

words = ["我", "你", "老师", "手机"]
a = np.array([2.0, 1.0, 0.5, -1.0])  # the scores of the words
came = 2  # 老师


def cross_entropy(a: np.ndarray) -> float:
    return float(-np.log(np.exp(a)[came] / np.exp(a).sum()))


o = np.exp(a) / np.exp(a).sum()
t = np.eye(4)[came]
measured = [(cross_entropy(a + e) - cross_entropy(a - e)) / 2e-5 for e in 1e-5 * np.eye(4)]
print("word      score   exp(a)      o    o - t   measured")
for row in zip(words, a, np.exp(a), o, o - t, measured, strict=True):
    print("{}\t{:8.2f}{:9.3f}{:7.3f}{:9.3f}{:11.3f}".format(*row))
print(f"E = -ln o[{words[came]}] = {cross_entropy(a):.4f}")
assert np.allclose(o - t, measured)
assert np.isclose(o.sum(), 1)

print("\na network that knows nothing gives all words the same: E = ln K, and e^E is the number of words")
print(f"  K = 4: E = {np.log(4):.4f};  K = 10,000: E = {np.log(10_000):.4f}")

print("\nadding the same to all scores changes nothing; so the largest is subtracted before exp")
big = np.array([1002.0, 1001.0, 1000.5, 999.0])
assert np.allclose(np.exp(log_softmax(big)), o)
print("  log_softmax([1002, 1001, 1000.5, 999]) gives the same o; exp(1002) alone is too large for a computer")

# The same in the output layer of rnnlm: V words, a state s of two units, weights whose product with s gives a.
s = np.array([[1.0, -0.5]])
weights = np.column_stack([a - 0.5, np.full(4, -1.0)])  # (a - 0.5) · 1 + (-1) · (-0.5) = a
p = Names(Wa=np.column_stack([weights, np.zeros(4), np.ones(4)]))
g = Names(Wa=np.zeros_like(p.Wa))
nats, ds = Softmax(2, 4).loss(p, g, s, np.array([came]), 1.0, Tape())
assert np.isclose(nats, cross_entropy(a))
assert np.allclose(g.Wa[:, :2], np.outer(o - t, s[0]))  # ∂E/∂V = (o - t) sᵀ
assert np.allclose(ds[0], weights.T @ (o - t))  # ∂E/∂s = Vᵀ (o - t)
print("\nrnnlm.nn.softmax.Softmax: the same E, ∂E/∂V = (o - t) sᵀ, ∂E/∂s = Vᵀ (o - t)")
