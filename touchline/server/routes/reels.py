"""Reels: chosen, edited, and written as files of every format for reels."""

import hashlib
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from touchline.errors import FormatError
from touchline.events import SIDES
from touchline.formats import FORMATS
from touchline.formats.touchline_json import reel_to_json
from touchline.media.writer import SUFFIXES as VIDEO_SUFFIXES
from touchline.reel import Reel
from touchline.server.access.principal import Principal
from touchline.server.choosing import (
    Evidence,
    chosen_reel,
    events_for_reels,
    reel_of_clips,
    wishes_of,
)
from touchline.server.documents import video_of_half
from touchline.server.errors import NotFoundError
from touchline.server.finishing import PLAIN, Finishing, finishing_of
from touchline.server.games import teams_shown
from touchline.server.intake.events import Imports
from touchline.server.jobs.types.annotation import AnnotatePayload
from touchline.server.jobs.types.product import ProductPayload, file_name, write_now
from touchline.server.problems import ProblemError
from touchline.server.reels import reel_from_json
from touchline.server.routes.assets import check_assets
from touchline.server.routes.dependencies import (
    Editor,
    Id,
    Known,
    ServicesDep,
    audit,
    demand_match,
    editable_match,
    etag_of,
    may_download,
    visible_match,
    visible_playlist,
)
from touchline.server.routes.files import BYTES, file_answer
from touchline.server.routes.idempotency import Once, OnceDep
from touchline.server.routes.reel_evidence import read_evidence
from touchline.server.routes.reel_schemas import (
    AnnotateIn,
    ClipIn,
    ProductOut,
    ReelChange,
    ReelIn,
    ReelOut,
    RenderIn,
)
from touchline.server.routes.schemas import JobOut, Page, for_caller
from touchline.server.routes.steps import take_audited_step
from touchline.server.services import Services
from touchline.server.tables import EventRow, JobRow, MatchRow, PlaylistRow, ProductRow, ReelRow

router = APIRouter(prefix="/v1", tags=["reels"])

VIDEO_FORMATS = {suffix[1:]: suffix for suffix in VIDEO_SUFFIXES}
VIDEO_TITLES = {name: f"Video ({name.upper()})" for name in VIDEO_FORMATS}
"""What people call the formats of videos."""

EDIT_LISTS = {
    known.name: known.suffixes[0]
    for known in FORMATS.values()
    if known.write is not None and "reel" in known.kinds
}
CHOSEN = "chosen"
"""The field of the document of a reel whose clips are as they were chosen."""

OF_VIDEO = ("finish", "burn_labels", "aspect", "snap")
"""What may be asked of videos, and not of edit lists."""

REEL_FORMATS = VIDEO_FORMATS | EDIT_LISTS
"""Every format that a reel can be written in, and the suffix of its files."""


@router.get("/matches/{match_id}/reels")
def list_reels(match_id: Id, principal: Known, services: ServicesDep) -> Page[ReelOut]:
    """The reels of a match."""
    with services.database.read() as session:
        visible_match(session, principal, match_id)
        rows = session.scalars(
            select(ReelRow)
            .where(ReelRow.match_id == match_id, ReelRow.deleted.is_(False))
            .order_by(ReelRow.created_at, ReelRow.id)
            .limit(1000)
        ).all()
    return Page(items=[for_caller(principal, ReelOut.of(row)) for row in rows])


@router.post("/matches/{match_id}/reels", status_code=201)
async def make(
    match_id: Id, body: ReelIn, principal: Editor, request: Request, once: OnceDep
) -> ReelOut:
    """Choose the most important moments that fit into a length, or take the given clips.

    A class, player or team that no event has is refused, with those that the events have; so are
    wishes that leave nothing to show."""
    imports: Imports = request.app.state.imports
    evidence, remarks = await read_evidence(imports, once.services, match_id, body)
    return await to_thread.run_sync(
        _make, match_id, body, evidence, remarks, principal, request, once
    )


