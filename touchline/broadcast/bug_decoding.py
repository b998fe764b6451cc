"""From what was read at the places of a score bug to what it said in every second."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.bug_text import same_name
from touchline.broadcast.clock_track import ClockReading, ClockRun, find_runs
from touchline.broadcast.goals import Evidence, find_goals, shoot_out_kicks
from touchline.broadcast.halves import HalfTrack, Leap, find_halves, find_leaps
from touchline.broadcast.result import Half, Reading, ScoreGoal
from touchline.broadcast.score_track import ScoreReading, ScoreTrack, track_score
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds

_STABLE_SHARE = 0.6
_STABLE_SECONDS = 12.0

_NAMES_SECONDS = 12.0
"""Time over which names are read before they are those of another match; a graphic lasts less."""

_NAMED_SHARE = 0.1
"""Names are read in so many of the readings of a bug that has some; else they are of a caption."""

_Names = tuple[str, str]
_TeamReading = tuple[float, _Names, float]
"""When names were read, the names, and what they weigh: a place's weight is how long it is seen."""


@dataclass(frozen=True)
class ScoreBugResult:
    """What the score bug said.

    Attributes:
        teams: home and away as written, or None.
        halves, readings, goals: in order of time; readings once a second.
        remarks: what could not be read, for people.
        box: left, top, right, bottom of where it stands, as shares of the picture.
    """

    teams: tuple[str | None, str | None] | None = None
    halves: tuple[Half, ...] = ()
    readings: tuple[Reading, ...] = ()
    goals: tuple[ScoreGoal, ...] = ()
    remarks: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None


