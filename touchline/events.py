"""What happened, and when: events, the timeline of one video, the match of its halves."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args

from touchline.errors import FormatError, MissingExtraError
from touchline.labels import LabelSet
from touchline.scores import Scores

if TYPE_CHECKING:
    import pandas

Status = Literal["pending", "accepted", "rejected"]
Source = Literal["model", "person", "import"]
STATUSES: tuple[Status, ...] = get_args(Status)
SOURCES: tuple[Source, ...] = get_args(Source)

Side = Literal["home", "away"]
SIDES: tuple[Side, Side] = ("home", "away")
"""The sides of a match, in the order in which scores and score bugs name them."""

PictureSides = Literal["left", "right"]
PICTURE_SIDES: tuple[PictureSides, PictureSides] = ("left", "right")
"""Sides of the picture, which teams change at half-time."""

Score = tuple[int, int]
"""Goals of home and away."""

MAX_GOALS = 999

RAN = "ran"
"""Further field of a timeline: one line on what read the video, and what would add to it."""

TEAMS = "teams"
"""Further field of a timeline: ``home`` and ``away`` as the broadcast writes them."""

SCORE = "score"
"""Further field of a timeline: goals of home and away at the end of what was read."""

SCORE_BUG = "score_bug"
"""Further field of a timeline: ``[left, top, right, bottom]`` of the score bug that stands in its
video, as shares of the width and the height of the picture."""

DELAYS_CORRECTED = "delays_corrected"
"""Further field of a timeline: its times are those of the actions, known delays are taken off."""

MAX_SECONDS = 1e6
"""Times beyond this (eleven days) are refused: they are milliseconds taken for seconds."""


@dataclass(frozen=True)
class Event:
    """Something that happened at one instant of one video.

    Attributes:
        seconds: time from the first frame shown. Negative times are kept, as the official
            reader keeps them.
        label: class name.
        confidence: 1 for a fact; a model's score otherwise, usually in [0, 1].
        half: 1 or 2 (3, 4 in extra time) where one video holds several; else None.
        team: ``home``/``away``, a name, or ``left``/``right``: the team of that side of the
            picture, as the ball data sets label it; teams change sides at half-time.
        visibility: ``visible`` or ``not shown``, as SoccerNet spells it.
        clock: match clock as another program writes it, such as ``"45+2:10"``.
        clock_seconds: match clock: 3790 at 63:10 of the second half, also where the broadcast
            counts down or starts each half anew.
        score: goals of home and away before the event.
        uncertainty_seconds: how far ``seconds`` may be off, to either side; None if not known.
        extra: fields of the file that touchline has no name for, kept for writing back.

    Raises:
        FormatError: a time, clock or confidence that is not a finite number, a negative clock or
            uncertainty, or a score that is not two numbers of goals.
    """

    seconds: float
    label: str
    confidence: float = 1.0
    half: int | None = None
    team: str | None = None
    player: str | None = None
    clock: str | None = None
    clock_seconds: float | None = None
    score: Score | None = None
    uncertainty_seconds: float | None = None
    visibility: str | None = None
    status: Status | None = None
    source: Source | None = None
    note: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not math.isfinite(self.seconds) or abs(self.seconds) > MAX_SECONDS:
            raise FormatError(
                f"event {self.label!r} has time {self.seconds}",
                remedy=f"times are seconds within ±{MAX_SECONDS:g}",
            )
        if not math.isfinite(self.confidence):
            raise FormatError(
                f"event {self.label!r} has confidence {self.confidence}",
                remedy="confidences are finite numbers",
            )
        if self.clock_seconds is not None and not 0 <= self.clock_seconds <= MAX_SECONDS:
            raise FormatError(
                f"event {self.label!r} has match clock {self.clock_seconds}",
                remedy="the clock is in seconds from 0: 3790 at 63:10",
            )
        if self.score is not None and not _is_score(self.score):
            raise FormatError(
                f"event {self.label!r} has score {self.score!r}",
                remedy="the score is the goals of home and away, such as (1, 0)",
            )
        spread = self.uncertainty_seconds
        if spread is not None and not 0 <= spread <= MAX_SECONDS:
            raise FormatError(
                f"event {self.label!r} has uncertainty {spread}",
                remedy="the uncertainty is in seconds, 0 or more",
            )


def _is_score(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(type(goals) is int and 0 <= goals <= MAX_GOALS for goals in value)
    )


@dataclass(frozen=True)
class Video:
    """The video that a timeline is of: facts that survive when the file itself is elsewhere."""

    name: str
    duration_seconds: float | None = None
    frame_rate: Fraction | None = None


@dataclass(frozen=True)
class Producer:
    """The model that produced a timeline, and the weights it ran with."""

    name: str
    weights: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Timeline:
    """Everything that happened in one video, in order of time (stable for equal times).

    Attributes:
        video: the video it is of.
        events: sorted by time.
        labels: the classes that could have been found; None if the file does not say.
        half: which half the video is, where it is only that half; else None.
        model: what produced it; None for labels made by people.
        warnings: what a reader must know, such as a video that ended early.
        replays: (start, end) in seconds of what the video shows again, in order of time.
        scores: the curves behind the events, where a model has just run.
        extra: fields of the file that touchline has no name for.
    """

    video: Video
    events: tuple[Event, ...] = ()
    labels: LabelSet | None = None
    half: int | None = None
    model: Producer | None = None
    warnings: tuple[str, ...] = ()
    replays: tuple[tuple[float, float], ...] = ()
    scores: Scores | None = field(default=None, compare=False, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.events, key=lambda event: event.seconds))
        object.__setattr__(self, "events", ordered)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def with_events(self, events: Iterable[Event]) -> "Timeline":
        """The same timeline holding other events."""
        return replace(self, events=tuple(events))

    def above(self, confidence: float) -> "Timeline":
        """The same timeline with the events of at least this confidence."""
        return self.with_events(e for e in self.events if e.confidence >= confidence)

    def to_dataframe(self) -> "pandas.DataFrame":
        """One row per event, one column per field (needs pandas).

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("Timeline.to_dataframe()", "data") from None
        names = [f.name for f in fields(Event) if f.name != "extra"]
        rows = [{name: getattr(event, name) for name in names} for event in self.events]
        return pandas.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class Match:
    """One game: the timelines of its videos in playing order (its halves, or one whole).

    Attributes:
        name: ``league/season/game`` in the SoccerNet layout, else the name of the file.
    """

    name: str
    timelines: tuple[Timeline, ...]
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all its videos in playing order; times stay those of each video."""
        return tuple(event for timeline in self.timelines for event in timeline.events)

    def half(self, number: int) -> Timeline | None:
        """The timeline of a half, or None if the match does not hold it."""
        return next((t for t in self.timelines if t.half == number), None)
