"""Reels of a match: chosen by what is wished, or of given clips."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from touchline.editing.certain import with_certain
from touchline.editing.doubts import doubts_of_transcripts
from touchline.editing.select import selector_of
from touchline.editing.wishes import NO_WISHES, Pin, Wishes, chosen_with, wanted
from touchline.errors import InputError
from touchline.events import Event
from touchline.formats.comparing import timelines_of
from touchline.reel import Clip, Reel, Selection
from touchline.server.documents import (
    end_of_match,
    event_in_match,
    is_shown,
    refuse_outside,
    row_from_event,
    timelines_from_rows,
)
from touchline.server.finishing import in_api
from touchline.server.reels import through_match
from touchline.server.tables import EventRow, MatchRow, VideoRow
from touchline.transcripts import Transcripts


@dataclass(frozen=True)
class Evidence:
    """What tells more of a match than its events do.

    Attributes:
        transcripts: what was said in the videos, by half; of one video by None.
        goals: events in times of the match, which are certain and complete: they take the place of
            those of their classes, and of all goals; None for nothing.
    """

    transcripts: Transcripts = field(default_factory=dict)
    goals: tuple[Event, ...] | None = None


NO_EVIDENCE = Evidence()

Stretch = tuple[float, float]
"""Start and end in seconds of a match."""

T = TypeVar("T")


def events_for_reels(match: MatchRow) -> Select[EventRow]:
    """The events that reels may show."""
    return select(EventRow).where(
        EventRow.match_id == match.id,
        EventRow.deleted.is_(False),
        EventRow.status != "rejected",
        is_shown(match),
    )


def chosen_reel(
    match: MatchRow,
    rows: Iterable[EventRow],
    seconds: float,
    wishes: Wishes = NO_WISHES,
    selection: Selection = "learned",
    half: int | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> Reel:
    """The reel of at most so many seconds that shows the most important moments.

    Args:
        half: the only one of several to show.
        evidence: what tells more than the events.

    Raises:
        InputError: a wish that cannot be met, by the names of the API.
    """
    content = timelines_from_rows(match, rows, half)
    if evidence.goals is not None:
        sure = timelines_from_rows(match, map(row_from_event, evidence.goals), half)
        content = with_certain(content, sure, "goals")

    def whole() -> Reel:
        own = wanted(content, wishes)
        selector = selector_of(
            content, selection=selection, transcripts=evidence.transcripts, wants=wishes.wants
        )
        return chosen_with(own, seconds, wishes, selector.reel)

    reel = _as_asked(whole)
    doubts = doubts_of_transcripts(timelines_of(content), evidence.transcripts)
    reel = replace(reel, warnings=(*reel.warnings, *doubts))
    return through_match(reel, match.videos, match.title)


def wishes_of(match: MatchRow, pins: Sequence[Stretch], **wishes: object) -> Wishes:
    """What is wished, with stretches of the match that are always shown.

    Raises:
        InputError: a pin beyond the match, or lengths that contradict each other.
    """
    found = tuple(pin for stretch in pins for pin in _pins(match, stretch))
    return _as_asked(partial(Wishes, pins=found, **wishes))  # type: ignore[arg-type]


def reel_of_clips(
    session: Session,
    match: MatchRow,
    clips: Iterable[tuple[float, float, float, str | None, str | None]],
) -> Reel:
    """A reel of given clips, inside the match, with the events that each shows.

    Args:
        clips: start, end, score, title and reason of each.

    Raises:
        InputError: a clip that reaches beyond the match, or has no length.
    """
    length = end_of_match(match)
    rows = session.scalars(events_for_reels(match).order_by(EventRow.seconds)).all()
    events = [event_in_match(match, row) for row in rows]
    name = match.videos[0].name if len(match.videos) == 1 else match.title
    made = []
    for start, end, score, title, reason in clips:
        refuse_outside(match, "clips", start, end)
        last = min(end, length)
        if start >= last:
            raise InputError(f"{start:g} to {end:g} s has no length", where="clips")
        shown = tuple(e for e in events if start <= e.seconds < last)
        made.append(Clip(name, start, last, score, None, shown, title, reason=reason))
    return Reel(tuple(made))


def _pins(match: MatchRow, stretch: Stretch) -> Iterator[Pin]:
    """A stretch in times of each video that it touches."""
    start, end = stretch
    refuse_outside(match, "pins", start, end)
    found = False
    for video in match.videos:
        first, last = max(start, video.start_seconds), min(end, _end_of(match, video))
        if first < last:
            found = True
            yield Pin(first - video.start_seconds, last - video.start_seconds, video.half)
    if not found:
        raise InputError(f"{start:g} to {end:g} s is not in the video", where="pins")


def _end_of(match: MatchRow, video: VideoRow) -> float:
    if video.duration_seconds is None:
        return float(match.info.get("duration_seconds", 0))
    return video.end_seconds


def _as_asked(make: Callable[[], T]) -> T:
    try:
        return make()
    except InputError as error:
        where, remedy = (text and in_api(text) for text in (error.where, error.remedy))
        raise InputError(in_api(error.what), where=where, remedy=remedy) from error
