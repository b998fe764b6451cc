"""The first look at an upload: is it a video within limits?"""

from typing import Any

from touchline.errors import MediaError
from touchline.media.limits import Limits
from touchline.media.video import probe, read_frames
from touchline.server.stages import Report
from touchline.timebase import format_rate

MIN_SIDE = 16


def probe_upload(report: Report, *, source: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Open an upload and decode its beginning.

    Raises:
        MediaError: it is no video, or one beyond the limits.
    """
    info = probe(source, Limits(**limits))
    if min(info.size) < MIN_SIDE:
        raise MediaError(f"a picture of {info.width}x{info.height} is too small to be a match")
    with read_frames(source, end_seconds=1, limits=Limits(**limits), threads=1) as frames:
        if next(iter(frames), None) is None:
            raise MediaError("no frame can be decoded")
    report(1.0)
    return {
        "width": info.width,
        "height": info.height,
        "frame_rate": format_rate(info.frame_rate),
        "duration_seconds": round(info.duration_seconds, 3),
        "has_audio": info.has_audio,
        "codec": info.codec,
        "rotation": info.rotation,
    }
