"""A network that goes on learning while it reads: dynamic evaluation; the model that it began with stays untouched.

Every word is scored before the step that it takes part in. After each `STEPS` words

    θ' = θ - η g,    θ <- θ' + ρ (θ₀ - θ')

with g the gradient of their mean loss and θ₀ the trained weights (Mikolov et al. 2010). The pull back to θ₀ is that of
Krause et al. 2018, "Dynamic evaluation of neural sequence models", but from θ', behind the step, where theirs is from
θ, before it; and without their division by the gradient's root mean square over the training text, which a run does
not keep.
"""

from __future__ import annotations

import numpy as np

from rnnlm.errors import ConfigError
from rnnlm.lm.cache import Cached
from rnnlm.lm.mixture import Mixture, Renumbered
from rnnlm.lm.protocol import Floats, Ids, LanguageModel, State
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array, Parameters
from rnnlm.nn.stack import StackState

STEPS = 20  # words read between two steps
RATE = 1.0  # η
BACK = 0.003  # ρ
PIECE = 1 << 16  # long vectors are walked in pieces that stay in the cache


class Dynamic(RecurrentModel):
    """A `LanguageModel` whose `score` learns from what it has scored, in the order of the calls; `step` does not.

    Texts are meant to be read one after another (B = 1): columns read side by side learn from one another's past.
    """

    def __init__(self, model: RecurrentModel, rate: float = RATE) -> None:
        trained = model.parameters
        super().__init__(model.network, trained.astype(trained.flat.dtype))
        self.trained = trained
        self.rate = rate
        dense = self.network.dense_size(trained)
        shapes = {name: shape for name, shape in trained.shapes.items() if trained.spans[name].stop <= dense}
        self.g = Parameters(shapes, trained.flat.dtype)

    def score(self, state: State, inputs: Ids, targets: Ids) -> tuple[Floats, State]:
        found = np.empty(inputs.shape, self.parameters.flat.dtype)
        for first in range(0, len(inputs), STEPS):
            part = slice(first, first + STEPS)
            found[part], _ = super().score(state, inputs[part], targets[part])
            state = self.learn(state, inputs[part], targets[part])
        return found, state

    def learn(self, state: State, inputs: Ids, targets: Ids) -> StackState:
        """One step along the gradient of the mean loss of `targets` (T, B); gives the state behind the inputs."""
        p, g, network = self.parameters, self.g, self.network
        for name in network.untouched(targets):
            g[name][...] = 0
        tape = self.tape(*inputs.shape)
        _, after, rows = network.loss(p, g, inputs, targets, state, tape, 1 / inputs.size)  # type: ignore[arg-type]
        if rows is not None:
            p["embedding.W"][rows.ids] -= self.rate * rows.values
        descend(p.flat[: g.flat.size], g.flat, self.rate)
        pull(p.flat, self.trained.flat, BACK)
        return after


def dynamic(model: LanguageModel, rate: float = RATE) -> LanguageModel:
    """The model with each network in it made dynamic. Raises ConfigError where there is none, or for a rate below 0."""
    if rate < 0:
        raise ConfigError(f"the rate {rate:g} of dynamic evaluation is below 0")
    if isinstance(model, RecurrentModel):
        return Dynamic(model, rate)
    if isinstance(model, Cached):
        return Cached(dynamic(model.model, rate), model.weight, model.decay)
    if isinstance(model, Renumbered):
        return Renumbered(dynamic(model.model, rate), model.ids)
    if isinstance(model, Mixture):
        able = [has_network(member) for member in model.models]
        if any(able):
            members = [dynamic(m, rate) if yes else m for m, yes in zip(model.models, able, strict=True)]
            return Mixture(members, model.weights.tolist())
    raise ConfigError("dynamic evaluation needs a network: counts take no gradient steps", "leave --dynamic out")


def has_network(model: LanguageModel) -> bool:
    """Is there a network in the model?"""
    if isinstance(model, Mixture):
        return any(map(has_network, model.models))
    if isinstance(model, Cached | Renumbered):
        return has_network(model.model)
    return isinstance(model, RecurrentModel)


def descend(p: Array, g: Array, rate: float) -> None:
    """p <- p - rate g; g is spent."""
    for first in range(0, p.size, PIECE):
        part = slice(first, first + PIECE)
        g[part] *= rate
        p[part] -= g[part]


def pull(p: Array, to: Array, share: float) -> None:
    """p <- p + share (to - p)."""
    tmp = np.empty(PIECE, p.dtype)
    for first in range(0, p.size, PIECE):
        own = p[first : first + PIECE]
        way = np.subtract(to[first : first + PIECE], own, out=tmp[: own.size])
        way *= share
        own += way
