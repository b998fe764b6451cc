"""Share links: one match, shown to whoever holds the link, for a while."""

from fastapi import APIRouter, Request
from sqlalchemy import select

from touchline.server.access.accounts import add_share
from touchline.server.errors import NotFoundError
from touchline.server.routes.dependencies import Editor, Id, ServicesDep, audit, visible_match
from touchline.server.routes.schemas import Page, ShareIn, ShareOut, when
from touchline.server.tables import ShareLinkRow

router = APIRouter(prefix="/v1", tags=["shares"])


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
    return Page(items=[_share(row) for row in rows])


@router.post("/matches/{match_id}/shares", status_code=201)
def share(
    match_id: Id, body: ShareIn, principal: Editor, request: Request, services: ServicesDep
) -> ShareOut:
    """Make a link: send its secret as ``?share=`` or in the header X-Share-Token."""
    with services.database.write() as session:
        visible_match(session, principal, match_id)
        now = services.database.now(session)
        secret, row = add_share(
            session, match_id, body.scope, principal.name, now, now + body.hours * 3600
        )
        audit(services, request, session, "match shared", f"{match_id} {body.scope}")
    made = _share(row)
    made.secret = secret
    return made


@router.delete("/shares/{share_id}", status_code=204)
def revoke(share_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Revoke a link."""
    with services.database.write() as session:
        row = session.get(ShareLinkRow, share_id)
        if row is None:
            raise NotFoundError("link")
        session.delete(row)
        audit(services, request, session, "link revoked", row.match_id)


def _share(row: ShareLinkRow) -> ShareOut:
    return ShareOut.model_validate(
        {
            "id": row.id,
            "match": row.match_id,
            "scope": row.scope,
            "created_by": row.created_by,
            "created_at": when(row.created_at),
            "expires_at": when(row.expires_at),
        }
    )
