"""One LSTM unit by hand: what its gates do, and how the cell state carries a number past any distance.

i, f, o = σ(...), g = tanh(...);  c = f·c₋ + i·g;  s = o·tanh(c).  Equations (9.1) to (9.3) and (9.8) of
docs/derivation.md.
"""

import math

import numpy as np

from rnnlm.nn.arrays import Names
from rnnlm.nn.cells import LSTM
from rnnlm.nn.recurrent import Recurrent


def sigma(z: float) -> float:
    return 1 / (1 + math.exp(-z))


# Weights of one unit that reads one number, in the order i, f, g, o. It writes when x = 1 arrives, and keeps it.
wx, wh = np.array([[8.0, 0.0, 3.0, 0.0]]), np.array([[0.0, 0.0, 0.0, 0.0]])
b = np.array([-4.0, 5.0, 0.0, 2.0])  # writing closed, keeping open (σ(5) = 0.993), showing open
x = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]

print("t    x      i      f      g      o        c       s")
s = c = 0.0
states = []
for t, number in enumerate(x, 1):
    zi, zf, zg, zo = (number * wx[0] + s * wh[0] + b).tolist()
    i, f, g, o = sigma(zi), sigma(zf), math.tanh(zg), sigma(zo)
    c = f * c + i * g
    s = o * math.tanh(c)
    states.append(s)
    print(f"{t}  {number:3.0f}  {i:5.2f}  {f:5.3f}  {g:5.2f}  {o:5.2f}  {c:7.4f}  {s:6.4f}")

layer, p = Recurrent(1, LSTM(1)), Names(Wx=wx, Wh=wh, b=b)
k = layer.tape(len(x), 1, np.float64)
y, _ = layer.forward(p, np.array(x)[:, None, None], layer.start(1, np.float64), k)
assert np.allclose(y[:, 0, 0], states)
print("rnnlm.nn.recurrent.Recurrent with the cell LSTM has the same states\n")

print("how much of an error of c reaches back past n steps: the product of the forget gates")
print("  bias of f      σ(bias)     10 steps    100 steps")
for bias in (0.0, 1.0, 3.0, 5.0, 8.0):
    kept = []
    for steps in (10, 100):
        p.b[1] = bias
        k = layer.tape(steps, 1, np.float64)
        quiet = np.zeros((steps, 1, 1))
        layer.forward(p, quiet, layer.start(1, np.float64), k)
        g = Names(Wx=np.zeros_like(wx), Wh=np.zeros_like(wh), b=np.zeros_like(b))
        _, before = layer.backward(p, g, quiet, k, None, (np.zeros((1, 1)), np.ones((1, 1))))  # ∂E/∂c_T = 1
        kept.append(float(before[1][0, 0]))
        assert math.isclose(kept[-1], sigma(bias) ** steps, rel_tol=1e-9)
    print(f"  {bias:9.0f} {sigma(bias):12.4f} {kept[0]:12.2e} {kept[1]:12.2e}")
