"""Augmentation of clips: crop, flip, colour, blur, normalisation and mixup.

The published steps of E2E-Spot, run on the device of the clips. Random parameters are drawn once
per clip, so that motion is preserved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torchvision.transforms.v2.functional as pixel_ops
from torch import Tensor
from torch.nn import functional as F

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

BLUR_KERNEL = 5


@dataclass(frozen=True)
class Augmentation:
    """Parameters of the augmentation; the defaults are the published ones.

    Attributes:
        flip: probability of a horizontal flip.
        hue, saturation, brightness, contrast, blur: probability of each.
        crop: side of a random square crop; None for the whole frame.
        padding: content of frames outside the video: ``"black"``, a black picture (as published for
            training), or ``"mean"``, zeros after normalisation (as at inference).
    """

    flip: float = 0.5
    hue: float = 0.25
    saturation: float = 0.25
    brightness: float = 0.25
    contrast: float = 0.25
    blur: float = 0.25
    crop: int | None = None
    padding: str = "black"


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _blur(x: Tensor) -> Tensor:
    sigma = _uniform(0.1, 2.0)
    return pixel_ops.gaussian_blur(x, [BLUR_KERNEL, BLUR_KERNEL], [sigma, sigma])


COLOUR_STEPS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "hue": lambda x: pixel_ops.adjust_hue(x, _uniform(-0.2, 0.2)),
    "saturation": lambda x: pixel_ops.adjust_saturation(x, _uniform(0.7, 1.2)),
    "brightness": lambda x: pixel_ops.adjust_brightness(x, _uniform(0.7, 1.2)),
    "contrast": lambda x: pixel_ops.adjust_contrast(x, _uniform(0.7, 1.2)),
    "blur": _blur,
}
"""The published colour steps, in order and strength, by the field with their probability."""


def normalise(x: Tensor) -> Tensor:
    """(..., 3, H, W) in [0, 1] to the scale that ImageNet networks expect."""
    mean = x.new_tensor(MEAN)[:, None, None]
    std = x.new_tensor(STD)[:, None, None]
    return (x - mean) / std


def to_channels_first(frames: Tensor) -> Tensor:
    """(..., H, W, 3) uint8 -> (..., 3, H, W) float32 in [0, 1], laid out channels-last."""
    return frames.movedim(-1, -3).float() / 255


def centre_crop(frames: Tensor, side: int | None) -> Tensor:
    """(..., H, W, 3) -> (..., side, side, 3) of the middle, rounded as torchvision rounds."""
    if side is None:
        return frames
    height, width = frames.shape[-3:-1]
    top, left = round((height - side) / 2), round((width - side) / 2)
    return frames[..., top : top + side, left : left + side, :]


def augment_clip(frames: Tensor, valid: Tensor, rules: Augmentation) -> Tensor:
    """Augment and normalise one clip. Draws from PyTorch's global generator.

    Args:
        frames: (T, H, W, 3) uint8.
        valid: (T,) 1 for frames inside the video.

    Returns:
        (T, 3, H, W) float32, normalised.
    """
    if rules.crop is not None:
        height, width = frames.shape[1:3]
        top = int(torch.randint(height - rules.crop + 1, ()))
        left = int(torch.randint(width - rules.crop + 1, ()))
        frames = frames[:, top : top + rules.crop, left : left + rules.crop]
    x = to_channels_first(frames)
    if _uniform(0, 1) < rules.flip:
        x = x.flip(-1)
    for name, step in COLOUR_STEPS.items():
        if _uniform(0, 1) < getattr(rules, name):
            x = step(x)
    x = normalise(x)
    return x * valid[:, None, None, None] if rules.padding == "mean" else x


def prepare_batch(
    batch: Mapping[str, Tensor], rules: Augmentation, num_outputs: int
) -> tuple[Tensor, Tensor]:
    """Augment a batch of ``ClipDataset``; with mixup, blend each pair of clips.

    Returns:
        (B, T, 3, H, W) float32, and targets for the loss: (B, T) int64 classes, or with mixup
        (B, T, K+1) distributions.
    """
    x = _augment_all(batch["frames"], batch["valid"], rules)
    if "share" not in batch:
        return x, batch["classes"]
    other = _augment_all(batch["other_frames"], batch["other_valid"], rules)
    share = batch["share"]
    x = torch.lerp(other, x, share[:, None, None, None, None])
    own, others = (
        F.one_hot(batch[key], num_outputs).float() for key in ("classes", "other_classes")
    )
    return x, torch.lerp(others, own, share[:, None, None])


def _augment_all(frames: Tensor, valid: Tensor, rules: Augmentation) -> Tensor:
    clips = [augment_clip(f, v, rules) for f, v in zip(frames, valid, strict=True)]
    return torch.stack(clips)
