"""The first look at uploads: are they videos within limits?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from touchline.errors import MediaError
from touchline.media.limits import Limits
from touchline.media.video import probe, read_frames
from touchline.server.jobs.stages import Report
from touchline.timebase import format_rate

MIN_SIDE = 16


def probe_uploads(report: Report, *, sources: list[str], limits: dict[str, Any]) -> dict[str, Any]:
    """Open uploads and decode their beginning.

    Returns:
        What is known of each, as ``videos``.

    Raises:
        MediaError: one is no video, or one beyond the limits.
    """
    videos = []
    for number, source in enumerate(sources, start=1):
        with naming_video(number, len(sources)):
            videos.append(_facts(source, Limits(**limits)))
        report(number / len(sources))
    return {"videos": videos}


@contextmanager
def naming_video(number: int, count: int) -> Iterator[None]:
    """Say which video it is that will not do, where there are several."""
    try:
        yield
    except MediaError as error:
        if count == 1:
            raise
        raise MediaError(f"video {number}: {error.what}", remedy=error.remedy) from error


def _facts(source: str, limits: Limits) -> dict[str, Any]:
    info = probe(source, limits)
    if min(info.size) < MIN_SIDE:
        raise MediaError(f"a picture of {info.width}x{info.height} is too small to be a match")
    with read_frames(source, end_seconds=1, limits=limits, threads=1) as frames:
        if next(iter(frames), None) is None:
            raise MediaError("no frame can be decoded")
    return {
        "width": info.width,
        "height": info.height,
        "frame_rate": format_rate(info.frame_rate),
        "duration_seconds": round(info.duration_seconds, 3),
        "has_audio": info.has_audio,
        "codec": info.codec,
        "rotation": info.rotation,
    }
