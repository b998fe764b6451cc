"""The published picture features of SoccerNet, and features of any timm backbone.

"ResNET_TF2": the frame on show just before every half second, scaled to 224 rows and cropped to
the middle 224 columns, through ResNet-152 (Keras). The frames are preprocessed exactly as by the
published code, also with its other transforms: ``resize``, the whole picture to 224x224 by cubic
interpolation, and ``resize256crop224``, 256 rows by area averaging and their middle.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from touchline.errors import MediaError
from touchline.features.extractor import (
    DEFAULT_PLACEMENT,
    Extraction,
    NetworkExtractor,
    Placement,
    Write,
)
from touchline.features.pictures import Pixels, describe_frames, unchanged
from touchline.media.video import probe, read_frames
from touchline.runtime.progress import Progress
from touchline.timebase import format_rate
from touchline.zoo.extractors import ExtractorFolder
from touchline.zoo.identity import PUBLISHED_PICTURES, FeatureIdentity

SIDE = 224
ROWS_BEFORE_CROP = 256
PUBLISHED_RATE = Fraction(2)


def published_start(source_rate: Fraction, rate: Fraction) -> Fraction:
    """The start from which reading at ``rate`` gives the frames that the published code keeps.

    It keeps frame k where (k + 1) mod r < 1, r = source_rate / rate: the last frame that begins
    before second i / rate, for i = 1, 2, ... Reading every 1 / rate gives the same frames if it
    starts shortly before 1 / rate: by less than the smallest distance of i / rate to a later frame.
    """
    ratio = source_rate / rate
    step = max(Fraction(1, ratio.denominator), Fraction(1, 8))
    return max(Fraction(0), 1 / rate - step / (2 * source_rate))


def crop_published(pixels: Pixels) -> Pixels:
    """(H, W, 3) -> (224, 224, 3): 224 rows by area averaging, then the middle columns.

    Raises:
        MediaError: a picture too narrow to give 224 columns.
    """
    return _middle_at_height(pixels, SIDE)


def resize_and_crop_published(pixels: Pixels) -> Pixels:
    """(H, W, 3) -> (224, 224, 3): 256 rows by area averaging, then the middle rows and columns.

    The published code cuts as much off either side, and fails where one column remains too many.

    Raises:
        MediaError: a picture too narrow to give 224 columns.
    """
    return _middle_at_height(pixels, ROWS_BEFORE_CROP)


def resize_published(pixels: Pixels) -> Pixels:
    """(H, W, 3) -> (224, 224, 3): the whole picture, distorted, by cubic interpolation."""
    height, width = pixels.shape[:2]
    if (height, width) == (SIDE, SIDE):
        return pixels
    rows, columns = cubic_weights(height, SIDE), cubic_weights(width, SIDE)
    lowered = (rows @ pixels.reshape(height, -1).astype(np.float32)).reshape(SIDE, -1, 3)
    return np.rint(columns @ lowered).clip(0, 255).astype(np.uint8)


def _middle_at_height(pixels: Pixels, scaled_height: int) -> Pixels:
    height, width = pixels.shape[:2]
    scaled_width = int(width * (scaled_height / height))
    if scaled_width < SIDE:
        raise MediaError(
            f"a picture of {width}x{height} is too narrow for the published features",
            remedy="use a picture at least as wide as high, or another extractor",
        )
    top, left = int((scaled_height - SIDE) / 2), int((scaled_width - SIDE) / 2)
    if height == scaled_height:
        return pixels[top : top + SIDE, left : left + SIDE]
    rows = area_weights(height, scaled_height)[top : top + SIDE]
    columns = area_weights(width, scaled_width)[left : left + SIDE]
    seen = np.flatnonzero(columns.any(0))
    part = pixels[:, seen[0] : seen[-1] + 1].astype(np.float32)
    lowered = (rows @ part.reshape(height, -1)).reshape(SIDE, -1, 3)
    scaled = columns[:, seen[0] : seen[-1] + 1] @ lowered
    halved = (height, width) == (2 * scaled_height, 2 * scaled_width)  # OpenCV rounds halves up
    rounded = np.floor(scaled + 0.5) if halved else np.rint(scaled)
    return rounded.clip(0, 255).astype(np.uint8)


TRANSFORMS: dict[str, Callable[[Pixels], Pixels]] = {
    "crop": crop_published,
    "resize": resize_published,
    "resize256crop224": resize_and_crop_published,
}
"""What the published code may do to frames, by its names; the released files are cropped."""


@lru_cache(maxsize=16)
def area_weights(source: int, target: int) -> npt.NDArray[np.float32]:
    """(target, source) weight of each source pixel in each target pixel, as OpenCV's INTER_AREA.

    Shrinking averages areas; enlarging interpolates linearly between pixels.
    """
    scale = source / target
    if target >= source:
        places = np.arange(target)
        low = np.floor(places * scale).astype(int)
        share = places + 1 - (low + 1) / scale
        share = np.where(share <= 0, 0, share - np.floor(share))
        weights = np.zeros((target, source))
        weights[places, low] = 1 - share
        weights[places, np.minimum(low + 1, source - 1)] += share
        return weights.astype(np.float32)
    edges = np.arange(target)[:, None] * scale
    pixels = np.arange(source)
    covered = np.minimum(edges + scale, pixels + 1) - np.maximum(edges, pixels)
    return (np.maximum(covered, 0) / scale).astype(np.float32)


@lru_cache(maxsize=16)
def cubic_weights(source: int, target: int) -> npt.NDArray[np.float32]:
    """(target, source) weight of each source pixel in each target pixel, as OpenCV's INTER_CUBIC.

    Four pixels around each place by the cubic kernel with -0.75; those beyond an edge are the
    pixel at the edge. Shrinking does not average.
    """
    places = (np.arange(target) + 0.5) * (source / target) - 0.5
    low = np.floor(places).astype(int)
    weights = np.zeros((target, source))
    for tap in range(-1, 3):
        near = np.clip(low + tap, 0, source - 1)
        np.add.at(weights, (np.arange(target), near), _cubic(np.abs(places - low - tap)))
    return weights.astype(np.float32)


def _cubic(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    sharpness = -0.75
    within = ((sharpness + 2) * distance - (sharpness + 3)) * distance**2 + 1
    beyond = sharpness * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, within, np.where(distance < 2, beyond, 0.0))


class PublishedResNet(NetworkExtractor):
    """The published features, with the frames, crop and channel order of the released files.

    Args:
        folder: weights of ResNet-152 in the Keras layout.
        rate: rows a second; released files have 2, 5 and 25.
        transform: what is done to frames, see ``TRANSFORMS``.
    """

    def __init__(
        self,
        folder: ExtractorFolder,
        rate: Fraction | None = None,
        placement: Placement = DEFAULT_PLACEMENT,
        transform: str = "crop",
    ) -> None:
        self.rate = rate or PUBLISHED_RATE
        self._prepare = TRANSFORMS[transform]
        ending = "" if transform == "crop" else f"-{transform}"
        identity = FeatureIdentity(
            name=f"resnet152{ending}",
            weights=folder.weights_digest,
            rate=format_rate(self.rate),
            settings=PUBLISHED_PICTURES | ({"crop": transform} if ending else {}),
        )
        super().__init__(folder, identity, f"ResNET_TF2{ending.replace('-', '_')}", placement)

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        stream = read_frames(
            source,
            rate=self.rate,
            start_seconds=published_start(probe(source).frame_rate, self.rate),
        )
        return describe_frames(stream, self._prepare, self.network, write, progress)


class TimmBackbone(NetworkExtractor):
    """A timm backbone on whole pictures, resized to its input size."""

    def __init__(
        self,
        folder: ExtractorFolder,
        rate: Fraction | None = None,
        placement: Placement = DEFAULT_PLACEMENT,
    ) -> None:
        card = folder.card
        self.rate = rate or PUBLISHED_RATE
        self.size = (card.width or SIDE, card.height or SIDE)
        identity = FeatureIdentity(
            name=f"timm:{card.config.get('timm_name')}",
            weights=folder.weights_digest,
            rate=format_rate(self.rate),
            settings={"size": f"{self.size[0]}x{self.size[1]}"},
        )
        super().__init__(folder, identity, card.name.removeprefix("timm-"), placement)

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        stream = read_frames(source, rate=self.rate, size=self.size)
        return describe_frames(stream, unchanged, self.network, write, progress)
