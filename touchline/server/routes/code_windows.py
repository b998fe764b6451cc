"""Code windows: buttons to tag with, made by people."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from touchline.server.access.principal import Principal
from touchline.server.code_windows import CodeWindow, NewCodeWindow
from touchline.server.errors import ConflictError, NotFoundError
from touchline.server.history import redo, steps_of, undo
from touchline.server.routes.dependencies import (
    Editor,
    Id,
    ServicesDep,
    Viewer,
    demand_match,
    etag_of,
    step_header,
)
from touchline.server.routes.idempotency import Once, OnceDep
from touchline.server.routes.schemas import In, Named, Out, Page, StepIn, StepOut
from touchline.server.routes.steps import take_audited_step
from touchline.server.tables import ChangeRow, CodeWindowRow

router = APIRouter(prefix="/v1/code-windows", tags=["code windows"])

MAX_WINDOWS = 200
OWN_STEPS = 100
GONE: dict[int | str, dict[str, Any]] = {204: {"description": "The code window is deleted by it."}}

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


class CodeWindowWholeOut(CodeWindowOut):
    """A code window with its history: ``steps`` are the caller's own, the oldest first."""

    steps: list[StepOut]


@router.get("")
def list_windows(
    principal: Viewer, services: ServicesDep, deleted: bool = False
) -> Page[CodeWindowOut]:
    """The code windows, by title; with ``deleted``, those that undo can bring back, the last one
    first."""
    order = (
        (CodeWindowRow.updated_at.desc(), CodeWindowRow.id)
        if deleted
        else (CodeWindowRow.title, CodeWindowRow.id)
    )
    query = select(CodeWindowRow).where(CodeWindowRow.deleted.is_(deleted)).order_by(*order)
    with services.database.read() as session:
        rows = session.scalars(query.limit(MAX_WINDOWS)).all()
    return Page(items=[CodeWindowOut.of(row) for row in rows])


@router.post("", status_code=201)
def make(
    body: CodeWindowIn, principal: Editor, request: Request, once: OnceDep
) -> CodeWindowWholeOut:
    """Make a code window."""
    with once.write() as session:
        _demand_room(session)
        now = once.services.database.now(session)
        row = CodeWindowRow(
            title=body.title, document={}, deleted=True, version=0,
            created_by=principal.name, created_at=now, updated_by=principal.name, updated_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        changes = {"document": body.window.model_dump(mode="json"), "deleted": False}
        return _changed(session, row, changes, "code window made", principal, request, once)


@router.get("/{window_id}")
def show(
    window_id: Id, principal: Viewer, response: Response, services: ServicesDep
) -> CodeWindowWholeOut:
    """A code window."""
    with services.database.read() as session:
        row = _window(session, window_id)
        shown = _shown(session, row, principal)
    response.headers["ETag"] = etag_of(row)
    return shown


@router.patch("/{window_id}")
def change(
    window_id: Id, body: CodeWindowChange, principal: Editor, request: Request, once: OnceDep
) -> CodeWindowWholeOut:
    """Rename a code window, or give it other buttons and groups. Needs If-Match."""
    with once.write() as session:
        row = _window(session, window_id, holds=True)
        demand_match(request, row)
        changes: dict[str, Any] = {}
        if body.title is not None:
            changes["title"] = body.title
        if body.window is not None:
            changes["document"] = body.window.model_dump(mode="json")
        return _changed(session, row, changes, "code window changed", principal, request, once)


@router.delete("/{window_id}", status_code=204)
def remove(window_id: Id, principal: Editor, request: Request, once: OnceDep) -> None:
    """Delete a code window; what was tagged with it stays. For 30 days, undo brings it back. Needs
    If-Match."""
    with once.write() as session:
        row = _window(session, window_id, holds=True)
        demand_match(request, row)
        _changed(session, row, {"deleted": True}, "code window deleted", principal, request, once)


@router.post("/{window_id}/undo", response_model=CodeWindowWholeOut, responses=GONE)
def undo_step(
    window_id: Id, principal: Editor, once: OnceDep, body: StepIn | None = None
) -> CodeWindowWholeOut | Response:
    """Undo a step of the code window's history, by default the last one of anybody; also of its
    deletion. Undoing that it was made deletes it."""
    with once.write() as session:
        row = _held(session, window_id)
        was_deleted = row.deleted
        now = once.services.database.now(session)
        step = undo(session, row, principal.name, now, body.step if body else None)
        return _left(session, row, principal, once, step, was_deleted=was_deleted)


@router.post("/{window_id}/redo", response_model=CodeWindowWholeOut, responses=GONE)
def redo_step(
    window_id: Id, principal: Editor, once: OnceDep, body: StepIn | None = None
) -> CodeWindowWholeOut | Response:
    """Redo a step that was undone, by default the last one of anybody."""
    with once.write() as session:
        row = _held(session, window_id)
        was_deleted = row.deleted
        now = once.services.database.now(session)
        step = redo(session, row, principal.name, now, body.step if body else None)
        return _left(session, row, principal, once, step, was_deleted=was_deleted)


def _demand_room(session: Session, besides: str = "") -> None:
    """Make sure that there may be one more code window than those ``besides`` this one."""
    query = select(func.count(CodeWindowRow.id)).where(
        CodeWindowRow.deleted.is_(False), CodeWindowRow.id != besides
    )
    if (session.scalar(query) or 0) >= MAX_WINDOWS:
        raise ConflictError(f"there are {MAX_WINDOWS} code windows; delete one first")


def _held(session: Session, window_id: str) -> CodeWindowRow:
    """A code window, deleted or not, held until the end of the transaction."""
    row = session.get(CodeWindowRow, window_id, with_for_update=True)
    if row is None:
        raise NotFoundError("code window")
    return row


def _window(session: Session, window_id: str, *, holds: bool = False) -> CodeWindowRow:
    row = session.get(CodeWindowRow, window_id, with_for_update=holds or None)
    if row is None or row.deleted:
        raise NotFoundError("code window")
    return row


def _changed(
    session: Session,
    row: CodeWindowRow,
    changes: dict[str, Any],
    action: str,
    principal: Principal,
    request: Request,
    once: Once,
) -> CodeWindowWholeOut:
    named = take_audited_step(once, session, row, (row, changes), principal, action, request)
    return _answer(session, row, principal, once, named)


def _answer(
    session: Session,
    row: CodeWindowRow,
    principal: Principal,
    once: Once,
    headers: Mapping[str, str],
) -> CodeWindowWholeOut:
    place = {"Location": f"/v1/code-windows/{row.id}"} if once.status == HTTPStatus.CREATED else {}
    shown = _shown(session, row, principal)
    return once.answer(session, shown, ETag=etag_of(row), **place, **headers)


def _left(
    session: Session,
    row: CodeWindowRow,
    principal: Principal,
    once: Once,
    step: ChangeRow,
    *,
    was_deleted: bool,
) -> CodeWindowWholeOut | Response:
    """The answer to undo and redo: the code window, or nothing where that deletes it."""
    if row.deleted:
        return once.answer_nothing(session, **step_header(step))
    if was_deleted:
        _demand_room(session, besides=row.id)
    return _answer(session, row, principal, once, step_header(step))


def _shown(session: Session, row: CodeWindowRow, principal: Principal) -> CodeWindowWholeOut:
    steps = [StepOut.of(step) for step in steps_of(session, row, principal.name, OWN_STEPS)]
    facts = CodeWindowOut.of(row).model_dump()
    return CodeWindowWholeOut.model_validate({**facts, "steps": steps})
