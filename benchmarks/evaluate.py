"""Time the official evaluator and ours on the same made-up season, in one run.

Prints one JSON line: seconds of both for loose, tight and at1, from files to figures, their ratio,
and the peak memory of each. Every measurement runs in its own process with one thread; ours is the
best of several runs, the official one runs once. Seconds of the processor stand beside those of
the clock: on a machine that is busy with other things, they are the ones to compare.

    python benchmarks/evaluate.py [--games 100] [--zip] [--skip-official]
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peak_memory import peak_megabytes

METRICS = ("loose", "tight", "at1")
PREDICTIONS, ANNOTATIONS = 1500, 225
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main() -> None:
    """Make the season, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5, help="runs of ours; the best counts")
    parser.add_argument("--zip", action="store_true", help="from zips instead of folder trees")
    parser.add_argument("--skip-official", action="store_true")
    parser.add_argument("--measure", nargs=4, metavar=("WHO", "METRIC", "LABELS", "PREDICTIONS"))
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        sides = write_season(Path(folder), options.games, options.zip)
        print(json.dumps(compare(sides, options)))


def compare(sides: tuple[Path, Path], options: argparse.Namespace) -> dict[str, Any]:
    """The figures of both programs by metric."""
    record: dict[str, Any] = {
        "benchmark": "evaluate",
        "games": options.games,
        "predictions_per_game": PREDICTIONS,
        "annotations_per_game": ANNOTATIONS,
        "source": "zip" if options.zip else "folder",
    }
    for metric in METRICS:
        runs = [in_process("ours", metric, sides) for _ in range(options.runs)]
        ours = min(runs, key=lambda run: float(run["cpu_seconds"]))
        record[metric] = {
            "seconds": ours["seconds"],
            "cpu_seconds": ours["cpu_seconds"],
            "peak_mib": ours["peak_mib"],
            "average_map": ours["average_map"],
        }
        if options.skip_official:
            continue
        official = in_process("official", metric, sides)
        record[metric] |= {
            "official_seconds": official["seconds"],
            "official_cpu_seconds": official["cpu_seconds"],
            "official_peak_mib": official["peak_mib"],
            "ratio": official["seconds"] / ours["seconds"],
            "cpu_ratio": official["cpu_seconds"] / ours["cpu_seconds"],
            "equal": ours["average_map"] == official["average_map"],
        }
    return record


def in_process(who: str, metric: str, sides: tuple[Path, Path]) -> dict[str, Any]:
    """One measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", who, metric, *map(str, sides)],
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(who: str, metric: str, labels: str, predictions: str) -> dict[str, Any]:
    """Seconds from files to figure, after imports, and the peak memory of the process."""
    score = ours(metric) if who == "ours" else official(metric)
    start, cpu_start = time.perf_counter(), time.process_time()
    average = score(labels, predictions)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mib": round(peak_megabytes() / 1.048576),
        "average_map": average,
    }


def ours(metric: str) -> Any:
    """Our evaluator as a function of the two paths."""
    from touchline.formats.columns import read_columns
    from touchline.labels import SOCCERNET_V2
    from touchline.metrics.spotting import evaluate

    def score(labels: str, predictions: str) -> float:
        return evaluate(
            read_columns(labels, "labels", SOCCERNET_V2),
            read_columns(predictions, "predictions", SOCCERNET_V2),
            label_set=SOCCERNET_V2,
            metric=metric,
        ).average_map

    return score


def official(metric: str) -> Any:
    """The evaluator of the PyPI package ``SoccerNet`` as a function of the two paths."""
    from SoccerNet.Evaluation.ActionSpotting import evaluate

    from touchline.labels import SOCCERNET_V2

    def score(labels: str, predictions: str) -> float:
        result = evaluate(
            SoccerNet_path=labels,
            Predictions_path=predictions,
            metric=metric,
            dataset=None,
            EVENT_DICTIONARY={label: index for index, label in enumerate(SOCCERNET_V2)},
        )
        return float(result["a_mAP"])

    return score


def write_season(folder: Path, games: int, zipped: bool) -> tuple[Path, Path]:
    """A folder tree or a zip each for labels and predictions; the same in every run."""
    sides = []
    for side, file_name in (("labels", "Labels-v2.json"), ("predictions", "results_spotting.json")):
        path = folder / (f"{side}.zip" if zipped else side)
        sides.append(path)
        documents = (
            (f"{game}/{file_name}", json.dumps(document[side], indent=4))
            for game, document in season(games)
        )
        if zipped:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, text in documents:
                    archive.writestr(name, text)
            continue
        for name, text in documents:
            (path / name).parent.mkdir(parents=True)
            (path / name).write_text(text)
    return sides[0], sides[1]


def season(games: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Games with labels and predictions, some of which lie near an annotation."""
    from touchline.labels import SOCCERNET_V2
    from touchline.timebase import format_game_clock

    draw = random.Random(0)
    for number in range(games):
        annotations, predictions = [], []
        for _ in range(ANNOTATIONS):
            half, position = draw.choice((1, 2)), draw.randrange(2_700_000)
            annotations.append(
                {
                    "gameTime": format_game_clock(half, position / 1000),
                    "label": draw.choice(SOCCERNET_V2.labels),
                    "position": str(position),
                    "team": draw.choice(("home", "away")),
                    "visibility": draw.choice(("visible", "visible", "visible", "not shown")),
                }
            )
        for _ in range(PREDICTIONS):
            near = draw.choice(annotations) if draw.random() < 0.2 else None
            half, position = draw.choice((1, 2)), draw.randrange(2_700_000)
            label = draw.choice(SOCCERNET_V2.labels)
            if near:
                half, label = int(near["gameTime"][0]), near["label"]
                position = max(0, int(near["position"]) + int(draw.gauss(0, 4000)))
            predictions.append(
                {
                    "gameTime": format_game_clock(half, position / 1000),
                    "label": label,
                    "position": str(position),
                    "half": str(half),
                    "confidence": str(draw.random()),
                }
            )
        game = f"league/2098-2099/2098-01-01 - 12-00 Home {number} 0 - 0 Away"
        yield (
            game,
            {"labels": {"annotations": annotations}, "predictions": {"predictions": predictions}},
        )


if __name__ == "__main__":
    main()
