"""Share links: each shows one match without a login, until it expires."""

import math
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from sqlalchemy import select

from touchline.server.access.accounts import add_share
from touchline.server.access.principal import Scope
from touchline.server.errors import NotFoundError
from touchline.server.routes.dependencies import Editor, Id, ServicesDep, audit, visible_match
from touchline.server.routes.schemas import In, MatchId, Out, Page
from touchline.server.tables import ShareLinkRow

router = APIRouter(prefix="/v1", tags=["shares"])


class ShareIn(In):
    """A new share link."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scope": "view", "hours": 48}]})

    scope: Scope = "view"
    hours: Annotated[float, Field(gt=0, le=24 * 365)] = 72


class ShareOut(Out):
    """A share link; the secret is shown once, when it is made."""

    id: str
    match: MatchId
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
        rows = session.scalars(
            select(ShareLinkRow)
            .where(ShareLinkRow.match_id == match_id)
            .order_by(ShareLinkRow.created_at, ShareLinkRow.id)
            .limit(1000)
        ).all()
    return Page(items=[ShareOut.of(row) for row in rows])


@router.post("/matches/{match_id}/shares", status_code=201)
def share(
    match_id: Id, body: ShareIn, principal: Editor, request: Request, services: ServicesDep
) -> ShareOut:
    """Make a link: send its secret as ``?share=`` or in the header X-Share-Token.

    A link that a program makes expires with the program's token at the latest."""
    with services.database.write() as session:
        visible_match(session, principal, match_id)
        now = services.database.now(session)
        expires_at = min(now + body.hours * 3600, principal.expires_at or math.inf)
        secret, row = add_share(session, match_id, body.scope, principal.name, now, expires_at)
        audit(services, request, session, "match shared", f"{match_id} {body.scope}")
    return ShareOut.of(row).model_copy(update={"secret": secret})


@router.delete("/shares/{share_id}", status_code=204)
def revoke(share_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Revoke a link."""
    with services.database.write() as session:
        row = session.get(ShareLinkRow, share_id)
        if row is None:
            raise NotFoundError("link")
        session.delete(row)
        audit(services, request, session, "link revoked", row.match_id)
