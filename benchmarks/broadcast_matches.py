"""Whole simulated matches, studio and half-time with them, read by nothing but what is on air.

Renders one match for each design of score bug (those never used for tuning by default) with a wipe
of the same set, reads it in a process of its own, and compares with the exact truth. Prints one
JSON line for each design and one for all; each video is deleted once it was read.

    python benchmarks/broadcast_matches.py [--minutes 45] [--designs held-out] [--count 8]

Drawing 720p costs some 60 ms a picture, so a match at 25 pictures a second takes hours. By default
it is rendered twice, and the same reader sees both: large at two pictures a second, which is what
the score bug is read from, and small at 25 with the sound, which is what cuts, wipes, replays and
shots are read from anyway. `--whole` renders one file at 25 and reads that with `read_recording`.
`--bug-and-sound` leaves the small one out: half the cost, and nothing of cuts and replays, which
then tell nothing of the moment of a goal either.

Replays count with a wipe at both ends, and cuts within 0.3 s. Goals that the bug never shows are
left out of the truth. The clock counts in the seconds in which the whole bug is in the picture.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from broadcast_signals import Count, changes, paired, ratio
from peak_memory import peak_megabytes

from touchline.broadcast.one_pass import observe
from touchline.broadcast.reading import BroadcastReader, read_recording
from touchline.broadcast.result import to_json
from touchline.broadcast.score_bug import RATE
from touchline.media.video import probe
from touchline.simulator import bug_designs, wipes
from touchline.simulator.dataset import WHOLE, Settings, simulate, video_name
from touchline.simulator.presentation import Presentation
from touchline.simulator.script import HalfScript

LARGE = (1280, 720)
SMALL = (128, 72)
FULL_RATE = Fraction(25)

SEEN_SECONDS = 45.0
"""How far apart a goal found and one of the truth may have been shown and be the same."""

Document = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=45.0, help="length of a half")
    parser.add_argument("--designs", default="held-out", help="held-out, tuning, or names")
    parser.add_argument("--count", type=int, default=8, help="how many of them")
    parser.add_argument("--seed", type=int, default=7700)
    parser.add_argument("--whole", action="store_true", help="one file at full rate")
    parser.add_argument("--bug-and-sound", action="store_true", help="no cuts and replays")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--goals", type=int, default=0, help="take matches of at least so many")
    parser.add_argument("--large-rate", type=Fraction, default=Fraction(RATE))
    parser.add_argument("--folder", type=Path, help="keep videos and what was read here")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    peak = 0
    for number, (design, wipe) in enumerate(chosen(args.designs, args.count)):
        seed = seed_of(args.seed + 1000 * number, args.minutes, args.goals)
        row, found = measure(args, seed, design, wipe)
        counts.update(found)
        peak = max(peak, row["peak_megabytes"])
        print(json.dumps(row), flush=True)
    summary = {"design": "all", "minutes": args.minutes, **shown(counts), "peak_megabytes": peak}
    print(json.dumps(summary), flush=True)


def chosen(designs: str, count: int) -> list[tuple[str, str]]:
    """Designs of score bug, each with a wipe of the same set."""
    sets = {
        "tuning": (bug_designs.TUNING, wipes.TUNING),
        "held-out": (bug_designs.HELD_OUT, wipes.HELD_OUT),
    }
    named = designs.split(",")
    bugs = [design.name for design in sets[designs][0]] if designs in sets else named
    tuning = {design.name for design in bug_designs.TUNING}
    pairs = []
    for number, bug in enumerate(bugs[:count]):
        own = wipes.TUNING if bug in tuning else wipes.HELD_OUT
        pairs.append((bug, own[number % len(own)].name))
    return pairs


def seed_of(seed: int, minutes: float, goals: int) -> int:
    """The first seed from one on whose match has so many goals; short ones mostly have none."""
    while sum(map(goals_in, Settings(seed, minutes).script(0).halves)) < goals:
        seed += 1
    return seed


def goals_in(half: HalfScript) -> int:
    """How many goals fall in a half."""
    return sum(event.label == "Goal" for event in half.events)


@dataclass(frozen=True)
class Recording:
    """A match on disk: one file, or the same match large and small.

    Attributes:
        large: of which the bug is read.
        small: of which everything else is read; ``large`` where it is None.
        has_motion: whether cuts and replays can be read.
    """

    large: Path
    small: Path | None
    truth: Document
    has_motion: bool = True


def measure(
    args: argparse.Namespace, seed: int, design: str, wipe: str
) -> tuple[dict[str, Any], Counter[str]]:
    """The row of one design, and its counts."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if args.folder is None else args.folder / design
        folder.mkdir(parents=True, exist_ok=True)
        spent, recording = with_children(lambda: render(args, folder, seed, design, wipe))
        read, peak, said = read_apart(recording, args.large_rate)
        (folder / "said.broadcast.json").write_text(json.dumps(said))
    found = compare(said, recording.truth)
    row = {
        "design": design,
        "wipe": wipe,
        "minutes": round(recording.truth["video"]["duration"] / 60, 1),
        **shown(found),
        "remarks": said.get("remarks", []),
        "processor_seconds_rendering": round(spent),
        "processor_seconds_reading": round(read, 1),
        "peak_megabytes": peak,
    }
    return row, found


