"""One process against two on one long video, and that both find the same to the bit.

Prints one JSON line per way to read it, the network alone (``--model NAME``) and the default, which
reads the broadcast as well: wall seconds and seconds of the processor, of this process and its
children, in turns, medians; and whether curves, times, events and warnings are equal. Each process
of two has half of the threads. There is no gain without idle cores: four at least.

    python benchmarks/two_processes.py [VIDEO] [--model demo] [--seconds 330] [--repeats 3]
                                       [--size 398x224] [--only network default]
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from touchline.events import Timeline
from touchline.media.video import probe
from touchline.runtime.processes import available_cores
from touchline.simulator.dataset import simulate, video_name
from touchline.spotting.auto_spotter import AutoSpotter
from touchline.spotting.picture_spotter import Spotter
from touchline.spotting.spotter import load

Size = tuple[int, int]


def make_video(folder: Path, size: Size, seconds: float) -> Path:
    """A simulated video of this length."""
    made = simulate(
        folder, games=1, seed=11, minutes=seconds / 60, halves=1, size=size, modalities=("video",)
    )
    return made.root / made.games[0] / video_name(1, size)


def open_network(model: str, processes: int) -> Spotter:
    """A network of pictures, in so many processes."""
    spotter = load(model, processes=processes)
    if not isinstance(spotter, Spotter):
        raise SystemExit(f"{model} is no network of pictures")
    return spotter


def seconds_of_processor() -> float:
    """Of this process and of those of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def same(one: Timeline, other: Timeline) -> bool:
    """Whether two timelines are equal to the bit, with their curves."""
    a, b = one.scores, other.scores
    assert a is not None
    assert b is not None
    return (
        np.array_equal(a.values, b.values)
        and np.array_equal(a.seconds, b.seconds)
        and (one.events, one.warnings, one.video) == (other.events, other.warnings, other.video)
    )


def measure(ways: Mapping[int, Callable[[], Timeline]], repeats: int) -> dict:
    """Wall and processor seconds of one and of two processes, in turns."""
    walls: dict[int, list[float]] = {1: [], 2: []}
    processor: dict[int, list[float]] = {1: [], 2: []}
    equal = True
    for _ in range(repeats):
        found = {}
        for processes, way in ways.items():
            wall, used = time.perf_counter(), seconds_of_processor()
            found[processes] = way()
            walls[processes].append(time.perf_counter() - wall)
            processor[processes].append(seconds_of_processor() - used)
        equal = equal and same(found[1], found[2])
    medians = {count: statistics.median(values) for count, values in walls.items()}
    used = {count: statistics.median(values) for count, values in processor.items()}
    return {
        "one_seconds": round(medians[1], 1),
        "two_seconds": round(medians[2], 1),
        "gain": round(medians[1] / medians[2], 2),
        "one_processor_seconds": round(used[1], 1),
        "two_processor_seconds": round(used[2], 1),
        "equal": equal,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--seconds", type=float, default=330.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", default="398x224")
    parser.add_argument("--only", nargs="+", default=["network", "default"])
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as scratch:
        video = args.video or make_video(Path(scratch), (width, height), args.seconds)
        info = probe(video)
        facts = {
            "benchmark": "two_processes",
            "model": args.model,
            "picture": "x".join(map(str, info.size)),
            "video_seconds": round(info.duration_seconds, 1),
            "cores": available_cores(),
            "load": round(os.getloadavg()[0], 1),
        }
        one, two = (open_network(args.model, processes) for processes in (1, 2))
        if one.border(info) is None:
            raise SystemExit("the video is too short to be divided")
        with one, two:
            ways = {
                "network": {1: lambda: one.spot(video), 2: lambda: two.spot(video)},
                "default": {
                    1: lambda: AutoSpotter(one).spot(video),
                    2: lambda: AutoSpotter(two).spot(video),
                },
            }
            for name in args.only:
                result = measure(ways[name], args.repeats)
                print(json.dumps({**facts, "read_by": name, **result}), flush=True)


if __name__ == "__main__":
    main()
