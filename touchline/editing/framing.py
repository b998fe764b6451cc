"""Reframing to another aspect ratio: a window that follows the play."""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from touchline.broadcast.cuts import CutFinder
from touchline.errors import InputError
from touchline.media.views import View, read_views

ASPECTS = ("16:9", "1:1", "4:5", "9:16")
"""Common aspect ratios; others are possible too."""

LEAST_SIDE = 540
"""Pixels of the shorter side with which a part of a picture is shown, at least."""

_EXTREME = Fraction(4)
_VIEW = View(size=(96, 54), colours="yuv")
_TOP = 10
"""Rows of the small picture that are ignored: stands and score bugs."""
_APART_SECONDS = 0.32
_REACH = 12
_SMOOTHING_SECONDS = 0.9
_PRIOR = 60.0
_STILL_SHARE = 0.9
_WHOLE_SHARE = 0.9
"""A window of at least this share of the picture is not enlarged."""

Grey = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


def parse_aspect(text: str) -> Fraction:
    """Parse an aspect ratio such as "9:16" as width by height.

    Raises:
        InputError: malformed, or outside 1:4 to 4:1.
    """
    found = re.fullmatch(r"(\d{1,4}):(\d{1,4})", text)
    if found is None or "0" in (found[1].lstrip("0") or "0", found[2].lstrip("0") or "0"):
        raise InputError(
            f"{text!r} is not an aspect ratio",
            remedy=f"give width:height, such as {', '.join(ASPECTS)}",
        )
    aspect = Fraction(int(found[1]), int(found[2]))
    if not 1 / _EXTREME <= aspect <= _EXTREME:
        raise InputError(f"an aspect ratio of {text} is too extreme", remedy="use 1:4 to 4:1")
    return aspect


