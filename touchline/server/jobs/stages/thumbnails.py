"""Small pictures of a video, at even distances."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from touchline.media.video import probe, read_frames
from touchline.server.jobs.stages import Report

WIDTH = 240
QUALITY = 80


def make_thumbnails(
    report: Report, *, source: str, folder: str, every_seconds: float
) -> dict[str, Any]:
    """Write ``00000.jpg`` for second 0, ``00001.jpg`` for the next, and so on.

    Raises:
        MediaError: the video cannot be read.
    """
    info = probe(source)
    height = max(2, round(WIDTH * info.height / info.width))
    rate = 1 / Fraction(every_seconds).limit_denominator(1000)
    target = Path(folder)
    target.mkdir(parents=True)
    count = 0
    with read_frames(source, rate=rate, size=(WIDTH, height)) as frames:
        for frame in frames:
            Image.fromarray(frame.pixels).save(target / f"{count:05d}.jpg", quality=QUALITY)
            count += 1
            report(min(1.0, count * every_seconds / max(info.duration_seconds, every_seconds)))
    return {"every_seconds": every_seconds, "count": count, "width": WIDTH, "height": height}
