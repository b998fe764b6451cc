"""Networks as they are deployed: pictures as they come from a video in, class logits out.

Normalisation lives here, so that no caller can forget it. What stands for a frame that a window
lacks is the ``padding`` of the network's configuration: ``"mean"``, zero *after* normalisation, as
in the published inference of E2E-Spot; or ``"black"``, a black picture.
"""

import torch
from torch import Tensor, nn

from touchline.models.comedian import Comedian
from touchline.models.e2e_spot import E2ESpot
from touchline.models.frame_stacking import FrameStacking
from touchline.models.tdeed import TDEED

PictureNetwork = E2ESpot | FrameStacking | TDEED | Comedian
"""A network of pictures in two parts: ``frame_features`` of each, and ``predict`` out of these."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SCALES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "rgb": (IMAGENET_MEAN, IMAGENET_STD),
    "bw": ((0.5,), (0.5,)),
    "flow": ((0.5,), (0.5,)),
    "stack": ((0.0,), (1.0,)),
    "tubelet": ((0.45,), (0.225,)),
}
"""Mean and deviation of the channels that are left, of values from 0 to 1, by modality."""
GREY_WEIGHTS = (0.2989, 0.587, 0.114)
"""Shares of red, green and blue, as torchvision takes them."""


def centre_crop(frames: Tensor, side: int) -> Tensor:
    """(N, H, W, 3) -> (N, side, side, 3); half pixels are rounded to even, as torchvision does."""
    gaps = [size - side for size in frames.shape[1:3]]
    top, left = (gap // 2 + gap % 2 * (gap // 2 % 2) for gap in gaps)
    return frames[:, top : top + side, left : left + side]


class Normalise(nn.Module):
    """Pictures to what the networks were trained on.

    rgb: ImageNet mean and deviation. bw: grey in [-1, 1]. flow: the second and third channel
    (y flow, x flow) in [-1, 1]. stack: every channel, a grey frame, in [0, 1]. tubelet: RGB of
    frames one after the other, all by the same mean and deviation.

    Args:
        modality: ``"rgb"``, ``"bw"``, ``"flow"``, ``"stack"`` or ``"tubelet"``.
        crop: side of the centred square to cut out first; None keeps the whole picture.
        side: of the square that pictures are resized to, whatever their shape; None keeps them.
    """

    grey: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, modality: str, crop: int | None = None, side: int | None = None) -> None:
        super().__init__()
        self.modality = modality
        self.crop = crop
        self.side = side
        mean, std = SCALES[modality]
        scale = 1 / (255 * torch.tensor(std))
        shift = -torch.tensor(mean) / torch.tensor(std)
        self.register_buffer("scale", scale[:, None, None], persistent=False)
        self.register_buffer("shift", shift[:, None, None], persistent=False)
        self.register_buffer("grey", torch.tensor(GREY_WEIGHTS)[:, None, None], persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 RGB -> (N, C, H, W) of the module's type, channels-last in memory."""
        if self.crop is not None:
            frames = centre_crop(frames, self.crop)
        pictures = frames.permute(0, 3, 1, 2).to(self.scale.dtype)
        if self.modality == "bw":
            pictures = (pictures * self.grey).sum(1, keepdim=True)
        elif self.modality == "flow":
            pictures = pictures[:, 1:]
        if self.side is not None:
            pictures = resized(pictures, self.side).round()
        return pictures * self.scale + self.shift


def resized(pictures: Tensor, side: int) -> Tensor:
    """(N, C, H, W) -> (N, C, side, side): bilinear, averaged where it gets smaller (antialiased).

    Two products of matrices, which every engine computes alike.
    """
    across = _resizing_weights(pictures[0, 0, 0], side)
    down = _resizing_weights(pictures[0, 0, :, 0], side)
    return down @ (pictures @ across.T)


def _resizing_weights(line: Tensor, side: int) -> Tensor:
    """(side, n): the share of every pixel of a line (n,) in every pixel of a line of ``side``."""
    pixels = torch.ones_like(line).cumsum(0) - 0.5
    length = pixels[-1] + 0.5
    centres = torch.arange(side, dtype=line.dtype, device=line.device) + 0.5
    reach = length.clamp(min=side)
    weights = (reach - (pixels[None] * side - centres[:, None] * length).abs()).clamp(min=0)
    whole = weights.sum(dim=1, keepdim=True)
    shares = weights / whole
    # Whole numbers up to here; engines may divide by multiplying with an inverse, and half pixels
    # tell whether the last bit is right: one step of Newton's method puts it right.
    return shares + (weights - shares * whole) / whole


