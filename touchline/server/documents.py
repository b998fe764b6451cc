"""Between rows of the database and the domain: events and timelines."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from touchline.errors import FormatError, LabelError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import read
from touchline.labels import LABEL_SETS, LabelSet
from touchline.server.models import EventRow
from touchline.server.models import Match as MatchRow

EVENT_FIELDS = (
    "seconds", "label", "confidence", "team", "player", "half", "clock", "visibility",
    "status", "source", "note",
)  # fmt: skip
"""What an event row and an ``Event`` have in common."""

_LENGTHS = {
    "label": 300, "team": 300, "player": 300, "clock": 40, "visibility": 40, "note": 4000,
}  # fmt: skip


def event_of(row: EventRow) -> Event:
    """The event that a row holds."""
    return Event(**{name: getattr(row, name) for name in EVENT_FIELDS})


def row_of(event: Event) -> EventRow:
    """A new row for an event that came in a file: a person's, whatever the file says of itself."""
    values = {name: getattr(event, name) for name in EVENT_FIELDS}
    for name, length in _LENGTHS.items():
        if values[name] is not None:
            values[name] = _plain(values[name])[:length]
    values["status"] = event.status or "accepted"
    return EventRow(**(values | {"source": "import", "deleted": False}))


def timeline_in(path: Path, format: str | None) -> Timeline:
    """The events of one video in a file.

    Raises:
        InputError: the file cannot be read, or is of several videos, or of a reel.
    """
    thing = read(path, format)
    if isinstance(thing, Timeline):
        return thing
    if isinstance(thing, Match) and len(thing.timelines) == 1:
        return thing.timelines[0]
    raise FormatError("does not hold the events of one video", where=path)


def timeline_of(match: MatchRow, rows: Iterable[EventRow]) -> Timeline:
    """The timeline of a match."""
    rate = match.info.get("frame_rate")
    return Timeline(
        Video(
            match.video_name,
            match.info.get("duration_seconds"),
            None if rate is None else Fraction(rate),
        ),
        tuple(event_of(row) for row in rows),
        labels=_label_set(match.labels),
        model=Producer(**match.producer) if match.producer else None,
        warnings=tuple(match.warnings),
    )


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