def render(args: argparse.Namespace, folder: Path, seed: int, design: str, wipe: str) -> Recording:
    """Render a match."""

    def one(name: str, size: tuple[int, int], rate: Fraction, *modalities: str) -> Path:
        made = simulate(
            folder / name,
            games=1,
            seed=seed,
            minutes=args.minutes,
            size=size,
            rate=rate,
            modalities=("video", *modalities),
            presentation=Presentation("broadcast", design, wipe),
            recording="match",
            jobs=args.jobs,
        )
        return made.root / made.games[0] / video_name(WHOLE, size)

    small = None
    if args.whole or args.bug_and_sound:
        rate = FULL_RATE if args.whole else args.large_rate
        large = one("large", LARGE, rate, "audio", "broadcast")
    else:
        small = one("small", SMALL, FULL_RATE, "audio", "broadcast")
        large = one("large", LARGE, args.large_rate)
    truth = (small or large).parent / "match_broadcast.json"
    return Recording(large, small, json.loads(truth.read_text("utf-8")), not args.bug_and_sound)


def read_apart(recording: Recording, rate: Fraction) -> tuple[float, int, Document]:
    """Processor seconds and peak megabytes of reading in a new process, and what was read."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(read, (recording, rate))


def read(recording: Recording, rate: Fraction) -> tuple[float, int, Document]:
    """Read a match in this process."""
    began = time.process_time()
    large, small = recording.large, recording.small
    if small is None and recording.has_motion:
        said = read_recording(large, threads=1)
    else:
        reader = BroadcastReader(probe(large), threads=1)
        bug = [(replace(v, rate=rate), one) for v, one in reader.pictures if v.rate is not None]
        others = [pair for pair in reader.pictures if pair[0].rate is None and small is not None]
        observe(large, bug, threads=1)
        said = reader.finish(observe(small or large, others, reader.sounds, threads=1))
    return time.process_time() - began, round(peak_megabytes()), to_json(said)


def with_children(work: Callable[[], Recording]) -> tuple[float, Recording]:
    """Processor seconds of this process and its children, and what came of the work."""

    def spent() -> float:
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        used = [resource.getrusage(kind) for kind in kinds]
        return sum(one.ru_utime + one.ru_stime for one in used)

    began = spent()
    result = work()
    return spent() - began, result


def compare(said: Document, truth: Document) -> Counter[str]:
    """Counts of what is right, of what was found, and of what is there."""
    counts: Counter[str] = Counter(matches=1)
    compare_goals(counts, said.get("goals", []), truth["goals"])
    if truth["bug"]["shows_clock"]:
        compare_halves(counts, said.get("halves", []), truth["halves"])
        compare_clock(counts, said.get("readings", []), truth["readings"])
    counts["teams"] += 1
    counts["teams_right"] += said.get("teams") == truth["teams"]
    middles = [(w["start"] + w["end"]) / 2 for w in truth["wipes"]]
    spans = [(r["start"], r["end"]) for r in truth["replays"]]
    own = [s for s in spans if all(any(abs(t - m) < 0.5 for m in middles) for t in s)]
    got = [(r["start"], r["end"]) for r in said["replays"]]
    counts["replays"] += len(own)
    counts["replays_found"] += len(got)
    counts["replays_right"] += len(paired(got, own))
    cuts = Count()
    cuts.add(said["cuts"], changes(truth))
    counts["cuts"] += cuts.true
    counts["cuts_found"] += cuts.found
    counts["cuts_right"] += cuts.right
    return counts


def compare_goals(
    counts: Counter[str], said: Sequence[Document], truth: Sequence[Document]
) -> None:
    """Pair goals by when they were shown, those that agree in team and score first."""
    free = list(said)
    for goal in truth:
        if goal["seen_at"] is None:
            continue
        counts["goals"] += 1
        near = [one for one in free if abs(one["seen_at"] - goal["seen_at"]) <= SEEN_SECONDS]
        if not near:
            continue
        own = min(
            near,
            key=lambda one: (
                one["team"] != goal["team"],
                one["score"] != goal["score"],
                abs(one["seen_at"] - goal["seen_at"]),
            ),
        )
        free.remove(own)
        counts["goals_found"] += 1
        counts["team_right"] += own["team"] == goal["team"]
        counts["score_right"] += own["score"] == goal["score"]
        counts["taken_back_right"] += ("taken_back_at" in own) == goal["taken_back"]
        counts["within_5_s"] += abs(own["time"] - goal["time"]) <= 5
    counts["goals_invented"] += len(free)


def compare_halves(
    counts: Counter[str], said: Sequence[Document], truth: Sequence[Document]
) -> None:
    """Starts and ends of the halves within two seconds."""
    for half in truth:
        own = next((one for one in said if one["half"] == half["half"]), None)
        for side in ("start", "end"):
            counts["half_limits"] += 1
            counts["half_limits_right"] += own is not None and abs(own[side] - half[side]) <= 2
    counts["halves_invented"] += max(0, len(said) - len(truth))


def compare_clock(
    counts: Counter[str], said: Sequence[Document], truth: Sequence[Document]
) -> None:
    """The clock within a second, in the seconds in which it is shown."""
    read = {round(one["time"]): one["clock"] for one in said}
    for one in truth:
        if one["visible"]:
            clock = read.get(round(one["time"]))
            counts["clock"] += 1
            counts["clock_right"] += clock is not None and abs(clock - one["clock"]) <= 1


def shown(counts: Counter[str]) -> dict[str, Any]:
    """Counts as they are printed."""

    def of(right: str, whole: str) -> str:
        return f"{counts[right]} of {counts[whole]}"

    return {
        "goals_found": of("goals_found", "goals"),
        "goals_invented": counts["goals_invented"],
        "team_right": of("team_right", "goals_found"),
        "score_right": of("score_right", "goals_found"),
        "taken_back_right": of("taken_back_right", "goals_found"),
        "within_5_s": of("within_5_s", "goals_found"),
        "half_limits_within_2_s": of("half_limits_right", "half_limits"),
        "halves_invented": counts["halves_invented"],
        "clock_within_1_s": ratio(counts["clock_right"], counts["clock"]),
        "teams_right": of("teams_right", "teams"),
        "replays": counts["replays"],
        "replay_precision": ratio(counts["replays_right"], counts["replays_found"]),
        "replay_recall": ratio(counts["replays_right"], counts["replays"]),
        "cuts": counts["cuts"],
        "cut_precision": ratio(counts["cuts_right"], counts["cuts_found"]),
        "cut_recall": ratio(counts["cuts_right"], counts["cuts"]),
    }


if __name__ == "__main__":
    main()
