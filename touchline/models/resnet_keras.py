"""ResNet-152 as Keras has it, which the published SoccerNet features were made with.

He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", CVPR 2016, in the layout of
``keras.applications.ResNet152`` (version 1). It differs from torchvision's: a block halves the
picture in its first 1x1 convolution, convolutions have biases, and batch norms another epsilon.
Entries are named ``conv2_block1.conv1.weight`` for Keras' ``conv2_block1_1_conv/kernel``; 0 is the
shortcut's projection.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH_NORM_EPSILON = 1.001e-5
FEATURES = 2048
RESNET152_DEPTHS = (3, 8, 36, 3)

_STEM_WIDTH = 64
_EXPANSION = 4


@dataclass(frozen=True)
class KerasResNetConfig:
    """What rebuilds a network.

    Attributes:
        depths: blocks of each stage, ``conv2`` to ``conv5``.
    """

    depths: tuple[int, ...] = RESNET152_DEPTHS


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, around which the input passes."""

    def __init__(self, channels: int, width: int, stride: int, projects: bool) -> None:
        super().__init__()
        outputs = _EXPANSION * width
        self.projects = projects
        if projects:
            self.conv0 = nn.Conv2d(channels, outputs, 1, stride)
            self.bn0 = _norm(outputs)
        self.conv1 = nn.Conv2d(channels, width, 1, stride)
        self.bn1 = _norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = _norm(width)
        self.conv3 = nn.Conv2d(width, outputs, 1)
        self.bn3 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 4 * width, H / stride, W / stride)."""
        shortcut = self.bn0(self.conv0(x)) if self.projects else x
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(shortcut + self.bn3(self.conv3(x)))


class KerasResNet(nn.Module):
    """Pictures to the mean of the last stage, ``avg_pool`` in Keras."""

    def __init__(self, config: KerasResNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or KerasResNetConfig()
        self.conv1_conv = nn.Conv2d(3, _STEM_WIDTH, 7, stride=2, padding=3)
        self.conv1_bn = _norm(_STEM_WIDTH)
        self.stages: list[list[str]] = []
        channels = _STEM_WIDTH
        for stage, depth in enumerate(self.config.depths):
            width = _STEM_WIDTH << stage
            names = [f"conv{stage + 2}_block{block + 1}" for block in range(depth)]
            for name in names:
                is_first = name == names[0]
                stride = 2 if is_first and stage else 1
                self.add_module(name, Bottleneck(channels, width, stride, projects=is_first))
                channels = _EXPANSION * width
            self.stages.append(names)

    def stem(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 64, H / 2, W / 2), ``conv1_relu`` in Keras."""
        return F.relu(self.conv1_bn(self.conv1_conv(x)))

    def stage_outputs(self, x: Tensor) -> list[Tensor]:
        """Outputs of the stem, its pooling and every stage, each (N, C, H, W)."""
        outputs = [self.stem(x)]
        outputs.append(F.max_pool2d(outputs[-1], 3, stride=2, padding=1))
        for names in self.stages:
            x = outputs[-1]
            for name in names:
                x = self.get_submodule(name)(x)
            outputs.append(x)
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), prepared as by ``published_pixels``, -> (N, 2048), not negative."""
        return self.stage_outputs(x)[-1].mean((2, 3))


def published_pixels(frames: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 RGB -> (N, 3, H, W) as the published features had it.

    The published code gave OpenCV's BGR to a function that takes RGB: the network got red where
    it was trained on blue, less the mean of blue. Its features are what the field shares.
    """
    means = torch.tensor((103.939, 116.779, 123.68), device=frames.device)
    return frames.permute(0, 3, 1, 2).to(means.dtype) - means.reshape(3, 1, 1)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON)
