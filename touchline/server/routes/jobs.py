"""Jobs: progress, log, cancelling and retrying."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session
from starlette.types import Receive, Scope, Send

from touchline.server.access.principal import Principal
from touchline.server.access.streams import OpenStreams
from touchline.server.errors import BusyError, DiskError, NotFoundError
from touchline.server.jobs.queue import ENDED, Outlook
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
    caller_of,
    client_of,
    from_cursor,
    number_of,
    to_cursor,
)
from touchline.server.routes.idempotency import OnceDep
from touchline.server.routes.schemas import IdText, JobOut, Out, Page
from touchline.server.services import Services
from touchline.server.tables import JobLineRow, JobRow

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


class LineOut(Out):
    """A line of a job's log."""

    at: datetime
    attempt: int
    text: str


LOOK_SECONDS = 0.5
ALIVE_SECONDS = 15.0
MAX_STREAM_SECONDS = 3600.0

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


@router.get("")
def list_jobs(
    principal: Known,
    services: ServicesDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[State | None, Query()] = None,
    match: Annotated[IdText | None, Query()] = None,
) -> Page[JobOut]:
    """The jobs, the newest first."""
    query = select(JobRow).order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit + 1)
    if principal.is_guest:
        query = query.where(JobRow.match_id == (principal.match_id or ""))
    if state:
        query = query.where(JobRow.state == state)
    if match:
        query = query.where(JobRow.match_id == match)
    if cursor:
        at, job_id = from_cursor(cursor, 2)
        query = query.where(tuple_(JobRow.created_at, JobRow.id) < (number_of(at), job_id))
    with services.database.read() as session:
        rows = session.scalars(query).all()
        items = [JobOut.of(row, services.queue.outlook(session, row)) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(
        items=items, next=None if last is None else to_cursor(repr(last.created_at), last.id)
    )


@router.get("/{job_id}")
def show(job_id: Id, principal: Known, services: ServicesDep) -> JobOut:
    """A job: its state, how far each stage is, and its place in the queue."""
    with services.database.read() as session:
        row = _job(session, principal, job_id)
        return JobOut.of(row, services.queue.outlook(session, row))


@router.get("/{job_id}/log")
def read_log(job_id: Id, principal: Viewer, services: ServicesDep) -> Page[LineOut]:
    """The log of a job; not for guests of a link, as it names machines."""
    with services.database.read() as session:
        _job(session, principal, job_id)
        lines = session.scalars(
            select(JobLineRow).where(JobLineRow.job_id == job_id).order_by(JobLineRow.id)
        ).all()
    return Page(items=[LineOut.of(line) for line in lines])


@router.post("/{job_id}/cancel")
def cancel(job_id: Id, principal: Editor, request: Request, once: OnceDep) -> JobOut:
    """Cancel a job; an ended job stays as it is."""
    services = once.services
    with once.write() as session:
        row = _job(session, principal, job_id)
        if services.queue.cancel(session, row):
            audit(services, request, session, "job cancelled", f"{row.id} {row.kind}")
        return once.answer(session, JobOut.of(row, Outlook()))


@router.post("/{job_id}/retry")
def retry(job_id: Id, principal: Editor, request: Request, once: OnceDep) -> JobOut:
    """Retry a job that failed or was cancelled; finished stages are not repeated."""
    services = once.services
    with once.write() as session:
        row = _job(session, principal, job_id)
        if row.state not in ("failed", "cancelled"):
            raise ProblemError(409, f"the job is {row.state}; only a failed job can be retried")
        services.queue.retry(session, row)
        audit(services, request, session, "job retried", f"{row.id} {row.kind}")
        return once.answer(session, JobOut.of(row, services.queue.outlook(session, row)))


@router.get(
    "/{job_id}/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events `job`, whose data is the job; it ends with the job.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream(
    job_id: Id, principal: Known, request: Request, services: ServicesDep
) -> StreamingResponse:
    """Follow a job: an event whenever something about it changes.

    The stream ends with the job, and with the login, token or link that it was opened with."""
    first = await to_thread.run_sync(_look, services, request, principal, job_id)
    streams: OpenStreams = request.app.state.streams
    client = client_of(request, principal)
    if not streams.take(client):
        raise ProblemError(429, "too many streams are open", headers={"Retry-After": "5"})
    return _Counted(
        _events(services, request, principal, job_id, first),
        lambda: streams.give_back(client),
    )


class _Counted(StreamingResponse):
    """A stream of events that says when it has ended, however it does."""

    def __init__(self, content: AsyncIterator[str], ended: Callable[[], None]) -> None:
        super().__init__(
            content,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


async def _events(
    services: Services,
    request: Request,
    principal: Principal,
    job_id: str,
    first: tuple[str, bool],
) -> AsyncIterator[str]:
    data, ended = first
    yield f"event: job\ndata: {data}\n\n"
    silent = lasted = 0.0
    stopping: threading.Event = request.app.state.stopping
    while not ended and lasted < MAX_STREAM_SECONDS and not stopping.is_set():
        await asyncio.sleep(LOOK_SECONDS)
        silent, lasted = silent + LOOK_SECONDS, lasted + LOOK_SECONDS
        try:
            now, ended = await to_thread.run_sync(_look, services, request, principal, job_id)
        except (BusyError, DiskError):
            now = data  # nothing new is known; the next look tells
        except (NotFoundError, ProblemError):  # deleted meanwhile, or the caller may not any more
            return
        if now != data:
            data, silent = now, 0.0
            yield f"event: job\ndata: {data}\n\n"
        elif silent >= ALIVE_SECONDS:
            silent = 0.0
            yield ": still here\n\n"


def _look(
    services: Services, request: Request, principal: Principal, job_id: str
) -> tuple[str, bool]:
    """The job as the caller sees it now, and whether it has ended.

    Raises:
        NotFoundError: it is gone. ProblemError: the caller's credentials have ended.
    """
    with services.database.read() as session:
        if caller_of(request, services, session) != principal:
            raise ProblemError(401, "the credentials are not valid any more", code="unauthorized")
        row = _job(session, principal, job_id)
        job = JobOut.of(row, services.queue.outlook(session, row))
    return json.dumps(job.model_dump(mode="json")), row.state in ENDED


def _job(session: Session, principal: Principal, job_id: str) -> JobRow:
    row = session.get(JobRow, job_id)
    if row is None or (principal.is_guest and (principal.match_id or "") != row.match_id):
        raise NotFoundError("job")
    return row
