"""Events of a match: listed, added, changed, accepted, rejected, deleted; with undo and redo."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import ColumnElement, Select, and_, func, select, true, tuple_
from sqlalchemy.orm import Session

from touchline.errors import FormatError
from touchline.events import Event, Status
from touchline.formats import FORMATS, find_format, write
from touchline.runtime.wording import counted
from touchline.server.cache import AnswerCache
from touchline.server.documents import (
    STRETCH_FIELDS,
    is_shown,
    refuse_outside,
    row_from_event,
    timelines_from_rows,
    video_of_half,
)
from touchline.server.errors import ConflictError, NotFoundError
from touchline.server.games import facts_of_file
from touchline.server.history import change_rows, ids_of, redo, steps_of, undo
from touchline.server.intake.events import Imports
from touchline.server.jobs.stages.importing import ImportResult
from touchline.server.judging import with_statuses
from touchline.server.moves import with_match_state
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import (
    Cursor,
    Editor,
    Id,
    Known,
    Limit,
    ServicesDep,
    Viewer,
    audit,
    demand_match,
    editable_match,
    etag_of,
    from_cursor,
    may_download,
    number_of,
    step_header,
    to_cursor,
    unchanged,
    visible_match,
)
from touchline.server.routes.files import BYTES
from touchline.server.routes.idempotency import Once, OnceDep
from touchline.server.routes.reel_schemas import NewsOut, ReelOut
from touchline.server.routes.schemas import (
    ChangedOut,
    ChangeOut,
    EventChange,
    EventIn,
    EventOut,
    FileName,
    Page,
    ReviewIn,
    Share,
    StepIn,
    StepOut,
    event_facts,
    for_caller,
    in_row,
)
from touchline.server.routes.steps import take_step
from touchline.server.tables import ChangeRow, EventRow, MatchRow, ReelRow

router = APIRouter(prefix="/v1/matches/{match_id}", tags=["events"])

JSON = "application/json"
OWN_STEPS = 100
"""Steps of the caller that news tell of."""

HalfQuery = Annotated[int | None, Query(ge=1, le=4, description="Of this half alone.")]
LabelQuery = Annotated[
    list[Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$")]] | None, Query()
]


@router.get(
    "/events",
    response_model=Page[EventOut],
    responses={304: {"description": "Nothing has changed."}},
)
def list_events(
    match_id: Id,
    principal: Known,
    request: Request,
    response: Response,
    services: ServicesDep,
    limit: Limit = 200,
    cursor: Cursor = None,
    label: LabelQuery = None,
    status: Annotated[Status | None, Query()] = None,
    min_confidence: Annotated[Share, Query()] = 0.0,
    half: HalfQuery = None,
    shown: Annotated[bool, Query(description="Those above the match's thresholds.")] = False,
) -> Response:
    """The events in order of time. The ETag is that of all events together."""
    pages: AnswerCache = request.app.state.event_pages
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
        if unchanged(request, response, f'"r{match.revision}"'):
            return Response(status_code=304, headers=dict(response.headers))
        asked = (limit, cursor, tuple(label or ()), status, min_confidence, half, shown)
        key = (match_id, match.version, match.revision, asked, principal.is_guest)
        if (known := pages.get(key)) is not None:
            return Response(known, headers=dict(response.headers), media_type=JSON)
        query = _alive(match_id, *EventRow.__table__.columns)
        query = query.where(EventRow.confidence >= min_confidence)
        if label:
            query = query.where(EventRow.label.in_(label))
        if status:
            query = query.where(EventRow.status == status)
        if half is not None:
            query = query.where(_of_half(match, half))
        if shown:
            query = query.where(is_shown(match))
        if cursor:
            seconds, event_id = from_cursor(cursor, 2)
            after = (number_of(seconds), event_id)
            query = query.where(tuple_(EventRow.seconds, EventRow.id) > after)
        rows = session.execute(query.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    page = Page[EventOut].model_validate(
        {
            "items": [event_facts(row, match, is_guest=principal.is_guest) for row in rows[:limit]],
            "next": None if last is None else to_cursor(repr(last.seconds), last.id),
        }
    )
    answer = page.model_dump_json().encode()
    pages.put(key, answer)
    return Response(answer, headers=dict(response.headers), media_type=JSON)


@router.get("/news", responses={304: {"description": "Nothing has changed."}})
def news(
    match_id: Id,
    principal: Known,
    request: Request,
    response: Response,
    services: ServicesDep,
    since: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> Any:
    """The events and reels that have changed since a revision, and the caller's own steps.

    ``revision`` is the one to ask from next; of several pages, that of the first. ``count`` is how
    many events there are: fewer than the caller then has, and some were removed for good (the match
    was spotted again); read them all."""
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
        if unchanged(request, response, f'"r{match.revision}"'):
            return Response(status_code=304, headers=dict(response.headers))
        alive = select(func.count()).select_from(_alive(match_id, EventRow.id).subquery())
        count = session.scalar(alive) or 0
        query = select(EventRow).where(EventRow.match_id == match_id, EventRow.revision > since)
        if cursor:
            revision, event_id = from_cursor(cursor, 2)
            after = (min(number_of(revision), 2**31 - 1), event_id)
            query = query.where(tuple_(EventRow.revision, EventRow.id) > after)
        rows = session.scalars(
            query.order_by(EventRow.revision, EventRow.id).limit(limit + 1)
        ).all()
        reels = session.scalars(
            select(ReelRow).where(ReelRow.match_id == match_id, ReelRow.revision > since)
        ).all()
        own = [] if principal.is_guest else steps_of(session, match, principal.name, OWN_STEPS)
    last = rows[limit - 1] if len(rows) > limit else None
    shown, is_guest = rows[:limit], principal.is_guest
    return NewsOut(
        revision=match.revision,
        count=count,
        items=[EventOut.of(row, match, is_guest=is_guest) for row in shown if not row.deleted],
        removed=[row.id for row in shown if row.deleted],
        reels=[for_caller(principal, ReelOut.of(row)) for row in reels if not row.deleted],
        removed_reels=[row.id for row in reels if row.deleted],
        steps=[StepOut.of(step) for step in own],
        next=None if last is None else to_cursor(last.revision, last.id),
    )


@router.post("/events", status_code=201)
def add(
    match_id: Id, body: EventIn, principal: Editor, request: Request, once: OnceDep
) -> EventOut:
    """Add an event. ``id``, if given, is a random name by the caller."""
    values = in_row(body.model_dump(exclude_none=True))
    with once.write() as session:
        match = editable_match(session, match_id)
        if body.id is not None and session.get(EventRow, body.id) is not None:
            raise ConflictError("there is an event of this id already")
        refuse_outside(match, "time", body.time)
        _refuse_long(match, values)
        row = EventRow(**values, source="person", deleted=False)
        step = take_step(once, session, match, [(row, {})], principal, "added")
        return once.answer(
            session,
            EventOut.of(row, match),
            ETag=etag_of(row),
            Location=f"{request.url.path}/{row.id}",
            **step_header(step),
        )


@router.get("/events/{event_id}")
def show(
    match_id: Id, event_id: Id, principal: Known, response: Response, services: ServicesDep
) -> EventOut:
    """An event."""
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
        row = _event(session, match_id, event_id)
    response.headers["ETag"] = etag_of(row)
    return EventOut.of(row, match, is_guest=principal.is_guest)


@router.patch("/events/{event_id}")
def change(
    match_id: Id,
    event_id: Id,
    body: EventChange,
    principal: Editor,
    request: Request,
    once: OnceDep,
) -> EventOut:
    """Change an event, accept it or reject it. Needs If-Match."""
    values = {name: getattr(body, name) for name in body.model_fields_set}
    for name in ("time", "label", "confidence", "status"):
        if values.get(name, "") is None:
            raise ProblemError(422, f"{name}: cannot be removed from an event")
    return _changed(match_id, event_id, in_row(values), "changed", principal.name, request, once)


@router.post("/events/{event_id}/accept")
def accept(
    match_id: Id, event_id: Id, principal: Editor, request: Request, once: OnceDep
) -> EventOut:
    """Accept an event. Needs If-Match."""
    values = {"status": "accepted"}
    return _changed(match_id, event_id, values, "accepted", principal.name, request, once)


@router.post("/events/{event_id}/reject")
def reject(
    match_id: Id, event_id: Id, principal: Editor, request: Request, once: OnceDep
) -> EventOut:
    """Reject an event. Needs If-Match."""
    values = {"status": "rejected"}
    return _changed(match_id, event_id, values, "rejected", principal.name, request, once)


@router.delete("/events/{event_id}", status_code=204)
def remove(match_id: Id, event_id: Id, principal: Editor, request: Request, once: OnceDep) -> None:
    """Delete an event; undo brings it back. Needs If-Match."""
    values = {"deleted": True}
    _changed(match_id, event_id, values, "deleted", principal.name, request, once)


@router.post(
    "/import",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def import_events(
    match_id: Id,
    principal: Editor,
    request: Request,
    once: OnceDep,
    format: Annotated[str | None, Query(max_length=40, examples=["csv"])] = None,
    name: Annotated[FileName, Query()] = "events.json",
    half: Annotated[int | None, Query(ge=1, le=4)] = None,
    times: Annotated[Literal["video", "clock"] | None, Query()] = None,
    sure: Annotated[Literal["pending", "accepted"] | None, Query()] = None,
) -> ChangedOut:
    """Add the events of a file, in any format that touchline reads, as one step.

    ``half`` names the half of a file that does not state it, or the half to read of a file of
    several. ``times`` are those of the videos or of the match clock; by default those that the
    file has. A match clock is found by what was read of the videos, else by the kick-offs; a
    provider's match of several files comes as a zip. Events that state no status are pending where
    a model found them, with a confidence below 1, and accepted where they are labels. ``sure`` is
    the status of those with a confidence of 1; where a file leaves it open, the answer is 409 and
    nothing is added. Teams, date and score of the file are kept
    where they are not known yet."""
    content = await request.body()
    imports: Imports = request.app.state.imports
    with tempfile.TemporaryDirectory(prefix="touchline-") as folder:
        found = await imports.read(
            once.services, match_id, Path(folder), content, (format, name, half, times)
        )
    return await to_thread.run_sync(_keep, once, match_id, principal.name, found, sure)


@router.post("/review")
def review(match_id: Id, body: ReviewIn, principal: Editor, once: OnceDep) -> ChangedOut:
    """Accept or reject several events at once, as one step, without those that were deleted."""
    query = _alive(match_id)
    if body.ids is not None:
        query = query.where(EventRow.id.in_(body.ids))
    else:
        query = query.where(EventRow.status == "pending")
    if body.min_confidence is not None:
        query = query.where(EventRow.confidence >= body.min_confidence)
    if body.max_confidence is not None:
        query = query.where(EventRow.confidence <= body.max_confidence)
    if body.label is not None:
        query = query.where(EventRow.label == body.label)
    with once.write() as session:
        match = editable_match(session, match_id)
        _refuse_unknown(session, match_id, body.ids or ())
        rows = [(row, {"status": body.status}) for row in session.scalars(query)]
        step = take_step(once, session, match, rows, principal, body.status)
        return once.answer(session, _step(step, body.status), **step_header(step))


@router.post("/undo")
def undo_step(
    match_id: Id, principal: Editor, once: OnceDep, body: StepIn | None = None
) -> ChangedOut:
    """Undo a step of the match's history, by default the last one."""
    with once.write() as session:
        match = editable_match(session, match_id)
        now = once.services.database.now(session)
        step = undo(session, match, principal.name, now, body.step if body else None)
        return once.answer(session, _step(step, step.action), **step_header(step))


