"""Camera cuts near the ends of clips, to which the ends are moved."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from touchline.broadcast.cuts import CutFinder
from touchline.broadcast.one_pass import THUMBNAIL
from touchline.media.views import read_views
from touchline.reel import Clip, Reel

REACH_SECONDS = 1.5
"""How far an end of a clip may move inwards to a cut."""

MIN_LEAD_SECONDS = 2.0
MIN_TAIL_SECONDS = 1.0


def find_cuts(video: str | Path, start_seconds: float, end_seconds: float) -> list[float]:
    """Times in [start, end) of the first frame of each new shot; see `touchline.broadcast.cuts`.

    Raises:
        MediaError: the video cannot be read.
    """
    finder = CutFinder()
    start = max(start_seconds, 0.0)
    with read_views(video, [THUMBNAIL], start_seconds=start, end_seconds=end_seconds) as frames:
        for _, frame in frames:
            finder.see(frame.seconds, frame.pixels)
    return [cut.seconds for cut in finder.finish()]


def snap_to_cuts(reel: Reel, find_video: Callable[[Clip], Path]) -> Reel:
    """Move the ends of clips inwards to a cut within ``REACH_SECONDS``; the reel never grows.

    At least ``MIN_LEAD_SECONDS`` remain before the first event of a clip, and
    ``MIN_TAIL_SECONDS`` after the last.

    Args:
        find_video: returns the video of a clip.

    Raises:
        MediaError: a video cannot be read.
    """
    return replace(reel, clips=tuple(_snap(clip, find_video(clip)) for clip in reel))


def _snap(clip: Clip, video: Path) -> Clip:
    first = min((event.seconds for event in clip.events), default=clip.end_seconds)
    last = max((event.seconds for event in clip.events), default=clip.start_seconds)
    start, end = clip.start_seconds, clip.end_seconds
    latest_start = min(start + REACH_SECONDS, first - MIN_LEAD_SECONDS)
    if latest_start > start:
        start = max(find_cuts(video, start, latest_start), default=start)
    earliest_end = max(end - REACH_SECONDS, last + MIN_TAIL_SECONDS)
    if earliest_end < end:
        end = min(find_cuts(video, earliest_end, end), default=end)
    return replace(clip, start_seconds=start, end_seconds=end) if start < end else clip