def window_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """(width, height), both even, of the largest window of an aspect ratio within a picture."""
    wide = min(Fraction(width), height * aspect)
    return max(2, int(wide) // 2 * 2), max(2, int(wide / aspect) // 2 * 2)


@dataclass(frozen=True)
class Frame:
    """How the picture of a video is shown: scaled, then a window of it.

    Attributes:
        picture: (width, height) that the whole picture is scaled to.
        window: (width, height) of the part that is shown.
    """

    picture: tuple[int, int]
    window: tuple[int, int]


def frame_in(width: int, height: int, aspect: Fraction) -> Frame:
    """The largest window of an aspect ratio within a picture; a part of a small picture is
    enlarged until its shorter side has ``LEAST_SIDE`` pixels."""
    window = window_size(width, height, aspect)
    is_whole = window[0] * window[1] >= _WHOLE_SHARE * width * height
    if is_whole or min(window) >= LEAST_SIDE:
        return Frame((width, height), window)
    scale = LEAST_SIDE / (min(Fraction(width), height * aspect) * min(Fraction(1), 1 / aspect))
    picture = (_even(width * scale), _even(height * scale))
    return Frame(picture, window_size(*picture, aspect))


def _even(pixels: Fraction) -> int:
    return -(-pixels // 2) * 2


@dataclass(frozen=True)
class Track:
    """The horizontal position of the play over time, in a segment of one video.

    Attributes:
        seconds: (n,) increasing.
        centres: (n,) 0 at the left edge, 1 at the right.
        shots: starts of shots; the position jumps there and is interpolated elsewhere.
    """

    seconds: npt.NDArray[np.float64]
    centres: npt.NDArray[np.float64]
    shots: tuple[float, ...] = ()

    def at(self, seconds: float) -> float:
        """The position at a time."""
        shot = sum(start <= seconds for start in self.shots)
        own = np.searchsorted(np.asarray(self.shots), self.seconds, side="right") == shot
        if not own.any():
            return 0.5
        return float(np.interp(seconds, self.seconds[own], self.centres[own]))

    def crop(self, pixels: Pixels, size: tuple[int, int], seconds: float) -> Pixels:
        """The window of a given (width, height) centred on the play at a time."""
        height, width = pixels.shape[:2]
        left = round(self.at(seconds) * width - size[0] / 2)
        left = min(max(left, 0), width - size[0])
        top = (height - size[1]) // 2
        return pixels[top : top + size[1], left : left + size[0]]


def follow_play(video: str | Path, start_seconds: float, end_seconds: float) -> Track:
    """Estimate the position of the play from the motion in the picture.

    The shift that best matches two pictures a fraction of a second apart is the camera's motion;
    the remaining difference is players and ball. Where the camera moves, its operator follows the
    play, so the position is the middle of the picture (on simulated broadcasts an upright window in
    the middle contains the ball in 96 % of pictures, one at the centre of motion in 90 %). Where
    the camera is still, the position is the centre of motion, smoothed over about a second.

    Raises:
        MediaError: the video cannot be read.
    """
    times: list[float] = []
    greys: list[Grey] = []
    finder = CutFinder()
    with read_views(
        video, [_VIEW], start_seconds=max(start_seconds, 0.0), end_seconds=end_seconds
    ) as frames:
        for _, frame in frames:
            times.append(frame.seconds)
            greys.append(frame.pixels[..., 0].astype(np.float32))
            finder.see(frame.seconds, frame.pixels)
    shots = tuple(cut.seconds for cut in finder.finish())
    seconds = np.asarray(times)
    step = _pictures_apart(seconds)
    found = [_moving(a, b) for a, b in zip(greys, greys[step:], strict=False)]
    middles = seconds[: len(found)] + _APART_SECONDS / 2
    centres = np.array([centre for centre, _ in found])
    weights = np.array([weight for _, weight in found])
    crossing = np.searchsorted(np.asarray(shots), seconds[: len(found)], side="right")
    crossing = crossing != np.searchsorted(np.asarray(shots), seconds[step:], side="right")
    weights = np.where(crossing, 0.0, weights)
    return Track(seconds, _smooth(seconds, middles, centres, weights, shots), shots)


def _pictures_apart(seconds: npt.NDArray[np.float64]) -> int:
    usual = float(np.median(np.diff(seconds))) if len(seconds) > 1 else _APART_SECONDS
    return max(1, round(_APART_SECONDS / max(usual, 1e-3)))


def _moving(before: Grey, after: Grey) -> tuple[float, float]:
    """Horizontal centre of motion, 0 to 1, and its amount: 0 if the camera moves."""
    before, after = before[_TOP:], after[_TOP:]
    width = before.shape[1]
    inner = slice(_REACH, width - _REACH)
    residues = [
        np.abs(before[:, inner] - after[:, _REACH + dx : width - _REACH + dx])
        for dx in range(-_REACH, _REACH + 1)
    ]
    best = int(np.argmin([float(one.mean()) for one in residues]))
    if best != _REACH:
        return 0.5, 0.0
    residue = residues[best]
    columns = np.maximum(residue - 2 * np.median(residue) - 4, 0).sum(axis=0)
    total = float(columns.sum())
    if total <= 0:
        return 0.5, 0.0
    centre = float((columns * (np.arange(width)[inner] + 0.5)).sum()) / total / width
    return centre, total / 100


def _smooth(
    seconds: npt.NDArray[np.float64],
    middles: npt.NDArray[np.float64],
    centres: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    shots: tuple[float, ...],
) -> npt.NDArray[np.float64]:
    """Weighted means over about ``_SMOOTHING_SECONDS``, within each shot."""
    edges = [-np.inf, *shots, np.inf]
    smooth = np.full(len(seconds), 0.5)
    for first, last in pairwise(edges):
        own = (seconds >= first) & (seconds < last)
        near = (middles >= first) & (middles < last)
        if not own.any() or not near.any():
            continue
        away = (seconds[own, None] - middles[None, near]) / _SMOOTHING_SECONDS
        if np.mean(weights[near] > 0) < _STILL_SHARE:
            continue
        kernel = np.exp(-0.5 * away**2) * np.minimum(weights[near], 10.0)
        mass = kernel.sum(axis=1)
        smooth[own] = (kernel @ centres[near] + _PRIOR * 0.5) / (mass + _PRIOR)
    return smooth
