"""Matches: created from uploads, listed, renamed, spotted again, watched, deleted."""

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from pydantic import Field
from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from touchline.labels import GOAL
from touchline.server.access.accounts import known_person
from touchline.server.access.principal import Principal
from touchline.server.documents import video_of_half
from touchline.server.errors import NotFoundError
from touchline.server.games import day_in, events_of_game, known_game, results_of
from touchline.server.housekeeping import drop_match
from touchline.server.intake.uploads import ASSET_SUFFIXES
from touchline.server.jobs.queue import OPEN
from touchline.server.jobs.types.analysis import AnalysePayload
from touchline.server.jobs.types.spotting import SpotPayload
from touchline.server.policy import read_policy
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import (
    Cursor,
    Editor,
    Id,
    Known,
    Limit,
    ServicesDep,
    audit,
    demand_match,
    editable_match,
    etag_of,
    from_cursor,
    may_download,
    number_of,
    to_cursor,
    unchanged,
    visible_match,
)
from touchline.server.routes.files import BYTES, PART, PICTURE, VIDEO, file_answer
from touchline.server.routes.idempotency import OnceDep
from touchline.server.routes.schemas import (
    GameChange,
    JobOut,
    KnownGameOut,
    MatchChange,
    MatchIn,
    MatchOut,
    Page,
    ScoresOut,
    SpotIn,
    VideoIn,
    for_caller,
)
from touchline.server.services import Services
from touchline.server.storage import inside_roots, video_file
from touchline.server.tables import ChangeRow, EventRow, JobRow, MatchRow, UploadRow, VideoRow
from touchline.zoo.real_matches import require_model

router = APIRouter(prefix="/v1/matches", tags=["matches"])


@router.get("")
def list_matches(
    principal: Known,
    services: ServicesDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    search: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
    assignee: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
) -> Page[MatchOut]:
    """The matches, the newest first; ``search`` looks in titles and in the names of files,
    ``assignee`` is who is to review them."""
    query = (
        select(MatchRow).order_by(MatchRow.created_at.desc(), MatchRow.id.desc()).limit(limit + 1)
    )
    if principal.is_guest:
        query = query.where(MatchRow.id == principal.match_id)
    if assignee and not principal.is_guest:
        query = query.where(MatchRow.assignee == assignee)
    if search:
        escaped = re.sub(r"([%_/])", r"/\1", search)
        words = f"%{escaped}%"
        of_file = MatchRow.videos.any(VideoRow.name.ilike(words, escape="/"))
        query = query.where(or_(MatchRow.title.ilike(words, escape="/"), of_file))
    if cursor:
        at, match_id = from_cursor(cursor, 2)
        query = query.where(tuple_(MatchRow.created_at, MatchRow.id) < (number_of(at), match_id))
    with services.database.read() as session:
        rows = session.scalars(query).all()
        items = [for_caller(principal, one) for one in _described(session, rows[:limit])]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(
        items=items,
        next=None if last is None else to_cursor(repr(last.created_at), last.id),
    )


@router.post("", status_code=202)
def create(body: MatchIn, principal: Editor, request: Request, once: OnceDep) -> MatchOut:
    """Make a match of a complete upload, or of one upload per half; a job then checks it, prepares
    it for playback and finds its events."""
    wanted = _wanted_videos(body)
    services = once.services
    with once.write() as session:
        now = services.database.now(session)
        policy = read_policy(session, services.settings.policy)
        model = body.model or policy.default_model
        require_model(model)
        videos = [
            _video(session, principal, services, one, n) for n, one in enumerate(wanted, start=1)
        ]
        match = MatchRow(
            owner_id=principal.user_id,
            videos=videos,
            title=body.title or _title_of([video.name for video in videos]),
            model=model,
            threshold=policy.threshold if body.threshold is None else body.threshold,
            created_at=now,
            updated_at=now,
        )
        session.add(match)
        session.flush()
        job = services.queue.add(
            session,
            AnalysePayload(match=match.id),
            key=f"analyse {match.id}",
            match_id=match.id,
            owner_id=principal.user_id,
        )
        audit(services, request, session, "match made", f"{match.id} {match.title}")
        made = MatchOut.of(match, job)
        return once.answer(session, made, Location=f"/v1/matches/{match.id}")


@router.get("/{match_id}")
def show(
    match_id: Id, principal: Known, request: Request, response: Response, services: ServicesDep
) -> MatchOut:
    """A match."""
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
        (described,) = _described(session, [match])
    response.headers["ETag"] = etag_of(match)
    return for_caller(principal, described)


