"""Between rows of the database and the domain: timelines, events and reels."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from touchline.errors import LabelError
from touchline.events import Event, Producer, Timeline, Video
from touchline.formats.base import Record, Source
from touchline.formats.touchline_json import clip_from_json, reel_to_json
from touchline.labels import LABEL_SETS, LabelSet
from touchline.reel import Reel
from touchline.server.models import EventRow, Match

EVENT_FIELDS = (
    "seconds", "label", "confidence", "team", "player", "half", "clock", "visibility",
    "status", "source", "note",
)  # fmt: skip
"""What an event row and an ``Event`` have in common."""


def event_of(row: EventRow) -> Event:
    """The event that a row holds."""
    return Event(**{name: getattr(row, name) for name in EVENT_FIELDS})


def timeline_of(match: Match, rows: Iterable[EventRow]) -> Timeline:
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


def reel_of(document: dict[str, Any]) -> Reel:
    """The reel that a document describes.

    Raises:
        InputError: it is none; the message names the place.
    """
    record = Record(Source("reel", "reel", b""), document)
    return Reel(tuple(clip_from_json(clip) for clip in record.records("clips")))


def document_of(reel: Reel) -> dict[str, Any]:
    """A reel as the document that reel files hold."""
    return reel_to_json(reel)


def _label_set(labels: list[str]) -> LabelSet | None:
    if not labels:
        return None
    known = (known for known in LABEL_SETS.values() if list(known) == labels)
    try:
        return next(known, None) or LabelSet("custom", tuple(labels))
    except LabelError:
        return None
