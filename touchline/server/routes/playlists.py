"""Playlists: clips of any matches, in order, made into files."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from touchline.errors import FormatError
from touchline.events import MAX_SECONDS, Status
from touchline.formats.touchline_json import reel_to_json
from touchline.media.segments import cut_stretch
from touchline.server.access.principal import Principal
from touchline.server.errors import NotFoundError
from touchline.server.finishing import PLAIN, Finishing
from touchline.server.history import redo, steps_of, undo
from touchline.server.jobs.types.playlist import (
    PlaylistPayload,
    write_list_now,
)
from touchline.server.jobs.types.product import ZIP, file_name
from touchline.server.playlists import (
    MAX_CLIPS,
    Compilation,
    Missing,
    PlaylistClip,
    clips_of,
    compilation_of,
    stored_clips,
)
from touchline.server.problems import ProblemError
from touchline.server.routes.assets import check_assets
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
    etag_of,
    from_cursor,
    number_of,
    step_header,
    to_cursor,
    visible_playlist,
)
from touchline.server.routes.files import PART, PICTURE, VIDEO, file_answer
from touchline.server.routes.idempotency import Once, OnceDep
from touchline.server.routes.reel_schemas import ProductOut
from touchline.server.routes.reels import REEL_FORMATS, VIDEO_FORMATS
from touchline.server.routes.schemas import (
    ID,
    IdText,
    In,
    JobOut,
    Named,
    Out,
    Page,
    StepIn,
    StepOut,
    Text,
    for_caller,
)
from touchline.server.routes.steps import take_audited_step
from touchline.server.services import Services
from touchline.server.tables import ChangeRow, JobRow, PlaylistRow, ProductRow, ShareLinkRow

router = APIRouter(prefix="/v1/playlists", tags=["playlists"])

GONE: dict[int | str, dict[str, Any]] = {204: {"description": "The playlist is deleted by it."}}
OWN_STEPS = 100
OF_ONE_MATCH = {"soccerhigh"}
"""Formats whose clips are of the halves of one match."""

PLAYLIST_FORMATS = {
    name: suffix for name, suffix in REEL_FORMATS.items() if name not in OF_ONE_MATCH
}
"""Every format that clips of several matches can be written in, and the suffix of its files."""


class PlaylistClipIn(In):
    """A clip: a stretch of a match's video in seconds, or what is around an event of it.

    Around an event, it begins 3 s before and ends 4 s after, or where the event itself begins and
    ends, unless ``start`` or ``end`` say otherwise, and at most to the end of the match. A stretch
    that reaches beyond that end is refused. ``id`` names a clip that the playlist has
    already."""

    id: IdText | None = None
    match: IdText
    event: IdText | None = None
    start: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | None = None
    end: Annotated[float, Field(gt=0, le=MAX_SECONDS)] | None = None
    title: Text | None = None


PlaylistClips = Annotated[list[PlaylistClipIn], Field(max_length=MAX_CLIPS)]


class PlaylistIn(In):
    """A new playlist."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "Corners against us", "clips": [{"match": ID, "start": 60, "end": 71.5}]}
            ]
        }
    )

    title: Named
    clips: PlaylistClips = Field(default_factory=list)


class PlaylistChange(In):
    """Changes to a playlist; clips, if given, replace all clips."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Corners, short"}]})

    title: Named | None = None
    clips: PlaylistClips | None = None


class PlaylistFileIn(In):
    """The file to make of a playlist: of all clips, or (``each``) a zip of a video for each.

    ``finish`` is that of videos, as of reels."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"format": "mp4", "each": True, "finish": {"labels": True}}]
        }
    )

    format: Annotated[str, StringConstraints(max_length=40)] = "mp4"
    each: bool = False
    snap: bool = True
    finish: Finishing | None = None


class PlaylistClipOut(BaseModel):
    """A clip; what is said of its event is as it is now, or was when it was there last.

    ``missing`` is what the clip was of and was deleted: without its match it cannot be shown."""

    id: str
    match: str
    match_title: str
    event: str | None
    start: float
    end: float
    title: str | None
    label: str | None
    team: str | None
    player: str | None
    note: str | None
    status: Status | None
    missing: Missing | None

    @classmethod
    def of(cls, clip: PlaylistClip) -> "PlaylistClipOut":
        """The answer for a clip."""
        status = None if clip.event is None else clip.event.status
        return cls.model_validate({**clip.facts, "status": status})


class PlaylistShortOut(Out):
    """A playlist in the list of all."""

    id: str
    title: str
    count: int
    seconds: float
    version: int
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime

    @classmethod
    def short(cls, row: PlaylistRow) -> "PlaylistShortOut":
        """The answer for a row."""
        return cls.model_validate(_facts(row))


