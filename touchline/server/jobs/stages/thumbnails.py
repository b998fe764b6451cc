"""Small pictures of a video, at even distances."""

from fractions import Fraction
from pathlib import Path

from PIL import Image

from touchline.media.video import probe, read_frames
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult

WIDTH = 240
QUALITY = 80


class ThumbnailArguments(StageArguments):
    """The video, and the folder that the pictures go into."""

    source: str
    folder: str
    every_seconds: float


class ThumbnailResult(StageResult):
    """How many pictures there are, at which distance and of which size."""

    every_seconds: float
    count: int
    width: int
    height: int


def make_thumbnails(arguments: ThumbnailArguments, progress: Progress) -> ThumbnailResult:
    """Write ``00000.jpg`` for second 0, ``00001.jpg`` for the next step, and so on.

    Raises:
        MediaError: the video cannot be read.
    """
    source, every_seconds = arguments.source, arguments.every_seconds
    info = probe(source)
    height = max(2, round(WIDTH * info.height / info.width))
    rate = 1 / Fraction(every_seconds).limit_denominator(1000)
    target = Path(arguments.folder)
    target.mkdir(parents=True)
    count = 0
    with read_frames(
        source, rate=rate, size=(WIDTH, height), colours="shown", deinterlace=True
    ) as frames:
        for frame in frames:
            Image.fromarray(frame.pixels).save(target / f"{count:05d}.jpg", quality=QUALITY)
            count += 1
            progress(min(1.0, count * every_seconds / max(info.duration_seconds, every_seconds)))
    return ThumbnailResult(every_seconds=every_seconds, count=count, width=WIDTH, height=height)
