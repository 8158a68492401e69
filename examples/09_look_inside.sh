#!/bin/sh
# Look into networks that you trained: a simple network and an LSTM on the same small text.
# The runs and pictures lie in the folder look-inside.
set -eu
data=$(cd "$(dirname "$0")/../data" && pwd)
mkdir -p look-inside
cd look-inside

for cell in tanh lstm; do
    rnnlm train "$data/valid.txt" --cell "$cell" --hidden 48 --embedding 48 --lr 0.004 --epochs 2 --threads 1 \
        --out "$cell" --force
done

echo; echo "== the forward pass: embedding, U x, W s, net, gates, state, softmax, cross-entropy"
rnnlm inspect forward --model lstm "我昨天上学迟到了"

echo; echo "== how far back the error of the last word is felt, and the gradient of W as a sum of time steps"
rnnlm inspect gradients --model tanh "我昨天上学迟到了，老师批评了我"

echo; echo "== is every gradient right? finite differences say so"
rnnlm inspect check --model lstm

echo; echo "== which words does it take for alike?"
rnnlm inspect words --model lstm 我 妈妈

echo; echo "== pictures: curves of both trainings; how far an error reaches in RNN, GRU and LSTM"
if rnnlm plot tanh lstm --out curves.png; then
    rnnlm inspect gradients --model tanh --model lstm --compare "我昨天上学迟到了，老师批评了我" --plot flow.png > flow.txt
fi
