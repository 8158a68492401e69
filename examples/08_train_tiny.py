"""A whole training in a dozen lines: a network learns six sentences by its loss, its gradient and a rate.

From ln K, which is guessing, the loss falls towards what cannot be known: which sentence comes.
"""

import numpy as np

from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Parameters
from rnnlm.nn.network import Network
from rnnlm.report.inside import forward

sentences = ["我昨天上学迟到了", "老师批评了我", "我的手机坏了", "我打算买手机", "妈妈批评了我", "我昨天买手机"]
words = ["</s>", "<unk>", *sorted(set("".join(sentences)))]
number = {word: at for at, word in enumerate(words)}
length = max(map(len, sentences)) + 1

# One column a sentence: the boundary, then its words; the target is the next word. Short ones end in boundaries.
inputs, targets = np.zeros((length, 6), int), np.zeros((length, 6), int)
for column, sentence in enumerate(sentences):
    ids = [number[word] for word in sentence]
    inputs[1 : len(ids) + 1, column] = ids
    targets[: len(ids), column] = ids

network = Network(words=len(words), embedding=12, hidden=24, cell="tanh")
p = Parameters(network.shapes(), np.float64)
network.initialise(p, np.random.default_rng(1))
g, k = p.like(), network.tape(length, 6, np.float64)
rate, clip = 1.0, 1.0
print(f"{p.flat.size:,} weights, {len(words)} words, ln K = {np.log(len(words)):.3f}")
for step in range(301):
    g.flat[:] = 0
    nats, _, rows = network.loss(p, g, inputs, targets, network.start(6, np.float64), k, scale=1 / targets.size)
    rows.add_to(g["embedding.W"])
    norm = float(np.linalg.norm(g.flat))
    if step % 50 == 0:
        print(f"  step {step:3}: loss {nats / targets.size:.4f}  |gradient| {norm:.3f}{' clipped' * (norm > clip)}")
    p.flat -= rate * g.flat * min(1, clip / norm)  # weight := weight - rate · gradient, (8.3)

# What is left is the choice at the beginning of a sentence, and where two sentences part.
print("\nwhat it says of 老师批评了我, word by word:")
model = RecurrentModel(network, p)
for step in forward(model, [number[word] for word in "老师批评了我"], top=3):
    print(f"  after {words[step.read]:4}", "  ".join(f"{words[word]} {share:.0%}" for word, share in step.top))

print("\nit goes on by itself:")
for start in ("我的", "妈", "我打"):
    text = start
    for _ in range(9):
        best = forward(model, [number[word] for word in text], top=1)[-1].top[0][0]
        if best == 0:
            break
        text += words[best]
    print(f"  {start} -> {text}")
    assert text in sentences
