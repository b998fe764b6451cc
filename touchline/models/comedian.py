"""COMEDIAN: a transformer over each second's picture, then one over the seconds of a window.

Denize, Liashuha, Rabarisoa, Orcesi, Hérault: "COMEDIAN: Self-Supervised Learning and Knowledge
Distillation for Action Spotting Using Transformers", WACV workshops 2024. Two frames make a token,
by a plain vision transformer (ViViT) or a shifted-window one (ViSwin). Parameter names are those of
the published weights; those of a shifted-window encoder are today's of timm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any, Self

import torch
from timm.models.swin_transformer import SwinTransformerStage
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from touchline.errors import ConfigError

TUBELET_FRAMES = 2
HEADS = 3
"""Of plain attention, in space and in time, whatever the width."""

SWIN_DEPTHS = (2, 2, 6, 2)
SWIN_HEADS = (3, 6, 12, 24)
SWIN_WINDOW = 7
DROP_PATH = 0.1
"""Of the last block of each encoder in training; the first has none."""


class Norm(nn.LayerNorm):
    """Layer normalisation with the published floor of the variance."""

    def __init__(self, width: int, **options: Any) -> None:
        super().__init__(width, eps=1e-6, **options)


@dataclass(frozen=True)
class ComedianConfig:
    """What rebuilds a network.

    Attributes:
        num_classes: classes, each scored by itself.
        clip_len: tokens of a window, of two frames each; shorter windows are taken too.
        encoder: of the pictures: ``"vivit"`` or ``"viswin"``.
        image_size: side of the square that pictures are resized to.
        patch: side of a patch of it.
        width: of a patch's vector.
        spatial_depth: blocks of a plain encoder of pictures; a shifted-window one has its own.
        temporal_depth: blocks over time.
        keep_tail: whether the last seconds of a video are scored, which the published program
            leaves without events.

    Raises:
        ConfigError: a name that is not known, or a number out of range.
    """

    num_classes: int
    clip_len: int = 64
    encoder: str = "vivit"
    image_size: int = 224
    patch: int = 16
    width: int = 192
    spatial_depth: int = 12
    temporal_depth: int = 6
    keep_tail: bool = True

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            names = ", ".join(map(repr, ENCODERS))
            raise ConfigError(f"encoder {self.encoder!r} is not known", remedy=f"choose of {names}")
        sizes = (self.num_classes, self.clip_len, self.patch, self.width, self.temporal_depth)
        if min(*sizes, self.spatial_depth) < 1:
            raise ConfigError("classes, clip_len, patch, width and depths must be at least 1")
        unit = self.patch if self.encoder == "vivit" else 8 * SWIN_WINDOW * self.patch
        if self.image_size < unit or self.image_size % unit:
            raise ConfigError(f"image_size {self.image_size} must be a multiple of {unit}")
        if self.width % HEADS:
            raise ConfigError(f"width {self.width} must be a multiple of {HEADS}")

    @property
    def token_width(self) -> int:
        """Of a token's vector."""
        return self.width if self.encoder == "vivit" else 8 * self.width

    @property
    def num_outputs(self) -> int:
        """Numbers that the network says of a token: there is no background."""
        return self.num_classes

    @property
    def shares_frames(self) -> bool:
        """Tokens do not see each other before the encoder of time."""
        return True

    @property
    def padding(self) -> str:
        """What stands for tokens that a window lacks: the mean colour."""
        return "mean"

    @property
    def modality(self) -> str:
        """What pictures are: see ``touchline.models.deploy.Normalise``."""
        return "tubelet"


class Comedian(nn.Module):
    """The network: windows of normalised frames to class logits per token."""

    def __init__(self, config: ComedianConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config)
        self.head_class = ClassHead(config.token_width, config.num_classes)

    def channels_last(self) -> Self:
        """Transformers have no such layout."""
        return self

    def frame_features(self, pictures: Tensor) -> Tensor:
        """(N, 6, S, S), two normalised frames one after the other, -> (N, D)."""
        # Written as reshapes, which leave the batch free in an export.
        sides = pictures.shape[2:]
        return self.trunk.transformer.tokens(pictures.reshape(-1, TUBELET_FRAMES, 3, *sides))

    def head(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K); T at most ``clip_len``."""
        return self.head_class(self.trunk.transformer.over_time(tokens))

    def predict(self, features: Tensor) -> Tensor:
        """What spotting reads: ``head``."""
        return self.head(features)

    def forward(self, clips: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Class logits per token.

        Args:
            clips: (B, 2T, 3, S, S), normalised.
            hidden: (B, T) bool, tokens that a learnt one stands for; none by default.

        Returns:
            (B, T, K).
        """
        transformer = self.trunk.transformer
        tubelets = clips.unflatten(1, (-1, TUBELET_FRAMES))
        shape = tubelets.shape[:2]
        if hidden is None:
            tokens = transformer.tokens(tubelets.flatten(0, 1)).unflatten(0, shape)
        else:
            shown = transformer.tokens(tubelets[~hidden])
            tokens = transformer.temporal_mask_token.to(shown.dtype).repeat(*shape, 1)
            tokens[~hidden] = shown
        return self.head(tokens)


