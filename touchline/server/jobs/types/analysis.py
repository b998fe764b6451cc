"""From uploads to a match: check the files, write the proxy, spot it, make thumbnails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.probing import ProbeArguments, ProbeResult, probe_uploads
from touchline.server.jobs.stages.proxying import (
    ProxyArguments,
    ProxyFacts,
    ProxyResult,
    make_proxy,
)
from touchline.server.jobs.stages.thumbnails import (
    ThumbnailArguments,
    ThumbnailResult,
    make_thumbnails,
)
from touchline.server.jobs.types.base import JobContext, JobType, Remembered, StageCall
from touchline.server.jobs.types.spotting import spot_match
from touchline.server.policy import read_policy
from touchline.server.storage import PROXY, THUMBNAILS, take_place, video_file
from touchline.server.tables import JobRow, MatchRow


class AnalysePayload(Payload):
    """The match to analyse."""

    job_type: ClassVar[str] = "analyse"

    match: str


class Analyse(JobType[AnalysePayload]):
    """Uploads become a match."""

    payload = AnalysePayload

    def weights(self, payload: AnalysePayload) -> dict[str, float]:
        return {"probe": 0.02, "proxy": 0.5, "spot": 0.45, "thumbnails": 0.03}

    def stages(self, context: JobContext[AnalysePayload]) -> Iterator[StageCall[Any, Any]]:
        return analysis_stages(context)

    def finish(self, context: JobContext[AnalysePayload], session: Session) -> Remembered:
        return mark_ready(context, session)

    def ended(self, session: Session, job: JobRow) -> None:
        mark_failed(session, job)


def analysis_stages(context: JobContext[Any]) -> Iterator[StageCall[Any, Any]]:
    """The stages that turn the videos of a match into a proxy, events and thumbnails."""
    settings, storage = context.settings, context.storage
    match = context.read_match()
    sources = tuple(str(video_file(storage, settings.media_roots, video)) for video in match.videos)
    limits = settings.media_limits.to_limits()
    names = {source: _name_of(match, n) for n, source in enumerate(sources)}
    yield StageCall(
        "probe",
        probe_uploads,
        ProbeArguments(sources=sources, limits=limits),
        settings.probe_limits,
        names=names,
        effect=lambda session, result: _keep_facts(context, session, result),
    )
    match = context.read_match()
    seconds = float(match.info.get("duration_seconds", 0))
    with context.database.read() as session:
        policy = read_policy(session, settings.policy)
    proxy = context.scratch / PROXY
    yield StageCall(
        "proxy",
        make_proxy,
        ProxyArguments(
            sources=sources,
            target=str(proxy),
            segments=str(context.segments),
            height=policy.proxy_height,
            limits=limits,
        ),
        settings.stage_limits,
        seconds,
        names=names,
        effect=lambda session, result: _keep_proxy(context, session, result, proxy),
    )
    match = context.read_match()  # the proxy says where its halves begin
    yield spot_match(context, match, match.model, match.threshold)
    pictures = context.scratch / THUMBNAILS
    yield StageCall(
        "thumbnails",
        make_thumbnails,
        ThumbnailArguments(
            source=str(storage.proxy(match.id)),
            folder=str(pictures),
            every_seconds=policy.thumbnail_seconds,
        ),
        settings.stage_limits,
        seconds,
        names={str(storage.proxy(match.id)): match.title},
        effect=lambda session, result: _keep_thumbnails(context, session, result, pictures),
    )


def _name_of(match: MatchRow, place: int) -> str:
    name: str = match.videos[place].name
    return name if len(match.videos) == 1 else f"video {place + 1}: {name}"


def mark_ready(context: JobContext[Any], session: Session) -> Remembered:
    """Mark the match of a job as ready to be watched and reviewed."""
    match = context.lock_match(session)
    match.state, match.problem = "ready", None
    match.stored_bytes = context.storage.size_of_match(match.id)
    context.touch(session, match)
    return {}


def mark_failed(session: Session, job: JobRow) -> None:
    """Mark the match of a job as failed, with the reason."""
    match = session.get(MatchRow, job.match_id) if job.match_id else None
    if match is not None and match.state != "ready":
        match.state, match.problem = "failed", job.problem
        match.version += 1


def _keep_facts(context: JobContext[Any], session: Session, result: ProbeResult) -> Remembered:
    match = context.lock_match(session)
    start = 0.0
    for video, facts in zip(match.videos, result.videos, strict=True):
        video.info = facts.model_dump()
        video.start_seconds, video.duration_seconds = start, facts.duration_seconds
        start = video.end_seconds
    match.info = {**match.videos[0].info, "duration_seconds": round(start, 3)}
    match.state = "working"
    match.version += 1
    return {}


def _keep_proxy(
    context: JobContext[Any], session: Session, result: ProxyResult, proxy: Path
) -> Remembered:
    match = context.lock_match(session)
    take_place(proxy, context.storage.proxy(match.id))
    facts = result.model_dump(include=set(ProxyFacts.model_fields))
    match.info = {**match.info, "proxy": facts}
    several, warnings = len(match.videos) > 1, []
    for video, part in zip(match.videos, result.videos, strict=True):
        stopped = part.stopped_at_seconds
        if several or stopped is not None:
            video.start_seconds = part.start_seconds
            video.duration_seconds = part.duration_seconds
            match.info = {**match.info, "duration_seconds": result.duration_seconds}
        which = f"video {video.number}" if several else "the file"
        if stopped is not None:
            warnings.append(f"{which} is damaged or cut off: it was read up to {stopped} s")
        warnings += [f"{which}: {remark}" for remark in part.remarks]
    match.warnings = warnings
    match.version += 1
    return {}


def _keep_thumbnails(
    context: JobContext[Any], session: Session, result: ThumbnailResult, pictures: Path
) -> Remembered:
    match = context.lock_match(session)
    take_place(pictures, context.storage.match(match.id) / THUMBNAILS)
    match.thumbnails = result.model_dump()
    match.version += 1
    return {}
