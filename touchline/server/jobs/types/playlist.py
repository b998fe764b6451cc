"""A playlist becomes a file: one video, a zip of one for each clip, or an edit list."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from touchline.editing.sources import listed_rate
from touchline.errors import InputError
from touchline.formats import write
from touchline.reel import Reel
from touchline.server.finishing import Finishing
from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.compiling import CompileArguments, compile_clips
from touchline.server.jobs.stages.cutting import ReelFile
from touchline.server.jobs.types.base import JobContext, JobType, Remembered, StageCall
from touchline.server.jobs.types.product import ZIP, finish_of, keep_product
from touchline.server.reels import listed_media, reel_from_json
from touchline.server.storage import Storage, named_video
from touchline.server.tables import MatchRow, PlaylistRow, VideoRow

MAX_ZIP_BYTES = 4 * 10**9
"""Size of the clips in one zip together."""


class PlaylistPayload(Payload):
    """The playlist as it was when the file was ordered, and the file to make of it.

    Attributes:
        documents: a reel for each clip, as reel files hold it.
        videos: ids of the videos, by the names that the clips give.
        files: names of the files in a zip; none for one file.
        suffix: of a video, or of the edit list.
        name: what the file is called when it is downloaded.
        title: of the playlist, for edit lists.
    """

    job_type: ClassVar[str] = "playlist"

    playlist_id: str
    documents: list[dict[str, Any]]
    videos: dict[str, str]
    files: list[str]
    format: str
    suffix: str
    snap: bool
    finish: Finishing
    name: str
    title: str = "touchline"

    @property
    def reels(self) -> tuple[Reel, ...]:
        """The clips, each as a reel."""
        return tuple(map(reel_from_json, self.documents))


class MakePlaylist(JobType[PlaylistPayload]):
    """The clips of a playlist become a video, or a zip of videos."""

    payload = PlaylistPayload

    def weights(self, payload: PlaylistPayload) -> dict[str, float]:
        return {"playlist": 1.0}

    def stages(self, context: JobContext[PlaylistPayload]) -> Iterator[StageCall[Any, Any]]:
        payload, settings = context.payload, context.settings
        reels = payload.reels
        file = context.scratch / f"product{ZIP if payload.files else payload.suffix}"
        with context.database.read() as session:
            sources = {
                name: str(
                    named_video(context.storage, settings.media_roots, video, context.scratch)
                )
                for name, video in _videos(session, payload.videos).items()
            }
        arguments = CompileArguments(
            reels=reels,
            files=tuple(payload.files),
            sources=sources,
            target=str(file),
            suffix=payload.suffix,
            snap=payload.snap,
            finish=finish_of(context, payload.finish),
            most_bytes=MAX_ZIP_BYTES,
        )
        yield StageCall(
            "playlist",
            compile_clips,
            arguments,
            settings.stage_limits,
            4 * sum(reel.seconds for reel in reels),
            names={path: name for name, path in sources.items()} | arguments.finish.names,
            effect=partial(_keep, context, file),
        )


def write_list_now(
    storage: Storage,
    session: Session,
    playlist: PlaylistRow,
    payload: PlaylistPayload,
    job_id: str,
    now: float,
) -> Remembered:
    """Write an edit list in the caller's transaction: it is made of rows alone.

    It counts frames at the rate of the first clip's video.

    Raises:
        InputError: the format cannot hold the clips.
    """
    reel = Reel(tuple(clip for one in payload.reels for clip in one))
    videos = _videos(session, payload.videos)
    matches = {name: session.get_one(MatchRow, one.match_id) for name, one in videos.items()}
    infos = {name: video.info or matches[name].info for name, video in videos.items()}
    warnings = tuple(
        f"several files are called {video.name}: the list calls that of {matches[name].title!r} "
        f"{name}, so rename a copy of the file"
        for name, video in videos.items()
        if name != video.name
    )
    rate = listed_rate(Fraction(infos[reel.clips[0].video]["frame_rate"]))
    video = {(name, None): listed_media(name, info) for name, info in infos.items()}
    with TemporaryDirectory(dir=storage.root / "work") as folder:
        file = Path(folder) / f"product{payload.suffix}"
        write(reel, file, payload.format, rate=rate, video=video, title=payload.title)
        result = ReelFile(
            seconds=round(reel.seconds, 3), bytes=file.stat().st_size, warnings=warnings
        )
        kept = keep_product(
            storage, session, playlist, job_id, file, now,
            name=payload.name, format=payload.format,
        )  # fmt: skip
    return {"playlist": {**result.model_dump(), **kept}}


def _videos(session: Session, ids: Mapping[str, str]) -> dict[str, VideoRow]:
    found = {name: session.get(VideoRow, video_id) for name, video_id in ids.items()}
    if gone := [name for name, video in found.items() if video is None]:
        raise InputError(
            "its match was deleted", where=gone[0], remedy="take its clips out of the playlist"
        )
    return {name: video for name, video in found.items() if video is not None}


def _keep(
    context: JobContext[PlaylistPayload], file: Path, session: Session, result: ReelFile
) -> Remembered:
    payload = context.payload
    playlist = session.get(PlaylistRow, payload.playlist_id, with_for_update=True)
    if playlist is None:
        raise InputError("the playlist was deleted")
    kept = keep_product(
        context.storage, session, playlist, context.job_id, file, context.database.now(session),
        name=payload.name, format=ZIP[1:] if payload.files else payload.format,
    )  # fmt: skip
    return {**result.model_dump(), **kept}
