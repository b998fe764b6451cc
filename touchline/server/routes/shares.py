"""Share links: each shows one match or one playlist without a login, until it expires."""

import math
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from touchline.server.access.accounts import add_share
from touchline.server.access.principal import Principal, Scope
from touchline.server.errors import NotFoundError
from touchline.server.routes.dependencies import (
    Editor,
    Id,
    ServicesDep,
    audit,
    visible_match,
    visible_playlist,
)
from touchline.server.routes.schemas import In, Out, Page
from touchline.server.services import Services
from touchline.server.tables import MatchRow, PlaylistRow, ShareLinkRow

router = APIRouter(prefix="/v1", tags=["shares"])


class ShareIn(In):
    """A new share link."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scope": "view", "hours": 48}]})

    scope: Scope = "view"
    hours: Annotated[float, Field(gt=0, le=24 * 365)] = 72


class ShareOut(Out):
    """A share link; the secret is shown once, when it is made."""

    id: str
    match: Annotated[str | None, Field(validation_alias="match_id")]
    playlist: Annotated[str | None, Field(validation_alias="playlist_id")]
    scope: Scope
    created_by: str
    created_at: datetime
    expires_at: datetime
    secret: str | None = None


@router.get("/matches/{match_id}/shares")
def list_shares(match_id: Id, principal: Editor, services: ServicesDep) -> Page[ShareOut]:
    """The links to a match, without their secrets."""
    with services.database.read() as session:
        visible_match(session, principal, match_id)
        return _links(session, ShareLinkRow.match_id == match_id)


@router.get("/playlists/{playlist_id}/shares", tags=["playlists"])
def list_shares_of_playlist(
    playlist_id: Id, principal: Editor, services: ServicesDep
) -> Page[ShareOut]:
    """The links to a playlist, without their secrets."""
    with services.database.read() as session:
        visible_playlist(session, principal, playlist_id)
        return _links(session, ShareLinkRow.playlist_id == playlist_id)


@router.post("/matches/{match_id}/shares", status_code=201)
def share(
    match_id: Id, body: ShareIn, principal: Editor, request: Request, services: ServicesDep
) -> ShareOut:
    """Make a link: send its secret as ``?share=`` or in the header X-Share-Token.

    A link that a program makes expires with the program's token at the latest."""
    with services.database.write() as session:
        match = visible_match(session, principal, match_id)
        made = _made(services, session, principal, match, body)
        audit(services, request, session, "match shared", f"{match_id} {body.scope}")
    return made


@router.post("/playlists/{playlist_id}/shares", status_code=201, tags=["playlists"])
def share_playlist(
    playlist_id: Id, body: ShareIn, principal: Editor, request: Request, services: ServicesDep
) -> ShareOut:
    """Make a link to a playlist: it shows its clips, as they are when it is opened, and nothing
    else of the matches. Expires as a link to a match does."""
    with services.database.write() as session:
        playlist = visible_playlist(session, principal, playlist_id)
        made = _made(services, session, principal, playlist, body)
        audit(services, request, session, "playlist shared", f"{playlist_id} {body.scope}")
    return made


@router.delete("/shares/{share_id}", status_code=204)
def revoke(share_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Revoke a link."""
    with services.database.write() as session:
        row = session.get(ShareLinkRow, share_id)
        if row is None:
            raise NotFoundError("link")
        session.delete(row)
        audit(services, request, session, "link revoked", str(row.match_id or row.playlist_id))


def _links(session: Session, whose: ColumnElement[bool]) -> Page[ShareOut]:
    rows = session.scalars(
        select(ShareLinkRow)
        .where(whose)
        .order_by(ShareLinkRow.created_at, ShareLinkRow.id)
        .limit(1000)
    ).all()
    return Page(items=[ShareOut.of(row) for row in rows])


def _made(
    services: Services,
    session: Session,
    principal: Principal,
    shown: MatchRow | PlaylistRow,
    wanted: ShareIn,
) -> ShareOut:
    now = services.database.now(session)
    expires_at = min(now + wanted.hours * 3600, principal.expires_at or math.inf)
    secret, row = add_share(session, shown, wanted.scope, principal.name, now, expires_at)
    return ShareOut.of(row).model_copy(update={"secret": secret})