@router.post("/redo")
def redo_step(
    match_id: Id, principal: Editor, once: OnceDep, body: StepIn | None = None
) -> ChangedOut:
    """Redo a step that was undone, by default the last one."""
    with once.write() as session:
        match = editable_match(session, match_id)
        now = once.services.database.now(session)
        step = redo(session, match, principal.name, now, body.step if body else None)
        return once.answer(session, _step(step, step.action), **step_header(step))


@router.get("/changes")
def changes(
    match_id: Id,
    principal: Viewer,
    services: ServicesDep,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ChangeOut]:
    """Who changed what and when, the latest first; not for guests of a link."""
    query = (
        select(ChangeRow).where(ChangeRow.match_id == match_id).order_by(ChangeRow.number.desc())
    )
    if cursor:
        query = query.where(ChangeRow.number < min(number_of(from_cursor(cursor, 1)[0]), 2**31 - 1))
    with services.database.read() as session:
        visible_match(session, principal, match_id)
        rows = session.scalars(query.limit(limit + 1)).all()
    items = [
        ChangeOut.model_validate(
            {
                "number": row.number,
                "actor": row.actor,
                "action": row.action,
                "at": row.at,
                "undone": row.undone,
                "id": row.id,
                "events": ids_of(row, "event"),
                "reels": ids_of(row, "reel"),
            }
        )
        for row in rows[:limit]
    ]
    more = len(rows) > limit
    return Page(items=items, next=to_cursor(rows[limit - 1].number) if more else None)


