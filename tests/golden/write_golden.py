"""Writes the golden numbers of this folder with PyTorch, an implementation that shares no line with ours.

Run once, by hand: `python tests/golden/write_golden.py`, with torch==2.13.0 (CPU). The tests read the files with NumPy
alone. A file `<cell>-<layers>[-<variant>].npz` holds one small word-level model in double precision:

    <parameter>        its value under PyTorch's name, encoder.weight, rnn.weight_ih_l0, ..., decoder.bias
    grad.<parameter>   the gradient of the mean loss of the first window
    state.<slot>       the state (layers, B, H) before the first window; not zero; grad.state.<slot> its gradient
    output             of the recurrent layers, (T, B, H), over the first window
    end.<slot>         the state after it
    loss               mean cross-entropy of the first window, in nats
    text               the ids (10 T + 1, B): ten consecutive windows of inputs, and their targets one row later
    losses, norms      of ten training steps over these windows, the state carried and detached: the loss of each
                       window, and the global norm of its gradient before clipping
    clip, rate         of these steps: plain SGD, or Adam with PyTorch's defaults in the variant `adam`

PyTorch adds two biases to each gate and steps both; we have one. In the ten steps bias_hh therefore stands still, but
for the GRU's candidate, whose recurrent bias the reset gate multiplies: there we have two as well.

`optimizers.npz` holds five steps of each optimizer on a small vector, with and without weight decay.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

FOLDER = Path(__file__).parent
WORDS, EMBEDDING, HIDDEN = 11, 5, 6
STEPS, BATCH, WINDOWS = 5, 3, 10

Arrays = dict[str, Any]
RECURRENT: dict[str, Callable[..., Any]] = {
    "tanh": lambda *sizes: nn.RNN(*sizes, nonlinearity="tanh"),
    "relu": lambda *sizes: nn.RNN(*sizes, nonlinearity="relu"),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}


def model(cell: str, layers: int, tied: bool) -> Any:
    """The model of pytorch/examples word_language_model, without dropout."""
    embedding = HIDDEN if tied else EMBEDDING
    net = nn.ModuleDict(
        {
            "encoder": nn.Embedding(WORDS, embedding),
            "rnn": RECURRENT[cell](embedding, HIDDEN, layers),
            "decoder": nn.Linear(HIDDEN, WORDS),
        }
    )
    if tied:
        net["decoder"].weight = net["encoder"].weight
    return net


def forward(net: Any, inputs: Tensor, targets: Tensor, state: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The outputs of the recurrent layers, the mean loss, and the state after the window."""
    lstm = isinstance(net["rnn"], nn.LSTM)
    output, end = net["rnn"](net["encoder"](inputs), tuple(state) if lstm else state[0])
    loss = cross_entropy(net["decoder"](output).flatten(0, 1), targets.flatten())
    return output, loss, list(end) if lstm else [end]


def windows(text: Tensor) -> list[tuple[Tensor, Tensor]]:
    return [(text[t : t + STEPS], text[t + 1 : t + STEPS + 1]) for t in range(0, STEPS * WINDOWS, STEPS)]


def train(net: Any, text: Tensor, state: list[Tensor], optimizer: Any, clip: float) -> tuple[list[float], list[float]]:
    """Ten steps; the losses, and the norms before clipping."""
    losses, norms = [], []
    for inputs, targets in windows(text):
        net.zero_grad()
        state = [slot.detach() for slot in state]
        _, loss, state = forward(net, inputs, targets, state)
        loss.backward()
        for name, p in net["rnn"].named_parameters():
            if name.startswith("bias_hh"):
                p.grad[: 2 * HIDDEN if isinstance(net["rnn"], nn.GRU) else None] = 0
        gradients = [p.grad for p in net.parameters()]
        norm = nn.utils.get_total_norm(gradients)
        for gradient in gradients:  # clip_grad_norm_ adds 1e-6 to the norm, which would hide our last digits
            gradient.mul_(torch.clamp(clip / norm, max=1.0))
        optimizer.step()
        losses.append(loss.item())
        norms.append(norm.item())
    return losses, norms


def random_text(seed: int) -> Tensor:
    """Ids in which most windows leave some word out, whose embedding then has no gradient."""
    return torch.randint(WORDS, (STEPS * WINDOWS + 1, BATCH), generator=torch.Generator().manual_seed(seed))