def _make(
    match_id: str,
    body: ReelIn,
    evidence: Evidence,
    remarks: list[str],
    principal: Principal,
    request: Request,
    once: Once,
) -> ReelOut:
    with once.write() as session:
        match = editable_match(session, match_id)
        if match.info.get("duration_seconds") is None:
            raise ProblemError(409, f"the match is {match.state}; wait until it is ready")
        check_assets(session, body.finish)
        reel = _new_reel(session, match, body, evidence)
        row = ReelRow(
            title=body.title,
            document=reel_to_json(reel) | _origin(body),
            finish=(body.finish or PLAIN).stored(),
            deleted=False,
        )
        named = take_audited_step(once, session, match, (row, {}), principal, "reel made", request)
        place = f"/v1/reels/{row.id}"
        made = ReelOut.of(row).model_copy(update={"remarks": [*remarks, *reel.warnings]})
        return once.answer(session, made, ETag=etag_of(row), Location=place, **named)


@router.get("/reels/{reel_id}")
def show(reel_id: Id, principal: Known, response: Response, services: ServicesDep) -> ReelOut:
    """A reel."""
    with services.database.read() as session:
        row = _reel(session, principal, reel_id)
    response.headers["ETag"] = etag_of(row)
    return for_caller(principal, ReelOut.of(row))


@router.patch("/reels/{reel_id}")
def change(
    reel_id: Id, body: ReelChange, principal: Editor, request: Request, once: OnceDep
) -> ReelOut:
    """Rename a reel, or give it other clips or another finish. Needs If-Match."""
    with once.write() as session:
        match, row = _editable(session, principal, reel_id)
        demand_match(request, row)
        changes: dict[str, Any] = {}
        if body.title is not None:
            changes["title"] = body.title
        if body.clips is not None:
            changes["document"] = reel_to_json(_edited(session, match, body.clips))
        if "finish" in body.model_fields_set:
            check_assets(session, body.finish)
            changes["finish"] = (body.finish or PLAIN).stored()
        return _changed(session, match, row, changes, "reel changed", principal, request, once)


@router.delete("/reels/{reel_id}", status_code=204)
def remove(reel_id: Id, principal: Editor, request: Request, once: OnceDep) -> None:
    """Delete a reel; undo brings it back, and files made of it stay. Needs If-Match."""
    with once.write() as session:
        match, row = _editable(session, principal, reel_id)
        demand_match(request, row)
        changes = {"deleted": True}
        _changed(session, match, row, changes, "reel deleted", principal, request, once)


@router.post("/reels/{reel_id}/files", status_code=202)
def render(
    reel_id: Id, body: RenderIn, principal: Editor, request: Request, once: OnceDep
) -> JobOut:
    """Make a file of a reel: a video cut from the file that came in, by a job that waits for its
    turn; or an edit list, at once, so that the job in the answer has succeeded.

    The same request for the same version of a reel gives the same job, whose result has the
    ``warnings`` that a person should know."""
    if body.format not in REEL_FORMATS:
        raise ProblemError(422, f"format: use one of {', '.join(REEL_FORMATS)}")
    is_video = body.format in VIDEO_FORMATS
    of_video = (name for name in OF_VIDEO if getattr(body, name))
    if not is_video and (name := next(of_video, None)):
        raise ProblemError(
            422,
            f"{name}: {body.format} has no picture and no sound; leave it out, or make a video: "
            f"{', '.join(VIDEO_FORMATS)}",
        )
    services = once.services
    with once.write() as session:
        row = _reel(session, principal, reel_id)
        if not row.document.get("clips"):
            raise ProblemError(409, "the reel is empty; choose from more events")
        finish = _finish(session, row, body) if is_video else PLAIN
        suffix = REEL_FORMATS[body.format]
        name = _file_name(row.title, finish.aspect)
        payload = ProductPayload(
            reel_id=row.id,
            document=row.document,
            format=body.format,
            suffix=suffix,
            is_video=is_video,
            snap=row.document.get(CHOSEN, False) if body.snap is None else body.snap,
            finish=finish,
            each=body.each,
            name=f"{name}-clips.zip" if body.each else name + suffix,
            title=row.title,
        )
        key = f"{row.id}.{row.version} {body.format} {_digest(payload)}"
        options = {"key": key, "match_id": row.match_id, "owner_id": principal.user_id}
        if payload.is_video:
            job = services.queue.add(session, payload, priority=1, **options)
            if job.state in ("failed", "cancelled"):
                services.queue.retry(session, job)
        else:
            job = _written(services, session, payload, options)
        audit(services, request, session, "reel rendered", f"{row.id} {body.format}")
        return once.answer(session, JobOut.of(job, services.queue.outlook(session, job)))