class PlaylistOut(PlaylistShortOut):
    """A playlist; ``steps`` are the caller's own, the oldest first."""

    clips: list[PlaylistClipOut]
    steps: list[StepOut]


@router.get("")
def list_playlists(
    principal: Viewer, services: ServicesDep, limit: Limit = 1000, cursor: Cursor = None
) -> Page[PlaylistShortOut]:
    """The playlists, those that changed last first."""
    query = (
        select(PlaylistRow)
        .where(PlaylistRow.deleted.is_(False))
        .order_by(PlaylistRow.updated_at.desc(), PlaylistRow.id.desc())
        .limit(limit + 1)
    )
    if cursor:
        at, playlist_id = from_cursor(cursor, 2)
        after = (number_of(at), playlist_id)
        query = query.where(tuple_(PlaylistRow.updated_at, PlaylistRow.id) < after)
    with services.database.read() as session:
        rows = session.scalars(query).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(
        items=[PlaylistShortOut.short(row) for row in rows[:limit]],
        next=None if last is None else to_cursor(repr(last.updated_at), last.id),
    )


@router.post("", status_code=201)
def make(body: PlaylistIn, principal: Editor, request: Request, once: OnceDep) -> PlaylistOut:
    """Make a playlist."""
    with once.write() as session:
        now = once.services.database.now(session)
        row = PlaylistRow(
            owner_id=principal.user_id, title=body.title, deleted=True, version=0,
            created_by=principal.name, created_at=now, updated_by=principal.name, updated_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        changes = {"clips": _stored(session, body.clips, row), "deleted": False}
        return _changed(session, row, changes, "playlist made", principal, request, once)


@router.get("/{playlist_id}")
def show(
    playlist_id: Id, principal: Known, response: Response, services: ServicesDep
) -> PlaylistOut:
    """A playlist with its clips."""
    with services.database.read() as session:
        row = visible_playlist(session, principal, playlist_id)
        shown = _whole(session, row, principal)
    response.headers["ETag"] = etag_of(row)
    return shown


@router.patch("/{playlist_id}")
def change(
    playlist_id: Id, body: PlaylistChange, principal: Editor, request: Request, once: OnceDep
) -> PlaylistOut:
    """Rename a playlist, or give it other clips. Needs If-Match."""
    with once.write() as session:
        row = visible_playlist(session, principal, playlist_id, holds=True)
        demand_match(request, row)
        changes: dict[str, Any] = {}
        if body.title is not None:
            changes["title"] = body.title
        if body.clips is not None:
            changes["clips"] = _stored(session, body.clips, row)
        return _changed(session, row, changes, "playlist changed", principal, request, once)


@router.delete("/{playlist_id}", status_code=204)
def remove(playlist_id: Id, principal: Editor, request: Request, once: OnceDep) -> None:
    """Delete a playlist and its links; for 30 days, undo brings it back with its files, and without
    the links. Needs If-Match."""
    with once.write() as session:
        row = visible_playlist(session, principal, playlist_id, holds=True)
        demand_match(request, row)
        _changed(session, row, {"deleted": True}, "playlist deleted", principal, request, once)
        _end_links(session, row)


@router.post("/{playlist_id}/undo", response_model=PlaylistOut, responses=GONE)
def undo_step(
    playlist_id: Id, principal: Editor, once: OnceDep, body: StepIn | None = None
) -> PlaylistOut | Response:
    """Undo a step of the playlist's history, by default the last one of anybody; also of its
    deletion. Undoing that it was made deletes it."""
    with once.write() as session:
        row = _held(session, playlist_id)
        now = once.services.database.now(session)
        step = undo(session, row, principal.name, now, body.step if body else None)
        return _left(session, row, principal, once, step)


@router.post("/{playlist_id}/redo", response_model=PlaylistOut, responses=GONE)
def redo_step(
    playlist_id: Id, principal: Editor, once: OnceDep, body: StepIn | None = None
) -> PlaylistOut | Response:
    """Redo a step that was undone, by default the last one of anybody."""
    with once.write() as session:
        row = _held(session, playlist_id)
        now = once.services.database.now(session)
        step = redo(session, row, principal.name, now, body.step if body else None)
        return _left(session, row, principal, once, step)


@router.get(
    "/{playlist_id}/clips/{clip_id}/video",
    response_class=FileResponse,
    responses={200: {"description": "The stretch.", **VIDEO}, 206: PART},
)
def watch(
    playlist_id: Id,
    clip_id: Id,
    principal: Known,
    request: Request,
    services: ServicesDep,
    of: Annotated[str | None, Query(max_length=60, pattern=r"^[0-9.-]*$")] = None,
) -> Response:
    """A clip for playback: nothing but its stretch of the proxy, from the key frame before it, up
    to a second early. Supports Range.

    ``of`` says which edges the caller knows, so that a browser keeps no answer from before a clip
    was trimmed; it changes nothing."""
    clip = _clip(services, principal, playlist_id, clip_id)
    return file_answer(request, _stretch(services, clip), "video/mp4")


@router.get(
    "/{playlist_id}/clips/{clip_id}/picture",
    response_class=FileResponse,
    responses={200: {"description": "A picture.", **PICTURE}, 206: {"description": "", **PICTURE}},
)
def picture(
    playlist_id: Id, clip_id: Id, principal: Known, request: Request, services: ServicesDep
) -> Response:
    """A picture of a clip, of those that its match has: of its event, else of its middle."""
    clip = _clip(services, principal, playlist_id, clip_id)
    pictures = {} if clip.match is None else clip.match.thumbnails
    count, every = pictures.get("count"), pictures.get("every_seconds")
    if not count or not every:
        raise NotFoundError("picture")
    start, end = clip.stored["start"], clip.stored["end"]
    seconds = clip.event.seconds if clip.event is not None else (start + end) / 2
    place = min(max(round(min(max(seconds, start), end) / every), 0), count - 1)
    path = services.storage.thumbnail(clip.stored["match"], place)
    return file_answer(request, path, "image/jpeg")


@router.post("/{playlist_id}/files", status_code=202)
def render(
    playlist_id: Id, body: PlaylistFileIn, principal: Editor, request: Request, once: OnceDep
) -> JobOut:
    """Make a file of a playlist: a video of all clips, cut from the files that came in, or a zip of
    a video for each (4 GB at most), by a job that waits for its turn; or an edit list, at once.

    Videos of different shape are fitted into the picture of the first clip. A playlist with a clip
    of a match that was deleted is refused: nothing is left out unsaid. The same request for the
    same clips gives the same job."""
    _check_format(body)
    services = once.services
    with once.write() as session:
        row = visible_playlist(session, principal, playlist_id, holds=True)
        check_assets(session, body.finish)
        clips = clips_of(session, row)
        payload = _payload(row, clips, compilation_of(clips), body)
        key = f"{row.id}.{row.version} {body.model_dump_json()}"
        options = {"key": f"playlist {_digest(key, payload)}", "owner_id": principal.user_id}
        if body.format in VIDEO_FORMATS:
            job = services.queue.add(session, payload, priority=1, **options)
            if job.state in ("failed", "cancelled"):
                services.queue.retry(session, job)
        else:
            job = _written(services, session, row, payload, options)
        audit(services, request, session, "playlist rendered", f"{row.id} {body.format}")
        return once.answer(session, JobOut.of(job, services.queue.outlook(session, job)))


@router.get("/{playlist_id}/files")
def list_files(playlist_id: Id, principal: Known, services: ServicesDep) -> Page[ProductOut]:
    """The files that were made of a playlist, the newest first."""
    with services.database.read() as session:
        visible_playlist(session, principal, playlist_id)
        rows = session.scalars(
            select(ProductRow)
            .where(ProductRow.playlist_id == playlist_id)
            .order_by(ProductRow.created_at.desc(), ProductRow.id)
            .limit(1000)
        ).all()
    return Page(items=[ProductOut.of(row) for row in rows])


def _check_format(wanted: PlaylistFileIn) -> None:
    if wanted.format not in PLAYLIST_FORMATS:
        raise ProblemError(422, f"format: use one of {', '.join(PLAYLIST_FORMATS)}")
    if wanted.each and wanted.format not in VIDEO_FORMATS:
        raise ProblemError(422, f"each: only videos: {', '.join(VIDEO_FORMATS)}")
    if wanted.finish is not None and wanted.format not in VIDEO_FORMATS:
        raise ProblemError(422, f"finish: only videos: {', '.join(VIDEO_FORMATS)}")
    if wanted.snap and "snap" in wanted.model_fields_set and wanted.format not in VIDEO_FORMATS:
        raise ProblemError(422, f"snap: only videos: {', '.join(VIDEO_FORMATS)}")


def _payload(
    row: PlaylistRow,
    clips: list[PlaylistClip],
    compilation: Compilation,
    wanted: PlaylistFileIn,
) -> PlaylistPayload:
    suffix = PLAYLIST_FORMATS[wanted.format]
    ending = ZIP if wanted.each else suffix
    finish = wanted.finish or PLAIN
    shape = f"-{finish.aspect.replace(':', 'x')}" if finish.aspect else ""
    return PlaylistPayload(
        playlist_id=row.id,
        documents=[reel_to_json(reel) for reel in compilation.reels],
        videos=dict(compilation.videos),
        files=_files(clips, suffix) if wanted.each else [],
        format=wanted.format,
        suffix=suffix,
        snap=wanted.snap,
        finish=finish,
        name=f"{file_name(row.title) or 'playlist'}{shape}{ending}",
        title=row.title,
    )


def _files(clips: list[PlaylistClip], suffix: str) -> list[str]:
    """Names of the files in a zip: in order, with what they show, and of which match."""
    digits = len(str(len(clips)))
    names = [file_name(f"{clip.name} {clip.facts['match_title']}") for clip in clips]
    return [f"{n:0{digits}d}-{name}{suffix}" for n, name in enumerate(names, start=1)]


def _digest(key: str, payload: PlaylistPayload) -> str:
    """Of a request and of all that the file shows: matches can change under a playlist."""
    return hashlib.sha256(f"{key} {payload.model_dump_json()}".encode()).hexdigest()[:32]


def _written(
    services: Services,
    session: Session,
    row: PlaylistRow,
    payload: PlaylistPayload,
    options: dict[str, Any],
) -> JobRow:
    now = services.database.now(session)
    try:
        return services.queue.add_done(
            session,
            payload,
            lambda job: write_list_now(services.storage, session, row, payload, job.id, now),
            **options,
        )
    except FormatError as error:
        raise ProblemError(422, error.what) from error


def _stretch(services: Services, clip: PlaylistClip) -> Path:
    """The file of a clip, cut when it was not watched lately."""
    match_id, storage = clip.stored["match"], services.storage
    start, end = clip.stored["start"], clip.stored["end"]
    path = storage.clip(match_id, start, end)
    with suppress(FileNotFoundError):
        os.utime(path)
        return path
    if not storage.proxy(match_id).is_file():
        raise NotFoundError("file")
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_stretch(storage.proxy(match_id), path, start, end)
    return path


def _clip(services: Services, principal: Principal, playlist_id: str, clip_id: str) -> PlaylistClip:
    with services.database.read() as session:
        row = visible_playlist(session, principal, playlist_id)
        found = next((one for one in clips_of(session, row) if one.id == clip_id), None)
    if found is None or found.match is None:
        raise NotFoundError("clip")
    return found


def _held(session: Session, playlist_id: str) -> PlaylistRow:
    """A playlist, deleted or not, held until the end of the transaction."""
    row = session.get(PlaylistRow, playlist_id, with_for_update=True)
    if row is None:
        raise NotFoundError("playlist")
    return row


def _stored(
    session: Session, clips: list[PlaylistClipIn], row: PlaylistRow
) -> list[dict[str, Any]]:
    ids = [clip.id for clip in clips if clip.id is not None]
    if len(set(ids)) < len(ids):
        raise ProblemError(422, "clips: a clip is named twice; leave the id of the second out")
    return stored_clips(session, [clip.model_dump() for clip in clips], row.clips or ())


def _changed(
    session: Session,
    row: PlaylistRow,
    changes: dict[str, Any],
    action: str,
    principal: Principal,
    request: Request,
    once: Once,
) -> PlaylistOut:
    named = take_audited_step(once, session, row, (row, changes), principal, action, request)
    return _answer(session, row, principal, once, named)


def _answer(
    session: Session,
    row: PlaylistRow,
    principal: Principal,
    once: Once,
    headers: Mapping[str, str],
) -> PlaylistOut:
    place = {"Location": f"/v1/playlists/{row.id}"} if once.status == HTTPStatus.CREATED else {}
    shown = _whole(session, row, principal)
    return once.answer(session, shown, ETag=etag_of(row), **place, **headers)


def _left(
    session: Session, row: PlaylistRow, principal: Principal, once: Once, step: ChangeRow
) -> PlaylistOut | Response:
    """The answer to undo and redo: the playlist, or nothing where that deletes it."""
    if not row.deleted:
        return _answer(session, row, principal, once, step_header(step))
    _end_links(session, row)
    return once.answer_nothing(session, **step_header(step))


def _end_links(session: Session, row: PlaylistRow) -> None:
    session.execute(delete(ShareLinkRow).where(ShareLinkRow.playlist_id == row.id))


def _whole(session: Session, row: PlaylistRow, principal: Principal) -> PlaylistOut:
    own = [] if principal.is_guest else steps_of(session, row, principal.name, OWN_STEPS)
    clips = [PlaylistClipOut.of(clip) for clip in clips_of(session, row)]
    steps = [StepOut.of(step) for step in own]
    whole = PlaylistOut.model_validate({**_facts(row), "clips": clips, "steps": steps})
    return for_caller(principal, whole)


def _facts(row: PlaylistRow) -> dict[str, Any]:
    names = PlaylistShortOut.model_fields.keys() - {"count", "seconds"}
    seconds = sum(clip["end"] - clip["start"] for clip in row.clips)
    facts = {name: getattr(row, name) for name in names}
    return {**facts, "count": len(row.clips), "seconds": round(seconds, 3)}
