"""Multi-frame stacking: grey frames three by three through a picture network, then through time.

Ruslan Baikulov's winner of the SoccerNet Ball Action Spotting challenge of 2023. Three grey frames
are the three channels of a picture; the maps of all stacks of a clip pass three-dimensional blocks
and say which actions happen at the clip's middle frame. Parameter names are those of the published
weights.
"""

from dataclasses import dataclass
from typing import Self

import timm
import torch
from timm.layers import DropPath
from torch import Tensor, nn

from touchline.errors import ConfigError

BACKBONE = "tf_efficientnetv2_b0"
IMAGENET_TAG = "in1k"
BACKBONE_WIDTH = 192
STACK_FRAMES = 3

DROPOUT = 0.2
DROP_PATH = 0.2
SMALLEST_POOLED = 1e-6


@dataclass(frozen=True)
class FrameStackingConfig:
    """What rebuilds a network.

    Attributes:
        num_classes: actions, each scored by itself.
        clip_len: stacks of three frames that a clip has; odd, so that a frame is in the middle.
        frame_step: from one frame of a clip to the next, in frames of the video.
        blocks: three-dimensional blocks.
        expansion: of the channels inside a block.
        squeeze: by how much a block's channels are squeezed for their gates.
        map_width: channels that each stack contributes to the pooled vector.
        flip_average: whether a video is scored upright and mirrored, and both averaged.

    Raises:
        ConfigError: a number out of range.
    """

    num_classes: int
    clip_len: int = 5
    frame_step: int = 2
    blocks: int = 4
    expansion: int = 3
    squeeze: int = 24
    map_width: int = 256
    flip_average: bool = True

    def __post_init__(self) -> None:
        sizes = (self.num_classes, self.frame_step, self.blocks, self.expansion, self.squeeze)
        if min(*sizes, self.map_width) < 1:
            raise ConfigError(
                "num_classes, frame_step, blocks, expansion, squeeze and map_width must be at "
                "least 1"
            )
        if self.clip_len < 1 or self.clip_len % 2 == 0:
            raise ConfigError(f"clip_len {self.clip_len} must be odd")
        if self.expansion * BACKBONE_WIDTH % self.squeeze:
            raise ConfigError(f"squeeze {self.squeeze} does not divide the channels of a block")

    @property
    def num_frames(self) -> int:
        """Frames of a clip."""
        return STACK_FRAMES * self.clip_len

    @property
    def num_outputs(self) -> int:
        """Numbers that the network says of a clip: there is no background."""
        return self.num_classes

    @property
    def shares_frames(self) -> bool:
        """Stacks do not see each other before the three-dimensional blocks."""
        return True

    @property
    def padding(self) -> str:
        """What stands for frames that a clip lacks."""
        return "black"

    @property
    def modality(self) -> str:
        """What pictures are: see ``touchline.models.deploy.Normalise``."""
        return "stack"


