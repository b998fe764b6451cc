"""Code windows: buttons to tag with, made by people."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from touchline.server.code_windows import CodeWindow, NewCodeWindow
from touchline.server.errors import ConflictError, NotFoundError
from touchline.server.routes.dependencies import (
    Editor,
    Id,
    ServicesDep,
    Viewer,
    audit,
    demand_match,
    etag_of,
)
from touchline.server.routes.idempotency import OnceDep
from touchline.server.routes.schemas import In, Named, Out, Page
from touchline.server.tables import CodeWindowRow

router = APIRouter(prefix="/v1/code-windows", tags=["code windows"])

MAX_WINDOWS = 200

_EXAMPLE: dict[str, Any] = {
    "title": "Corners",
    "window": {
        "buttons": [
            {"name": "Corner", "key": "c", "asks": ["Side", "Delivery"], "lead": 4, "lag": 8},
            {"name": "Goal from corner", "key": "g", "also": ["Corner"], "x": 6},
        ],
        "groups": [
            {"name": "Side", "options": ["Left", "Right"]},
            {"name": "Delivery", "options": ["Inswinger", "Outswinger", "Short"]},
        ],
    },
}


class CodeWindowIn(In):
    """A new code window."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    title: Named
    window: NewCodeWindow = Field(default_factory=CodeWindow)


class CodeWindowChange(In):
    """Changes to a code window; ``window``, if given, replaces all of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Corners, short"}]})

    title: Named | None = None
    window: NewCodeWindow | None = None


class CodeWindowOut(Out):
    """A code window."""

    id: str
    title: str
    window: Annotated[CodeWindow, Field(validation_alias="document")]
    version: int
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime


@router.get("")
def list_windows(principal: Viewer, services: ServicesDep) -> Page[CodeWindowOut]:
    """The code windows, by title."""
    query = select(CodeWindowRow).order_by(CodeWindowRow.title, CodeWindowRow.id)
    with services.database.read() as session:
        rows = session.scalars(query.limit(MAX_WINDOWS)).all()
    return Page(items=[CodeWindowOut.of(row) for row in rows])


@router.post("", status_code=201)
def make(body: CodeWindowIn, principal: Editor, request: Request, once: OnceDep) -> CodeWindowOut:
    """Make a code window."""
    with once.write() as session:
        if (session.scalar(select(func.count(CodeWindowRow.id))) or 0) >= MAX_WINDOWS:
            raise ConflictError(f"there are {MAX_WINDOWS} code windows; delete one first")
        now = once.services.database.now(session)
        row = CodeWindowRow(
            title=body.title, document=body.window.model_dump(mode="json"),
            created_by=principal.name, created_at=now, updated_by=principal.name, updated_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        audit(once.services, request, session, "code window made", f"{row.id} {row.title}")
        place = f"/v1/code-windows/{row.id}"
        return once.answer(session, CodeWindowOut.of(row), ETag=etag_of(row), Location=place)


@router.get("/{window_id}")
def show(
    window_id: Id, principal: Viewer, response: Response, services: ServicesDep
) -> CodeWindowOut:
    """A code window."""
    with services.database.read() as session:
        row = _window(session, window_id)
    response.headers["ETag"] = etag_of(row)
    return CodeWindowOut.of(row)


@router.patch("/{window_id}")
def change(
    window_id: Id, body: CodeWindowChange, principal: Editor, request: Request, once: OnceDep
) -> CodeWindowOut:
    """Rename a code window, or give it other buttons and groups. Needs If-Match."""
    with once.write() as session:
        row = _window(session, window_id, holds=True)
        demand_match(request, row)
        if body.title is not None:
            row.title = body.title
        if body.window is not None:
            row.document = body.window.model_dump(mode="json")
        row.version += 1
        row.updated_by, row.updated_at = principal.name, once.services.database.now(session)
        audit(once.services, request, session, "code window changed", f"{row.id} {row.title}")
        return once.answer(session, CodeWindowOut.of(row), ETag=etag_of(row))


@router.delete("/{window_id}", status_code=204)
def remove(window_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Delete a code window; what was tagged with it stays. Needs If-Match."""
    with services.database.write() as session:
        row = _window(session, window_id, holds=True)
        demand_match(request, row)
        session.delete(row)
        audit(services, request, session, "code window deleted", f"{row.id} {row.title}")


def _window(session: Session, window_id: str, *, holds: bool = False) -> CodeWindowRow:
    row = session.get(CodeWindowRow, window_id, with_for_update=holds or None)
    if row is None:
        raise NotFoundError("code window")
    return row
