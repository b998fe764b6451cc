"""Where the window of a reshaped picture lies, as a reel file says it and a person corrects it.

A clip of a reel file may hold ``"framing": [{"time": 70.1, "centre": 0.42, "shot": true}, ...]``:
seconds of its video, and the middle of the window, 0 at the left edge of the picture, 1 at the
right. The window glides from one point to the next, and jumps to one that begins a shot.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from touchline.editing.framing import Track, follow_play
from touchline.editing.sources import VideoPaths, video_of_clip
from touchline.errors import InputError
from touchline.reel import Clip, Reel

FRAMING = "framing"
"""The field of a clip."""

_APART_SECONDS = 1.0
_STILL = 0.02
"""A window that moves less stays where it is."""


def with_framing(reel: Reel, video: VideoPaths) -> Reel:
    """The reel with where the window lies in each shot; clips that say so already keep it.

    Raises:
        MediaError: a video cannot be read.
    """
    clips = tuple(
        clip
        if FRAMING in clip.extra
        else replace(clip, extra={**clip.extra, FRAMING: _points(track_of(clip, video))})
        for clip in reel
    )
    return replace(reel, clips=clips)


def track_of(clip: Clip, video: VideoPaths) -> Track:
    """Where the window lies: as the clip says, else as the play is followed.

    Raises:
        InputError: what the clip says is malformed. MediaError: the video cannot be read.
    """
    stated = clip.extra.get(FRAMING)
    if stated is not None:
        return _stated(stated, f"{clip.video}, clip at {clip.start_seconds:.1f} s")
    return follow_play(video_of_clip(clip, video), clip.start_seconds, clip.end_seconds)


def _points(track: Track) -> list[dict[str, Any]]:
    if not len(track.seconds):
        return [{"time": 0.0, "centre": 0.5, "shot": True}]
    first, last = float(track.seconds[0]), float(track.seconds[-1])
    begins = [first, *(shot for shot in track.shots if first < shot <= last)]
    points = []
    for begin, end in zip(begins, [*begins[1:], last + _APART_SECONDS], strict=True):
        times = np.arange(begin, end - _APART_SECONDS / 2, _APART_SECONDS)
        centres = [track.at(float(time)) for time in times] or [track.at(begin)]
        if max(centres) - min(centres) < _STILL:
            centres = [float(np.median(centres))]
        for number, centre in enumerate(centres):
            point: dict[str, Any] = {
                "time": round(begin + number * _APART_SECONDS, 3),
                "centre": round(centre, 3),
            }
            points.append(point | {"shot": True} if number == 0 else point)
    return points


def _stated(points: Any, where: str) -> Track:
    if not isinstance(points, Sequence) or isinstance(points, str) or not points:
        raise _refusal("is no list of points", where)
    times: list[float] = []
    centres: list[float] = []
    shots: list[float] = []
    for point in points:
        time = _number(point, "time", where, 0.0, math.inf)
        if times and time <= times[-1]:
            raise _refusal(f"goes back at {time:g} s", where)
        times.append(time)
        centres.append(_number(point, "centre", where, 0.0, 1.0))
        if not isinstance(point.get("shot", False), bool):
            raise _refusal(f"has {point['shot']!r} for its shot, not true or false", where)
        if point.get("shot") and len(times) > 1:
            shots.append(time)
    return Track(np.asarray(times), np.asarray(centres), tuple(shots))


def _number(point: Any, name: str, where: str, least: float, most: float) -> float:
    value = point.get(name) if isinstance(point, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _refusal(f"has {value!r} for its {name}", where)
    return float(value)


def _refusal(what: str, where: str) -> InputError:
    return InputError(
        f"its {FRAMING} {what}",
        where=where,
        remedy='write [{"time": seconds, "centre": 0 to 1, "shot": true}, ...], in order of time',
    )