@router.get(
    "/download",
    response_class=Response,
    responses={200: {"description": "The events in a file.", **BYTES}},
)
def download(
    match_id: Id,
    principal: Known,
    services: ServicesDep,
    format: Annotated[str, Query(max_length=40, examples=["csv"])] = "touchline",
    min_confidence: Annotated[Share, Query()] = 0.0,
    half: HalfQuery = None,
) -> Response:
    """The events that were not rejected and are not below the match's thresholds, as a file in any
    format that events are written in.

    A match of several videos is written as such, its times within each; or one half of it."""
    may_download(principal)
    known = find_format(format)
    if known.write is None or "events" not in known.kinds:
        names = [f.name for f in FORMATS.values() if f.write is not None and "events" in f.kinds]
        raise ProblemError(422, f"events cannot be written as {format!r}; use {', '.join(names)}")
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
        query = _alive(match_id).where(
            EventRow.status != "rejected", EventRow.confidence >= min_confidence, is_shown(match)
        )
        thing = timelines_from_rows(match, session.scalars(query), half)
    with tempfile.TemporaryDirectory(prefix="touchline-") as folder:
        path = Path(folder) / f"match{known.suffixes[0]}"
        try:
            write(thing, path, format)
        except FormatError as error:
            remedy = "; ask for one half of the match" if len(match.videos) > 1 else ""
            raise ProblemError(422, f"{error.what}{remedy}") from error
        content = path.read_bytes()
    name = f"match-{match_id[:8]}{known.suffixes[0]}"
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _keep(
    once: Once, match_id: str, actor: str, found: ImportResult, sure: Status | None
) -> ChangedOut:
    events = with_statuses(found.events, are_predictions=found.are_predictions, sure=sure)
    with once.write() as session:
        match = editable_match(session, match_id)
        now = once.services.database.now(session)
        again = _repeated(session, match_id, events)
        rows: list[tuple[EventRow, dict[str, Any]]] = [(row_from_event(e), {}) for e in events]
        step = change_rows(
            session, match, rows, actor=actor, action="imported", now=now, step_id=once.step_id
        )
        known = {name: value for name, value in match.game.items() if value}
        if (game := {**facts_of_file(found.facts), **known}) != known:
            match.game = game
            match.version += 1
        statuses = Counter(str(event.status) for event in events)
        done = _step(step, "imported").model_copy(
            update={"remarks": [*found.remarks, *again], "statuses": dict(statuses)}
        )
        return once.answer(session, done, **step_header(step))


