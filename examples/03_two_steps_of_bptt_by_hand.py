"""Back-propagation through two time steps, every number by hand: chapter 7 of docs/derivation.md.

Two words, two units, two steps. The text is 0 1 0: after 0 comes 1, after 1 comes 0. Matrices stand as in the
derivation, where vectors are columns; rnnlm keeps their transposes, because it has many sequences as rows.
"""

import numpy as np

from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network

U, W, b = np.array([[0.5, -0.5], [0.3, 0.8]]), np.array([[0.6, -0.2], [0.1, 0.5]]), np.array([0.1, 0.2])
V, c = np.array([[1.0, -1.0], [0.0, 1.0]]), np.array([0.2, 0.0])
x, s0 = np.eye(2), np.array([0.5, -0.5])
text, e = [0, 1, 0], np.eye(2)

# forward
s, o, E = [s0], [], 0.0
for t in (0, 1):
    s.append(np.tanh(U @ x[text[t]] + W @ s[-1] + b))  # (3.1), (3.2)
    a = V @ s[-1] + c
    o.append(np.exp(a) / np.exp(a).sum())  # (3.5)
    E -= np.log(o[-1][text[t + 1]])  # (3.6)
    print(f"step {t + 1}: s = {s[-1].round(4)}  o = {o[-1].round(4)}  the next word had {o[-1][text[t + 1]]:.4f}")
print(f"E = {E:.4f}, perplexity {np.exp(E / 2):.4f} (guessing: 2)\n")

# backward: δ from the last step to the first
d = [V.T @ (o[t] - e[text[t + 1]]) for t in (0, 1)]  # (5.1), (5.3): what reaches s from above
delta2 = (1 - s[2] ** 2) * d[1]
delta1 = (1 - s[1] ** 2) * (d[0] + W.T @ delta2)  # (6.4)
print(f"δ2 = f'(net2) ⊙ d2            = {delta2.round(4)}")
print(f"δ1 = f'(net1) ⊙ (d1 + Wᵀ δ2)  = {delta1.round(4)}\n")

# the gradients are sums over time, (6.6) and (6.7)
dW = np.outer(delta1, s[0]) + np.outer(delta2, s[1])
dU = np.outer(delta1, x[text[0]]) + np.outer(delta2, x[text[1]])
db = delta1 + delta2
dV = np.outer(o[0] - e[1], s[1]) + np.outer(o[1] - e[0], s[2])
print(f"∂E/∂W = δ1 s0ᵀ + δ2 s1ᵀ =\n{dW.round(4)}\n∂E/∂U = δ1 x1ᵀ + δ2 x2ᵀ =\n{dU.round(4)}\n")

# the same by rnnlm
network = Network(words=2, embedding=2, hidden=2)
p = Parameters(network.shapes(), np.float64)
own = p.layer("rnn.0")
own.Wx[...], own.Wh[...], own.b[...] = U.T, W.T, b
p["embedding.W"][...] = x
p["head.Wa"][...] = np.column_stack([V, c, np.ones(2)])
g, k = p.like(), network.tape(2, 1, np.float64)
nats, _, _ = network.loss(p, g, np.array([[0], [1]]), np.array([[1], [0]]), ((s0[None],),), k)
assert np.isclose(nats, E)
assert np.allclose(k.layers[0].dz[:, 0], [delta1, delta2])
for name, mine in (("rnn.0.Wh", dW.T), ("rnn.0.Wx", dU.T), ("rnn.0.b", db)):
    assert np.allclose(g[name], mine), name
assert np.allclose(g["head.Wa"][:, :2], dV)
print("rnnlm.nn.network.Network has the same E, δ1, δ2, ∂E/∂W, ∂E/∂U, ∂E/∂b and ∂E/∂V")