def full_text(seed: int) -> Tensor:
    """Ids in which the inputs of every window hold every word: Adam then steps every row of the embedding, as we do."""
    rng = torch.Generator().manual_seed(seed)
    rows = [(torch.randperm(STEPS * BATCH, generator=rng) % WORDS).view(STEPS, BATCH) for _ in range(WINDOWS)]
    return torch.cat([*rows, rows[0][:1]])


def write_model(cell: str, layers: int, variant: str = "") -> None:
    """One file: outputs and gradients of the first window, and ten steps of training."""
    torch.manual_seed(10 * list(RECURRENT).index(cell) + layers)
    net = model(cell, layers, tied=variant == "tied")
    text = full_text(layers) if variant == "adam" else random_text(layers)
    slots = ["h", "c"] if cell == "lstm" else ["h"]
    state = [torch.randn(layers, BATCH, HIDDEN).requires_grad_() for _ in slots]

    arrays: Arrays = {name: p.detach().clone() for name, p in net.named_parameters()}
    output, loss, end = forward(net, *windows(text)[0], state)
    loss.backward()
    arrays |= {f"grad.{name}": p.grad.clone() for name, p in net.named_parameters()}
    for slot, before, after in zip(slots, state, end, strict=True):
        arrays |= {f"state.{slot}": before, f"grad.state.{slot}": before.grad, f"end.{slot}": after}
    arrays |= {"output": output, "loss": loss, "text": text}
    arrays = {name: array.detach().numpy() for name, array in arrays.items()}

    kind = torch.optim.Adam if variant == "adam" else torch.optim.SGD
    rate = 0.05 if variant == "adam" else 1.0
    norm = nn.utils.get_total_norm([p.grad for p in net.parameters()]).item()
    clip = 0.9 * norm  # so that some of the ten steps are clipped
    losses, norms = train(net, text, state, kind(net.parameters(), lr=rate), clip)
    name = "-".join([cell, str(layers), *([variant] if variant else [])])
    np.savez(FOLDER / f"{name}.npz", **arrays, losses=losses, norms=norms, clip=clip, rate=rate)
    clipped = sum(norm > clip for norm in norms)
    print(f"{name}: {clipped} of {len(norms)} steps clipped, losses {losses[0]:.3f} to {losses[-1]:.3f}")


def write_optimizers() -> None:
    """`start` (7,), `gradients` (5, 7), and for each optimizer `<name>.<decay>`: the vector after each step (5, 7)."""
    rng = torch.Generator().manual_seed(1)
    start, gradients = torch.randn(7, generator=rng), torch.randn(5, 7, generator=rng)
    kinds: dict[str, Callable[..., Any]] = {
        "sgd": lambda p, decay: torch.optim.SGD(p, lr=0.1, weight_decay=decay),
        "momentum": lambda p, decay: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0, weight_decay=decay),
        "adagrad": lambda p, decay: torch.optim.Adagrad(p, lr=0.1, weight_decay=decay),
        "rmsprop": lambda p, decay: torch.optim.RMSprop(p, lr=0.1, alpha=0.95, weight_decay=decay),
        "adam": lambda p, decay: torch.optim.Adam(p, lr=0.1, betas=(0.9, 0.95), weight_decay=decay),
        "adamw": lambda p, decay: torch.optim.AdamW(p, lr=0.1, betas=(0.9, 0.95), weight_decay=decay),
    }
    arrays: Arrays = {"start": start, "gradients": gradients}
    for name, kind in kinds.items():
        for decay in (0.0, 0.3):
            p = start.clone().requires_grad_()
            optimizer = kind([p], decay)
            after = []
            for gradient in gradients:
                p.grad = gradient.clone()
                optimizer.step()
                after.append(p.detach().clone())
            arrays[f"{name}.{decay}"] = torch.stack(after)
    np.savez(FOLDER / "optimizers.npz", **{name: array.numpy() for name, array in arrays.items()})


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    for cell in RECURRENT:
        for layers in (1, 2):
            write_model(cell, layers)
    write_model("lstm", 2, "tied")
    write_model("gru", 2, "adam")
    write_optimizers()