class FrameStacking(nn.Module):
    """The network: a clip of grey frames to logits of the actions at its middle.

    Args:
        config: what to build.
        pretrained: start the picture network from ImageNet weights (downloads them).
    """

    def __init__(self, config: FrameStackingConfig, *, pretrained: bool = False) -> None:
        super().__init__()
        self.config = config
        name = f"{BACKBONE}.{IMAGENET_TAG}" if pretrained else BACKBONE
        self.conv2d_encoder = timm.create_model(
            name, pretrained=pretrained, features_only=True, out_indices=(4,)
        )
        self.conv2d_projection = projection(BACKBONE_WIDTH, BACKBONE_WIDTH)
        self.conv3d_encoder = nn.Sequential(
            *(
                InvertedResidual3d(BACKBONE_WIDTH, config.expansion, config.squeeze)
                for _ in range(config.blocks)
            )
        )
        self.conv3d_projection = projection(BACKBONE_WIDTH, config.map_width)
        self.global_pool = GeM()
        self.dropout = nn.Dropout(DROPOUT)
        self.classifier = nn.Linear(config.map_width * config.clip_len, config.num_classes)

    def channels_last(self) -> Self:
        """Lay the picture network's weights out channels-last; give it channels-last pictures."""
        for module in self.conv2d_encoder.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)
        return self

    @property
    def map_channels(self) -> int:
        """Channels of what ``frame_features`` makes of a stack."""
        return BACKBONE_WIDTH

    def frame_features(self, stacks: Tensor) -> Tensor:
        """(N, 3, H, W) grey frames in [0, 1], both sides multiples of 32 -> (N, 192, h, w)."""
        return self.conv2d_projection(self.conv2d_encoder(stacks)[0])

    def head(self, maps: Tensor) -> Tensor:
        """(B, clip_len, 192, h, w) -> (B, 1, K), logits at the middle frame."""
        maps = self.conv3d_encoder(maps.transpose(1, 2)).transpose(1, 2)
        batch, stacks = maps.shape[:2]
        projected = self.conv3d_projection(maps.flatten(0, 1))
        pooled = self.global_pool(projected).reshape(batch, stacks * projected.shape[1])
        return self.classifier(self.dropout(pooled))[:, None]

    def predict(self, features: Tensor) -> Tensor:
        """What spotting reads: ``head``."""
        return self.head(features)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits of the actions at the middle of each clip.

        Args:
            clips: (B, num_frames, H, W) grey in [0, 1], both sides multiples of 32.

        Returns:
            (B, K).

        Raises:
            ValueError: clips of another length.
        """
        if clips.shape[1] != self.config.num_frames:
            raise ValueError(f"a clip of {clips.shape[1]} frames, not {self.config.num_frames}")
        stacks = clips.unflatten(1, (-1, STACK_FRAMES))
        maps = self.frame_features(stacks.flatten(0, 1)).unflatten(0, stacks.shape[:2])
        return self.head(maps)[:, 0]


def projection(width: int, outputs: int) -> nn.Sequential:
    """(N, width, h, w) -> (N, outputs, h, w), pixel by pixel."""
    return nn.Sequential(
        nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()
    )


class InvertedResidual3d(nn.Module):
    """Channels widened, mixed over time and space, gated and narrowed again, beside a shortcut.

    Args:
        width: channels.
        expansion: by how much they are widened.
        squeeze: see ``SqueezeExcite3d``.
    """

    def __init__(self, width: int, expansion: int, squeeze: int) -> None:
        super().__init__()
        inner = expansion * width
        self.conv_pw = nn.Conv3d(width, inner, 1, bias=False)
        self.bn1 = Norm3d(inner, nn.SiLU())
        self.conv_dw = nn.Conv3d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.bn2 = Norm3d(inner, nn.SiLU())
        self.se = SqueezeExcite3d(inner, inner // squeeze)
        self.conv_pwl = nn.Conv3d(inner, width, 1, bias=False)
        self.bn3 = Norm3d(width, nn.Identity())
        self.drop_path = DropPath(DROP_PATH)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, T, h, w) -> (B, D, T, h, w)."""
        inner = self.bn2(self.conv_dw(self.bn1(self.conv_pw(x))))
        return x + self.drop_path(self.bn3(self.conv_pwl(self.se(inner))))


class Norm3d(nn.Module):
    """Batch normalisation, then an activation."""

    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.bn3d = nn.BatchNorm3d(width)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return self.activation(self.bn3d(x))


class SqueezeExcite3d(nn.Module):
    """Gates each channel by the means of all over time and space."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv3d(width, squeezed, 1)
        self.conv_expand = nn.Conv3d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        means = x.mean(dim=(2, 3, 4), keepdim=True)
        gates = self.conv_expand(nn.functional.silu(self.conv_reduce(means)))
        return x * gates.sigmoid()


class GeM(nn.Module):
    """Generalised mean over space: between the mean and the maximum, by a power that is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, D)."""
        return x.clamp(min=SMALLEST_POOLED).pow(self.p).mean(dim=(2, 3)).pow(1 / self.p)