@router.patch("/{match_id}")
def change(
    match_id: Id,
    body: MatchChange,
    principal: Editor,
    request: Request,
    once: OnceDep,
) -> MatchOut:
    """Rename a match, change the facts of the game or the thresholds. Needs If-Match."""
    services = once.services
    with once.write() as session:
        match = editable_match(session, match_id)
        demand_match(request, match)
        if body.title is not None:
            match.title = body.title
        if body.game is not None:
            _refuse_day(match, body.game)
            match.game = {**match.game, **_given(body.game)}
        if "assignee" in body.model_fields_set and body.assignee != match.assignee:
            match.assignee = body.assignee and known_person(session, body.assignee)
        if body.thresholds is not None:
            match.thresholds = {label: least for label, least in body.thresholds.items() if least}
            match.revision += 1  # lists of events that obey them have changed
        match.version += 1
        match.updated_at = services.database.now(session)
        audit(services, request, session, "match changed", f"{match.id} {match.title}")
        (described,) = _described(session, [match])
        return once.answer(session, described, ETag=etag_of(match))


@router.get("/{match_id}/game")
def game(match_id: Id, principal: Known, services: ServicesDep) -> KnownGameOut:
    """Teams, kick-offs, and the goals with clock and score, as far as they are known."""
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
        rows = events_of_game(session, match_id)
    return KnownGameOut.model_validate(known_game(match, rows))


