"""An error on its way back through time: it vanishes, holds or explodes, and never passes the bound.

δ_{k-1} = diag(f'(net)) Wᵀ δ_k; so each step changes its length by a factor of β_W β_f at most, the largest
singular value of W and the largest slope. Equation (8.1) of docs/derivation.md.
"""

import numpy as np

from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network, orthogonal
from rnnlm.report.flow import flow, untrained
from rnnlm.report.terminal import bar

STEPS, H = 30, 32
rng = np.random.default_rng(1)
text = rng.integers(2, 50, STEPS).tolist()


def network_with(w: np.ndarray) -> RecurrentModel:
    """A simple network with this W."""
    network = Network(words=50, embedding=H, hidden=H)
    p = Parameters(network.shapes(), np.float64)
    network.initialise(p, np.random.default_rng(2), 0.05)
    p["rnn.0.Wh"][...] = w
    return RecurrentModel(network, p)


turn = orthogonal(H, rng)  # changes no length: all its singular values are 1
for name, w in {"0.8 x orthogonal": 0.8 * turn, "orthogonal": turn, "1.3 x orthogonal": 1.3 * turn}.items():
    found = flow(network_with(w), text)
    print(f"W = {name}: {found.verdict()}")
    print("  steps back   |δ_k| / |δ_t|        bound")
    for back in (0, 1, 5, 10, 20, 29):
        height = bar(1 + np.log10(found.left[back] / found.left.max()) / 4, 24)
        print(f"  {back:10}   {found.left[back]:13.6f} {found.bound[back] / found.bound[0]:12.4f}  {height}")
    assert (found.norms[0] <= found.bound * (1 + 1e-12)).all()

    # by hand: the product of all diag(f') Wᵀ, on a δ of the same direction
    model = network_with(w)
    p, s, slopes = model.parameters, np.zeros(H), []
    for word in [0, *text[:-1]]:
        s = np.tanh(p["embedding.W"][word] @ p["rnn.0.Wx"] + s @ p["rnn.0.Wh"])
        slopes.append(1 - s**2)
    logits = p["head.Wa"][:, :H] @ s
    o = np.exp(logits) / np.exp(logits).sum()
    delta = slopes[-1] * ((o - np.eye(50)[text[-1]]) @ p["head.Wa"][:, :H])
    for back in range(STEPS):
        assert np.isclose(np.linalg.norm(delta), found.norms[0][back])
        delta = slopes[STEPS - 2 - back] * (p["rnn.0.Wh"] @ delta)

print("\nthe same text, the same random matrices, three cells: why LSTM exists")
for name, model in untrained(network_with(turn)).items():
    found = flow(model, text)
    print(f"  {name:15} a step keeps {found.factor:.0%}, after {STEPS - 1} steps {found.left[-1]:.1e} is left")
