"""A provider's events put on the time of a recording, by the clock that is in its picture.

Half by half: the feed's clock, shifted where it is off, is found on the clock of the broadcast.
Goals are checked against the changes of the score; goals and shots are moved to what sound and
picture say of them, never further than the feed's own clock leaves open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from touchline.broadcast.alignment_report import AlignmentReport, GoalPair, HalfReport
from touchline.broadcast.feed import Feed, FeedEvent, sides_of
from touchline.broadcast.feed_shift import Shift, measure_shift
from touchline.broadcast.goal_evidence import (
    REPLAY_LAG_SECONDS,
    REPLAY_SPREAD_SECONDS,
)
from touchline.broadcast.goals import Evidence
from touchline.broadcast.match_clock import HalfClock, half_clocks
from touchline.broadcast.result import Broadcast, ScoreGoal
from touchline.broadcast.score_check import PlacedGoal, disagreement, pair_goals
from touchline.broadcast.stamps import stamped
from touchline.errors import InputError
from touchline.events import Event, Timeline, Video
from touchline.formats.base import resolve_label_set
from touchline.formats.clock_columns import SHOOT_OUT, is_minute
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds

CLOCK_UNCERTAINTY_SECONDS = 0.5
"""Of the clock in the picture, and of where a provider's clock starts, to either side."""

_NUDGED = frozenset({"goal", "own goal", "penalty"})
_GRID_SECONDS = 0.1
_LEAST_EVIDENCE = 1.5


@dataclass(frozen=True)
class Alignment:
    """A feed on the time of a recording.

    Attributes:
        timeline: the events that were placed.
        report: how.
    """

    timeline: Timeline
    report: AlignmentReport


@dataclass(frozen=True)
class _Placed:
    """An event of a feed with the stretch of the recording in which it happened."""

    feed: FeedEvent
    clock_seconds: float
    earliest_seconds: float
    latest_seconds: float
    seconds: float


def align(
    feed: Feed,
    broadcast: Broadcast,
    *,
    frame_rate: Fraction | None = None,
    check_score: bool = True,
) -> Alignment:
    """Put a feed on the time of a recording.

    Args:
        feed: of the same match.
        broadcast: what the recording says; its halves are needed, all else helps.
        frame_rate: of the recording, for the timeline.
        check_score: use the score: refuse a feed whose goals it contradicts.

    Raises:
        InputError: the recording has no halves, none of the feed's events lies in it, or the
            score says that it is another match.
    """
    clocks = _clocks(broadcast)
    goals = _shown_goals(feed, clocks, broadcast) if check_score else None
    shifts = {clock.half: _shift(feed, clock, goals or (), broadcast) for clock in clocks}
    placed, left_out = _place(feed, clocks, shifts)
    if not placed:
        raise InputError(
            f"none of the feed's {counted(len(feed.events), 'event')} lies in the recording",
            where=broadcast.video_name, remedy=_apart(feed, clocks),
        )  # fmt: skip
    pairs = _pairs(placed, goals or (), sides_of(feed, broadcast.teams))
    warnings = [*feed.warnings, *_remarks(feed, shifts)]
    if goals is not None:
        mine = sum(one.feed.is_goal for one in placed)
        warnings += disagreement(mine, len(goals), len(pairs), broadcast.video_name)
    placed = [_moved(one, pairs.get(one.feed), broadcast) for one in placed]
    halves = tuple(_half_report(clock, shifts[clock.half], feed, placed) for clock in clocks)
    report = AlignmentReport(feed.step_seconds, halves, left_out, warnings=tuple(warnings))
    report = _with_goals(report, placed, goals, pairs)
    timeline = _timeline(placed, report, pairs, broadcast, frame_rate)
    if goals is not None:
        timeline = stamped(timeline, _at_feed_times(broadcast, placed, pairs))
    return Alignment(timeline, report)


def _clocks(broadcast: Broadcast) -> tuple[HalfClock, ...]:
    if clocks := half_clocks(broadcast):
        return clocks
    raise InputError(
        "no match clock was found in the picture", where=broadcast.video_name,
        remedy="give the kick-offs: --kick-off 5:12 --second-half 1:02:30",
    )  # fmt: skip


def _timeline(
    placed: Sequence[_Placed],
    report: AlignmentReport,
    pairs: Mapping[FeedEvent, ScoreGoal],
    broadcast: Broadcast,
    frame_rate: Fraction | None,
) -> Timeline:
    spread = {half.half: half.uncertainty_seconds for half in report.halves}
    events = []
    for one in placed:
        span = one.latest_seconds - one.earliest_seconds
        uncertainty = spread[one.feed.half] - max(0.0, report.step_seconds - span) / 2
        if one.feed in pairs and _nudge(one):
            uncertainty = min(uncertainty, pairs[one.feed].uncertainty_seconds)
        events.append(_event(one, report.step_seconds, uncertainty))
    return Timeline(
        Video(broadcast.video_name, broadcast.duration_seconds, frame_rate),
        tuple(events),
        labels=resolve_label_set(event.label for event in events),
        warnings=report.warnings,
        replays=tuple((one.start_seconds, one.end_seconds) for one in broadcast.replays or ()),
    )


