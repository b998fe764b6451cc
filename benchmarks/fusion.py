"""What sound and detections add to the picture, class by class, on simulated matches.

Trains networks of one, two and three streams, several seeds each, and scores them on the test
split; then once more with streams taken away that they were trained with. Prints one JSON line;
`--table` prints the table of `docs/fusion.md` instead. What was trained before is not trained
again, so the call goes on where it was stopped, and processes may share the seeds between them.

    touchline simulate GAMES --games 24 --minutes 10 --seed 920001 --frame-rate 2 \
        --split 0.6,0.15,0.25 --look classic
    touchline extract GAMES --features demo,fft
    touchline extract GAMES --features detections --detector boxes
    python benchmarks/fusion.py GAMES --out RUNS [--seeds 0 1 2] [--epochs 12] [--table]

Every run has the same number of steps and takes the weights of the last: nothing is chosen on the
validation split, nor on the test split.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from touchline.batch.predictions import predict
from touchline.datasets.features import MAIN
from touchline.datasets.soccernet import Game, read_games
from touchline.engines.networks import load_network
from touchline.events import Event, Match
from touchline.labels import SOCCERNET_V2
from touchline.metrics.spotting import evaluate
from touchline.runtime.atomic import write_text
from touchline.spotting.features import load_for_features
from touchline.training.config import load_recipe
from touchline.training.options.common import Recipe
from touchline.training.run import train
from touchline.zoo.store import find

STREAMS = {
    "picture": {"name": "demo", "width": 368},
    "sound": {"name": "FFT", "width": 31},
    "detections": {"name": "DET", "width": 46},
}
"""Their files; all have two rows a second."""


class Run(NamedTuple):
    """What is trained.

    Attributes:
        recipe: how the streams are fused.
        streams: the first is the main one.
        settings: of the recipe, beside what all runs have.
    """

    recipe: str
    streams: tuple[str, ...]
    settings: tuple[str, ...] = ()


ALL = tuple(STREAMS)
RUNS = {
    "picture": Run("fusion-early", ("picture",)),
    "sound": Run("fusion-early", ("sound",)),
    "detections": Run("fusion-early", ("detections",)),
    "picture + sound": Run("fusion-early", ("picture", "sound")),
    "picture + detections": Run("fusion-early", ("picture", "detections")),
    "all, early": Run("fusion-early", ALL),
    "all, late": Run("fusion-late", ALL),
    "all, attention": Run("fusion-attention", ALL),
    "picture + sound, late": Run("fusion-late", ("picture", "sound")),
    "all, early, no stream dropout": Run("fusion-early", ALL, ("clips.stream_dropout=0",)),
}
"""In the order in which they are trained."""

WHOLE = "everything"
OTHER = ("training_cpu_seconds", "shares")
"""What is recorded of a run beside scores."""


def settings_of(run: Run, root: Path, seed: int, epochs: int) -> list[str]:
    """The recipe's settings of a run."""
    main, *others = run.streams
    drops = "clips.stream_dropout=0" not in run.settings
    streams = {name: {**STREAMS[name], "rate": "2", "optional": drops} for name in others}
    return [
        f"data.root={json.dumps(str(root))}",
        f"data.features={json.dumps({**STREAMS[main], 'rate': '2'})}",
        f"data.streams={json.dumps(streams)}",
        f"network.frame_streams={json.dumps([n for n in others if n == 'detections'])}",
        "data.validation=null",
        "validation.criterion=last",
        f"optimiser.epochs={epochs}",
        f"run.seed={seed}",
        "run.device=cpu",
        "run.threads=1",
        *run.settings,
    ]


def measure(run: Run, recipe: Recipe, games: Sequence[Game], folder: Path) -> dict[str, Any]:
    """Train a run and score it with everything, and without each stream beside the main one."""
    began = time.process_time()
    train(recipe, folder)
    record: dict[str, Any] = {"training_cpu_seconds": round(time.process_time() - began, 1)}
    with load_for_features(folder) as spotter:
        record[WHOLE] = scores_of(predict(spotter, games).matches, games)
        for name in run.streams[1:]:
            source = spotter.sources.pop(name)
            record[f"without {name}"] = scores_of(predict(spotter, games).matches, games)
            spotter.sources[name] = source
    return record


