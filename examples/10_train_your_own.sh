#!/bin/sh
# Train a model on a text of your own, and use it:  ./10_train_your_own.sh mytext.txt [options of rnnlm train]
# One sentence a line, an empty line between documents. Without a text a small part of the bundled corpus is read.
set -eu
if [ $# -gt 0 ]; then
    text=$1
    shift
else
    text=$(cd "$(dirname "$0")/../data" && pwd)/valid.txt
fi

# Every 20th passage is held out to validate. The options are for a small text; yours come after them, and win.
rnnlm train "$text" --out runs/own --force \
    --hidden 96 --embedding 96 --dropout 0.5 --min-count 2 --epochs 12 --threads 1 "$@"

echo; echo "== the next word"
rnnlm predict --model runs/own --top 5 "我昨天"

echo; echo "== a word that is missing"
rnnlm predict --model runs/own --top 5 "我想____你一件事。"

echo; echo "== sentences of its own"
rnnlm generate --model runs/own --count 3 --max-words 30

echo; echo "== which of two sentences is likelier? log10 of their probability comes first"
printf '我昨天去学校。\n学校去昨天我。\n' | rnnlm score --model runs/own

echo; echo "== what the run is"
rnnlm info --model runs/own