def normalised(frames: Tensor, valid: Tensor, normalise: Normalise, padding: str) -> Tensor:
    """Pictures as a network takes them, with what its configuration has for missing frames.

    Args:
        frames: uint8 (N, H, W, 3).
        valid: float32 (N,), 1 for a frame, 0 for padding.
        padding: ``"mean"`` or ``"black"``.

    Returns:
        (N, C, H, W).
    """
    valid = valid.reshape(-1, 1, 1, 1)
    if padding == "black":
        pictures: Tensor = normalise(frames * (valid > 0))
        return pictures
    return normalise(frames) * valid


class DeployedPictures(nn.Module):
    """What sees every frame by itself."""

    def __init__(self, network: PictureNetwork, crop: int | None = None) -> None:
        super().__init__()
        side = network.config.image_size if isinstance(network, Comedian) else None
        self.normalise = Normalise(network.config.modality, crop, side)
        self.network = network

    def forward(self, frames: Tensor, valid: Tensor) -> Tensor:
        """One feature vector or map per frame.

        Args:
            frames: uint8 (N, H, W, 3).
            valid: float32 (N,), 1 for a frame, 0 for padding.

        Returns:
            float32 (N, D), or (N, C, h, w).
        """
        pictures = normalised(frames, valid, self.normalise, self.network.config.padding)
        return self.network.frame_features(pictures)


class DeployedHead(nn.Module):
    """What sees a whole clip."""

    def __init__(self, network: PictureNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        """Features of a clip's frames, (B, T, ...), to what spotting reads, (B, T, columns)."""
        return self.network.predict(features)


class DeployedSpotter(nn.Module):
    """The whole network."""

    def __init__(self, network: E2ESpot | TDEED, crop: int | None = None) -> None:
        super().__init__()
        self.normalise = Normalise(network.config.modality, crop)
        self.network = network

    def forward(self, frames: Tensor, valid: Tensor) -> Tensor:
        """What spotting reads: class logits, for a system that decodes more than these more.

        Args:
            frames: uint8 (B, T, H, W, 3).
            valid: float32 (B, T), 1 for a frame, 0 for padding.

        Returns:
            float32 (B, T, K+1 or more).
        """
        _, steps, height, width, colours = frames.shape
        frames = frames.reshape(-1, height, width, colours)
        pictures = normalised(frames, valid, self.normalise, self.network.config.padding)
        _, channels, height, width = pictures.shape
        clips = pictures.reshape(-1, steps, channels, height, width)
        return self.network.predict(self.network.features(clips))


class DeployedWindows(nn.Module):
    """What makes features of a window, of a network that shifts in time; see ``SplicedNetwork``.

    Args:
        overlap: fewest frames that windows share.
    """

    def __init__(self, network: E2ESpot, crop: int | None, overlap: int) -> None:
        super().__init__()
        self.normalise = Normalise(network.config.modality, crop)
        self.padding = network.config.padding
        self.spliced = network.spliced(overlap)

    def forward(
        self, frames: Tensor, valid: Tensor, *cached_and_keep: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Features of a window, and rows that later windows take.

        Args:
            frames: uint8 (N, H, W, 3).
            valid: float32 (N,), 1 for a frame, 0 for padding.
            cached_and_keep: first all ``cached``, then all ``keep``, see there.
        """
        count = len(self.spliced.splices)
        pictures = normalised(frames, valid, self.normalise, self.padding)
        features: tuple[Tensor, ...] = self.spliced(
            pictures, cached_and_keep[:count], cached_and_keep[count:]
        )
        return features


class DeployedMaps(nn.Module):
    """What makes vectors of a window out of maps of its frames, of a network whose last stages
    shift in time; see ``SplicedNetwork``.

    Args:
        overlap: fewest frames that windows share.
    """

    def __init__(self, network: TDEED, overlap: int) -> None:
        super().__init__()
        self.spliced = network.spliced(overlap)

    def forward(self, features: Tensor, *cached_and_keep: Tensor | None) -> tuple[Tensor, ...]:
        """Vectors of a window, and rows that later windows take.

        Args:
            features: (N, C, h, w).
            cached_and_keep: first all ``cached``, then all ``keep``, see there.
        """
        count = len(self.spliced.splices)
        vectors: tuple[Tensor, ...] = self.spliced(
            features, cached_and_keep[:count], cached_and_keep[count:]
        )
        return vectors


class DeployedTemporalHead(nn.Module):
    """What sees the vectors of a whole clip."""

    def __init__(self, network: TDEED) -> None:
        super().__init__()
        self.network = network

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, T, D) to what spotting reads, (B, T, columns)."""
        return self.network.temporal_head(vectors)[..., : self.network.config.num_columns]