def _refuse_unknown(session: Session, match_id: str, ids: Sequence[str]) -> None:
    """Refuse ids that are of no event of the match, deleted or not."""
    query = select(EventRow.id).where(EventRow.match_id == match_id, EventRow.id.in_(ids))
    known = set(session.scalars(query)) if ids else set()
    if unknown := next((one for one in ids if one not in known), None):
        raise ProblemError(422, f"ids: {unknown} is no event of the match")


def _refuse_long(match: MatchRow, values: Mapping[str, Any]) -> None:
    """Refuse a length that begins before the match or ends behind its known end."""
    seconds, lead, lag = (values.get(name) for name in ("seconds", *STRETCH_FIELDS.values()))
    if seconds is not None and lead is not None and lag is not None:
        refuse_outside(match, "lead", round(seconds - lead, 6))
        refuse_outside(match, "lag", round(seconds + lag, 6))


def _repeated(session: Session, match_id: str, events: Sequence[Event]) -> list[str]:
    """A remark on imported events that were there already: the same class at the same time."""
    query = _alive(match_id, EventRow.label, EventRow.seconds)
    known = {(label, round(seconds, 2)) for label, seconds in session.execute(query)}
    count = sum((event.label, round(event.seconds, 2)) in known for event in events)
    if not count:
        return []
    return [f"{counted(count, 'event')} of the same class and time as one that was there: undo "
            "takes this import back"]  # fmt: skip


