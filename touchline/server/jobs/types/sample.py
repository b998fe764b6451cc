"""A sample match: simulated, then analysed like every upload."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.sampling import (
    SampleArguments,
    SampleResult,
    SampleSize,
    simulate_sample,
)
from touchline.server.jobs.types.analysis import analysis_stages, mark_failed, mark_ready
from touchline.server.jobs.types.base import JobContext, JobType, Remembered, StageCall
from touchline.server.storage import take_place
from touchline.server.tables import JobRow, UploadRow


class SamplePayload(Payload):
    """The match to make, and how long and large its video is."""

    job_type: ClassVar[str] = "sample"

    match: str
    sample: SampleSize


class Sample(JobType[SamplePayload]):
    """A match is simulated and analysed."""

    payload = SamplePayload

    def weights(self, payload: SamplePayload) -> dict[str, float]:
        return {"sample": 0.6, "probe": 0.02, "proxy": 0.13, "spot": 0.2, "thumbnails": 0.05}

    def stages(self, context: JobContext[SamplePayload]) -> Iterator[StageCall[Any, Any]]:
        video = context.scratch / "sample.mp4"
        size = context.payload.sample
        yield StageCall(
            "sample",
            simulate_sample,
            SampleArguments(target=str(video), size=size),
            context.settings.stage_limits,
            60 * size.minutes,
            effect=lambda session, result: _keep_sample(context, session, result, video),
        )
        yield from analysis_stages(context)

    def finish(self, context: JobContext[SamplePayload], session: Session) -> Remembered:
        return mark_ready(context, session)

    def ended(self, session: Session, job: JobRow) -> None:
        mark_failed(session, job)


def _keep_sample(
    context: JobContext[SamplePayload], session: Session, result: SampleResult, video: Path
) -> Remembered:
    match = context.lock_match(session)
    upload = session.get_one(UploadRow, match.videos[0].upload_id)
    take_place(video, context.storage.upload(upload.id))
    upload.length = upload.received = result.bytes
    match.game = result.game.model_dump(mode="json")
    match.state = "working"
    match.version += 1
    return {}
