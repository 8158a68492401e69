"""The head with its words divided among workers, beside the whole one."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlm.nn import softmax
from rnnlm.nn.arrays import Names, Tape
from rnnlm.nn.softmax import Softmax
from rnnlm.train.divided_head import DividedHead, head_layout
from rnnlm.train.memory import SharedMemory

H, V, ROWS = 5, 23, 9


@pytest.mark.parametrize("size", [1.0, 200.0])  # with the larger, exp(logits) overflows
@pytest.mark.parametrize("bytes_of_a_block", [1 << 20, 4 * 4 * V])
@pytest.mark.parametrize("counts", [(9, 9), (4, 9, 1), (3, 0), (0, 0), (7,)])
def test_divided_and_whole(
    counts: tuple[int, ...], bytes_of_a_block: int, size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loss, dh and dWa are those of the whole softmax, whoever has how many rows, in one block or several."""
    monkeypatch.setattr(softmax, "BLOCK_BYTES", bytes_of_a_block)
    monkeypatch.setattr(softmax, "PIECE", 6)
    rng = np.random.default_rng(1)
    workers, head, scale = len(counts), Softmax(H, V), 0.3
    p = Names(Wa=rng.normal(size=(V, H + 2)).astype(np.float32))
    head.pin(p)
    h = [(size * rng.normal(size=(n, H))).astype(np.float32) for n in counts]
    words = [rng.integers(V, size=n) for n in counts]

    whole = Names(Wa=np.zeros((V, H + 2), np.float32))
    nats, dh = head.loss(p, whole, np.concatenate(h), np.concatenate(words), scale, Tape())

    memory = SharedMemory(head_layout(head, ROWS, workers))
    g = Names(Wa=np.full((V, H + 2), np.nan, np.float32))
    shares = [DividedHead(head, memory, index, workers) for index in range(workers)]
    assert [share.put(*own) for share, own in zip(shares, zip(h, words, strict=True), strict=True)] == list(counts)
    blocks = shares[0].blocks(counts)
    if sum(counts) > 8 and workers == 2:
        assert len(blocks) == (1 if bytes_of_a_block > 1000 else 3)
    for block in range(len(blocks)):
        for share in shares:
            share.weigh(p, g, counts, block, scale)
    found = [share.finish(p, g, counts, scale) for share in shares]

    tolerance = 1e-5 if size == 1 else 1e-4
    assert sum(n for n, _ in found) == pytest.approx(nats, rel=tolerance)
    np.testing.assert_allclose(np.concatenate([d for _, d in found]), dh, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(g.Wa, whole.Wa, rtol=tolerance, atol=tolerance * size)