def scores_of(found: Mapping[str, Match], games: Iterable[Game]) -> dict[str, Any]:
    """Averages, and the tight average precision by class."""
    truth = {game.name: game.labels(SOCCERNET_V2) for game in games}
    known = {name: match for name, match in truth.items() if match is not None}
    tight = evaluate(known, found, label_set=SOCCERNET_V2, metric="tight")
    loose = evaluate(known, found, label_set=SOCCERNET_V2, metric="loose")
    assert tight.unshown is not None
    unshown = dict(zip(SOCCERNET_V2, tight.unshown.per_class.tolist(), strict=True))
    happen = {e.label for match in known.values() for e in match.events if not _is_shown(e)}
    return {
        "tight": tight.average_map,
        "loose": loose.average_map,
        "tight_unshown": statistics.mean(unshown[label] for label in happen),
        "per_class": dict(tight.per_class),
    }


def _is_shown(event: Event) -> bool:
    return event.visibility != "not shown"


def run_all(options: argparse.Namespace) -> dict[str, list[Any]]:
    """Every run of every seed, those that are there already read again."""
    records: dict[str, list[Any]] = {}
    for seed in options.seeds:
        for name in options.runs:
            run = RUNS[name]
            folder = options.out / f"{name.replace(', ', '-').replace(' ', '')}-{seed}"
            result = folder / "scores.json"
            if not result.exists():
                files = str(STREAMS[run.streams[0]]["name"])
                games = read_games(options.games, "test", features=files)
                recipe = load_recipe(
                    run.recipe, settings_of(run, options.games, seed, options.epochs)
                )
                write_text(result, json.dumps(measure(run, recipe, games, folder)))
            record = json.loads(result.read_text())
            if run.recipe == "fusion-late":
                record["shares"] = shares_of(run, folder)
            records.setdefault(name, []).append(record)
    return records


def shares_of(run: Run, folder: Path) -> dict[str, dict[str, float]]:
    """What each stream counts in late fusion, by stream and class."""
    shares = load_network(find(folder)).shares()
    shares[run.streams[0]] = shares.pop(MAIN)
    return {
        name: dict(zip(SOCCERNET_V2, shares[name].tolist(), strict=True)) for name in run.streams
    }


def medians(records: Sequence[Any]) -> Any:
    """Of numbers, however deep they lie."""
    first = records[0]
    if isinstance(first, dict):
        return {key: medians([record[key] for record in records]) for key in first}
    known = [record for record in records if record is not None]
    return round(statistics.median(known), 4) if known else None


def table(summary: Mapping[str, Any], spread: Mapping[str, Any]) -> str:
    """Markdown: averages by run, then the tight average precision by class, then shares."""
    lines = [
        "| streams | tight | lowest to highest | loose | tight, unshown | CPU seconds |",
        "|---|---|---|---|---|---|",
    ]
    for name, record in summary.items():
        for condition, scores in record.items():
            if condition in OTHER:
                continue
            title = name if condition == WHOLE else f"{name}; at test {condition}"
            low, high = spread[name][condition]
            cost = f"{record['training_cpu_seconds']:.0f}" if condition == WHOLE else ""
            lines.append(
                f"| {title} | {_percent(scores['tight'])} | {_percent(low)} to {_percent(high)} | "
                f"{_percent(scores['loose'])} | {_percent(scores['tight_unshown'])} | {cost} |"
            )
    names = list(summary)
    lines += ["", f"| class | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for label in SOCCERNET_V2.labels:
        cells = [_percent(summary[name][WHOLE]["per_class"][label]) for name in names]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    for name, record in summary.items():
        lines += shares_table(name, record["shares"]) if "shares" in record else []
    return "\n".join(lines)


def shares_table(title: str, shares: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Markdown: what each stream counts for each class."""
    lines = ["", f"| {title}: shares | {' | '.join(shares)} |", "|---" * (len(shares) + 1) + "|"]
    for label in SOCCERNET_V2.labels:
        cells = [_percent(stream[label]) for stream in shares.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("games", type=Path, help="the simulated games with their features")
    parser.add_argument("--out", type=Path, required=True, help="where runs and scores are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS), metavar="RUN")
    parser.add_argument("--table", action="store_true", help="Markdown instead of JSON")
    options = parser.parse_args()
    records = run_all(options)
    summary = {name: medians(runs) for name, runs in records.items()}
    spread = {
        name: {
            condition: [f(run[condition]["tight"] for run in runs) for f in (min, max)]
            for condition in runs[0]
            if condition not in OTHER
        }
        for name, runs in records.items()
    }
    if options.table:
        print(table(summary, spread))
        return
    print(
        json.dumps(
            {
                "benchmark": "fusion",
                "seeds": options.seeds,
                "epochs": options.epochs,
                "torch": torch.__version__,
                "machine": platform.processor() or platform.machine(),
                "medians": summary,
                "tight_lowest_highest": spread,
            }
        )
    )


if __name__ == "__main__":
    main()
