"""One neuron's error term δ by hand: forward, backward, one step downhill.

net = w·x + b,  y = tanh(net),  E = (y - target)² / 2.  By the chain rule δ = ∂E/∂net = (y - target) · f'(net), and then
∂E/∂w = δ·x and ∂E/∂b = δ. Every formula of back-propagation is made of this one.
"""

import math

import numpy as np

from rnnlm.nn.functions import ACTIVATIONS

x, w, b, target = 2.0, 0.4, -0.3, 1.0


def error(w: float, b: float) -> float:
    return (math.tanh(w * x + b) - target) ** 2 / 2


net = w * x + b
y = math.tanh(net)
slope = 1 - y**2  # f'(net), from the output alone
delta = (y - target) * slope
print(f"net = {w} · {x} + {b} = {net:.4f}    y = tanh(net) = {y:.4f}    E = {error(w, b):.4f}")
print(f"f'(net) = 1 - y² = {slope:.4f}    δ = (y - {target}) f'(net) = {delta:.4f}")
print(f"∂E/∂w = δ·x = {delta * x:.4f}    ∂E/∂b = δ = {delta:.4f}")

tiny = 1e-5
measured = (error(w + tiny, b) - error(w - tiny, b)) / (2 * tiny)
print(f"measured: (E(w + ε) - E(w - ε)) / 2ε = {measured:.4f}")
assert abs(measured - delta * x) < 1e-8

f, out, own_slope = ACTIVATIONS["tanh"], np.zeros(1), np.zeros(1)
f(np.array([net]), out=out)
f.slope(out, out=own_slope)
assert np.isclose(out[0], y) and np.isclose(own_slope[0], slope)
print("rnnlm.nn.functions.Tanh has the same y and the same slope\n")

print("downhill, with rate 0.3:")
for step in range(8):
    print(f"  step {step}: w = {w:.4f}  b = {b:+.4f}  E = {error(w, b):.6f}")
    y = math.tanh(w * x + b)
    delta = (y - target) * (1 - y**2)
    w, b = w - 0.3 * delta * x, b - 0.3 * delta

print("\na neuron that is far out learns slowly, however wrong it is: its slope is gone (saturation)")
for net in (0.5, 2.0, 4.0, 8.0):
    y = math.tanh(net)
    delta = (y + 1) * (1 - y**2)
    print(f"  net = {net:3.1f}  y = {y:.4f}  wrong by {y + 1:.4f} where the target is -1, but δ = {delta:.7f}")
