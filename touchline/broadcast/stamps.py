"""Half, match clock and score at any time of a recording, and on every event of a timeline."""

from bisect import bisect_right
from dataclasses import dataclass, replace

from touchline.broadcast.result import Broadcast, Half, Reading
from touchline.events import Event, Score, Timeline
from touchline.timebase import HALF_CLOCKS

NEAR_SECONDS = 2.0
"""How far the next reading of the clock may lie from a time whose clock it tells."""


@dataclass(frozen=True)
class Stamp:
    """What a broadcast says of one time; None for what it does not say.

    Attributes:
        half: 1 or 2; 3 and 4 of extra time.
        clock_seconds: match time.
        score: goals of home and away so far; one at this very instant is not among them.
    """

    half: int | None = None
    clock_seconds: float | None = None
    score: Score | None = None


class Stamps:
    """Tells half, clock and score of any time of a recording.

    Args:
        broadcast: what the recording says.
        half: which half the whole recording is, where that is known otherwise.
    """

    def __init__(self, broadcast: Broadcast, half: int | None = None) -> None:
        self._broadcast = broadcast
        self._half = half
        readings = broadcast.readings or ()
        self._clocks = [one for one in readings if one.clock_seconds is not None]
        self._scores = [one for one in readings if one.score is not None]
        self._clock_times = [one.seconds for one in self._clocks]
        self._score_times = [one.seconds for one in self._scores]

    def at(self, seconds: float) -> Stamp:
        """What the broadcast says of a time."""
        half = self._broadcast.half_at(seconds)
        clock = None if half is None else self._clock_at(seconds, half)
        number = self._half or (None if half is None else half.half)
        if clock is not None and half is not None and number in HALF_CLOCKS:
            # A file of the second half alone, whose clock starts anew, looks like one of the first.
            clock += max(0.0, HALF_CLOCKS[number][0] - HALF_CLOCKS[half.half][0])
        return Stamp(number, clock, self._score_at(seconds))

    def _clock_at(self, seconds: float, half: Half) -> float | None:
        place = bisect_right(self._clock_times, seconds)
        near = [
            one
            for one in self._clocks[max(0, place - 1) : place + 1]
            if abs(one.seconds - seconds) <= NEAR_SECONDS and one.half in (None, half.half)
        ]
        if not near:
            return None
        nearest = min(near, key=lambda one: abs(one.seconds - seconds))
        assert nearest.clock_seconds is not None
        return max(0.0, nearest.clock_seconds + seconds - nearest.seconds)

    def _score_at(self, seconds: float) -> Score | None:
        """The score known last, or that which comes next where no goal lies between."""
        score, since = self._score_read_at(seconds)
        if score is None:
            return None
        for goal in self._broadcast.goals or ():
            if since < goal.seen_at_seconds and goal.seconds < seconds:
                score = goal.score  # it is scored, and not shown yet
        return score

    def _score_read_at(self, seconds: float) -> tuple[Score | None, float]:
        """The score that is shown, and when it was read."""
        place = bisect_right(self._score_times, seconds)
        if place:
            reading = self._scores[place - 1]
            return reading.score, reading.seconds
        if not self._scores:
            return None, 0.0
        first: Reading = self._scores[0]
        goals = self._broadcast.goals or ()
        is_open = any(seconds <= goal.seconds < first.seconds for goal in goals)
        return (None, 0.0) if is_open else (first.score, seconds)

    def on(self, event: Event, *, own_half: bool = False) -> Event:
        """The event with half, clock and score; what it says already stays.

        Args:
            own_half: whether the timeline says the half, so that its events need not.
        """
        stamp = self.at(event.seconds)
        half = stamp.half if event.half is None and not own_half else event.half
        clock = stamp.clock_seconds if event.clock_seconds is None else event.clock_seconds
        score = stamp.score if event.score is None else event.score
        return replace(event, half=half, clock_seconds=clock, score=score)


def stamped(timeline: Timeline, broadcast: Broadcast) -> Timeline:
    """A timeline whose events have half, match clock and score as the broadcast says them.

    What an event says already stays; what the broadcast does not say stays open.

    Args:
        timeline: of the recording, in its times.
        broadcast: what the same recording says.
    """
    stamps = Stamps(broadcast, timeline.half)
    own_half = timeline.half is not None
    return timeline.with_events(stamps.on(event, own_half=own_half) for event in timeline)
