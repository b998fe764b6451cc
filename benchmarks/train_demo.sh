#!/usr/bin/env bash
# Makes the model that ships: simulates its matches in both looks, trains in three stages, packs it.
#
#     benchmarks/train_demo.sh WORK
#
# Some three hours of one core, two thirds of it training. The schedules follow the clock, so another
# machine takes other numbers of steps; seeds and matches stay the same. Logs: docs/training/demo-*.
set -euo pipefail
work=$1
here=$(cd "$(dirname "$0")/.." && pwd)

# Games 0 to 28 of seed 910001: 26 to train on, 3 to choose the best epoch by. Held-out score bugs and
# wipes stay out of it, so that the network can be measured on broadcasts unlike any that it saw.
simulated() {
    touchline simulate "$work/$1" --games 29 --minutes 10 --seed 910001 --frame-rate 2 \
        --modalities video,labels --split 0.9,0.1,0 "${@:2}"
}
simulated classic --look classic
simulated broadcast --look broadcast --bugs tuning --wipes tuning

touchline train demo --out "$work/stage1" --set data.root="$work/classic" --set run.seed=1 \
    --set data.width=160 --set data.height=90 --set run.max_minutes=16
touchline train demo --out "$work/stage2" --set data.root="$work/classic" --set run.seed=2 \
    --set network.start_from="$work/stage1" --set run.max_minutes=28
OMP_NUM_THREADS=1 touchline train demo --out "$work/stage3" --set data.root="$work/broadcast" \
    --set run.seed=2 --set network.start_from="$work/stage2" \
    --set optimiser.learning_rate=0.0005 --set run.max_minutes=52

python "$here/benchmarks/pack_demo.py" "$work/stage3"
for stage in 1 2 3; do
    cp "$work/stage$stage/log.jsonl" "$here/docs/training/demo-stage$stage.jsonl"
done
