"""Feature vectors of top views, the input of the published network with calibration.

Cioppa et al., CVPR Workshops 2021: top views through an ImageNet ResNet-34 without classifier.
"""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from touchline.engines.features import INPUTS_AT_ONCE
from touchline.errors import ConfigError, FormatError
from touchline.features.extractor import (
    DEFAULT_PLACEMENT,
    Extraction,
    NetworkExtractor,
    Placement,
    Rows,
    Write,
)
from touchline.features.top_view import Pixels, TopView
from touchline.formats.player_boxes import (
    PLAYER_BOXES_RATE,
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)
from touchline.runtime.progress import Progress
from touchline.timebase import format_rate
from touchline.zoo.extractors import ExtractorFolder
from touchline.zoo.identity import FeatureIdentity

SUFFIX = "radar_resnet_34_composite"
"""Suffix of the published files: ``1_radar_resnet_34_composite.npy``."""

WEIGHTS = "timm:resnet34.tv_in1k"
"""Name of the stored weights."""

_ENLARGED = (512, 256)
_SIDE = 224

_HALF = re.compile(r"([1-4])[_.]")


class TopViewVectors(NetworkExtractor):
    """Feature vectors of the top views of a half: an ``Extractor``.

    Its source is the half's calibration file, or any other file of the half in the game's folder,
    such as its video.

    Args:
        folder: weights of timm's ResNet-34.
        rate: rows a second; only the rate of calibrations is supported.

    Raises:
        ConfigError: another rate.
    """

    def __init__(
        self,
        folder: ExtractorFolder,
        rate: Fraction | None = None,
        placement: Placement = DEFAULT_PLACEMENT,
    ) -> None:
        if rate not in (None, PLAYER_BOXES_RATE):
            raise ConfigError(
                f"top views at {rate} a second are not supported",
                remedy=f"calibrations have {PLAYER_BOXES_RATE} a second",
            )
        identity = FeatureIdentity(
            name="top-view",
            weights=folder.weights_digest,
            rate=format_rate(PLAYER_BOXES_RATE),
            settings={"network": folder.card.name},
        )
        super().__init__(folder, identity, SUFFIX, placement)

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``.

        Raises:
            FormatError: the calibration or player boxes of the half are missing or malformed.
        """
        view = open_top_view(source)
        for first in range(0, view.steps, INPUTS_AT_ONCE):
            views = view.read(first, min(INPUTS_AT_ONCE, view.steps - first))
            write(self._describe(views))
            progress((first + len(views)) / view.steps)
        return Extraction(first_seconds=0.0)

    def _describe(self, views: Pixels) -> Rows:
        # Half of all entries are black: equal views are computed once.
        different, index = np.unique(views, axis=0, return_inverse=True)
        vectors = self.network(np.stack([enlarge(view) for view in different]))
        rows: Rows = vectors[index.reshape(-1)]
        return rows


def enlarge(view: Pixels) -> Pixels:
    """(3, 32, 64) top view -> (224, 224, 3) input picture of the network.

    As published: enlarged to a height of 256, then cropped to the middle 224 by 224.
    """
    picture = Image.fromarray(np.ascontiguousarray(view.transpose(1, 2, 0)))
    width, height = _ENLARGED
    left, top = (width - _SIDE) // 2, (height - _SIDE) // 2
    enlarged = picture.resize(_ENLARGED, Image.Resampling.BILINEAR)
    return np.asarray(enlarged.crop((left, top, left + _SIDE, top + _SIDE)))


def open_top_view(source: Path) -> TopView:
    """The top views of the half that a file belongs to.

    Raises:
        FormatError: the file's name does not state the half, or its calibration or boxes are
            missing or malformed.
    """
    found = _HALF.match(source.name)
    if found is None:
        raise FormatError(
            "the name does not state the half",
            where=source,
            remedy=f"name it like {calibration_name(1)}",
        )
    half = int(found[1])
    calibration = read_calibration(source.with_name(calibration_name(half)))
    return TopView(calibration, read_player_boxes(source.with_name(player_boxes_name(half))))
