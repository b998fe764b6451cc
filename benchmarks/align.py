"""How near to the truth a provider's events come, put on a recording by the clock in its picture.

Reads folders that ``touchline simulate --recording match`` wrote, with video, audio, labels and
broadcast. Each recording is read once (``.broadcast.json`` is kept beside it); the feed is made of
the true events: their match clock cut to whole seconds, a fifth of them missing. Prints one JSON
line for each kind of feed, with the floor: the same feed by the true kick-offs.

    python benchmarks/align.py FOLDER... [--missing 0.2] [--late 25]
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from touchline.broadcast.alignment import align
from touchline.broadcast.feed import Feed, FeedEvent
from touchline.broadcast.match_clock import kicked_off
from touchline.broadcast.reading import read_recording
from touchline.broadcast.result import Broadcast, read_broadcast, write_broadcast
from touchline.events import Event, Timeline
from touchline.formats import read
from touchline.timebase import HALF_CLOCKS

MARK = "truth"


@dataclass(frozen=True)
class Recording:
    """A simulated recording, what was read of it, and what is true.

    Attributes:
        said: as read from the video.
        true: of which only the kick-offs are used.
        design: of its score bug.
        events: all that happened, in its time.
        read_seconds: processor seconds that reading took; None where it was read before.
    """

    said: Broadcast
    true: Broadcast
    design: str
    events: Timeline
    read_seconds: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--missing", type=float, default=0.2)
    parser.add_argument("--late", type=float, default=25.0, help="Seconds of the late clock.")
    args = parser.parse_args()
    found = [one for folder in args.folders for one in recordings(folder)]
    for name, step, late in (
        ("seconds", 1.0, 0.0),
        ("milliseconds", 0.001, 0.0),
        ("minutes", 60.0, 0.0),
        ("late", 1.0, args.late),
    ):
        print(json.dumps(measured(name, found, step, late, args.missing)), flush=True)


def recordings(folder: Path) -> Iterator[Recording]:
    for truth in sorted(folder.rglob("match_broadcast.json")):
        video = next(truth.parent.glob("match_*.mkv"))
        beside = video.with_name(f"{video.stem}.broadcast.json")
        seconds = None
        if not beside.exists():
            began = time.process_time()
            write_broadcast(read_recording(video, threads=1), beside)
            seconds = time.process_time() - began
        document = json.loads(truth.read_text())
        kick_offs = {half["half"]: half["start"] for half in document["halves"]}
        true = kicked_off(kick_offs, video.name, document["video"]["duration"])
        events = read(truth.with_name("match.events.json"))
        assert isinstance(events, Timeline)
        yield Recording(read_broadcast(beside), true, document["bug"]["design"], events, seconds)


def feed_of(recording: Recording, step: float, late: float, missing: float, seed: int) -> Feed:
    """The events with their match clock, some of them missing; each carries its true time."""
    keep = np.random.default_rng(seed)
    found = []
    for event in recording.events:
        half = max(
            (h for h in recording.true.halves or () if h.start_seconds <= event.seconds + 1),
            key=lambda h: h.half,
            default=None,
        )
        if half is None or keep.random() < missing:
            continue
        clock = HALF_CLOCKS[half.half][0] + event.seconds - half.start_seconds - late
        if clock < HALF_CLOCKS[half.half][0]:
            continue
        noted = Event(0.0, event.label, team=event.team, extra={MARK: event.seconds})
        found.append(FeedEvent(noted, half.half, float(np.floor(clock / step + 1e-6) * step)))
    ordered = sorted(found, key=lambda one: (one.half, one.clock_seconds))
    return Feed(tuple(ordered), step if step >= 1 else 0.0)


def errors(recording: Recording, said: Broadcast, feed: Feed) -> tuple[list[float], int]:
    """How far each event is from the truth, in seconds; and how many were left out."""
    done = align(feed, said)
    far = [abs(event.seconds - float(event.extra[MARK])) for event in done.timeline]
    return far, sum(done.report.left_out.values())


def measured(
    name: str, found: Sequence[Recording], step: float, late: float, missing: float
) -> dict[str, object]:
    far: list[float] = []
    floor: list[float] = []
    goals: list[float] = []
    left_out = 0
    designs = {}
    for seed, one in enumerate(found):
        feed = feed_of(one, step, late, missing, seed)
        mine, lost = errors(one, one.said, feed)
        far += mine
        left_out += lost
        designs[one.design] = round(float(np.median(mine)), 3)
        floor += errors(one, one.true, feed)[0]
        goals += [
            abs(event.seconds - float(event.extra[MARK]))
            for event in align(feed, one.said).timeline
            if event.label == "Goal"
        ]
    seconds = [one.read_seconds for one in found if one.read_seconds is not None]
    return {
        "benchmark": "align",
        "feed": name,
        "matches": len(found),
        "events": len(far),
        "left_out": left_out,
        "median_seconds": round(float(np.median(far)), 3),
        "p90_seconds": round(float(np.quantile(far, 0.9)), 3),
        "goals": len(goals),
        "goals_median_seconds": round(float(np.median(goals)), 3) if goals else None,
        "floor_median_seconds": round(float(np.median(floor)), 3),
        "ratio": round(float(np.median(far) / max(1e-3, np.median(floor))), 2),
        "by_design": designs,
        "read_processor_seconds": round(sum(seconds), 1) if seconds else None,
    }


if __name__ == "__main__":
    main()
