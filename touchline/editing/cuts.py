"""Camera cuts near the ends of clips, to which the ends are moved."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from touchline.media.video import read_frames
from touchline.reel import Clip, Reel

REACH_SECONDS = 1.5
"""How far an end of a clip may move inwards to a cut."""

MIN_LEAD_SECONDS = 2.0
MIN_TAIL_SECONDS = 1.0

_SIZE = (64, 36)
_JUMP = 18.0
_JUMP_RATIO = 4.0


def find_cuts(video: str | Path, start_seconds: float, end_seconds: float) -> list[float]:
    """Times in [start, end) of the first frame of each new shot.

    A cut is a frame that differs from the previous one by more than ``_JUMP`` grey levels on
    average, and by several times more than its neighbours, unlike pans and flashes, which last for
    several frames.

    Raises:
        MediaError: the video cannot be read.
    """
    times: list[float] = []
    greys: list[npt.NDArray[np.float32]] = []
    start = max(start_seconds, 0.0)
    with read_frames(video, size=_SIZE, start_seconds=start, end_seconds=end_seconds) as frames:
        for frame in frames:
            times.append(frame.seconds)
            greys.append(frame.pixels.mean(axis=2, dtype=np.float32))
    return [times[i] for i in shot_starts(greys)]


def shot_starts(greys: Sequence[npt.NDArray[np.float32]]) -> list[int]:
    """Indices of the frames that begin a new shot.

    Args:
        greys: consecutive frames, (H, W) each, 0 to 255.
    """
    jumps = np.array([float(np.abs(b - a).mean()) for a, b in pairwise(greys)])
    found = []
    for i, jump in enumerate(jumps):
        around = np.delete(jumps[max(0, i - 4) : i + 5], min(i, 4))
        usual = float(np.median(around)) if around.size else 0.0
        if jump > _JUMP and jump > _JUMP_RATIO * max(usual, 1.0):
            found.append(i + 1)
    return found


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
