"""Comments on events."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from touchline.server.errors import ConflictError, NotFoundError
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import (
    Editor,
    Id,
    ServicesDep,
    Viewer,
    audit,
    editable_match,
    visible_match,
)
from touchline.server.routes.idempotency import OnceDep
from touchline.server.routes.schemas import IdText, In, Out, Page, plain
from touchline.server.tables import CommentRow, EventRow, MatchRow

router = APIRouter(prefix="/v1", tags=["comments"])

MAX_COMMENTS = 200
"""Of one event."""

Words = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, pattern=r"\S"), AfterValidator(plain)
]


class CommentIn(In):
    """A new comment."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Offside before that?"}]})

    text: Words


class CommentOut(Out):
    """A comment on an event."""

    id: str
    event: Annotated[str, Field(validation_alias="event_id")]
    author: str
    text: str
    created_at: datetime


@router.get("/matches/{match_id}/comments")
def list_comments(
    match_id: Id,
    principal: Viewer,
    services: ServicesDep,
    event: Annotated[IdText | None, Query()] = None,
) -> Page[CommentOut]:
    """The comments on the events of a match, or on one of them, the oldest first."""
    query = select(CommentRow).where(CommentRow.match_id == match_id)
    if event is not None:
        query = query.where(CommentRow.event_id == event)
    with services.database.read() as session:
        visible_match(session, principal, match_id)
        rows = session.scalars(query.order_by(CommentRow.created_at, CommentRow.id)).all()
    return Page(items=[CommentOut.of(row) for row in rows])


@router.post("/matches/{match_id}/events/{event_id}/comments", status_code=201)
def comment(
    match_id: Id, event_id: Id, body: CommentIn, principal: Editor, once: OnceDep
) -> CommentOut:
    """Comment on an event."""
    with once.write() as session:
        match = editable_match(session, match_id)
        event = session.get(EventRow, event_id)
        if event is None or event.match_id != match_id or event.deleted:
            raise NotFoundError("event")
        if event.comments >= MAX_COMMENTS:
            raise ConflictError(f"an event has up to {MAX_COMMENTS} comments; delete some first")
        row = CommentRow(
            match_id=match_id,
            event_id=event_id,
            author=principal.name,
            text=body.text.strip(),
            created_at=once.services.database.now(session),
        )
        session.add(row)
        session.flush()
        _count(match, event, 1)
        return once.answer(session, CommentOut.of(row))


@router.delete("/comments/{comment_id}", status_code=204)
def remove(comment_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Delete a comment; for its author and admins."""
    with services.database.write() as session:
        match, row = _comment(session, comment_id)
        if row.author != principal.name and not principal.has("admin"):
            raise ProblemError(403, "only its author or an admin may delete a comment")
        _count(match, session.get_one(EventRow, row.event_id), -1)
        session.delete(row)
        audit(services, request, session, "comment deleted", f"{row.match_id} {row.event_id}")


def _comment(session: Session, comment_id: str) -> tuple[MatchRow, CommentRow]:
    """A comment and its match, which is held: whether it is still there is read after that."""
    row = session.get(CommentRow, comment_id)
    if row is None:
        raise NotFoundError("comment")
    match = editable_match(session, row.match_id)
    session.expire_all()
    row = session.get(CommentRow, comment_id)
    if row is None:
        raise NotFoundError("comment")
    return match, row


def _count(match: MatchRow, event: EventRow, step: int) -> None:
    """Count a comment; who follows the match reads the event anew."""
    event.comments += step
    match.revision += 1
    event.revision = match.revision