def _at_feed_times(
    broadcast: Broadcast, placed: Sequence[_Placed], pairs: Mapping[FeedEvent, ScoreGoal]
) -> Broadcast:
    """A broadcast whose goals fell when the feed says so: the score before them is that then."""
    times = {pairs[one.feed].score: round(one.seconds, 3) for one in placed if one.feed in pairs}
    goals = (
        one
        if one.taken_back_at_seconds is not None
        else replace(one, seconds=times.get(one.score, one.seconds))
        for one in broadcast.goals or ()
    )
    return replace(broadcast, goals=tuple(sorted(goals, key=lambda one: one.seconds)))


def _with_goals(
    report: AlignmentReport,
    placed: Sequence[_Placed],
    goals: Sequence[ScoreGoal] | None,
    pairs: Mapping[FeedEvent, ScoreGoal],
) -> AlignmentReport:
    """The report with the goals that agree and those that do not, and what was moved."""
    moved = tuple(nudge for one in placed if abs(nudge := _nudge(one)) >= _GRID_SECONDS / 2)
    report = replace(report, nudges_seconds=moved)
    if goals is None:
        return report
    mine = [one for one in placed if one.feed.is_goal]
    return replace(
        report,
        goals=_agreeing(placed, pairs),
        only_in_feed=tuple(one.seconds for one in mine if one.feed not in pairs),
        only_in_recording=tuple(one.seconds for one in goals if one not in pairs.values()),
    )


def _shown_goals(
    feed: Feed, clocks: Sequence[HalfClock], broadcast: Broadcast
) -> tuple[ScoreGoal, ...] | None:
    """The goals by the score that stand, in the halves that the feed has; None: it is not known."""
    if broadcast.goals is None:
        return None
    noted = {one.half for one in feed.events}
    spans = [
        (clock.earliest_seconds, clock.latest_seconds) for clock in clocks if clock.half in noted
    ]
    return tuple(
        goal
        for goal in broadcast.goals
        if goal.taken_back_at_seconds is None
        and any(start <= goal.seconds <= end for start, end in spans)
    )


def _shift(feed: Feed, clock: HalfClock, goals: Sequence[ScoreGoal], broadcast: Broadcast) -> Shift:
    if feed.step_seconds > 1:
        return Shift()
    mine = [
        goal for goal in goals
        if clock.earliest_seconds <= goal.seconds <= clock.latest_seconds
    ]  # fmt: skip
    return measure_shift(
        feed.of_half(clock.half), clock, mine, broadcast.whistles or (), feed.step_seconds
    )


def _place(
    feed: Feed, clocks: Sequence[HalfClock], shifts: Mapping[int, Shift]
) -> tuple[list[_Placed], dict[str, int]]:
    by_half = {clock.half: clock for clock in clocks}
    placed: list[_Placed] = []
    left_out: dict[str, int] = {}
    for one in feed.events:
        clock = by_half.get(one.half)
        found = None if clock is None else _placed(one, clock, shifts[one.half], feed.step_seconds)
        if found is not None:
            placed.append(found)
            continue
        reason = (
            "penalties after extra time, in which no clock runs" if one.half == SHOOT_OUT
            else f"half {one.half}, which the recording lacks" if clock is None
            else f"half {one.half} at a time the recording does not show"
        )  # fmt: skip
        left_out[reason] = left_out.get(reason, 0) + 1
    placed.sort(key=lambda one: one.seconds)
    return placed, left_out


def _placed(one: FeedEvent, clock: HalfClock, shift: Shift, step: float) -> _Placed | None:
    """An event in the middle of the stretch that its clock leaves open."""
    begins = one.clock_seconds + shift.seconds
    stretch = clock.stretch_of(begins, begins + step)
    if stretch is None:
        return None
    time = sum(stretch) / 2
    return _Placed(one, clock.clock_at(time), *stretch, time)


def _apart(feed: Feed, clocks: Sequence[HalfClock]) -> str:
    """Why feed and recording have nothing in common."""
    noted = {one.half for one in feed.events}
    if both := [clock for clock in clocks if clock.half in noted]:
        return "; ".join(_times_apart(feed, clock) for clock in both)
    theirs = " and ".join(map(str, sorted(noted)))
    ours = " and ".join(str(clock.half) for clock in clocks)
    said = f"the feed has half {theirs}, the recording half {ours}"
    return f"{said}; name it with --half" if len(clocks) == 1 else said


def _times_apart(feed: Feed, clock: HalfClock) -> str:
    mine = feed.of_half(clock.half)
    times = list(dict.fromkeys(_noted_at(one, feed.step_seconds) for one in (mine[0], mine[-1])))
    shown = f"{clock.text_at(clock.start_seconds)} to {clock.text_at(clock.end_seconds)}"
    return (
        f"the feed lies at {' to '.join(times)}, the recording shows {shown} of half {clock.half}"
    )


