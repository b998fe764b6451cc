"""Events with the match clock of whoever noted them: a provider's feed, before it has a video."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from touchline.errors import FormatError
from touchline.events import SIDES, Event, Match, Timeline
from touchline.formats import Content
from touchline.formats.clock_columns import is_minute
from touchline.formats.comparing import timelines_of
from touchline.timebase import HALF_CLOCKS

_GOALS = frozenset(
    {"goal", "own goal", "own-goal", "goal scored", "penalty goal", "goal (penalty)", "owngoal"}
)
_WHOLE_SHARE = 0.98
_FROM_ZERO_SLACK_SECONDS = 120.0


@dataclass(frozen=True)
class FeedEvent:
    """An event of a feed.

    Attributes:
        event: as the feed has it; its ``seconds`` are not used.
        half: 1 or 2; 3 and 4 of extra time; 5 for the penalties after it.
        clock_seconds: match time, 2700 at the start of the second half.
    """

    event: Event
    half: int
    clock_seconds: float

    @property
    def is_goal(self) -> bool:
        """Whether it is a goal."""
        return self.event.label.lower() in _GOALS


@dataclass(frozen=True)
class Feed:
    """The events of a match in order of half and clock.

    Attributes:
        events: all of them.
        step_seconds: to which the clock is cut: 0 for fractions of a second, 1, or 60.
        warnings: what the reader of the file says.
    """

    events: tuple[FeedEvent, ...]
    step_seconds: float
    warnings: tuple[str, ...] = ()

    def of_half(self, half: int) -> tuple[FeedEvent, ...]:
        """The events of a half."""
        return tuple(event for event in self.events if event.half == half)

    @property
    def goals(self) -> tuple[FeedEvent, ...]:
        """The goals."""
        return tuple(event for event in self.events if event.is_goal)


def counts_by_clock(content: Content) -> bool:
    """Whether the times of a file's events are those of the match clock, not of a video."""
    if not isinstance(content, Match):
        return False
    events = [(event, timeline.half) for timeline in content.timelines for event in timeline]
    return bool(events) and all(_is_at_its_clock(event, half) for event, half in events)


def _is_at_its_clock(event: Event, half: int | None) -> bool:
    if event.clock_seconds is None or half is None:
        return False
    start = HALF_CLOCKS[half][0] if half in HALF_CLOCKS else 0.0
    return abs(max(0.0, start + event.seconds) - event.clock_seconds) < 1e-3


def feed_of(content: Content, where: str | Path) -> Feed:
    """The feed in what a file of events holds.

    Clocks are those of the events; without them, times are taken as the clock of their half,
    counted from 0:00 or from where the half starts.

    Args:
        content: as ``touchline.formats.read`` returns it.
        where: the file, for messages.

    Raises:
        FormatError: not the events of one match, no events, or no half or clock.
    """
    if not isinstance(content, Match | Timeline):
        raise FormatError("does not hold the events of one match", where=where)
    timelines = timelines_of(content)
    found = [one for timeline in timelines for one in _events_of(timeline, where)]
    if not found:
        raise FormatError("holds no events", where=where)
    found = _match_time(found)
    warnings = tuple(warning for timeline in timelines for warning in timeline.warnings)
    ordered = sorted(found, key=lambda one: (one.half, one.clock_seconds))
    return Feed(tuple(ordered), _step(found), warnings)


def _events_of(timeline: Timeline, where: str | Path) -> Iterable[FeedEvent]:
    of_video = timeline.video.duration_seconds is not None or timeline.model is not None
    for event in timeline:
        half = event.half or timeline.half
        if event.clock_seconds is not None:
            yield FeedEvent(event, half or _half_at(event.clock_seconds), event.clock_seconds)
        elif half is None or of_video:
            what = "a half" if half is None else "a match clock; its times are those of a video"
            raise FormatError(
                f"the event {event.label!r} at {event.seconds:g} s has no {what[2:]}",
                where=where,
                remedy="give a file with half and clock: columns half, minute, second; or a "
                "provider's, with --from kloppy:NAME",
            )
        else:
            yield FeedEvent(event, half, event.seconds)


def _half_at(clock_seconds: float) -> int:
    begun = [half for half, (start, _) in HALF_CLOCKS.items() if clock_seconds >= start]
    return begun[-1] if begun else 1


def _match_time(events: list[FeedEvent]) -> list[FeedEvent]:
    """The events with match time where each half counts from 0:00."""
    starts = {half: start for half, (start, _) in HALF_CLOCKS.items() if start}
    later = [one for one in events if one.half in starts and one.event.clock_seconds is None]
    again = any(one.clock_seconds < starts[one.half] - _FROM_ZERO_SLACK_SECONDS for one in later)
    if not again:
        return events
    return [
        replace(one, clock_seconds=one.clock_seconds + starts.get(one.half, 0.0))
        if one.event.clock_seconds is None
        else one
        for one in events
    ]


def _step(events: Sequence[FeedEvent]) -> float:
    """To what a feed's clock is cut: 60, 1 or 0 seconds."""
    starts = {start for start, _ in HALF_CLOCKS.values()}
    # that a half starts at a whole minute, or that a single event lies at one, says nothing
    telling = [one for one in events if one.clock_seconds not in starts]
    in_minutes = len(telling) > 1 or all(is_minute(one.event.clock or "") for one in events)
    if in_minutes and _are_whole(events, 60.0):
        return 60.0
    return 1.0 if _are_whole(events, 1.0) else 0.0


def _are_whole(events: Sequence[FeedEvent], step: float) -> bool:
    """Whether clocks are multiples of a step, but for a few."""
    off = [one.clock_seconds - step * round(one.clock_seconds / step) for one in events]
    return sum(abs(one) < 1e-3 for one in off) >= _WHOLE_SHARE * len(off)


def sides_of(feed: Feed, teams: tuple[str | None, str | None] | None) -> Mapping[str, str]:
    """Which side each team of a feed is, as far as it can be told: name to ``home``/``away``.

    Args:
        teams: home and away as the score bug writes them, such as ``("FCB", "RMA")``.
    """
    names = sorted({one.event.team for one in feed.events if one.event.team})
    known = {name: name.lower() for name in names if name.lower() in SIDES}
    if known or teams is None or len(names) != 2:
        return known
    fits = [[_abbreviates(team, name) for name in names] for team in teams]
    if [row.count(True) for row in fits] == [1, 1] and fits[0] != fits[1]:
        return {names[row.index(True)]: side for row, side in zip(fits, SIDES, strict=True)}
    return known


def _abbreviates(short: str | None, name: str) -> bool:
    """Whether a text of a score bug stands for a name: its letters, in order, from the first on."""
    if not short:
        return False
    letters = [one for one in short.lower() if one.isalnum()]
    rest = iter("".join(one for one in name.lower() if one.isalnum()))
    starts = any(word[:1].lower() == letters[0] for word in name.split()) if letters else False
    return starts and all(letter in rest for letter in letters)
