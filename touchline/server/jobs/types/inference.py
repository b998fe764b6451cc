"""Uploads are spotted for another program, which keeps the result itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from touchline.errors import InputError
from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.probing import ProbeArguments, probe_uploads
from touchline.server.jobs.stages.spotting import SpotArguments, SpotResult, spot_video
from touchline.server.jobs.types.base import JobContext, JobType, StageCall
from touchline.server.storage import inside_roots
from touchline.server.tables import JobRow, UploadRow


class InferItem(BaseModel):
    """A video to spot: an upload, or a file below one of the shared folders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item_id: str
    sample_id: str
    upload_id: str | None = None
    path: str | None = None


class InferPayload(Payload):
    """What to spot, with which model.

    Attributes:
        head: what the other program calls the model's output.
    """

    job_type: ClassVar[str] = "infer"

    model: str
    threshold: float
    head: str
    items: tuple[InferItem, ...]


class Infer(JobType[InferPayload]):
    """Uploads are spotted one by one; the job's row keeps the events."""

    payload = InferPayload
    shows_result = False
    reads_uploads = True

    def weights(self, payload: InferPayload) -> dict[str, float]:
        count = len(payload.items)
        return {_spot_key(number): 1 / count for number in range(count)}

    def stages(self, context: JobContext[InferPayload]) -> Iterator[StageCall[Any, Any]]:
        settings, payload = context.settings, context.payload
        for number, item in enumerate(payload.items):
            source = str(_source_of(context, item))
            names = {source: "the file"}
            yield StageCall(
                f"probe {number}",
                probe_uploads,
                ProbeArguments(sources=(source,), limits=settings.media_limits.to_limits()),
                settings.probe_limits,
                names=names,
            )
            yield StageCall(
                _spot_key(number),
                spot_video,
                SpotArguments(
                    source=source,
                    model=payload.model,
                    threshold=payload.threshold,
                    scores=None,
                    kept=str(context.segments),
                ),
                settings.stage_limits,
                settings.media_limits.max_duration_seconds,
                names=names,
            )


def results_of(job: JobRow) -> list[tuple[InferItem, SpotResult | None]]:
    """What a job has found in each of its items; None in those it has not reached."""
    stored = [job.result.get(_spot_key(number)) for number in range(len(job.payload["items"]))]
    return [
        (item, None if one is None else SpotResult.model_validate(one))
        for item, one in zip(InferPayload.model_validate(job.payload).items, stored, strict=True)
    ]


def _spot_key(number: int) -> str:
    return f"spot {number}"


def _source_of(context: JobContext[InferPayload], item: InferItem) -> Path:
    if item.path is not None:
        return inside_roots(item.path, context.settings.media_roots)
    with context.database.read() as session:
        upload = session.get(UploadRow, item.upload_id)
    path = None if upload is None else context.storage.upload(upload.id)
    if path is None or not path.is_file():
        raise InputError("the upload was deleted", remedy="upload it again")
    return path
