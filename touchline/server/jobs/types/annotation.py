"""A match becomes an annotated video: its events drawn into the picture of the upload."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from touchline.errors import InputError
from touchline.events import Timeline
from touchline.server.documents import is_shown, timelines_from_rows, video_of_half
from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.annotating import AnnotateArguments, annotate_video
from touchline.server.jobs.stages.cutting import ReelFile
from touchline.server.jobs.types.base import JobContext, JobType, Remembered, StageCall
from touchline.server.jobs.types.product import keep_product
from touchline.server.storage import named_video
from touchline.server.tables import EventRow, MatchRow
from touchline.thresholds import Thresholds

SUFFIX = ".mp4"


class AnnotatePayload(Payload):
    """The video to annotate.

    Attributes:
        half: of a match of several videos.
        slow: how many times slower the moments around events run.
        min_confidence: events of less are left out, unless somebody has accepted them.
        name: what the file is called when it is downloaded.
    """

    job_type: ClassVar[str] = "annotate"

    half: int | None
    slow: int
    min_confidence: float
    name: str


class Annotate(JobType[AnnotatePayload]):
    """The events that are on show are drawn into the picture."""

    payload = AnnotatePayload

    def weights(self, payload: AnnotatePayload) -> dict[str, float]:
        return {"annotate": 1.0}

    def stages(self, context: JobContext[AnnotatePayload]) -> Iterator[StageCall[Any, Any]]:
        match, payload, settings = context.read_match(), context.payload, context.settings
        video = match.videos[0] if payload.half is None else video_of_half(match, payload.half)
        source = named_video(context.storage, settings.media_roots, video, context.scratch)
        file = context.scratch / f"annotated{SUFFIX}"
        arguments = AnnotateArguments(
            events=_events(context, match),
            labels=tuple(match.labels),
            half=payload.half,
            source=str(source),
            target=str(file),
            slow_factor=payload.slow,
        )
        yield StageCall(
            "annotate",
            annotate_video,
            arguments,
            settings.stage_limits,
            float(video.duration_seconds or match.info.get("duration_seconds", 0)),
            names={str(source): video.name},
            effect=partial(_keep_annotated, context, file),
        )


def _events(context: JobContext[AnnotatePayload], match: MatchRow) -> tuple[Any, ...]:
    """The events on show, in times of the video."""
    query = (
        select(EventRow)
        .where(
            EventRow.match_id == match.id,
            EventRow.deleted.is_(False),
            EventRow.status != "rejected",
            is_shown(match),
        )
        .order_by(EventRow.seconds, EventRow.id)
    )
    with context.database.read() as session:
        rows = session.scalars(query).all()
    timeline = timelines_from_rows(match, rows, context.payload.half)
    if not isinstance(timeline, Timeline):
        raise InputError("the match has several videos", remedy="name a half")
    least = Thresholds(context.payload.min_confidence)
    return tuple(event for event in timeline if least.keep(event))


def _keep_annotated(
    context: JobContext[AnnotatePayload], file: Path, session: Session, result: ReelFile
) -> Remembered:
    match, payload = context.lock_match(session), context.payload
    now = context.database.now(session)
    kept = keep_product(
        context.storage, session, match, context.job_id, file, now,
        name=payload.name, format=SUFFIX[1:],
    )  # fmt: skip
    return {**result.model_dump(), **kept}
