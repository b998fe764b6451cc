"""What each shot shows: the whole pitch, somebody close, the crowd, or graphics.

Told from thumbnails of two pictures a second. The colour of the grass is learnt from the recording:
it is the green that most of its pictures hold most of.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.cuts import Cut

Thumbnail = NDArray[np.uint8]
Kind = Literal["wide", "close-up", "crowd", "graphics"]

STEP_SECONDS = 0.5
"""Time between two pictures that are looked at."""

GRASS_LEAST = 3.0
"""How far the colour of grass is from grey at least."""

GRASS_ASIDE = 0.6
"""How far its hue may be from that of most of the grass, as a tangent."""

WIDE_GRASS = 0.5
"""Share of the lower part of the picture that is grass in a wide shot, at least."""

WIDE_LARGE = 0.035
"""Share of a wide shot that something large, standing on the grass, may take."""

CROWD_GRASS = 0.12
"""Share of the picture that is grass in a picture of the crowd or of graphics, at most."""

CROWD_TEXTURE = 14.0
"""Grey levels between neighbouring cells of a crowd, in the quieter half of the picture."""

FLAT_TEXTURE = 3.5
"""Grey levels between neighbouring cells of graphics, in the quieter half of the picture."""

_MOST_PICTURES = 40_000
_COLOUR_PICTURES = 500
"""Pictures that the colour of the grass is taken from, about."""

_CHROMA_BINS = 32
_PEAK_REACH = 8


@dataclass(frozen=True, order=True)
class Shot:
    """A stretch between two changes of shot.

    Attributes:
        start_seconds, end_seconds: in the recording.
        kind: what it shows most of the time.
        confidence: share of its pictures that agree.
    """

    start_seconds: float
    end_seconds: float
    kind: Kind
    confidence: float = 1.0

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_seconds - self.start_seconds


class ShotClassifier:
    """Thumbnails in, shots out; keeps two small pictures a second."""

    def __init__(self) -> None:
        self._next = 0.0
        self._end = 0.0
        self._times: list[float] = []
        self._pictures: list[Thumbnail] = []

    def see(self, time_seconds: float, picture: Thumbnail) -> None:
        """Take the next picture.

        Args:
            time_seconds: when it begins to be shown.
            picture: (height, width, 3) luma, blue and red difference; two a second are kept.
        """
        self._end = time_seconds
        if time_seconds >= self._next and len(self._times) < _MOST_PICTURES:
            self._next = max(self._next + STEP_SECONDS, time_seconds)
            self._times.append(time_seconds)
            self._pictures.append(picture)

    def finish(self, cuts: Sequence[Cut], end_seconds: float | None = None) -> tuple[Shot, ...]:
        """The shots of the recording, gapless, in order of time.

        Args:
            cuts: where they change, in order of time.
            end_seconds: end of the recording; of the last picture if None.
        """
        if not self._pictures:
            return ()
        kinds = classify(self._pictures)
        times = np.asarray(self._times)
        end = max(self._end, end_seconds or 0.0)
        edges = [0.0, *(cut.seconds for cut in cuts if 0 < cut.seconds < end), end]
        shots = []
        for start, stop in pairwise(edges):
            if stop <= start:
                continue
            inside = np.flatnonzero((times >= start) & (times < stop))
            if not inside.size:
                inside = np.array([np.abs(times - (start + stop) / 2).argmin()])
            (kind, count), *_ = Counter(kinds[k] for k in inside).most_common(1)
            shots.append(Shot(start, stop, kind, count / inside.size))
        return tuple(shots)


def classify(pictures: Sequence[Thumbnail]) -> list[Kind]:
    """What each picture of a recording shows.

    Args:
        pictures: (height, width, 3) each: luma, blue and red difference; together they tell the
            colour of the grass.
    """
    centre = grass_colour(pictures)
    return [_classify(picture, centre) for picture in pictures]


def grass_colour(pictures: Sequence[Thumbnail]) -> tuple[float, float] | None:
    """Blue and red difference of the grass; None where no picture holds enough of any green."""
    some = np.stack(pictures[:: max(1, len(pictures) // _COLOUR_PICTURES)])
    colours = some[..., 1:].reshape(-1, 2)
    green = (colours[:, 0] < 126) & (colours[:, 1] < 124)
    if green.mean() < 0.02:
        return None
    counts, blue, red = np.histogram2d(
        colours[green, 0], colours[green, 1], bins=_CHROMA_BINS, range=((0, 128), (0, 128))
    )
    row, column = np.unravel_index(counts.argmax(), counts.shape)
    near = green & (np.abs(colours - [blue[row] + 2, red[column] + 2]).max(1) <= _PEAK_REACH)
    mean = colours[near].mean(0)
    return float(mean[0]), float(mean[1])


def _classify(picture: Thumbnail, centre: tuple[float, float] | None) -> Kind:
    height = picture.shape[0]
    grass = np.zeros(picture.shape[:2], np.bool_) if centre is None else _grass(picture, centre)
    low = grass[height * 2 // 5 : height * 19 // 20]
    standing = ~grass & np.maximum.accumulate(grass, axis=0)
    if low.mean() >= WIDE_GRASS and _opened(standing, height // 12).mean() <= WIDE_LARGE:
        return "wide"
    if grass.mean() <= CROWD_GRASS:
        texture = _texture(picture[..., 0])
        if texture >= CROWD_TEXTURE:
            return "crowd"
        if texture <= FLAT_TEXTURE:
            return "graphics"
    return "close-up"


def _grass(picture: Thumbnail, centre: tuple[float, float]) -> NDArray[np.bool_]:
    """Cells of the hue of the grass; in shade it is paler, and of the same hue."""
    blue, red = picture[..., 1].astype(np.float32) - 128, picture[..., 2].astype(np.float32) - 128
    along = np.hypot(centre[0] - 128, centre[1] - 128) + 1e-6
    towards = (blue * (centre[0] - 128) + red * (centre[1] - 128)) / along
    aside = np.abs(blue * (centre[1] - 128) - red * (centre[0] - 128)) / along
    return (towards >= GRASS_LEAST) & (aside <= GRASS_ASIDE * towards)


def _texture(luma: NDArray[np.uint8]) -> float:
    """Median difference of neighbouring cells, across and down."""
    signed = luma.astype(np.int16)
    across = np.abs(np.diff(signed, axis=1))[:-1]
    down = np.abs(np.diff(signed, axis=0))[:, :-1]
    return float(np.median(across + down))


def _opened(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """What is left of a mask without its parts narrower than 2 reach + 1 cells."""
    return _grown(~_grown(~mask, reach), reach)


def _grown(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    out = mask
    for axis in (0, 1):
        grown = out.copy()
        for step in range(1, reach + 1):
            ahead = [slice(None)] * 2
            behind = [slice(None)] * 2
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            grown[tuple(ahead)] |= out[tuple(behind)]
            grown[tuple(behind)] |= out[tuple(ahead)]
        out = grown
    return out
