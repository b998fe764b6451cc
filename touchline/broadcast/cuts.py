"""Where one shot ends and the next begins: hard cuts and dissolves, found while decoding.

All is told from thumbnails of a few thousand cells. A hard cut is one step between two pictures
that is far larger than the steps around it and that is not taken back, as a flash is. A dissolve
is a stretch whose middle is the mean of its two ends, while the ends have little in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Thumbnail = NDArray[np.uint8]
Floats = NDArray[np.float32]

CUT_STEP = 9.0
"""Grey levels, luma and colours together, by which pictures differ at least over a hard cut."""

CUT_EVIDENCE = 2.0
"""How much a hard cut changes layout and colours, in units of what is telling of each."""

CUT_RATIO = 3.0
"""How many times the usual step around it a hard cut is at least."""

FLASH_RETURN = 0.5
"""Share of a cut's step by which the pictures a moment later still differ from those before."""

DISSOLVE_STEP = 18.0
"""Levels, luma and colours added, between the layouts of the two ends of a dissolve, at least."""

DISSOLVE_RESIDUAL = 0.25
"""How far the middle of a dissolve is from the mean of its ends, as a share of their distance."""

DISSOLVE_CORRELATION = 0.7
"""Correlation of the two ends of a dissolve, at most: a change of light keeps it high."""

DISSOLVE_SETTLES = 0.6
"""Change before or after a dissolve, whichever is less, as a share of that within it, at most."""

APART_SECONDS = 0.3
"""Least time between two cuts."""

_HALF_LENGTHS = (3, 5, 8, 13, 20)
_MARGIN = 64
_BLOCK = 512
_NEAR = 6
_AFTER = 3
_TELLING_COLOURS = 0.06
_TELLING_LAYOUT = 6.0


@dataclass(frozen=True, order=True)
class Cut:
    """A change of shot.

    Attributes:
        seconds: when the new shot begins: its first frame, or the middle of a transition.
        kind: ``hard``, ``dissolve`` or ``wipe``.
        confidence: 0 to 1.
    """

    seconds: float
    kind: Literal["hard", "dissolve", "wipe"] = "hard"
    confidence: float = 1.0