@dataclass(kw_only=True)
class PlaceReadings:
    """What was read at one place of the picture. Times are in seconds of the recording.

    Attributes:
        not_found_at: when the picture was last searched before the place was found; None for never.
        clocks, scores: the readings.
        teams: names with the time at which they were read.
        marks: halves that were named, with the time.
        added: minutes of added time, with the time.
        times: when the place was looked at.
        seen: whether the bug was there, each time.
    """

    not_found_at: float | None = None
    clocks: list[ClockReading] = field(default_factory=list)
    scores: list[ScoreReading] = field(default_factory=list)
    teams: list[tuple[float, _Names]] = field(default_factory=list)
    marks: list[tuple[float, int]] = field(default_factory=list)
    added: list[tuple[float, int]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    seen: list[bool] = field(default_factory=list)


Place = TypeVar("Place", bound=PlaceReadings)


def choose(
    everything: Sequence[Place], duration_seconds: float
) -> tuple[list[Place], list[ClockRun]]:
    """The places whose clock runs; else the one that stands longest with teams and a score.

    Args:
        everything: all places that were followed.
        duration_seconds: of the recording.

    Returns:
        The places, none where nothing behaves as a score bug; and the runs of their clocks.
    """
    timed = []
    for followed in everything:
        runs = find_runs(sorted(followed.clocks, key=lambda reading: reading.time_seconds))
        if runs:
            timed.append((followed, runs))
    if timed:
        longest = max(sum(run.support for run in runs) for _, runs in timed)
        timed = [(f, r) for f, r in timed if sum(run.support for run in r) >= 0.02 * longest]
        chosen = [followed for followed, _ in timed]
        clocks = sorted(
            (reading for followed in chosen for reading in followed.clocks),
            key=lambda reading: reading.time_seconds,
        )
        return chosen, find_runs(clocks)
    standing = [f for f in everything if f.scores and f.teams and _stands(f, duration_seconds)]
    standing.sort(key=lambda f: -sum(f.seen))
    return standing[:1], []


def _stands(followed: PlaceReadings, duration: float) -> bool:
    seen = sum(followed.seen)
    span = followed.times[-1] - followed.times[0] if followed.times else 0.0
    enough = span >= min(_STABLE_SECONDS, 0.8 * duration)
    return bool(enough and seen >= _STABLE_SHARE * len(followed.seen))


def decode(
    chosen: Sequence[PlaceReadings],
    runs: list[ClockRun],
    span: tuple[float, float],
    evidence: Sequence[Evidence],
) -> ScoreBugResult:
    """What the bug said in a span of the recording.

    Args:
        chosen, runs: see `choose`.
        span: the first picture seen, and the end of the recording, in seconds.
        evidence: of the moments of goals.
    """
    marks = sorted(mark for followed in chosen for mark in followed.marks)
    added = sorted(plate for followed in chosen for plate in followed.added)
    halves = find_halves(runs, span[1], marks, [time for time, _ in added])
    scores = sorted(
        (reading for followed in chosen for reading in followed.scores),
        key=lambda reading: reading.time_seconds,
    )
    teams, matches = _teams(
        [
            (time, names, sum(followed.seen) / len(followed.teams))
            for followed in chosen
            if len(followed.teams) >= _NAMED_SHARE * len(followed.scores)
            for time, names in followed.teams
        ]
    )
    remarks = []
    tracks = [
        track_score([r for r in scores if start <= r.time_seconds < end]) for start, end in matches
    ]
    goals: list[ScoreGoal] = []
    for track in tracks:
        goals.extend(find_goals(track, halves, evidence))
    if len(matches) > 1:
        remarks.append(f"{len(matches)} matches follow each other")
    if scores and not any(track.is_sure for track in tracks):
        remarks.append("the score does not behave as one of football: no goals are taken from it")
    if any(shoot_out_kicks(track, halves) for track in tracks):
        remarks.append("the score counts on after the clock has ended: these are no goals")
    if not runs:
        remarks.append("no clock that runs was found")
    if len(matches) <= 1:
        remarks += _missing(find_leaps(halves))
    if not scores:
        remarks.append("no score was found")
    if teams is None:
        remarks.append("no names of teams were found")
    readings = _readings(chosen, halves, tracks, matches, added, span)
    return ScoreBugResult(
        teams,
        tuple(_half(half) for half in halves),
        tuple(readings),
        tuple(goals),
        tuple(remarks),
    )


def _missing(leaps: Sequence[Leap]) -> Iterator[str]:
    """What to say of the stretches of the match that a recording lacks."""
    if not leaps:
        return
    minutes = counted(round(sum(leap.missing_seconds for leap in leaps) / 60), "minute")
    lacks = f"{minutes} of the match or more are not in the recording"
    if len(leaps) > 1:
        yield f"the clock leaps {len(leaps)} times: {lacks}"
        return
    (leap,) = leaps
    last, first, at = map(format_seconds, (leap.from_seconds, leap.to_seconds, leap.at_seconds))
    yield f"the clock leaps from {last} to {first} at {at}: {lacks}"


def _half(half: HalfTrack) -> Half:
    return Half(
        half.half,
        half.start_seconds,
        half.end_seconds,
        half.clock_start_seconds,
        half.has_kick_off,
        half.has_end,
    )


def _teams(
    found: list[_TeamReading],
) -> tuple[tuple[str, str] | None, list[tuple[float, float]]]:
    """The teams seen most, and the spans of the matches: new names for long are a new match."""
    if not found:
        return None, [(-np.inf, np.inf)]
    found = sorted(found)
    groups: list[list[_TeamReading]] = []
    for reading in found:
        if groups and _alike(groups[-1][0], reading):
            groups[-1].append(reading)
        else:
            groups.append([reading])
    lasting = [group for group in groups if _lasts(group)] or [max(groups, key=len)]
    joined = [lasting[0]]
    for group in lasting[1:]:
        if _alike(joined[-1][0], group[0]):
            joined[-1] = joined[-1] + group
        else:
            joined.append(group)
    starts = [-np.inf, *(group[0][0] for group in joined[1:])]
    spans = list(zip(starts, [*starts[1:], np.inf], strict=True))
    most = max(joined, key=len)
    names = []
    for side in (0, 1):
        votes: dict[str, float] = defaultdict(float)
        for _, teams, weight in most:
            votes[teams[side]] += weight
        names.append(max(votes, key=lambda name: votes[name]))
    return (names[0], names[1]), spans


def _lasts(group: Sequence[_TeamReading]) -> bool:
    """Whether names were read for so long that they are no misreading of one look."""
    return len(group) >= 3 and group[-1][0] - group[0][0] >= _NAMES_SECONDS


def _alike(one: _TeamReading, other: _TeamReading) -> bool:
    return any(same_name(one[1][side], other[1][side]) for side in (0, 1))


def _readings(
    chosen: Sequence[PlaceReadings],
    halves: Sequence[HalfTrack],
    tracks: Sequence[ScoreTrack],
    matches: Sequence[tuple[float, float]],
    added: Sequence[tuple[float, int]],
    span: tuple[float, float],
) -> list[Reading]:
    """One reading for every second of a span."""
    times, shown = looks_of(chosen)
    found = []
    first, last = int(np.ceil(span[0] - 1e-6)), int(np.floor(span[1] - 1e-6))
    for second in range(first, last + 1):
        time = float(second)
        visible = bool(len(times)) and bool(shown[np.argmin(np.abs(times - time))])
        half = next((h for h in halves if h.start_seconds <= time <= h.end_seconds), None)
        clock = None if half is None else half.clock(time)
        score, sure = _score_at(time, tracks, matches)
        plate = next((minutes for at, minutes in added if abs(at - time) <= 15), None)
        confidence = 0.0
        if half is not None or visible:
            share = 1.0 if half is None else half.pieces[0].share
            confidence = share * (0.5 + 0.5 * sure) * (1.0 if visible else 0.8)
        found.append(
            Reading(
                time,
                visible,
                None if half is None else half.half,
                clock,
                plate if visible else None,
                score if half is not None or visible else None,
                float(confidence),
            )
        )
    return found


def looks_of(
    chosen: Sequence[PlaceReadings],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """When the bug was looked for, in order of time, and whether any of its places showed it."""
    looks: dict[float, bool] = {}
    for followed in chosen:
        if followed.not_found_at is not None:
            looks.setdefault(followed.not_found_at, False)
        for time, shown in zip(followed.times, followed.seen, strict=True):
            looks[time] = looks.get(time, False) or shown
    times = sorted(looks)
    return np.array(times), np.array([looks[time] for time in times], bool)


def _score_at(
    time: float, tracks: Sequence[ScoreTrack], matches: Sequence[tuple[float, float]]
) -> tuple[tuple[int, int] | None, float]:
    for track, (start, end) in zip(tracks, matches, strict=True):
        if start <= time < end:
            return track.at(time), track.explained
    return None, 0.0
