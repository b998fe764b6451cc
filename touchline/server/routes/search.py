"""Events of the whole library."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from touchline.events import Status
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import (
    Cursor,
    Limit,
    ServicesDep,
    Viewer,
    from_cursor,
    number_of,
    to_cursor,
)
from touchline.server.routes.schemas import EventOut, IdText, Page
from touchline.server.searching import EventSearch, Place, find_events, place_of
from touchline.server.tables import EventRow, MatchRow

router = APIRouter(prefix="/v1/events", tags=["events"])

Words = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Labels = Annotated[
    list[Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]] | None, Query()
]


class FoundEventOut(EventOut):
    """An event with its match."""

    match: str
    match_title: str
    home: str | None
    away: str | None
    competition: str | None
    date: str | None

    @classmethod
    def found(cls, row: EventRow, match: MatchRow) -> "FoundEventOut":
        """The answer for an event of a match."""
        game = {name: match.game.get(name) for name in ("home", "away", "competition", "date")}
        event = EventOut.of(row, match).model_dump()
        return cls.model_validate({**event, "match": match.id, "match_title": match.title, **game})


@router.get("")
def find(
    principal: Viewer,
    services: ServicesDep,
    limit: Limit = 100,
    cursor: Cursor = None,
    label: Labels = None,
    team: Words = None,
    player: Words = None,
    note: Words = None,
    words: Words = None,
    competition: Words = None,
    first: Annotated[date | None, Query(description="Matches of this day or later.")] = None,
    last: Annotated[date | None, Query(description="Matches of this day or earlier.")] = None,
    status: Annotated[Status | None, Query()] = None,
    match: Annotated[list[IdText] | None, Query(max_length=1000)] = None,
) -> Page[FoundEventOut]:
    """The events of all matches that fit, those of the newest match first.

    `team`, `player`, `note` and `competition` are parts of them, of any case; a team is found also
    where events say home or away. Each of `words` is in the class, team, player, note or title of
    the match. The day of a match is its date, else that of its upload (UTC). Rejected events are
    left out unless `status` asks for them, and so are those to review below the thresholds of their
    match."""
    if first and last and first > last:
        raise ProblemError(422, f"first: {first} is after last, {last}; exchange them")
    wanted = EventSearch(
        labels=label or (),
        team=team,
        player=player,
        note=note,
        words=words,
        competition=competition,
        first=first,
        last=last,
        status=status,
        matches=match or (),
    )
    with services.database.read() as session:
        rows = find_events(session, wanted, limit + 1, _place(cursor))
    more = len(rows) > limit
    return Page(
        items=[FoundEventOut.found(event, of) for event, of in rows[:limit]],
        next=to_cursor(*map(_plain, place_of(*rows[limit - 1]))) if more else None,
    )


def _place(cursor: str | None) -> Place | None:
    if not cursor:
        return None
    created_at, match_id, seconds, event_id = from_cursor(cursor, 4)
    return number_of(created_at), match_id, number_of(seconds), event_id


def _plain(part: object) -> str:
    return repr(part) if isinstance(part, float) else str(part)