def _noted_at(one: FeedEvent, step_seconds: float) -> str:
    """When an event happened as its feed says it: 8:10, or 9' of a feed of minutes."""
    if step_seconds <= 1:
        return format_seconds(one.clock_seconds)
    text = one.event.clock or ""
    minute = text if is_minute(text) else f"{one.clock_seconds // 60 + 1:.0f}"
    return minute.strip().rstrip("'’") + "'"


def _pairs(
    placed: Sequence[_Placed], goals: Sequence[ScoreGoal], sides: Mapping[str, str]
) -> dict[FeedEvent, ScoreGoal]:
    """The goal by the score for each goal of the feed that has one."""
    mine = [one for one in placed if one.feed.is_goal]
    found = pair_goals(
        [
            PlacedGoal(
                one.earliest_seconds, one.latest_seconds, sides.get(one.feed.event.team or "")
            )
            for one in mine
        ],
        goals,
    )
    return {mine[i].feed: goals[j] for i, j in found.items()}


def _agreeing(
    placed: Sequence[_Placed], pairs: Mapping[FeedEvent, ScoreGoal]
) -> tuple[GoalPair, ...]:
    return tuple(
        GoalPair(one.seconds, pairs[one.feed].seen_at_seconds - one.seconds)
        for one in placed
        if one.feed in pairs
    )


def _moved(one: _Placed, goal: ScoreGoal | None, broadcast: Broadcast) -> _Placed:
    """An event at its likeliest instant within the stretch that its clock leaves open."""
    label = one.feed.event.label.lower()
    if not (one.feed.is_goal or label in _NUDGED or "shot" in label):
        return one
    grid = np.arange(one.earliest_seconds, one.latest_seconds + _GRID_SECONDS / 2, _GRID_SECONDS)
    chance = np.ones_like(grid)
    for item in _evidence(one, goal, broadcast):
        peak = item.seconds - item.lag_seconds
        chance += item.weight * np.exp(-0.5 * ((grid - peak) / item.spread_seconds) ** 2)
    if chance.max() < _LEAST_EVIDENCE or chance.max() < 1.2 * chance.min():
        return one
    return replace(one, seconds=float(grid[int(np.argmax(chance))]))


def _evidence(one: _Placed, goal: ScoreGoal | None, broadcast: Broadcast) -> list[Evidence]:
    """What may say when a goal or a shot happened."""
    low, high = one.earliest_seconds - 30, one.latest_seconds + 30
    found = [
        Evidence(moment.seconds, 0.5, 2.0, 2.0 * moment.confidence, "roar")
        for moment in broadcast.moments or ()
        if low <= moment.seconds <= high
    ]
    found += [
        Evidence(replay.start_seconds, REPLAY_LAG_SECONDS, REPLAY_SPREAD_SECONDS, 1.0, "replay")
        for replay in broadcast.replays or ()
        if low <= replay.start_seconds <= high
    ]
    found += [
        Evidence(cut, 3.0, 1.5, 0.5, "cut")
        for cut in broadcast.cuts_seconds or ()
        if low <= cut <= high
    ]
    if goal is not None:
        spread = max(1.0, goal.uncertainty_seconds)
        found.append(Evidence(goal.seconds, 0.0, spread, 5.0, "score"))
    return found


def _nudge(one: _Placed) -> float:
    return one.seconds - (one.earliest_seconds + one.latest_seconds) / 2


def _event(one: _Placed, step_seconds: float, uncertainty_seconds: float) -> Event:
    extra = dict(one.feed.event.extra)
    if step_seconds > 1:
        extra["span"] = [round(one.earliest_seconds, 3), round(one.latest_seconds, 3)]
    clock = max(0.0, one.clock_seconds + one.seconds - _middle(one))
    return replace(
        one.feed.event,
        seconds=round(one.seconds, 3),
        half=one.feed.half,
        clock_seconds=round(clock, 3),
        uncertainty_seconds=round(uncertainty_seconds, 3),
        source="import",
        extra=extra,
    )


def _middle(one: _Placed) -> float:
    return one.seconds - _nudge(one)


def _half_report(
    clock: HalfClock, shift: Shift, feed: Feed, placed: Sequence[_Placed]
) -> HalfReport:
    uncertainty = (
        feed.step_seconds / 2
        + CLOCK_UNCERTAINTY_SECONDS
        + (clock.residual_seconds or 0.0)
        + shift.uncertainty_seconds
    )
    return HalfReport(
        clock.half,
        clock.offset_seconds - shift.seconds,
        sum(one.feed.half == clock.half for one in placed),
        clock.residual_seconds,
        uncertainty,
        shift,
    )


def _remarks(feed: Feed, shifts: Mapping[int, Shift]) -> list[str]:
    said = []
    if feed.step_seconds > 1:
        said.append("the feed says minutes only: its events lie anywhere in their minute (span)")
    for half, shift in sorted(shifts.items()):
        if shift.seconds:
            late = "behind" if shift.seconds > 0 else "ahead of"
            said.append(
                f"half {half}: the feed's clock is {abs(shift.seconds):.1f} s {late} that in the "
                f"picture, by {shift.by}"
            )
    return said