@router.post("/matches/{match_id}/annotated", status_code=202, tags=["files"])
def annotate(
    match_id: Id, body: AnnotateIn, principal: Editor, request: Request, once: OnceDep
) -> JobOut:
    """Make an annotated video, as a job: the events are drawn into the picture of the file that
    came in, with their class, confidence, clock and score, in slow motion around them.

    The same request for the same events gives the same job."""
    services = once.services
    with once.write() as session:
        match = visible_match(session, principal, match_id)
        if match.info.get("duration_seconds") is None:
            raise ProblemError(409, f"the match is {match.state}; wait until it is ready")
        video = match.videos[0] if body.half is None else video_of_half(match, body.half)
        if body.half is None and len(match.videos) > 1:
            raise ProblemError(422, "half: say which half, as each has its video")
        title = match.title if video.half is None else f"{match.title} {video.half}"
        payload = AnnotatePayload(
            half=video.half,
            slow=body.slow,
            min_confidence=body.min_confidence,
            name=f"{_file_name(title, None)}-annotated.mp4",
        )
        job = services.queue.add(
            session,
            payload,
            key=f"annotate {match.id}.{match.revision} {_digest(payload)}",
            match_id=match.id,
            owner_id=principal.user_id,
        )
        if job.state in ("failed", "cancelled"):
            services.queue.retry(session, job)
        audit(services, request, session, "match annotated", f"{match.id} {match.title}")
        return once.answer(session, JobOut.of(job, services.queue.outlook(session, job)))


@router.get("/matches/{match_id}/files", tags=["files"])
def list_files(match_id: Id, principal: Known, services: ServicesDep) -> Page[ProductOut]:
    """The files that were made of a match, the newest first."""
    with services.database.read() as session:
        visible_match(session, principal, match_id)
        rows = session.scalars(
            select(ProductRow)
            .where(ProductRow.match_id == match_id)
            .order_by(ProductRow.created_at.desc(), ProductRow.id)
            .limit(1000)
        ).all()
    return Page(items=[ProductOut.of(row) for row in rows])


@router.get(
    "/files/{file_id}",
    tags=["files"],
    response_class=FileResponse,
    responses={200: {"description": "The file.", **BYTES}},
)
def download(file_id: Id, principal: Known, request: Request, services: ServicesDep) -> Response:
    """Download a file; supports Range."""
    may_download(principal)
    with services.database.read() as session:
        row = session.get(ProductRow, file_id)
        if row is None:
            raise NotFoundError("file")
        if row.match_id is not None:
            visible_match(session, principal, row.match_id)
        else:
            visible_playlist(session, principal, row.playlist_id or "")
    path = services.storage.product_file(row)
    media_type = "video/mp4" if row.format in ("mp4", "m4v") else "application/octet-stream"
    return file_answer(request, path, media_type, row.name)