def _of_half(match: MatchRow, half: int) -> ColumnElement[bool]:
    if len(match.videos) < 2:
        return EventRow.half == half
    video = video_of_half(match, half)
    first, last = video is match.videos[0], video is match.videos[-1]
    return and_(
        true() if first else EventRow.seconds >= video.start_seconds,
        true() if last else EventRow.seconds < video.end_seconds,
    )


def _alive(match_id: str, *columns: Any) -> Select[Any]:
    """The events that are not deleted, whole or as these columns, in order of time."""
    return (
        select(*(columns or (EventRow,)))
        .where(EventRow.match_id == match_id, EventRow.deleted.is_(False))
        .order_by(EventRow.seconds, EventRow.id)
    )


def _event(session: Session, match_id: str, event_id: str) -> EventRow:
    row = session.get(EventRow, event_id)
    if row is None or row.match_id != match_id or row.deleted:
        raise NotFoundError("event")
    return row


def _changed(
    match_id: str,
    event_id: str,
    values: Mapping[str, Any],
    action: str,
    actor: str,
    request: Request,
    once: Once,
) -> EventOut:
    with once.write() as session:
        match = editable_match(session, match_id)
        row = _event(session, match_id, event_id)
        demand_match(request, row)
        if "seconds" in values:
            refuse_outside(match, "time", values["seconds"])
        _refuse_long(match, {"seconds": row.seconds, **values})
        now = once.services.database.now(session)
        rows = [(row, dict(values))]
        if {"seconds", "half"} & values.keys():
            others = [other for other in session.scalars(_alive(match_id)) if other is not row]
            rows = with_match_state(match, row, values, others)
        step = change_rows(
            session, match, rows, actor=actor, action=action, now=now, step_id=once.step_id
        )
        headers = {"ETag": etag_of(row), **step_header(step)}
        if action == "deleted":
            audit(once.services, request, session, "event deleted", f"{match_id} {row.label}")
        return once.answer(session, EventOut.of(row, match), **headers)


def _step(step: ChangeRow | None, action: str) -> ChangedOut:
    if step is None:
        return ChangedOut(number=None, action=action, events=[])
    events, reels = ids_of(step, "event"), ids_of(step, "reel")
    return ChangedOut(number=step.number, action=step.action, events=events, reels=reels)
