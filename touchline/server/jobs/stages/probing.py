"""The first look at uploads: are they videos within the limits?"""

from pydantic import BaseModel, ConfigDict

from touchline.errors import MediaError
from touchline.media.limits import Limits
from touchline.media.video import probe, read_frames
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult
from touchline.timebase import format_rate

MIN_SIDE = 16


class ProbeArguments(StageArguments):
    """The uploads of a match, in order."""

    sources: tuple[str, ...]
    limits: Limits


class VideoFacts(BaseModel):
    """What an upload is; ``frame_rate`` is a fraction such as ``"25/1"``, ``timecode`` that of the
    first frame, where the file states it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int
    height: int
    frame_rate: str
    duration_seconds: float
    has_audio: bool
    codec: str
    rotation: int
    timecode: str | None = None


class ProbeResult(StageResult):
    """One entry for each source."""

    videos: tuple[VideoFacts, ...]


def probe_uploads(arguments: ProbeArguments, progress: Progress) -> ProbeResult:
    """Open uploads and decode their beginning.

    Raises:
        MediaError: a file is not a video, or is beyond the limits.
    """
    videos = []
    count = len(arguments.sources)
    for number, source in enumerate(arguments.sources, start=1):
        videos.append(_facts(source, arguments.limits))
        progress(number / count)
    return ProbeResult(videos=tuple(videos))


def _facts(source: str, limits: Limits) -> VideoFacts:
    info = probe(source, limits)
    if min(info.size) < MIN_SIDE:
        raise MediaError(
            f"a picture of {info.width}x{info.height} is too small to be a match", where=source
        )
    with read_frames(source, end_seconds=1, limits=limits, threads=1) as frames:
        if next(iter(frames), None) is None:
            raise MediaError("no frame can be decoded", where=source)
    return VideoFacts(
        width=info.width,
        height=info.height,
        frame_rate=format_rate(info.frame_rate),
        duration_seconds=round(info.duration_seconds, 3),
        has_audio=info.has_audio,
        codec=info.codec,
        rotation=info.rotation,
        timecode=info.timecode,
    )