@router.delete("/files/{file_id}", status_code=204, tags=["files"])
def remove_file(file_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Delete a file that was made for download."""
    with services.database.write() as session:
        owner, row = _product(session, principal, file_id)
        owner.stored_bytes = max(0, owner.stored_bytes - row.bytes)
        job = session.get(JobRow, row.job_id)
        if job is not None:
            job.key = None  # the same request makes the file anew
        session.delete(row)
        audit(services, request, session, "file deleted", f"{row.id} {row.name}")
    services.storage.product_file(row).unlink(missing_ok=True)


def _product(
    session: Session, principal: Principal, file_id: str
) -> tuple[MatchRow | PlaylistRow, ProductRow]:
    """A file and what it was made of, which is held: whether the file is still there is read after
    that."""
    row = session.get(ProductRow, file_id)
    if row is None:
        raise NotFoundError("file")
    owner: MatchRow | PlaylistRow
    if row.match_id is not None:
        owner = editable_match(session, row.match_id)
    else:
        owner = visible_playlist(session, principal, row.playlist_id or "", holds=True)
    session.expire_all()
    row = session.get(ProductRow, file_id)
    if row is None:
        raise NotFoundError("file")
    return owner, row


def _written(
    services: Services, session: Session, payload: ProductPayload, options: dict[str, Any]
) -> JobRow:
    match = session.get_one(MatchRow, options["match_id"], with_for_update=True)
    now = services.database.now(session)
    try:
        return services.queue.add_done(
            session,
            payload,
            lambda job: write_now(services.storage, session, match, payload, job.id, now),
            **options,
        )
    except FormatError as error:
        raise ProblemError(422, error.what) from error


def _finish(session: Session, row: ReelRow, body: RenderIn) -> Finishing:
    """How a video is finished: as it is asked for, else as the reel says.

    Raises:
        ProblemError: an asset is missing, or options contradict each other.
    """
    finish = body.finish or finishing_of(row.finish)
    others: dict[str, Any] = {"labels": body.burn_labels, "aspect": body.aspect}
    if (finish.titles or finish.scoreboard) and finish.teams is None:
        teams = list(teams_shown(session.get_one(MatchRow, row.match_id)).values())
        others["teams"] = teams if len(teams) == len(SIDES) else None
    changes = {name: value for name, value in others.items() if value is not None}
    try:
        finish = Finishing.model_validate(finish.model_dump() | changes)
    except ValidationError as error:
        raise ProblemError(422, str(error.errors()[0]["msg"])) from error
    check_assets(session, finish)
    return finish


def _reel(session: Session, principal: Principal, reel_id: str) -> ReelRow:
    row = session.get(ReelRow, reel_id)
    if row is None or row.deleted:
        raise NotFoundError("reel")
    if principal.is_guest and principal.match_id != row.match_id:
        raise NotFoundError("reel")
    return row


def _editable(session: Session, principal: Principal, reel_id: str) -> tuple[MatchRow, ReelRow]:
    """A reel and its match, which is held: what the reel was is read after that."""
    match = editable_match(session, _reel(session, principal, reel_id).match_id)
    session.expire_all()
    return match, _reel(session, principal, reel_id)


def _changed(
    session: Session,
    match: MatchRow,
    row: ReelRow,
    changes: dict[str, Any],
    action: str,
    principal: Principal,
    request: Request,
    once: Once,
) -> ReelOut:
    named = take_audited_step(once, session, match, (row, changes), principal, action, request)
    return once.answer(session, ReelOut.of(row), ETag=etag_of(row), **named)


def _origin(wanted: ReelIn) -> dict[str, bool]:
    """What the document of a reel says of its clips, until they are edited."""
    return {CHOSEN: True} if wanted.clips is None else {}


def _new_reel(session: Session, match: MatchRow, wanted: ReelIn, evidence: Evidence) -> Reel:
    if wanted.clips is not None:
        return _edited(session, match, wanted.clips)
    query = events_for_reels(match).where(EventRow.confidence >= wanted.min_confidence)
    if wanted.accepted_only:
        query = query.where(EventRow.status == "accepted")
    wishes = wishes_of(
        match,
        [(pin.start, pin.end) for pin in wanted.pins],
        include=wanted.labels or (),
        exclude=wanted.exclude,
        players=wanted.players,
        teams=wanted.teams,
        least_seconds=wanted.min_clip,
        greatest_seconds=wanted.max_clip,
    )
    rows = session.scalars(query).all()
    reel = chosen_reel(
        *(match, rows, wanted.seconds, wishes, wanted.selection, wanted.half), evidence
    )
    if not len(reel):
        raise ProblemError(422, "the reel is empty; choose from more events")
    return reel


def _edited(session: Session, match: MatchRow, clips: list[ClipIn]) -> Reel:
    given = [(clip.start, clip.end, clip.score, clip.title, clip.reason) for clip in clips]
    return reel_from_json(reel_to_json(reel_of_clips(session, match, given)))


def _digest(payload: AnnotatePayload | ProductPayload) -> str:
    return hashlib.sha256(payload.model_dump_json().encode()).hexdigest()[:16]


def _file_name(title: str, aspect: str | None) -> str:
    name = file_name(title) or "reel"
    return f"{name}-{aspect.replace(':', 'x')}" if aspect else name
