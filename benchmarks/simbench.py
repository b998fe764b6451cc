"""Train every system that reads features on the same simulated matches, and score them.

SimBench is 48 simulated games of two halves of ten minutes; their features are the 368 numbers a
frame of the shipped model's picture network, two frames a second. To make it:

    touchline simulate SIMBENCH --games 48 --minutes 10 --seed 920001 --frame-rate 2 \
        --split 0.78,0.08,0.14 --look classic
    touchline extract SIMBENCH --features demo

Every system is trained by its packaged recipe, with what `SYSTEMS` and `BUDGETS` say changed:
widths and rates are those of these features, and schedules are cut to minutes. Training,
prediction and scoring are the commands that a user would give.

    python benchmarks/simbench.py SIMBENCH OUT [--systems NAME ...] [--seeds 1 2 3] [--jobs 2]
        [--set run.precision=fp32 ...]

Runs lie in OUT/runs and are not repeated. OUT/results.jsonl holds every score by class; what is
printed is the table of medians over the seeds.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FEATURES = "data.features={name: demo, width: 368, rate: 2}"
METRICS = ("tight", "loose")

CALF_BUDGET = (
    "clips.epoch_clips=2048",
    "optimiser.batch=4",
    "optimiser.epochs=25",
    "optimiser.schedule=cosine",
    "validation.start_epoch=15",
    "validation.every=5",
    "run.precision=bf16",
)

BUDGETS = {
    "pooling": ("optimiser.batch=64", "optimiser.epochs=20", "optimiser.plateau_patience=4"),
    "calf": CALF_BUDGET,
    "calf-attention": (*CALF_BUDGET, "optimiser.epochs=15", "network.dropout=0"),
    "calf-calibration": (
        *CALF_BUDGET,
        "optimiser.epochs=6",
        "validation.start_epoch=4",
        "validation.every=2",
    ),
    "dense-anchors": (
        "clips.epoch_clips=512",
        "optimiser.batch=16",
        "optimiser.epochs=24",
        "validation.start_epoch=12",
        "validation.every=4",
        "run.precision=bf16",
    ),
    "astra": (
        "optimiser.epochs=25",
        "optimiser.learning_rate=0.001",
        "validation.stop_after=25",
        "run.precision=bf16",
    ),
}


@dataclass(frozen=True)
class Run:
    """One training: a packaged recipe, and what differs from it."""

    recipe: str
    settings: tuple[str, ...] = ()


NON_VISUAL = Run("calf-calibration-nonvisual")

SYSTEMS: dict[str, tuple[str, tuple[Run, ...]]] = {
    **{
        name: ("pooling", (Run(name),))
        for pool in ("maxpool", "avgpool", "netvlad", "netrvlad")
        for name in (pool, f"{pool}++")
    },
    "netvlad, LOUPE": ("pooling", (Run("netvlad", ("network.pooling=netvlad",)),)),
    "calf": ("calf", (Run("calf"),)),
    "calf-attention": ("calf-attention", (Run("calf-attention"),)),
    "calf-se": ("calf", (Run("calf-se"),)),
    "calf-calibration, graph": ("calf-calibration", (Run("calf-calibration-gcn"), NON_VISUAL)),
    "calf-calibration, 3d": (
        "calf-calibration",
        (
            Run(
                "calf-calibration-visual",
                ("data.streams={top_view: {rate: 2}}", "network.players=3d"),
            ),
            NON_VISUAL,
        ),
    ),
    "calf-calibration, no players": (
        "calf-calibration",
        (Run("calf-calibration-nonvisual", ("data.labels=soccernet-v2-visual",)), NON_VISUAL),
    ),
    "dense-anchors": (
        "dense-anchors",
        (
            Run(
                "dense-anchors",
                (
                    "network.upsampling=1",
                    "network.scaled=true",
                    "optimiser.learning_rate=0.001",
                    "optimiser.weight_decay=0.2",
                    "clips.confidence_sharpness=0.5",
                    "clips.delta_learning_rate=0.001",
                    "clips.delta_weight_decay=0.5",
                    "clips.delta_sharpness=0.5",
                ),
            ),
        ),
    ),
    "astra": (
        "astra",
        (
            Run(
                "astra",
                (
                    "data.streams={}",
                    "network.audio=false",
                    "network.backbones=[368]",
                    "network.rows_per_second=2",
                    "network.width=128",
                    "network.feedforward=512",
                ),
            ),
        ),
    ),
}
"""By row of the table: the key of its budget, and one run, or two whose classes complete each
other. Dense anchors go by their published protocol for features of two rows a second; ASTRA is
without sound and a quarter as wide, which is what a CPU trains in minutes."""


@dataclass(frozen=True)
class Bench:
    """Where things lie, and what is set for every system besides."""

    games: Path
    out: Path
    settings: tuple[str, ...] = ()


def touchline(*words: str) -> str:
    """What a command prints; computing on one core, since several run at a time."""
    done = subprocess.run(
        [sys.executable, "-m", "touchline.cli.main", *words],
        env=dict(os.environ, OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"touchline {' '.join(words)}\n{done.stderr[-2000:]}")
    return done.stdout


def folder_of(run: Run, seed: int, bench: Bench) -> Path:
    """Where a run lies; its name tells runs of one recipe apart."""
    changed = "-".join(setting.rpartition("=")[2] for setting in run.settings[-1:])
    return bench.out / "runs" / "-".join(filter(None, (run.recipe, changed, f"seed{seed}")))


def train_and_predict(run: Run, budget: str, seed: int, bench: Bench) -> None:
    """Train, and predict the test split, unless that has been done."""
    folder = folder_of(run, seed, bench)
    if (folder / "done.json").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    settings = [
        f"data.root={json.dumps(str(bench.games))}",
        FEATURES,
        f"run.seed={seed}",
        "run.device=cpu",
        *BUDGETS[budget],
        *run.settings,
        *bench.settings,
    ]
    words = [word for setting in settings for word in ("--set", setting)]
    began = os.times()
    result = json.loads(touchline("train", run.recipe, *words, "-o", str(folder), "--json"))
    ended = os.times()
    touchline("predict", str(folder), str(bench.games), "-o", str(folder / "predictions"))
    result["wall_seconds"] = ended.elapsed - began.elapsed
    (folder / "done.json").write_text(json.dumps(result))


def score(system: str, seed: int, bench: Bench) -> dict[str, Any]:
    """A line of results: what the system's runs predict, scored as the challenge does."""
    runs = [folder_of(run, seed, bench) for run in SYSTEMS[system][1]]
    predictions = [run / "predictions" for run in runs]
    with tempfile.TemporaryDirectory() as folder:
        if len(runs) > 1:
            together = Path(folder) / "predictions"
            touchline("combine", *map(str, predictions), "-o", str(together))
            predictions = [together]
        words = [word for metric in METRICS for word in ("--metric", metric)]
        words += ["--split", "test", "--label-file", "Labels-v2.json", "--json"]
        printed = touchline("evaluate", str(bench.games), str(predictions[0]), *words)
    trained = [json.loads((run / "done.json").read_text()) for run in runs]
    scores = {entry["metric"]: entry for entry in json.loads(printed)}
    return {
        "system": system,
        "seed": seed,
        "minutes": round(sum(run["wall_seconds"] for run in trained) / 60, 2),
        "best_epochs": [run["best_epoch"] for run in trained],
        **{metric: scores[metric]["average_map_present"] for metric in METRICS},
        "per_class": {metric: scores[metric]["per_class"] for metric in METRICS},
    }


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Markdown: medians over the seeds, and from the lowest to the highest."""
    rows = ["| system | tight | loose | minutes |", "|---|---|---|---|"]
    for system in SYSTEMS:
        own = [line for line in lines if line["system"] == system]
        if not own:
            continue
        cells = []
        for metric in METRICS:
            values = [line[metric] for line in own]
            low, middle, high = min(values), statistics.median(values), max(values)
            cells.append(f"{middle:.3f} ({low:.3f} to {high:.3f})")
        minutes = statistics.median(line["minutes"] for line in own)
        rows.append(f"| {system} | {' | '.join(cells)} | {minutes:.1f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("games", type=Path, help="folder of the games and their features")
    parser.add_argument("out", type=Path, help="folder of the runs and results")
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a core each")
    parser.add_argument("--set", nargs="+", default=[], metavar="GROUP.KEY=VALUE")
    options = parser.parse_args()
    bench = Bench(options.games, options.out, tuple(options.set))
    trainings = dict.fromkeys(
        (run, budget, seed)
        for seed in options.seeds
        for budget, runs in (SYSTEMS[system] for system in options.systems)
        for run in runs
    )
    with ThreadPoolExecutor(options.jobs) as pool:
        pending = {
            pool.submit(train_and_predict, *training, bench): training for training in trainings
        }
        for number, future in enumerate(as_completed(pending), 1):
            future.result()
            run, _, seed = pending[future]
            print(f"{number}/{len(pending)} {run.recipe} seed {seed}", file=sys.stderr, flush=True)
    lines = [score(system, seed, bench) for system in options.systems for seed in options.seeds]
    (bench.out / "results.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    print(table(lines))


if __name__ == "__main__":
    main()
