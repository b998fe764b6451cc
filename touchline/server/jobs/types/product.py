"""A reel becomes a file: a video cut from the upload, or an edit list."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.cutting import (
    CutArguments,
    EditListArguments,
    ReelFile,
    cut_reel,
    write_edit_list,
)
from touchline.server.jobs.types.base import JobContext, JobType, Remembered, StageCall
from touchline.server.reels import by_video, reel_from_json
from touchline.server.storage import take_place, video_file
from touchline.server.tables import ProductRow, new_id


class ProductPayload(Payload):
    """The reel as it was when the file was ordered, and the file to make of it.

    Attributes:
        document: the reel as reel files hold it.
        name: what the file is called when it is downloaded.
    """

    job_type: ClassVar[str] = "product"

    reel_id: str
    document: dict[str, Any]
    format: str
    suffix: str
    is_video: bool
    burn_labels: bool
    snap: bool
    aspect: str | None = None
    name: str

    @property
    def stage(self) -> str:
        """The key of its one stage."""
        return "reel" if self.is_video else "export"


class MakeProduct(JobType[ProductPayload]):
    """A reel becomes a file."""

    payload = ProductPayload

    def weights(self, payload: ProductPayload) -> dict[str, float]:
        return {payload.stage: 1.0}

    def stages(self, context: JobContext[ProductPayload]) -> Iterator[StageCall[Any, Any]]:
        match, payload, settings = context.read_match(), context.payload, context.settings
        whole = reel_from_json(payload.document)
        reel = by_video(whole, match.videos)
        file = context.scratch / f"product{payload.suffix}"
        sources = tuple(
            str(video_file(context.storage, settings.media_roots, video)) for video in match.videos
        )
        limits, seconds = settings.stage_limits, 4 * whole.seconds
        keep = partial(_keep_product, context, file)
        if payload.is_video:
            cut = CutArguments(
                reel=reel,
                sources=sources,
                halves=tuple(video.half for video in match.videos if video.half is not None),
                target=str(file),
                burn_labels=payload.burn_labels,
                snap=payload.snap,
                aspect=payload.aspect,
            )
            yield StageCall(payload.stage, cut_reel, cut, limits, seconds, effect=keep)
        else:
            edit_list = EditListArguments(
                reel=reel, sources=sources, target=str(file), format=payload.format
            )
            yield StageCall(payload.stage, write_edit_list, edit_list, limits, seconds, effect=keep)

    def finish(self, context: JobContext[ProductPayload], session: Session) -> Remembered:
        match = context.lock_match(session)
        match.stored_bytes = context.storage.size_of_match(match.id)
        return {}


def _keep_product(
    context: JobContext[ProductPayload], file: Path, session: Session, result: ReelFile
) -> Remembered:
    match, payload, storage = context.lock_match(session), context.payload, context.storage
    target = storage.product(match.id, context.job_id)
    take_place(file, target)
    product = ProductRow(
        id=new_id(),
        match_id=match.id,
        reel_id=payload.reel_id,
        job_id=context.job_id,
        name=payload.name,
        format=payload.format,
        path=str(target.relative_to(storage.root)),
        bytes=result.bytes,
        created_at=context.database.now(session),
    )
    session.add(product)
    return {**result.model_dump(), "product_id": product.id}
