"""How to know that a gradient is right: move the weights a little, and see whether the loss moves as it says.

In a random direction v the loss changes by ∇E · v. A direction moves all weights at once, so that a few of them check a
whole matrix. Then the same for a gradient that is wrong in three ways.
"""

import numpy as np

from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.check import relative_error
from rnnlm.nn.network import Network
from rnnlm.report.gradient_check import check

rng = np.random.default_rng(1)
network = Network(words=20, embedding=6, hidden=8, layers=2, cell="lstm")
p = Parameters(network.shapes(), np.float64)
network.initialise(p, rng, 0.4)
text = [3, 7, 7, 2, 11, 19, 4]

# one weight, the plain way
inputs, targets = np.array([0, *text[:-1]])[:, None], np.array(text)[:, None]
k, start, g = network.tape(len(text), 1, np.float64), network.start(1, np.float64), p.like()


def loss() -> float:
    return -float(network.score(p, inputs, targets, start, k)[0].sum())


network.loss(p, g, inputs, targets, start, k)
weights, gradient = p["rnn.1.Wh"], g["rnn.1.Wh"]
at = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
kept, tiny = weights[at], 1e-5
weights[at] = kept + tiny
above = loss()
weights[at] = kept - tiny
below = loss()
weights[at] = kept
print(f"one weight of W: back-propagation says {gradient[at]:+.9f}, measured {(above - below) / (2 * tiny):+.9f}")
assert np.isclose(gradient[at], (above - below) / (2 * tiny), rtol=1e-6)

# all weights, in random directions
print("\nall parameters of a network of two LSTM layers:")
for one in check(RecurrentModel(network, p), text):
    print(f"  {one.name:12} {one.size:5} numbers   relative error {one.error:.1e}")
    assert one.right

print("\na check must also find what is wrong:")
spoilt = {
    "1 % too large": gradient * 1.01,
    "one row forgotten": np.where(np.arange(8)[:, None] == 0, 0, gradient),
    "right numbers, wrong places": gradient[::-1],
}
for what, wrong in {"as it is": gradient, **spoilt}.items():
    error = relative_error(loss, weights, wrong, rng)
    print(f"  {what:28} relative error {error:.1e}")
    assert (error > 1e-4) == (what in spoilt)
