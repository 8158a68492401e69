"""Writes adaptive.npz with torch.nn.AdaptiveLogSoftmaxWithLoss, which shares no line with our adaptive softmax.

Run once, by hand: `python tests/golden/write_adaptive.py`, with torch==2.13.0 (CPU). In double precision:

    cuts, words        the cut-offs and the size of the vocabulary
    h, targets         (N, H) and (N,); every cluster has targets but the second tail
    <parameter>        under PyTorch's name: head.weight, head.bias, tail.0.0.weight, tail.0.1.weight, ...
    output             log o[target] (N,)
    log_prob           log o (N, V)
    grad.<parameter>, grad.h   of the mean of -log o[target]; not written where it is None

The last two tails have fewer features than ours, 4 and 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

WORDS, HIDDEN, CUTS = 31, 64, [7, 15, 22]


def main() -> None:
    torch.manual_seed(1)
    head = nn.AdaptiveLogSoftmaxWithLoss(HIDDEN, WORDS, CUTS, div_value=4, head_bias=True)
    h = torch.randn(9, HIDDEN, requires_grad=True)
    targets = torch.tensor([0, 6, 7, 14, 10, 22, 30, 25, 7])
    arrays = {name: p.detach().clone() for name, p in head.named_parameters()}
    output, loss = head(h, targets)
    loss.backward()
    arrays |= {f"grad.{name}": p.grad for name, p in head.named_parameters() if p.grad is not None}
    arrays |= {"h": h, "grad.h": h.grad, "targets": targets, "output": output, "log_prob": head.log_prob(h)}
    numbers = {name: array.detach().numpy() for name, array in arrays.items()}
    np.savez_compressed(Path(__file__).parent / "adaptive.npz", **numbers, cuts=np.array(CUTS), words=WORDS)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
