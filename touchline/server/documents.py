"""Between rows of the database and the domain: events and timelines."""

from collections.abc import Iterable
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, String, case, or_, true

from touchline.errors import InputError, LabelError
from touchline.events import RAN, Event, Match, Producer, Timeline, Video
from touchline.formats.base import DESCRIPTORS, LAG, LEAD, event_descriptors, event_stretch
from touchline.labels import LABEL_SETS, LabelSet
from touchline.server.feeds import of_half
from touchline.server.tables import EventRow, MatchRow, VideoRow

EVENT_FIELDS = tuple(field.name for field in fields(Event) if field.name != "extra")
"""What an event row and an ``Event`` have in common; a row keeps no fields of other programs."""

STRETCH_FIELDS = {LEAD: "lead_seconds", LAG: "lag_seconds"}
"""The columns of the length of an event, by the field of event files that states it."""

REPLAYS = "replays"
"""The field of a match's facts that holds (start, end) of what is shown again, in its times."""

BEYOND_END_SECONDS = 1.0
"""A player's time may lie a picture behind the length that is stated."""

MAX_NOTE = 4000
MAX_DESCRIPTOR, MAX_DESCRIPTORS = 300, 100
"""The longest group or text of a descriptor, and how many an event has."""

_LENGTHS = {
    column.name: getattr(column.type, "length", None) or MAX_NOTE
    for column in EventRow.__table__.columns
    if column.name in EVENT_FIELDS and isinstance(column.type, String)
}
"""The longest text of each field that is a text; ``Text`` is a ``String`` without a length."""


def event_from_row(row: EventRow) -> Event:
    """The event that a row holds."""
    values = {name: getattr(row, name) for name in EVENT_FIELDS}
    stretch = {name: getattr(row, column) for name, column in STRETCH_FIELDS.items()}
    extra: dict[str, Any] = stretch if None not in stretch.values() else {}
    if row.descriptors:
        extra = extra | {DESCRIPTORS: row.descriptors}
    score = None if row.score is None else tuple(row.score)
    return Event(**values | {"score": score, "extra": extra})


def event_in_match(match: MatchRow, row: EventRow) -> Event:
    """The event that a row holds, with its half where each half has its video."""
    event = event_from_row(row)
    several = len(match.videos) > 1
    return replace(event, half=video_at(match, row.seconds).half) if several else event


def values_from_event(event: Event) -> dict[str, Any]:
    """What a row holds of an event; texts are cut to what fits into it."""
    values = {name: getattr(event, name) for name in EVENT_FIELDS}
    values["score"] = None if event.score is None else list(event.score)
    stretch = event_stretch(event)
    if stretch is not None:
        values["lead_seconds"] = round(event.seconds - stretch[0], 6)
        values["lag_seconds"] = round(stretch[1] - event.seconds, 6)
    if found := event_descriptors(event):
        values["descriptors"] = [_descriptor(*pair) for pair in found[:MAX_DESCRIPTORS]]
    for name, length in _LENGTHS.items():
        if values[name] is not None:
            values[name] = _plain(values[name])[:length]
    return values


def _descriptor(group: str | None, text: str) -> dict[str, str | None]:
    cut = None if group is None else _plain(group)[:MAX_DESCRIPTOR]
    return {"group": cut, "text": _plain(text)[:MAX_DESCRIPTOR]}


def row_from_event(event: Event) -> EventRow:
    """A new row for an event of a file; a row of an import, whatever source the file names."""
    values = values_from_event(event) | {"status": event.status or "pending"}
    return EventRow(**(values | {"source": "import", "deleted": False}))


def is_shown(match: MatchRow) -> ColumnElement[bool]:
    """Whether an event is on show: one to review has the least confidence of its class."""
    if not match.thresholds:
        return true()
    least = case(match.thresholds, value=EventRow.label, else_=0.0)
    return or_(EventRow.status != "pending", EventRow.confidence >= least)


def video_at(match: MatchRow, seconds: float) -> VideoRow:
    """The video that contains a time of a match; for a time outside all videos, the nearest."""
    begun = [video for video in match.videos if video.start_seconds <= seconds]
    return begun[-1] if begun else match.videos[0]


def end_of_match(match: MatchRow) -> float:
    """Where the last video of a match ends, in its seconds; 0 where that is not known."""
    end = match.videos[-1].end_seconds if match.videos else 0.0
    return end or float(match.info.get("duration_seconds") or 0.0)


def refuse_outside(match: MatchRow, where: str, *times: float) -> None:
    """Refuse times before the first picture of a match or behind its known end.

    Args:
        where: the field that they are of.

    Raises:
        InputError: one of them is.
    """
    end = end_of_match(match)
    for seconds in times:
        if seconds < 0:
            raise InputError(f"{seconds:g} s lies before the first picture", where=where)
        if end and seconds > end + BEYOND_END_SECONDS:
            raise InputError(
                f"{seconds:g} s lies behind the end of the match at {end:g} s", where=where
            )


def video_of_half(match: MatchRow, half: int) -> VideoRow:
    """The video that is a half of a match.

    Raises:
        InputError: as `of_half`.
    """
    return of_half(match.videos, half)


def timelines_from_rows(
    match: MatchRow, rows: Iterable[EventRow], half: int | None = None
) -> Timeline | Match:
    """The timeline of a match; the match of its timelines where it has several videos.

    Args:
        half: the timeline of this half alone.

    Raises:
        InputError: there is no such half.
    """
    wanted = match.videos if half is None else [video_of_half(match, half)]
    by_number: dict[int, list[Event]] = {video.number: [] for video in match.videos}
    several = len(match.videos) > 1
    for row in rows:
        event, video = event_from_row(row), video_at(match, row.seconds)
        if several:
            event = replace(event, seconds=event.seconds - video.start_seconds, half=None)
        by_number[video.number].append(event)
    timelines = tuple(
        Timeline(
            _video_of(match, video),
            tuple(by_number[video.number]),
            labels=_label_set(match.labels),
            half=video.half,
            model=Producer(**match.producer) if match.producer else None,
            warnings=tuple(match.warnings),
            replays=_replays_of(match, video),
            extra={RAN: ran} if (ran := match.info.get(RAN)) else {},
        )
        for video in wanted
    )
    return timelines[0] if len(timelines) == 1 else Match(match.title, timelines)


def _replays_of(match: MatchRow, video: VideoRow) -> tuple[tuple[float, float], ...]:
    """The replays that begin in a video of a match, in its times."""
    begin = video.start_seconds
    return tuple(
        (start - begin, end - begin)
        for start, end in match.info.get(REPLAYS, ())
        if video_at(match, start) is video
    )


def _video_of(match: MatchRow, video: VideoRow) -> Video:
    rate = (video.info or match.info).get("frame_rate")
    seconds = video.duration_seconds
    if seconds is None and len(match.videos) == 1:
        seconds = match.info.get("duration_seconds")
    return Video(video.name, seconds, None if rate is None else Fraction(rate))


def _plain(text: str) -> str:
    """Without the one character that PostgreSQL does not keep."""
    return text.replace("\0", "")


def _label_set(labels: list[str]) -> LabelSet | None:
    if not labels:
        return None
    known = (known for known in LABEL_SETS.values() if list(known) == labels)
    try:
        return next(known, None) or LabelSet("custom", tuple(labels))
    except LabelError:
        return None