@router.delete("/{match_id}", status_code=204)
def remove(match_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Delete a match with its video, events and reels; for its owner and admins."""
    with services.database.write() as session:
        match = visible_match(session, principal, match_id)
        if match.owner_id != principal.user_id and not principal.has("admin"):
            raise ProblemError(403, "only its owner or an admin may delete a match")
        for job in session.scalars(select(JobRow).where(JobRow.match_id == match_id)):
            services.queue.cancel(session, job)
        audit(services, request, session, "match deleted", f"{match.id} {match.title}")
    drop_match(services, match_id)


@router.post("/{match_id}/spot", status_code=202)
def spot_again(
    match_id: Id, body: SpotIn, principal: Editor, request: Request, once: OnceDep
) -> JobOut:
    """Spot a match again. Reviewed events stay as they are."""
    services = once.services
    with once.write() as session:
        match = visible_match(session, principal, match_id)
        if match.state != "ready":
            raise ProblemError(409, f"the match is {match.state}; wait until it is ready")
        model = body.model or match.model
        require_model(model)
        threshold = match.threshold if body.threshold is None else body.threshold
        job = services.queue.add(
            session,
            SpotPayload(model=model, threshold=threshold),
            match_id=match.id,
            owner_id=principal.user_id,
        )
        audit(services, request, session, "match spotted anew", f"{match.id} {model}")
        return once.answer(session, JobOut.of(job, services.queue.outlook(session, job)))


@router.get(
    "/{match_id}/video",
    response_class=FileResponse,
    responses={200: {"description": "The proxy.", **VIDEO}, 206: PART},
)
def watch(match_id: Id, principal: Known, request: Request, services: ServicesDep) -> Response:
    """The video for playback: H.264 and AAC, a key frame every second; supports Range."""
    with services.database.read() as session:
        visible_match(session, principal, match_id)
    return file_answer(request, services.storage.proxy(match_id), "video/mp4")


@router.get(
    "/{match_id}/original",
    response_class=FileResponse,
    responses={200: {"description": "The file as it was uploaded.", **BYTES}, 206: PART},
)
def download_original(
    match_id: Id,
    principal: Known,
    request: Request,
    services: ServicesDep,
    half: Annotated[int | None, Query(ge=1, le=4)] = None,
) -> Response:
    """The uploaded file, for download: of a match of several, the first or that of a half.

    Supports Range."""
    may_download(principal)
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
    video = match.videos[0] if half is None else video_of_half(match, half)
    path = video_file(services.storage, services.settings.media_roots, video)
    return file_answer(request, path, "application/octet-stream", video.name)


@router.get(
    "/{match_id}/thumbnails/{index}",
    response_class=FileResponse,
    responses={200: {"description": "A picture.", **PICTURE}, 206: {"description": "", **PICTURE}},
)
def thumbnail(
    match_id: Id,
    index: Annotated[int, PathParameter(ge=0, le=99_999)],
    principal: Known,
    request: Request,
    services: ServicesDep,
) -> Response:
    """A picture of the match: its ``thumbnails`` has their number and distance in seconds."""
    with services.database.read() as session:
        visible_match(session, principal, match_id)
    return file_answer(request, services.storage.thumbnail(match_id, index), "image/jpeg")


@router.get("/{match_id}/scores")
def scores(
    match_id: Id,
    principal: Known,
    request: Request,
    response: Response,
    services: ServicesDep,
    start: Annotated[float, Query(ge=0, le=1e6, allow_inf_nan=False)] = 0.0,
    end: Annotated[float | None, Query(gt=0, le=1e6, allow_inf_nan=False)] = None,
    points: Annotated[int, Query(ge=1, le=20_000)] = 1000,
    label: Annotated[list[Annotated[str, Field(max_length=300)]] | None, Query()] = None,
) -> ScoresOut:
    """The scores behind the events, at most ``points`` steps between two times."""
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
    path = services.storage.scores(match_id)
    if not path.is_file():
        raise NotFoundError("curve")
    unchanged(request, response, etag_of(f"{match.id}.{path.stat().st_mtime_ns}"))
    return _curves(path, start, end, points, label)


def _curves(
    path: Path, start: float, end: float | None, points: int, labels: list[str] | None
) -> ScoresOut:
    with np.load(path, allow_pickle=False) as file:
        values, seconds = file["values"], file["seconds"]
        names = [str(name) for name in file["labels"]]
    if labels is not None:
        if unknown := [name for name in labels if name not in names]:
            raise ProblemError(422, f"there is no curve of {unknown[0][:80]!r}")
        columns = [names.index(name) for name in labels]
        values, names = values[:, columns], labels
    first = int(np.searchsorted(seconds, start))
    last = len(seconds) if end is None else int(np.searchsorted(seconds, end))
    values, seconds = values[first:last].astype(np.float32), seconds[first:last]
    if len(seconds) > points:
        edges = np.linspace(0, len(seconds), points, endpoint=False).astype(int)
        values, seconds = np.maximum.reduceat(values, edges, axis=0), seconds[edges]
    return ScoresOut(
        labels=names,
        seconds=np.round(seconds, 3).tolist(),
        values=np.round(values.T.astype(np.float64), 4).tolist(),
    )


def _wanted_videos(body: MatchIn) -> list[VideoIn]:
    """The videos for a new match, in order of their halves.

    Raises:
        ProblemError: no video, one named in two ways, or a half or a file twice.
    """
    alone = VideoIn(upload=body.upload, path=body.path)
    if (body.videos is None) == (alone == VideoIn()):
        raise ProblemError(422, "give one of upload, path and videos")
    videos = body.videos or [alone]
    if any((one.upload is None) == (one.path is None) for one in videos):
        raise ProblemError(422, "give either an upload or a path")
    if len(videos) == 1:
        return [videos[0].model_copy(update={"half": None})]
    numbered = [
        one.model_copy(update={"half": one.half or number})
        for number, one in enumerate(videos, start=1)
    ]
    for names in ([one.half for one in numbered], [one.upload or one.path for one in numbered]):
        if len(set(names)) < len(names):
            raise ProblemError(422, "videos: each half has exactly one video")
    return sorted(numbered, key=lambda one: one.half or 0)


def _video(
    session: Session, principal: Principal, services: Services, wanted: VideoIn, number: int
) -> VideoRow:
    if wanted.upload is not None:
        name, source = _taken(session, principal, wanted.upload), None
    else:
        source = str(inside_roots(wanted.path or "", services.settings.media_roots))
        name = Path(source).name[:200]
    return VideoRow(
        number=number, half=wanted.half, upload_id=wanted.upload, source_path=source, name=name
    )


def _title_of(names: list[str]) -> str:
    """A title for a match of these files: what their names share, without the count of halves."""
    stems = [Path(name).stem or name for name in names]
    if len(stems) == 1:
        return stems[0]
    same = takewhile(lambda signs: len(set(signs)) == 1, zip(*stems, strict=False))
    start = "".join(signs[0] for signs in same)
    shared = re.sub(r"(^|[\W_]+)(half|part|h|p)?[\W_]*$", "", start, flags=re.IGNORECASE)
    return shared if re.search(r"[^\W\d_]", shared) else " + ".join(stems)[:300]


def _refuse_day(match: MatchRow, change: GameChange) -> None:
    """Refuse a new date that is no day; one that a file stated in its own words may stay."""
    text = change.date
    if text and text != match.game.get("date") and day_in(text) is None:
        raise ProblemError(
            422, f"game.date: {text[:40]!r} is no day; write 2015-02-21 or 21/02/2015"
        )


def _given(change: GameChange) -> dict[str, Any]:
    """The fields that were sent; null for ``periods`` removes them."""
    given = change.model_dump(include=change.model_fields_set)
    return given | ({"periods": given["periods"] or []} if "periods" in given else {})


def _taken(session: Session, principal: Principal, upload_id: str) -> str:
    """The name of an upload that a match can be made of."""
    upload = session.get(UploadRow, upload_id)
    if upload is None or upload.owner_id != principal.user_id:
        raise NotFoundError("upload")
    if upload.state != "complete":
        raise ProblemError(
            409, f"{upload.received} of {upload.length} bytes have arrived; send the rest"
        )
    if Path(upload.name).suffix.lower() in ASSET_SUFFIXES:
        raise ProblemError(422, f"{upload.name} is no video: it is for reels (POST /v1/assets)")
    return upload.name


def _described(session: Session, rows: Sequence[MatchRow]) -> list[MatchOut]:
    """Matches with what other tables say of them."""
    ids = [row.id for row in rows]
    jobs, counts, results = (
        _open_jobs(session, ids),
        _counts(session, ids),
        results_of(session, rows),
    )
    reviewers, moments = _reviewers(session, ids), _best_moments(session, ids)
    return [
        MatchOut.of(
            row,
            jobs.get(row.id),
            counts=counts.get(row.id, {}),
            result=results.get(row.id),
            reviewers=reviewers.get(row.id, []),
            poster=_poster(row, moments.get(row.id)),
        )
        for row in rows
    ]


def _reviewers(session: Session, match_ids: list[str]) -> dict[str, list[str]]:
    """Who has changed the events of matches, who did so last first."""
    last = func.max(ChangeRow.number)
    rows = session.execute(
        select(ChangeRow.match_id, ChangeRow.actor)
        .where(ChangeRow.match_id.in_(match_ids))
        .group_by(ChangeRow.match_id, ChangeRow.actor)
        .order_by(last.desc())
    )
    found: dict[str, list[str]] = {}
    for match_id, actor in rows:
        found.setdefault(str(match_id), []).append(actor)
    return found


def _best_moments(session: Session, match_ids: list[str]) -> dict[str, float]:
    """A time of each match to show it by: of a goal, else of what is accepted or most certain."""
    order = (
        (func.lower(EventRow.label) == GOAL.lower()).desc(),
        (EventRow.status == "accepted").desc(),
        EventRow.confidence.desc(),
        EventRow.seconds,
    )
    place = func.row_number().over(partition_by=EventRow.match_id, order_by=order)
    ranked = (
        select(EventRow.match_id, EventRow.seconds, place.label("place"))
        .where(
            EventRow.match_id.in_(match_ids),
            EventRow.deleted.is_(False),
            EventRow.status != "rejected",
        )
        .subquery()
    )
    rows = session.execute(select(ranked.c.match_id, ranked.c.seconds).where(ranked.c.place == 1))
    return {str(match_id): float(seconds) for match_id, seconds in rows}


def _poster(match: MatchRow, seconds: float | None) -> int | None:
    count, every = match.thumbnails.get("count"), match.thumbnails.get("every_seconds")
    if not count or not every:
        return None
    place = count // 3 if seconds is None else round(seconds / every)
    return min(max(int(place), 0), int(count) - 1)


def _open_jobs(session: Session, match_ids: list[str]) -> dict[str, JobRow]:
    rows = session.scalars(
        select(JobRow)
        .where(JobRow.match_id.in_(match_ids), JobRow.state.in_(OPEN))
        .order_by(JobRow.created_at)
    )
    return {str(row.match_id): row for row in rows}


def _counts(session: Session, match_ids: list[str]) -> dict[str, dict[str, int]]:
    """How many events of each status matches have."""
    rows = session.execute(
        select(EventRow.match_id, EventRow.status, func.count())
        .where(EventRow.match_id.in_(match_ids), EventRow.deleted.is_(False))
        .group_by(EventRow.match_id, EventRow.status)
    )
    counts: dict[str, dict[str, int]] = {}
    for match_id, status, count in rows:
        counts.setdefault(match_id, {})[status] = count
    return counts
