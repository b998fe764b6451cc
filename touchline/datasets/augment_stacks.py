"""Augmentation of clips of grey frames, as the winner of the 2023 ball challenge does it: where
the camera looks, how sharp and how bright the picture is, and which frames are taken.

Random parameters are drawn once a clip from PyTorch's global generator, so that motion is kept.
"""

import math
from dataclasses import dataclass

import torch
import torchvision.transforms.v2.functional as pixel_ops
from torch import Tensor
from torch.nn import functional as F

MOST_ROTATED_DEGREES = 2.5
LEAST_SHOWN = 0.9
"""Share of the area that a zoom leaves at least."""

MOST_MOVED = 0.05
"""How far a simulated move of the camera shifts the picture over a clip, in half widths."""

BLUR_KERNELS = (3, 5, 7)
NOISE_DEVIATION = 0.03
POSTERIZED_BITS = (4, 7)
BRIGHTNESS = (0.8, 1.2)
SHAKE_WEIGHTS = (0.2, 0.6, 0.2)
"""Chances that a frame is replaced by the one before, stays, or is replaced by the one after."""


@dataclass(frozen=True)
class StackAugmentation:
    """Probability of each step, the published ones by default.

    Attributes:
        flip: horizontal mirror.
        camera_move: the picture drifts over the clip.
        rotation: by up to 2.5 degrees.
        zoom: to 0.9 to 1 of the area, anywhere.
        sharpness, motion_blur, brightness (and contrast), posterize, noise: of the pixels.
        shake: every frame may be replaced by a neighbour.
    """

    flip: float = 0.5
    camera_move: float = 0.2
    rotation: float = 0.3
    zoom: float = 0.8
    sharpness: float = 0.2
    motion_blur: float = 0.2
    brightness: float = 0.3
    posterize: float = 0.2
    noise: float = 0.2
    shake: float = 0.25


def augment_stack(frames: Tensor, rules: StackAugmentation) -> Tensor:
    """(F, H, W) grey in [0, 1] -> the same shape."""
    moved = _moved(frames, rules)
    return _repainted(moved[:, None], rules)[:, 0].clamp(0, 1)


def shaken(count: int, rules: StackAugmentation) -> Tensor:
    """(count,) int64 in -1, 0, 1: which neighbour stands for each frame."""
    if not _happens(rules.shake):
        return torch.zeros(count, dtype=torch.int64)
    weights = torch.tensor(SHAKE_WEIGHTS)
    return torch.multinomial(weights, count, replacement=True) - 1


def _moved(frames: Tensor, rules: StackAugmentation) -> Tensor:
    """Mirrored, turned, zoomed and drifting, in one sampling of the pixels."""
    count, height, width = frames.shape
    centre, scale, angle, mirror = torch.zeros(count, 2), 1.0, 0.0, 1.0
    if _happens(rules.flip):
        mirror = -1.0
    if _happens(rules.rotation):
        angle = math.radians(_uniform(-MOST_ROTATED_DEGREES, MOST_ROTATED_DEGREES))
    if _happens(rules.zoom):
        scale = math.sqrt(_uniform(LEAST_SHOWN, 1))
        centre = centre + (1 - scale) * (2 * torch.rand(2) - 1)
    if _happens(rules.camera_move):
        way = MOST_MOVED * (2 * torch.rand(2) - 1)
        centre = centre + torch.linspace(-0.5, 0.5, count)[:, None] * way
    if not centre.any() and (scale, angle, mirror) == (1, 0, 1):
        return frames
    cosine, sine, ratio = scale * math.cos(angle), scale * math.sin(angle), height / width
    turn = torch.tensor([[mirror * cosine, -sine * ratio], [mirror * sine / ratio, cosine]])
    where = torch.cat((turn.expand(count, 2, 2), centre[:, :, None]), dim=2).to(frames.device)
    grid = F.affine_grid(where, [count, 1, height, width], align_corners=False)
    return F.grid_sample(frames[:, None], grid, align_corners=False)[:, 0]


def _repainted(pictures: Tensor, rules: StackAugmentation) -> Tensor:
    """(F, 1, H, W) with other pixels."""
    if _happens(rules.sharpness):
        pictures = pixel_ops.adjust_sharpness(pictures, _uniform(0, 2))
    if _happens(rules.motion_blur):
        pictures = _blurred_along(pictures)
    if _happens(rules.brightness):
        pictures = (pictures * _uniform(*BRIGHTNESS)).clamp(0, 1)
        mean = pictures.mean()
        pictures = mean + (pictures - mean) * _uniform(*BRIGHTNESS)
    if _happens(rules.posterize):
        levels = 2 ** int(torch.randint(*POSTERIZED_BITS, ()))
        pictures = (pictures * levels).floor().clamp(max=levels - 1) / levels
    if _happens(rules.noise):
        pictures = pictures + NOISE_DEVIATION * torch.randn_like(pictures)
    return pictures


def _blurred_along(pictures: Tensor) -> Tensor:
    """Blurred along a line of a random direction."""
    size = BLUR_KERNELS[int(torch.randint(len(BLUR_KERNELS), ()))]
    angle = _uniform(0, math.pi)
    kernel = torch.zeros(size, size)
    for step in torch.linspace(-1, 1, 4 * size).tolist():
        across, down = (round((1 + step * f(angle)) * (size - 1) / 2) for f in (math.cos, math.sin))
        kernel[down, across] = 1
    weights = (kernel / kernel.sum()).to(pictures.device)[None, None]
    return F.conv2d(F.pad(pictures, [size // 2] * 4, mode="replicate"), weights)


def _happens(probability: float) -> bool:
    return bool(torch.rand(()) < probability)


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
