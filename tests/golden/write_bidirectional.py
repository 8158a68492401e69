"""Writes the golden numbers of the bidirectional network with PyTorch, word by word from its definition.

Run once, by hand: `python tests/golden/write_bidirectional.py`, with torch==2.13.0 (CPU). For each word the backward
stack reads anew, from the end of the word's sentence (or of the window) down to the word behind it: slow, and nothing
shared with ours, which reads each window once. A file `both-<cell>-<layers>.npz` holds, in double precision:

    <parameter>        under PyTorch's name: encoder.weight, ahead.weight_ih_l0, back.weight_ih_l0, decoder.bias, ...
    grad.<parameter>   the gradient of the mean loss
    text               the ids (T + 1, B) of one window; 0 ends a sentence, and is not predicted
    state.<slot>       the forward state (layers, B, H) before it, not zero; end.<slot>: behind it
    loss               mean cross-entropy of the words, in nats
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from write_golden import BATCH, EMBEDDING, FOLDER, HIDDEN, RECURRENT, WORDS

STEPS = 7
CELLS = ("tanh", "lstm", "gru")


def behind(net: Any, targets: Tensor, t: int) -> Tensor:
    """s' (H) for target t of one sequence (T,): what the backward stack has read of its sentence; zeros for nothing."""
    end = t + 1
    while end < len(targets) - 1 and targets[end] != 0:
        end += 1
    read = targets[t + 1 : end + 1].flip(0)
    if not len(read):
        return torch.zeros(HIDDEN)
    output, _ = net["back"](net["encoder"](read))
    return output[-1]


def write(cell: str, layers: int) -> None:
    torch.manual_seed(100 + 10 * CELLS.index(cell) + layers)
    net = nn.ModuleDict(
        {
            "encoder": nn.Embedding(WORDS, EMBEDDING),
            "ahead": RECURRENT[cell](EMBEDDING, HIDDEN, layers),
            "back": RECURRENT[cell](EMBEDDING, HIDDEN, layers),
            "decoder": nn.Linear(2 * HIDDEN, WORDS),
        }
    )
    text = torch.randint(3, WORDS, (STEPS + 1, BATCH))
    text[0, 0] = text[3, 0] = text[4, 1] = text[STEPS, 1] = 0  # sentence ends inside, at the edges, and none at all
    slots = ["h", "c"] if cell == "lstm" else ["h"]
    state = [torch.randn(layers, BATCH, HIDDEN) for _ in slots]
    inputs, targets = text[:-1], text[1:]
    ahead, end = net["ahead"](net["encoder"](inputs), tuple(state) if cell == "lstm" else state[0])
    features = torch.stack(
        [
            torch.stack([torch.cat([ahead[t, b], behind(net, targets[:, b], t)]) for b in range(BATCH)])
            for t in range(STEPS)
        ]
    )
    words = targets != 0
    loss = cross_entropy(net["decoder"](features[words]), targets[words])
    loss.backward()
    arrays: dict[str, Any] = {name: p.detach().numpy() for name, p in net.named_parameters()}
    arrays |= {f"grad.{name}": p.grad.numpy() for name, p in net.named_parameters()}
    for slot, before, after in zip(slots, state, end if cell == "lstm" else [end], strict=True):
        arrays |= {f"state.{slot}": before.numpy(), f"end.{slot}": after.detach().numpy()}
    np.savez_compressed(FOLDER / f"both-{cell}-{layers}.npz", **arrays, text=text.numpy(), loss=loss.item())
    print(f"both-{cell}-{layers}: loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    for cell in CELLS:
        for layers in (1, 2):
            write(cell, layers)
