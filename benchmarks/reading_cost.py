"""What reading a broadcast adds to decoding it, part by part, and the memory that it takes.

Prints one JSON line for each video, in milliseconds of processor time for a second of recording.
The floors are of the same run: every picture decoded and thrown away (`decoding`), and the frames
that a network of two pictures a second takes (`frames_for_a_network`). The pass is that of
`read_recording`, in a new process, whose peak memory is told; those who look and listen are timed
in it, one by one, and what is left is decoding, scaling and thumbnails. One thread each.

    python benchmarks/reading_cost.py VIDEO... [--repeats 3]
    python benchmarks/reading_cost.py --simulated fjord:roll [--minutes 1.5] [--rate 25]
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from broadcast_matches import LARGE
from peak_memory import peak_megabytes

from touchline.broadcast.one_pass import observe
from touchline.broadcast.reading import BroadcastReader
from touchline.broadcast.result import to_json
from touchline.media.audio import read_audio
from touchline.media.video import probe, read_frames
from touchline.media.views import View, read_views
from touchline.simulator.dataset import WHOLE, simulate, video_name
from touchline.simulator.presentation import Presentation

NETWORK = View((224, 224), Fraction(2))
"""Frames as networks of two pictures a second take them."""

Costs = dict[str, float]


class Meter:
    """Processor seconds by part. What a part calls in another part counts there only."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._open: list[str] = []
        self._since = time.process_time()

    def wrap(self, owner: object, method: str, part: str) -> None:
        """Count what a method of an object takes from now on."""
        inner: Callable[..., Any] = getattr(owner, method)

        def counted(*args: Any, **named: Any) -> Any:
            with self.part(part):
                return inner(*args, **named)

        counted.__dict__.update(getattr(inner, "__dict__", {}))
        counted.__dict__["name"] = getattr(inner, "name", None)
        setattr(owner, method, counted)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done inside."""
        self._turn()
        self.calls[name] += 1
        self._open.append(name)
        yield
        self._turn()
        self._open.pop()

    def _turn(self) -> None:
        now = time.process_time()
        self.seconds[self._open[-1] if self._open else "rest"] += now - self._since
        self._since = now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--simulated", help="design and wipe of a match to render and read")
    parser.add_argument("--minutes", type=float, default=1.5, help="length of its halves")
    parser.add_argument("--rate", type=Fraction, default=Fraction(25))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    for video in args.videos:
        print(json.dumps(measure(video, args.repeats)), flush=True)
    if args.simulated:
        with tempfile.TemporaryDirectory() as folder:
            video = simulated(Path(folder), args)
            print(json.dumps(measure(video, args.repeats)), flush=True)


def simulated(folder: Path, args: argparse.Namespace) -> Path:
    """A match with all that is shown round it."""
    design, wipe = args.simulated.split(":")
    made = simulate(
        folder / "match",
        games=1,
        seed=args.seed,
        minutes=args.minutes,
        size=LARGE,
        rate=args.rate,
        modalities=("video", "audio", "broadcast"),
        presentation=Presentation("broadcast", design, wipe),
        recording="match",
    )
    return made.root / made.games[0] / video_name(WHOLE, LARGE)


def measure(video: Path, repeats: int) -> dict[str, Any]:
    """The row of one video: medians of several rounds, each of which measures everything."""
    rounds = [{**floors(video), **apart(video)} for _ in range(repeats)]
    numbers = {
        name: round(statistics.median(one[name] for one in rounds), 1)
        for name, value in rounds[-1].items()
        if isinstance(value, float)
    }
    added = numbers["pass"] - numbers["decoding"]
    others = {name: value for name, value in rounds[-1].items() if name not in numbers}
    return {
        "benchmark": "reading_cost",
        "video": video.name,
        "milliseconds_per_second": numbers,
        "added_to_decoding": round(added / numbers["decoding"], 2),
        "added_to_frames_for_a_network": round(
            numbers["pass"] / numbers["frames_for_a_network"] - 1, 2
        ),
        **others,
    }


def floors(video: Path) -> Costs:
    """What decoding takes by itself."""
    length = probe(video).duration_seconds
    tiny = View((2, 2), Fraction(1))

    def pictures(view: View) -> None:
        with read_views(video, [view], threads=1) as frames:
            for _ in frames:
                pass

    def for_a_network() -> None:
        with read_frames(video, rate=NETWORK.rate, size=NETWORK.size, threads=1) as frames:
            for _ in frames:
                pass

    def sound() -> None:
        if probe(video).has_audio:
            for _ in read_audio(video, 16_000):
                pass

    return {
        "decoding": taken(lambda: pictures(tiny), length),
        "frames_for_a_network": taken(for_a_network, length),
        "decoding_sound": taken(sound, length),
    }


def taken(work: Callable[[], object], length_seconds: float) -> float:
    """Processor milliseconds of some work, for a second of recording."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began) / length_seconds


def apart(video: Path) -> dict[str, Any]:
    """The pass in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(read, (video,))


def read(video: Path) -> dict[str, Any]:
    """Read a recording in this process, and time the parts of the pass."""
    loading = time.process_time()
    reader = BroadcastReader(probe(video), threads=1)
    loading = time.process_time() - loading
    before_mb = peak_megabytes()
    meter = Meter()
    began = time.process_time()
    for name, one in reader._looking.items():
        meter.wrap(one, "see", name if name != "bug" else "bug_following")
    bug = reader._bug
    if bug is not None:
        meter.wrap(bug, "_search", "bug_search")
        meter.wrap(bug, "_follow", "bug_close_reading")
        meter.wrap(bug, "_read_clock", "bug_clock")
        meter.wrap(bug, "_read_rows", "bug_rows")
        meter.wrap(bug, "_read_all", "bug_score")
        meter.wrap(bug, "end", "bug_end")
    for one in reader.sounds:
        meter.wrap(one, "hear", "sound")
        meter.wrap(one, "_detector", "speech")
    report = observe(video, reader.pictures, reader.sounds, threads=1)
    pass_mb = peak_megabytes()
    with meter.part("finish"):
        said = reader.finish(report)
    whole = time.process_time() - began
    costs = {name: 1000 * spent / report.seconds for name, spent in meter.seconds.items()}
    document = to_json(said)
    return {
        **costs,
        "pass": 1000 * whole / report.seconds,
        "recording_seconds": round(report.seconds),
        "loading_seconds": round(loading, 2),
        "searches": meter.calls["bug_search"],
        "places_read": meter.calls["bug_close_reading"],
        "clocks_read": meter.calls["bug_clock"],
        "scores_read": meter.calls["bug_score"],
        "peak_megabytes": round(peak_megabytes()),
        "peak_megabytes_before": round(before_mb),
        "peak_megabytes_of_pass": round(pass_mb),
        "teams": document.get("teams"),
        "goals": [goal["score"] for goal in document.get("goals", [])],
    }


if __name__ == "__main__":
    main()
