"""Vectors that describe top views, through a ResNet-34; what the published network reads. Needs
PyTorch."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from touchline.errors import FormatError, MissingExtraError
from touchline.features.extractor import Extracted, Report, Rows, Write
from touchline.features.top_view import Pixels, TopView
from touchline.formats.sightings import (
    SIGHTINGS_RATE,
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)
from touchline.timebase import format_rate
from touchline.zoo.identity import FeatureIdentity

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = "radar_resnet_34_composite"
"""Of the published files: ``1_radar_resnet_34_composite.npy``."""

VIEWS_PER_BATCH = 16

_HALF = re.compile(r"([1-4])[_.]")


class TopViewVectors:
    """Describes the top views of a half: an ``Extractor``.

    Its source is the half's calibration file, or any other file of the half in the game's folder,
    such as its video.

    Args:
        weights: of a ResNet-34 for ImageNet, under the usual names; by default those that timm
            fetches under the name ``resnet34.tv_in1k``.
        device: of PyTorch.

    Raises:
        CheckpointError: weights of another network.
        MissingExtraError: PyTorch or timm is not installed.
    """

    suffix = SUFFIX

    def __init__(
        self, weights: "Mapping[str, Tensor] | None" = None, *, device: str = "cpu"
    ) -> None:
        try:
            import torch

            from touchline.models.top_view_resnet import TopViewResNet
        except ImportError:
            raise MissingExtraError("describing top views", "torch") from None
        network = TopViewResNet(pretrained=weights is None)
        if weights is not None:
            network.load_imagenet(weights)
        self._device = torch.device(device)
        self._network = network.eval().to(self._device)
        self.identity = FeatureIdentity(
            name="top-view-resnet34",
            weights=_digest(network.network.state_dict()),
            rate=format_rate(SIGHTINGS_RATE),
        )

    @property
    def engine(self) -> str:
        """See ``Extractor``."""
        return f"torch, {self._device.type}"

    def extract(self, source: Path, write: Write, report: Report) -> Extracted:
        """See ``Extractor``.

        Raises:
            FormatError: the half has no calibration or boxes, or they are malformed.
        """
        view = open_top_view(source)
        for first in range(0, view.steps, VIEWS_PER_BATCH):
            views = view.read(first, min(VIEWS_PER_BATCH, view.steps - first))
            write(self._describe(views))
            report(min(1.0, (first + len(views)) / view.steps))
        return Extracted(first_seconds=0.0)

    def close(self) -> None:
        """See ``Extractor``."""
        del self._network

    def _describe(self, views: Pixels) -> Rows:
        import torch

        from touchline.models.top_view_resnet import enlarge

        # Half of all entries are black: whatever is alike is described once.
        different, index = np.unique(views, axis=0, return_inverse=True)
        pictures = torch.from_numpy(np.stack([enlarge(view) for view in different]))
        with torch.inference_mode():
            vectors = self._network(pictures.to(self._device)).cpu().numpy()
        rows: Rows = vectors[index.reshape(-1)]
        return rows


def open_top_view(source: Path) -> TopView:
    """The top views of the half that a file belongs to.

    Raises:
        FormatError: the file's name does not say which half, or its calibration or boxes are
            missing or malformed.
    """
    found = _HALF.match(source.name)
    if found is None:
        raise FormatError(
            "the name does not say which half this is",
            where=source,
            remedy=f"name it like {calibration_name(1)}",
        )
    half = int(found[1])
    calibration = read_calibration(source.with_name(calibration_name(half)))
    return TopView(calibration, read_player_boxes(source.with_name(player_boxes_name(half))))


def _digest(weights: "Mapping[str, Tensor]") -> str:
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()
