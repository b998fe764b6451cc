"""Who works here, and who looks at what at the moment."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from touchline.events import MAX_SECONDS
from touchline.server.access.accounts import names_of_people
from touchline.server.access.principal import LOCAL, Principal
from touchline.server.routes.dependencies import Id, ServicesDep, Viewer, visible_match
from touchline.server.routes.schemas import ID, IdText, In, Out, Page
from touchline.server.services import Services
from touchline.server.tables import PresenceRow

router = APIRouter(prefix="/v1", tags=["people"])

AWAY_SECONDS = 15.0
"""A page that has not told for this long is closed."""

MAX_PRESENT = 50


class PersonOut(BaseModel):
    """Somebody whom a match can be assigned to."""

    name: str


class PresenceIn(In):
    """Where a page is: ``page`` is its own random name, ``event`` the one that is selected there,
    ``seconds`` the time on show; ``left`` when it is closed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"page": ID, "seconds": 74.5}]})

    page: IdText
    event: IdText | None = None
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | None = None
    left: bool = False


class PresenceOut(Out):
    """Somebody's open page of a match."""

    name: str
    event: Annotated[str | None, Field(validation_alias="event_id")]
    seconds: float | None


@router.get("/people")
def people(principal: Viewer, services: ServicesDep) -> Page[PersonOut]:
    """Those whom matches can be assigned to: the editors and admins who can log in."""
    with services.database.read() as session:
        names = names_of_people(session) or [LOCAL.name]
    return Page(items=[PersonOut(name=name) for name in names])


@router.post("/matches/{match_id}/presence")
def tell(
    match_id: Id, body: PresenceIn, principal: Viewer, services: ServicesDep
) -> Page[PresenceOut]:
    """Tell where a page is, every five seconds or so; the answer has the other pages of the match.

    A page that does not tell for 15 seconds is gone."""
    with services.database.write() as session:
        visible_match(session, principal, match_id)
        now = services.database.now(session)
        session.execute(delete(PresenceRow).where(PresenceRow.seen_at < now - AWAY_SECONDS))
        _keep(session, services, match_id, body, principal)
        others = session.scalars(
            select(PresenceRow)
            .where(PresenceRow.match_id == match_id, PresenceRow.id != body.page)
            .order_by(PresenceRow.name, PresenceRow.id)
            .limit(MAX_PRESENT)
        ).all()
    return Page(items=[PresenceOut.of(row) for row in others])


def _keep(
    session: Session, services: Services, match_id: str, told: PresenceIn, principal: Principal
) -> None:
    row = session.get(PresenceRow, told.page)
    if told.left:
        if row is not None and row.name == principal.name:
            session.delete(row)
            session.flush()
        return
    if row is not None and row.name != principal.name:
        return  # a page's name is random: this is somebody else's
    row = row or PresenceRow(id=told.page, name=principal.name)
    row.match_id, row.event_id, row.seconds = match_id, told.event, told.seconds
    row.seen_at = services.database.now(session)
    session.add(row)
    session.flush()