class CutFinder:
    """Thumbnails in, cuts out; holds a few hundred of them."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._pictures: list[Thumbnail] = []
        self._before = 0
        self._found: list[Cut] = []

    def see(self, time_seconds: float, picture: Thumbnail) -> None:
        """Take the next picture.

        Args:
            time_seconds: when it begins to be shown.
            picture: (height, width, 3) luma and two colour differences, of one size throughout;
                some 15 to 30 a second.
        """
        self._times.append(time_seconds)
        self._pictures.append(picture)
        if len(self._pictures) >= self._before + _BLOCK + _MARGIN:
            self._judge(self._before + _BLOCK)
            kept = self._before + _BLOCK - _MARGIN
            del self._pictures[:kept], self._times[:kept]
            self._before = _MARGIN

    def finish(self) -> tuple[Cut, ...]:
        """All cuts, in order of time."""
        self._judge(len(self._pictures))
        self._pictures, self._times, self._before = [], [], 0
        return _thinned(self._found)

    def _judge(self, end: int) -> None:
        """Look for cuts among the pictures held, those before ``end`` that are not yet judged."""
        if len(self._pictures) < 2:
            return
        pictures = np.stack(self._pictures)
        for place, confidence in _hard_cuts(pictures):
            if self._before <= place < end:
                self._found.append(Cut(self._times[place], "hard", confidence))
        for place, confidence in _dissolves(pictures):
            if self._before <= place < end:
                self._found.append(Cut(self._times[place], "dissolve", confidence))


def _distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """(n,) mean distance of pictures (n, height, width, 3), luma and colours added."""
    apart = np.maximum(first, second) - np.minimum(first, second)
    levels = apart.reshape(len(apart), -1)
    return np.asarray(3 * levels.sum(1, dtype=np.uint32) / levels.shape[1], np.float32)


def _hard_cuts(pictures: NDArray[np.uint8]) -> list[tuple[int, float]]:
    """(place, confidence) of the first picture after each hard cut."""
    steps = np.zeros(len(pictures), np.float32)
    steps[1:] = _distance(pictures[1:], pictures[:-1])
    found = []
    for place in np.flatnonzero(steps > CUT_STEP).tolist():
        around = np.concatenate(
            [steps[max(1, place - _NEAR) : place], steps[place + 1 : place + 1 + _NEAR]]
        )
        usual = float(np.median(around)) if around.size else 0.0
        highest = float(around.max()) if around.size else 0.0
        step = float(steps[place])
        if step < CUT_RATIO * max(usual, 1.0) or step < highest:
            continue
        before, after = max(0, place - 2), min(len(pictures) - 1, place + _AFTER)
        stays = float(_distance(pictures[after][None], pictures[before][None])[0])
        if stays < FLASH_RETURN * step:
            continue
        evidence = _evidence(pictures[place - 1], pictures[place])
        if evidence < CUT_EVIDENCE:
            continue
        ratio = step / max(usual, 1.0)
        found.append((place, _sureness(ratio, evidence)))
    return found


def _evidence(before: Thumbnail, after: Thumbnail) -> float:
    """How much the layout and the colours of a picture change.

    Somebody near the camera who moves fast, or a crowd that jumps, changes as many cells as a cut
    does, but neither how many cells have which colour nor where the light and the dark parts are.
    """
    pair = np.stack([before, after])
    counts = np.array(
        [
            [np.bincount(picture[..., k].ravel() >> 4, minlength=16) for k in range(3)]
            for picture in pair
        ]
    )
    cells = before.shape[0] * before.shape[1]
    colours = np.abs(counts[0] - counts[1]).sum() / (2 * 3 * cells)
    layout = blocks(pair)
    apart = float(np.abs(layout[0] - layout[1]).mean((0, 1)).sum())
    luma = layout[..., 0].reshape(2, -1)
    luma = luma - luma.mean(1, keepdims=True)
    norms = np.linalg.norm(luma, axis=1)
    common = float((luma[0] * luma[1]).sum() / max(norms[0] * norms[1], 1e-3))
    return float(colours / _TELLING_COLOURS + apart * (1 - common) / _TELLING_LAYOUT)


def _sureness(ratio: float, evidence: float) -> float:
    return float(1 - 0.5 * np.exp(-(ratio - CUT_RATIO) / 4 - (evidence - CUT_EVIDENCE) / 4))


def blocks(pictures: NDArray[np.uint8]) -> Floats:
    """(n, height, width, 3) to the means of blocks of four by four cells; the rest is cropped."""
    count, height, width, _ = pictures.shape
    high, wide = max(1, height // 4), max(1, width // 4)
    down, across = height // high, width // wide
    parts = pictures[:, : high * down, : wide * across]
    # Sums of slices take a tenth of the time that a mean over axes does.
    rows = np.zeros((count, high, wide * across, 3), np.uint16)
    for row in range(down):
        rows += parts[:, row::down]
    sums = np.zeros((count, high, wide, 3), np.uint16)
    for column in range(across):
        sums += rows[:, :, column::across]
    return np.asarray(sums / np.float32(down * across), np.float32)


def _dissolves(pictures: NDArray[np.uint8]) -> list[tuple[int, float]]:
    """(place, confidence) of places in the middle of a dissolve; neighbours also count."""
    rows = blocks(pictures).reshape(len(pictures), -1)
    luma = rows[:, ::3]
    centred = luma - luma.mean(1, keepdims=True)
    spread = luma.std(1) + 1e-3
    best: dict[int, float] = {}
    for half in _HALF_LENGTHS:
        if len(rows) <= 2 * half:
            break
        first, middle, last = rows[: -2 * half], rows[half:-half], rows[2 * half :]
        apart = 3 * np.abs(first - last).mean(1)
        places = np.flatnonzero(apart > DISSOLVE_STEP)
        if not places.size:
            continue
        mean = (first[places] + last[places]) / 2
        residual = 3 * np.abs(middle[places] - mean).mean(1) / apart[places]
        common = (centred[places] * centred[places + 2 * half]).mean(1)
        common /= spread[places] * spread[places + 2 * half]
        good = (residual < DISSOLVE_RESIDUAL) & (common < DISSOLVE_CORRELATION)
        good[good] = [_settles(rows, int(place) + half, half) for place in places[good]]
        # One picture by itself may be half way between two others by chance.
        known = set(places[good].tolist())
        good &= [place - 1 in known or place + 1 in known for place in places.tolist()]
        for place, left in zip(places[good] + half, residual[good], strict=True):
            best[int(place)] = max(best.get(int(place), 0.0), float(1 - 2 * left))
    return sorted(best.items())


def _settles(rows: Floats, middle: int, half: int) -> bool:
    """Whether pictures change gradually within a stretch, and less before and after it.

    A camera that glides over something smooth changes them as a dissolve does, but goes on.
    """
    first, last = middle - half, middle + half
    within = max(
        float(np.abs(rows[first] - rows[middle]).mean()),
        float(np.abs(rows[last] - rows[middle]).mean()),
    )
    steps = np.abs(np.diff(rows[first : last + 1], axis=0)).mean(1)
    if steps.max() > 0.6 * within:  # a cut, and not the way from one scene to another
        return False
    outside = [
        float(np.abs(rows[far] - rows[near]).mean())
        for far, near in ((first - half, first), (last + half, last))
        if 0 <= far < len(rows)
    ]
    return len(outside) > 0 and min(outside) < DISSOLVE_SETTLES * within and max(outside) < within


def _thinned(cuts: Sequence[Cut]) -> tuple[Cut, ...]:
    """The cuts, of several within a moment only one: a hard one first, then the surest."""
    kept: list[Cut] = []
    order = sorted(cuts, key=lambda cut: (cut.kind != "hard", -cut.confidence, cut.seconds))
    for cut in order:
        apart = APART_SECONDS if cut.kind == "hard" else 1.0
        if all(abs(cut.seconds - other.seconds) >= apart for other in kept):
            kept.append(cut)
    return tuple(sorted(kept))
