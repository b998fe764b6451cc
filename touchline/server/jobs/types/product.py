"""A reel becomes a file: a video cut from the upload by a job, or an edit list at once."""

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from touchline.editing.sources import listed_rate
from touchline.errors import InputError
from touchline.events import SCORE_BUG
from touchline.formats import write
from touchline.match_state import as_box
from touchline.server.finishing import Finishing, asset_paths
from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.cutting import (
    CutArguments,
    FinishArguments,
    ReelFile,
    cut_reel,
    write_each,
)
from touchline.server.jobs.types.base import JobContext, JobType, Remembered, StageCall
from touchline.server.reels import by_video, listed_media, reel_from_json
from touchline.server.storage import Storage, named_file, named_video, take_place
from touchline.server.tables import AssetRow, MatchRow, PlaylistRow, ProductRow, new_id

ZIP = ".zip"


class ProductPayload(Payload):
    """The reel as it was when the file was ordered, and the file to make of it.

    Attributes:
        document: the reel as reel files hold it.
        burn_labels, aspect: of payloads without a ``finish``.
        each: a zip with a file for each clip.
        name: what the file is called when it is downloaded.
        title: of the reel, for edit lists.
    """

    job_type: ClassVar[str] = "product"

    reel_id: str
    document: dict[str, Any]
    format: str
    suffix: str
    is_video: bool
    burn_labels: bool = False
    snap: bool
    aspect: str | None = None
    finish: Finishing | None = None
    each: bool = False
    name: str
    title: str = "touchline"

    @property
    def finishing(self) -> Finishing:
        """How a video is finished."""
        return self.finish or Finishing(labels=self.burn_labels, aspect=self.aspect)

    @property
    def file_suffix(self) -> str:
        """The suffix of the file as a whole."""
        return ZIP if self.each else self.suffix

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
        if not payload.is_video:  # written with the request
            raise InputError("edit lists are not made by workers", remedy="ask for it again")
        whole = reel_from_json(payload.document)
        file = context.scratch / f"product{payload.file_suffix}"
        sources = tuple(
            str(named_video(context.storage, settings.media_roots, video, context.scratch))
            for video in match.videos
        )
        finish = finish_of(context, payload.finishing, as_box(match.info.get(SCORE_BUG)))
        cut = CutArguments(
            reel=by_video(whole, match.videos),
            sources=sources,
            halves=tuple(video.half for video in match.videos if video.half is not None),
            target=str(file),
            each=payload.suffix if payload.each else None,
            snap=payload.snap,
            finish=finish,
        )
        names = dict(zip(sources, (video.name for video in match.videos), strict=True))
        yield StageCall(
            payload.stage, cut_reel, cut, settings.stage_limits, 4 * whole.seconds,
            effect=partial(_keep_product, context, file), names=names | finish.names,
        )  # fmt: skip

    def finish(self, context: JobContext[ProductPayload], session: Session) -> Remembered:
        match = context.lock_match(session)
        match.stored_bytes = context.storage.size_of_match(match.id)
        return {}


def write_now(
    storage: Storage,
    session: Session,
    match: MatchRow,
    payload: ProductPayload,
    job_id: str,
    now: float,
) -> Remembered:
    """Write an edit list in the caller's transaction: it is made of rows alone.

    Raises:
        InputError: the format cannot hold the reel.
    """
    reel = by_video(reel_from_json(payload.document), match.videos)
    infos = {video.half: video.info or match.info for video in match.videos}
    first = match.videos[0]
    video = {
        (clip.video, clip.half): listed_media(clip.video, infos.get(clip.half, infos[first.half]))
        for clip in reel
    }
    rate = listed_rate(Fraction(infos[first.half]["frame_rate"]))
    write_list = partial(write, format=payload.format, rate=rate, video=video, title=payload.title)
    with TemporaryDirectory(dir=storage.root / "work") as folder:
        file = Path(folder) / f"product{payload.file_suffix}"
        if payload.each:
            write_each(reel, file, payload.suffix, write_list)
        else:
            write_list(reel, file)
        result = ReelFile(seconds=round(reel.seconds, 3), bytes=file.stat().st_size)
        kept = keep_product(
            storage, session, match, job_id, file, now,
            name=payload.name, format=payload.format, reel_id=payload.reel_id,
        )  # fmt: skip
    return {payload.stage: {**result.model_dump(), **kept}}


def finish_of(
    context: JobContext[Any],
    finishing: Finishing,
    score_bug: tuple[float, float, float, float] | None = None,
) -> FinishArguments:
    """How a video is finished, with the files of its assets.

    Args:
        score_bug: where that of the video stands, as shares of the picture.

    Raises:
        InputError: one of them was deleted.
    """
    asked = finishing.model_dump(exclude={"loudness", *finishing.assets})
    paths = asset_paths(finishing, _asset_files(context, finishing))
    return FinishArguments(**asked, **paths, lufs=finishing.lufs, score_bug=score_bug)


def _asset_files(context: JobContext[Any], finishing: Finishing) -> dict[str, Path]:
    """The files of the assets, by their ids."""
    files = {}
    with context.database.read() as session:
        for field, asset_id in finishing.assets.items():
            asset = session.get(AssetRow, asset_id)
            if asset is None:
                raise InputError("was deleted", where=field, remedy="choose another file")
            stored = context.storage.upload(asset.upload_id)
            files[asset_id] = named_file(stored, asset.name, asset_id, context.scratch)
    return files


def file_name(title: str) -> str:
    """A title as the name of a file, without its suffix; empty where nothing of it is left."""
    return re.sub(r"[^\w.]+", "-", title).strip("-.")[:80]


def keep_product(
    storage: Storage,
    session: Session,
    owner: MatchRow | PlaylistRow,
    job_id: str,
    file: Path,
    now: float,
    *,
    name: str,
    format: str,
    reel_id: str | None = None,
) -> Remembered:
    """Put a finished file of a match or a playlist where it is downloaded from."""
    target = storage.product_of(owner, job_id)
    bytes_ = file.stat().st_size
    take_place(file, target)
    product = ProductRow(
        id=new_id(),
        match_id=owner.id if isinstance(owner, MatchRow) else None,
        playlist_id=owner.id if isinstance(owner, PlaylistRow) else None,
        reel_id=reel_id,
        job_id=job_id,
        name=name,
        format=format,
        path=str(target.relative_to(storage.root)),
        bytes=bytes_,
        created_at=now,
    )
    session.add(product)
    owner.stored_bytes += bytes_
    return {"product_id": product.id}


def _keep_product(
    context: JobContext[ProductPayload], file: Path, session: Session, result: ReelFile
) -> Remembered:
    match, payload = context.lock_match(session), context.payload
    kept = keep_product(
        context.storage, session, match, context.job_id, file, context.database.now(session),
        name=payload.name, format=payload.format, reel_id=payload.reel_id,
    )  # fmt: skip
    return {**result.model_dump(), **kept}
