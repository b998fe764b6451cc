"""What was done with a feed that was put on the time of a recording."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from touchline.broadcast.feed_shift import Shift
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds


@dataclass(frozen=True)
class HalfReport:
    """How one half was aligned.

    Attributes:
        half: 1 or 2; 3 and 4 of extra time.
        offset_seconds: time in the recording at which the feed's clock of this half starts.
        events: placed.
        residual_seconds: of the clock's readings to the line through them; None where there are
            none.
        uncertainty_seconds: of the placed events, to either side.
        shift: of the feed's clock.
    """

    half: int
    offset_seconds: float
    events: int
    residual_seconds: float | None
    uncertainty_seconds: float
    shift: Shift


@dataclass(frozen=True)
class GoalPair:
    """A goal that both the feed and the score have.

    Attributes:
        seconds: where it was placed in the recording.
        after_seconds: from there to the change of the score.
    """

    seconds: float
    after_seconds: float


@dataclass(frozen=True)
class AlignmentReport:
    """What was done with a feed.

    Attributes:
        step_seconds: to which the feed's clock is cut.
        halves: in order of time.
        left_out: how many events were not placed, by reason.
        goals: that feed and score have; None where the score is not known.
        only_in_feed, only_in_recording: times of goals that the other lacks.
        nudges_seconds: by how much goals and shots were moved.
        warnings: for people.
    """

    step_seconds: float
    halves: tuple[HalfReport, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    goals: tuple[GoalPair, ...] | None = None
    only_in_feed: tuple[float, ...] = ()
    only_in_recording: tuple[float, ...] = ()
    nudges_seconds: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``touchline align --json`` prints it."""
        moved = [abs(one) for one in self.nudges_seconds]
        return {
            "step": self.step_seconds,
            "halves": [
                {
                    "half": half.half,
                    "offset": _rounded(half.offset_seconds),
                    "events": half.events,
                    "residual": _rounded(half.residual_seconds),
                    "uncertainty": _rounded(half.uncertainty_seconds),
                    "shift": _rounded(half.shift.seconds),
                    "shift_by": half.shift.by,
                }
                for half in self.halves
            ],
            "left_out": dict(self.left_out),
            "goals": None
            if self.goals is None
            else {
                "matched": [
                    {"time": _rounded(pair.seconds), "score_after": _rounded(pair.after_seconds)}
                    for pair in self.goals
                ],
                "only_in_feed": [_rounded(one) for one in self.only_in_feed],
                "only_in_recording": [_rounded(one) for one in self.only_in_recording],
            },
            "nudged": {"events": len(moved), "largest": _rounded(max(moved, default=0.0))},
            "warnings": list(self.warnings),
        }


def lines_of(report: AlignmentReport, by_kick_offs: bool = False) -> list[str]:
    """The report for people, a line each.

    Args:
        by_kick_offs: the clock is that of kick-offs which a person gave.
    """
    unread = "by the kick-off given" if by_kick_offs else "by no reading of the clock"
    lines = [
        f"half {half.half}: {counted(half.events, 'event')}, clock from "
        f"{format_seconds(half.offset_seconds, 1)}, give or take {half.uncertainty_seconds:.1f} s "
        + (
            f"({unread})"
            if half.residual_seconds is None
            else f"(readings of the clock within {half.residual_seconds:.1f} s)"
        )
        for half in report.halves
    ]
    lines += left_out_lines(report)
    if report.goals is not None and (report.goals or report.only_in_feed):
        lines.append(
            f"goals: {len(report.goals)} agree with the score, {len(report.only_in_feed)} only in "
            f"the feed, {len(report.only_in_recording)} only in the picture"
        )
    if moved := [abs(one) for one in report.nudges_seconds]:
        lines.append(
            f"{counted(len(moved), 'goal or shot', 'goals and shots')} moved to what sound and "
            f"picture say, by {max(moved):.1f} s at most"
        )
    return lines


def left_out_lines(report: AlignmentReport) -> list[str]:
    """What was not placed, and why, a line for each reason."""
    return [f"left out: {counted(n, 'event')} of {why}" for why, n in report.left_out.items()]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(float(seconds), 3)
