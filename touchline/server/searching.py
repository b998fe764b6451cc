"""Events found in the whole library: by class, team, player, note, words, competition and date."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from touchline.events import Status
from touchline.server.games import day_of
from touchline.server.tables import EventRow, MatchRow

_BATCH = 500

Place = tuple[float, str, float, str]
"""Where in the order an event is: its match's time of creation and id, its own seconds and id."""


@dataclass(frozen=True)
class EventSearch:
    """What events are wanted; None, or nothing, for what does not matter.

    Attributes:
        labels: one of these classes.
        team: a part of the team's name, whether the event names it or says home or away.
        player, note: a part of it.
        words: each is part of class, team, player, note or the title of the match.
        competition: a part of its name.
        first, last: days of the match, both included.
        matches: of these alone.
    """

    labels: Sequence[str] = ()
    team: str | None = None
    player: str | None = None
    note: str | None = None
    words: str | None = None
    competition: str | None = None
    first: date | None = None
    last: date | None = None
    status: Status | None = None
    matches: Sequence[str] = ()


def find_events(
    session: Session, wanted: EventSearch, count: int, after: Place | None = None
) -> list[tuple[EventRow, MatchRow]]:
    """The events with their matches, those of the newest match first, each in order of time.

    Rejected events are left out unless they are asked for, and so are those to review below the
    thresholds of their match.

    Args:
        count: how many at most.
        after: the place of the last one that is known.
    """
    found: list[tuple[EventRow, MatchRow]] = []
    for event, match in _all(session, _query(session, wanted), after):
        if _is_above(event, match):
            found.append((event, match))
        if len(found) == count:
            break
    return found


def place_of(event: EventRow, match: MatchRow) -> Place:
    """Where an event is in the order in which events are found."""
    return match.created_at, match.id, event.seconds, event.id


def _all(
    session: Session, query: Select[EventRow, MatchRow], after: Place | None
) -> Iterator[tuple[EventRow, MatchRow]]:
    while True:
        page = query if after is None else query.where(_is_behind(after))
        rows = session.execute(page.limit(_BATCH)).unique().all()
        yield from ((row[0], row[1]) for row in rows)
        if len(rows) < _BATCH:
            return
        after = place_of(*rows[-1])


def _is_behind(place: Place) -> ColumnElement[bool]:
    created_at, match_id, seconds, event_id = place
    return or_(
        tuple_(MatchRow.created_at, MatchRow.id) < (created_at, match_id),
        and_(MatchRow.id == match_id, tuple_(EventRow.seconds, EventRow.id) > (seconds, event_id)),
    )


def _is_above(row: EventRow, match: MatchRow) -> bool:
    """As `documents.is_shown`, which takes a match at a time."""
    return row.status != "pending" or row.confidence >= match.thresholds.get(row.label, 0.0)


def _query(session: Session, wanted: EventSearch) -> Select[EventRow, MatchRow]:
    query = (
        select(EventRow, MatchRow)
        .join(MatchRow, MatchRow.id == EventRow.match_id)
        .where(EventRow.deleted.is_(False))
        .order_by(MatchRow.created_at.desc(), MatchRow.id.desc(), EventRow.seconds, EventRow.id)
    )
    is_wanted = EventRow.status == wanted.status if wanted.status else EventRow.status != "rejected"
    query = query.where(is_wanted, *_of_event(wanted), *_of_match(session, wanted))
    for word in (wanted.words or "").split():
        columns = (EventRow.label, EventRow.player, EventRow.note, MatchRow.title)
        query = query.where(or_(*(_has(column, word) for column in columns), _is_of(word)))
    return query


def _of_event(wanted: EventSearch) -> Iterator[ColumnElement[bool]]:
    if wanted.labels:
        yield EventRow.label.in_(wanted.labels)
    if wanted.team:
        yield _is_of(wanted.team)
    if wanted.player:
        yield _has(EventRow.player, wanted.player)
    if wanted.note:
        yield _has(EventRow.note, wanted.note)


def _of_match(session: Session, wanted: EventSearch) -> Iterator[ColumnElement[bool]]:
    if wanted.matches:
        yield MatchRow.id.in_(wanted.matches)
    if wanted.competition:
        yield _has(MatchRow.game["competition"].as_string(), wanted.competition)
    if wanted.first or wanted.last:
        first, last = wanted.first or date.min, wanted.last or date.max
        matches = session.scalars(select(MatchRow)).unique()
        yield MatchRow.id.in_([one.id for one in matches if first <= day_of(one) <= last])


def _is_of(team: str) -> ColumnElement[bool]:
    """Whether an event is of a team, which it may call home or away."""
    sides = (
        and_(func.lower(EventRow.team) == side, _has(MatchRow.game[side].as_string(), team))
        for side in ("home", "away")
    )
    return or_(_has(EventRow.team, team), *sides)


def _has(column: Any, words: str) -> ColumnElement[bool]:
    escaped = re.sub(r"([%_/])", r"/\1", words.strip())
    found: ColumnElement[bool] = column.ilike(f"%{escaped}%", escape="/")
    return found