class Trunk(nn.Module):
    """Holds the transformer under its published name."""

    def __init__(self, config: ComedianConfig) -> None:
        super().__init__()
        self.transformer = VideoTransformer(config)


class ClassHead(nn.Module):
    """(B, T, D) -> (B, T, K)."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, num_classes))

    def forward(self, tokens: Tensor) -> Tensor:
        """See the class."""
        return self.layers(tokens)


class VideoTransformer(nn.Module):
    """Tubelets to tokens, and tokens to tokens that know each other."""

    def __init__(self, config: ComedianConfig) -> None:
        super().__init__()
        width, token_width = config.width, config.token_width
        is_plain = config.encoder == "vivit"
        patches = (config.image_size // config.patch) ** 2
        self.patch_embed = TubeletEmbedding(config.patch, width, normalise=not is_plain)
        self.spatial_transformer = ENCODERS[config.encoder](config)
        self.temporal_transformer = PlainEncoder(token_width, config.temporal_depth)
        self.time_embed = table(config.clip_len, token_width)
        self.temporal_mask_token = table(1, token_width)
        self.spatial_cls_token = table(1, width) if is_plain else None
        self.pos_embed = table(patches + 1, width) if is_plain else None

    def tokens(self, tubelets: Tensor) -> Tensor:
        """(N, 2, 3, S, S) -> (N, D), each by itself."""
        patches = self.patch_embed(tubelets.transpose(1, 2))
        if self.spatial_cls_token is None or self.pos_embed is None:
            encoded: Tensor = self.spatial_transformer(patches).mean(dim=1)
            return encoded
        first = self.spatial_cls_token.expand(patches.shape[0], -1, -1)
        encoded = self.spatial_transformer(torch.cat((first, patches), dim=1) + self.pos_embed)
        return encoded[:, 0]

    def over_time(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return self.temporal_transformer(tokens + self.time_embed[:, : tokens.shape[1]])


class TubeletEmbedding(nn.Module):
    """(N, 3, 2, S, S) -> (N, patches, width), row by row."""

    def __init__(self, patch: int, width: int, *, normalise: bool) -> None:
        super().__init__()
        sides = (TUBELET_FRAMES, patch, patch)
        self.proj = nn.Conv3d(3, width, sides, stride=sides)
        self.norm = Norm(width) if normalise else nn.Identity()

    def forward(self, tubelets: Tensor) -> Tensor:
        """See the class."""
        return self.norm(self.proj(tubelets).flatten(2).transpose(1, 2))


class PlainEncoder(nn.Module):
    """Attention over all of (N, L, D), block by block."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                Block(width, HEADS, qkv_bias=True, drop_path=rate, norm_layer=Norm)
                for rate in drop_rates(depth)
            )
        )
        self.norm = Norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, D) -> (N, L, D)."""
        return self.norm(self.blocks(x))


class ShiftedWindowEncoder(nn.Module):
    """Swin-T over patches: attention within windows, patches merged four by four between stages."""

    def __init__(self, config: ComedianConfig) -> None:
        super().__init__()
        side, rates = config.image_size // config.patch, drop_rates(sum(SWIN_DEPTHS))
        stages = []
        for stage, (depth, heads) in enumerate(zip(SWIN_DEPTHS, SWIN_HEADS, strict=True)):
            before = side >> max(stage - 1, 0)
            stages.append(
                SwinTransformerStage(
                    config.width << max(stage - 1, 0),
                    config.width << stage,
                    (before, before),
                    depth,
                    downsample=stage > 0,
                    num_heads=heads,
                    window_size=SWIN_WINDOW,
                    drop_path=[rates.pop(0) for _ in range(depth)],
                    norm_layer=Norm,
                )
            )
        self.layers = nn.Sequential(*stages)
        self.norm = Norm(config.token_width)

    def forward(self, patches: Tensor) -> Tensor:
        """(N, L, width) -> (N, L/64, 8 width)."""
        side = isqrt(patches.shape[1])
        encoded = self.layers(patches.reshape(-1, side, side, patches.shape[2]))
        return self.norm(encoded.reshape(-1, (side // 8) ** 2, encoded.shape[3]))


def plain_encoder(config: ComedianConfig) -> PlainEncoder:
    """Of pictures."""
    return PlainEncoder(config.width, config.spatial_depth)


ENCODERS: dict[str, Callable[[ComedianConfig], nn.Module]] = {
    "vivit": plain_encoder,
    "viswin": ShiftedWindowEncoder,
}


def drop_rates(depth: int) -> list[float]:
    """Of the blocks of an encoder, rising to ``DROP_PATH``."""
    return [DROP_PATH * block / max(depth - 1, 1) for block in range(depth)]


def table(rows: int, width: int) -> nn.Parameter:
    """(1, rows, width) learnt vectors."""
    return nn.Parameter(nn.init.trunc_normal_(torch.empty(1, rows, width), std=0.02))
