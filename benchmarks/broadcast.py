"""Score bugs of real broadcasts, and what reading one adds to decoding.

Prints one JSON line per part. `stills` and `clips` measure against a folder of pictures with their
truth in `truth.json`; `cost` compares processor seconds of decoding a simulated 720p match at the
observer's rate with those of decoding and reading it, in one run, each the median of several
rounds. Loading the networks, which happens once, is told apart (`start_seconds`).

    python benchmarks/broadcast.py FOLDER [--parts stills clips cost] [--minutes 4] [--repeats 3]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from peak_memory import peak_megabytes

from touchline.broadcast.bug_decoding import ScoreBugResult
from touchline.broadcast.ocr import TextReader
from touchline.broadcast.result import Reading
from touchline.broadcast.score_bug import RATE, ScoreBugObserver
from touchline.broadcast.still_bug import read_still
from touchline.broadcast.stills import read_picture
from touchline.media.video import read_frames
from touchline.simulator.dataset import simulate, video_name

T = TypeVar("T")


def clock_seconds(text: str) -> float:
    """``66 MIN`` and ``29:04`` in seconds."""
    if text.endswith("MIN"):
        return 60.0 * int(text.split()[0])
    minutes, seconds = text.split(":")
    return 60.0 * int(minutes) + int(seconds)


def measure_stills(folder: Path, truth: dict[str, Any], reader: TextReader) -> dict[str, Any]:
    """Shares of stills in which a person can read a field and the reader has it right."""
    hits: dict[str, list[bool]] = defaultdict(list)
    wrong: list[str] = []
    spent = []
    for still in truth["stills"]:
        picture = read_picture(folder / still["file"])
        before = time.process_time()
        bug = read_still(picture, reader)
        spent.append(time.process_time() - before)
        if still["bug"] is False:
            hits["no_bug"].append(bug is None)
        else:
            group = "game_" if still["bug"] == "game" else ""
            said = {
                "teams": None if bug is None else [bug.home, bug.away],
                "score": None if bug is None or bug.score is None else list(bug.score),
                "clock": None if bug is None else bug.match_seconds,
            }
            known = {
                "teams": None if still["home"] is None else [still["home"], still["away"]],
                "score": still["score"],
                "clock": None if still["clock"] is None else clock_seconds(still["clock"]),
            }
            for name, value in known.items():
                if value is not None:
                    hits[group + name].append(said[name] == value)
                    if said[name] != value:
                        wrong.append(f"{still['file']}: {name} {said[name]}, not {value}")
    counts = {name: [sum(found), len(found)] for name, found in hits.items()}
    return {
        "part": "stills",
        "right_of": counts,
        "wrong": wrong,
        "processor_seconds_per_still": round(statistics.median(spent), 2),
    }


def read_clip(path: Path, reader: TextReader) -> tuple[ScoreBugResult, float]:
    """What the bug of a video says, and the length of its picture."""
    observer = ScoreBugObserver(reader)
    with read_frames(path, rate=RATE) as frames:
        for frame in frames:
            observer.see(frame.seconds, frame.pixels)
        seconds = frames.end_seconds
    return observer.finish(duration_seconds=seconds), seconds


def clock_at(readings: tuple[Reading, ...], time_seconds: float) -> float | None:
    """The decoded clock between, or a little beyond, the readings of whole seconds."""
    known = [r for r in readings if r.clock_seconds is not None]
    if len(known) < 2:
        return None
    pairs = [(r.seconds, float(r.clock_seconds or 0)) for r in known]
    place = min(max(1, sum(t <= time_seconds for t, _ in pairs)), len(pairs) - 1)
    (start, low), (end, high) = pairs[place - 1 : place + 1]
    return low + (high - low) / (end - start) * (time_seconds - start)


def measure_clips(folder: Path, truth: dict[str, Any], reader: TextReader) -> dict[str, Any]:
    """Score, teams and clock of clips, found without being told where."""
    rows = []
    for clip in truth["clips"]:
        said, _ = read_clip(folder / clip["file"], reader)
        row: dict[str, Any] = {"file": clip["file"], "goals": len(said.goals)}
        if clip["bug"] is None:
            row["no_bug"] = said.remarks == ("no score bug was found",)
        else:
            known = clip["bug"]
            scores = {r.score for r in said.readings if r.score is not None}
            row["score"] = scores == {tuple(known["score"])}
            row["teams"] = said.teams == (known["home"], known["away"])
            errors = []
            for at, text in known["clock_at"]:
                clock = clock_at(said.readings, at)
                if clock is not None:
                    # a shown second holds for a second, so the middle of it is meant
                    errors.append(abs(clock - clock_seconds(text) - 0.5))
            all_read = len(errors) == len(known["clock_at"])
            row["largest_clock_error"] = round(max(errors), 2) if all_read else None
        rows.append(row)
    return {"part": "clips", "clips": rows}


def processor_seconds(work: Callable[[], T]) -> tuple[T, float]:
    """The result of some work, and the processor seconds of this process meanwhile."""
    before = time.process_time()
    result = work()
    return result, time.process_time() - before


def measure_cost(minutes: float, repeats: int) -> dict[str, Any]:
    """Processor seconds of decoding, and of decoding and reading, for a second of video."""
    with tempfile.TemporaryDirectory() as folder:
        made = simulate(
            Path(folder) / "match",
            games=1,
            seed=5,
            minutes=minutes,
            halves=1,
            size=(1280, 720),
            modalities=("video",),
        )
        video = made.root / made.games[0] / video_name(1, (1280, 720))

        def decode() -> float:
            with read_frames(video, rate=RATE, threads=1) as frames:
                for _ in frames:
                    pass
                return frames.end_seconds

        seconds = decode()
        decoding, reading, start = [], [], []
        for _ in range(repeats):
            decoding.append(processor_seconds(decode)[1])
            reader, loading = processor_seconds(load_reader)
            start.append(loading)
            said, spent = processor_seconds(partial(read_with, video, reader))
            reading.append(spent)
    alone, both = statistics.median(decoding), statistics.median(reading)
    return {
        "part": "cost",
        "video_seconds": round(seconds, 1),
        "decoding": round(alone, 2),
        "decoding_and_reading": round(both, 2),
        "ratio": round(both / alone, 3),
        "start_seconds": round(statistics.median(start), 2),
        "goals": [list(goal.score) for goal in said.goals],
        "peak_memory_mb": round(peak_megabytes()),
    }


def load_reader() -> TextReader:
    """A reader on one thread that has read a grey picture, so that its networks are loaded."""
    reader = TextReader(1)
    read_still(np.full((360, 640, 3), 90, np.uint8), reader)
    return reader


def read_with(video: Path, reader: TextReader) -> ScoreBugResult:
    """Decode and read, on one thread."""
    observer = ScoreBugObserver(reader)
    with read_frames(video, rate=RATE, threads=1) as frames:
        for frame in frames:
            observer.see(frame.seconds, frame.pixels)
        return observer.finish(duration_seconds=frames.end_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parts", nargs="+", default=["stills", "clips", "cost"])
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    truth = json.loads((options.folder / "truth.json").read_text())
    reader = TextReader(1)
    if "stills" in options.parts:
        print(json.dumps(measure_stills(options.folder, truth, reader)), flush=True)
    if "clips" in options.parts:
        print(json.dumps(measure_clips(options.folder, truth, reader)), flush=True)
    if "cost" in options.parts:
        print(json.dumps(measure_cost(options.minutes, options.repeats)), flush=True)


if __name__ == "__main__":
    main()
