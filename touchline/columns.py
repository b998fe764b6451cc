"""The events of one game as columns, in the order of their file: what metrics score.

A ``Timeline`` sorts its events and holds seconds; the official evaluators depend on the order of
the file and on whole milliseconds. Columns keep both, and hold a whole season in little memory.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchline.errors import FormatError
from touchline.events import Match

MAX_MILLISECONDS = 1 << 53
"""Positions are kept exactly up to here; nothing beyond it is told apart by any metric."""


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Annotations or predictions of one game, in file order; n events.

    Attributes:
        labels: n class names, as they are in the file.
        halves: (n,) int64.
        milliseconds: (n,) int64, from the start of the half.
        confidences: (n,) float64; 1 for annotations. NaN where the file says so.
        shown: (n,) bool; False where the annotation is "not shown".
        teams: n sides or names, None where an event has none; None if they were not read.
        source: the file they are from, for messages.

    Raises:
        FormatError: columns of different lengths.
    """

    labels: tuple[str, ...]
    halves: npt.NDArray[np.int64]
    milliseconds: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    shown: npt.NDArray[np.bool_]
    teams: tuple[str | None, ...] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        lengths = {
            len(column)
            for column in (
                self.labels,
                self.halves,
                self.milliseconds,
                self.confidences,
                self.shown,
                *([] if self.teams is None else [self.teams]),
            )
        }
        if len(lengths) > 1:
            raise FormatError("event columns differ in length", where=self.source or None)

    def __len__(self) -> int:
        return len(self.labels)


def empty_columns(source: str = "") -> EventColumns:
    """The columns of a game without events."""
    none = np.zeros(0, np.int64)
    return EventColumns((), none, none, np.zeros(0), np.zeros(0, bool), (), source)


def columns_of(match: Match) -> EventColumns:
    """The events of a match as columns, as if written to a SoccerNet file and read back.

    Times are rounded to milliseconds. The half of an event is its own, else its timeline's, else
    the timeline's place in the match.
    """
    events = [
        (event, event.half or timeline.half or place)
        for place, timeline in enumerate(match.timelines, start=1)
        for event in timeline
    ]
    return EventColumns(
        labels=tuple(event.label for event, _ in events),
        halves=np.array([half for _, half in events], np.int64),
        milliseconds=np.array([round(1000 * event.seconds) for event, _ in events], np.int64),
        confidences=np.array([event.confidence for event, _ in events], np.float64),
        shown=np.array([event.visibility != "not shown" for event, _ in events], bool),
        teams=tuple(event.team for event, _ in events),
        source=match.name,
    )
