#!/usr/bin/env bash
# Makes the model that ships: simulates its matches, trains in two stages, packs it.
#
#     benchmarks/train_demo.sh WORK
#
# About 75 minutes on two cores: 15 to simulate, 16 at 160x90, 28 at 224x128. The schedule follows
# the clock, so another machine takes other numbers of steps; seeds and matches stay the same.
set -euo pipefail
work=$1
here=$(cd "$(dirname "$0")/.." && pwd)

# Games 0 to 28 of seed 910001: 26 to train on, 3 to choose the best epoch by. Held-out score bugs and
# wipes stay out of it, so that the network can be measured on broadcasts unlike any that it saw.
touchline simulate "$work/data" --games 29 --minutes 10 --seed 910001 --frame-rate 2 \
    --modalities video,labels --split 0.9,0.1,0 --look broadcast --bugs tuning --wipes tuning

touchline train demo --out "$work/small" --set data.root="$work/data" --set run.seed=1 \
    --set data.width=160 --set data.height=90 --set run.max_minutes=16
touchline train demo --out "$work/demo" --set data.root="$work/data" --set run.seed=2 \
    --set network.start_from="$work/small" --set run.max_minutes=28

python "$here/benchmarks/pack_demo.py" "$work/demo"
cp "$work/small/log.jsonl" "$here/docs/training/demo-stage1.jsonl"
cp "$work/demo/log.jsonl" "$here/docs/training/demo-stage2.jsonl"
