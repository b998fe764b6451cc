"""T-DEED: a picture network with gated shifts, then an encoder and decoder over time.

Xarles, Escalera, Moeslund, Clapés: "T-DEED: Temporal-Discriminability Enhancer Encoder-Decoder for
Precise Event Spotting in Sports Videos", CVsports 2024. For each frame it predicts the class, and
how many frames away the event is. SGP layers: Shi et al., "TriDet", CVPR 2023. A second head, for
the classes of another data set, is of the authors' entry to the ball challenge of 2024; a head for
the side of the picture that acts of the baseline of 2025. Parameter names are those of the
published weights.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.errors import ConfigError
from touchline.models.parts.picture_network import (
    BACKBONES,
    Backbone,
    picture_network,
    residual_blocks,
)
from touchline.models.parts.shift import REACH, GateShift, GateShiftFuse, input_channels
from touchline.models.parts.splicing import SplicedNetwork

GATES: dict[str, type[GateShift]] = {"gsf": GateShiftFuse, "gsm": GateShift}
"""How frames exchange channels, by the suffix of ``feature_arch``."""

FEATURE_ARCHS = tuple(f"{b}_{gate}" for b in ("rny002", "rny008") for gate in GATES)

SHIFTED_STAGES = slice(2, None)
"""Of the picture network: frames exchange channels in the last two stages."""

GROUPS = 16
DROPOUT = 0.5

MAX_FACTOR = 16


@dataclass(frozen=True)
class TDEEDConfig:
    """What rebuilds a network.

    Attributes:
        feature_arch: backbone and gate: ``"rny002_gsf"``, ``"rny008_gsm"`` and so on.
        num_classes: classes without background.
        clip_len: frames of a clip: exactly so many, as each has a place in ``temp_enc``.
        layers: poolings of the encoder.
        kernel: of the short convolutions over time, odd.
        factor: by how much the long ones are longer, see ``long_kernel``.
        displacement: whether it predicts where the event is, too.
        extra_classes: of a second data set that it is trained on jointly; 0 for a single head.

    Raises:
        ConfigError: a name that is not known, or a number out of range.
    """

    team: ClassVar[bool] = False
    """Whether it tells which side of the picture acts."""

    feature_arch: str
    num_classes: int
    clip_len: int = 100
    layers: int = 2
    kernel: int = 9
    factor: float = 4
    displacement: bool = True
    extra_classes: int = 0

    def __post_init__(self) -> None:
        if self.feature_arch not in FEATURE_ARCHS:
            names = ", ".join(repr(name) for name in FEATURE_ARCHS)
            raise ConfigError(
                f"feature_arch {self.feature_arch!r} is not known", remedy=f"choose of {names}"
            )
        if min(self.num_classes, self.clip_len, self.layers) < 1:
            raise ConfigError("num_classes, clip_len and layers must be at least 1")
        if not 0 < self.factor <= MAX_FACTOR:
            raise ConfigError(f"factor {self.factor:g}", remedy=f"use above 0, up to {MAX_FACTOR}")
        if self.extra_classes < 0:
            raise ConfigError(f"extra_classes {self.extra_classes}", remedy="use 0 or more")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ConfigError(f"kernel {self.kernel} must be odd")

    @property
    def backbone(self) -> Backbone:
        """The picture network."""
        return BACKBONES[self.feature_arch.partition("_")[0]]

    @property
    def shift(self) -> str:
        """``"gsf"`` or ``"gsm"``."""
        return self.feature_arch.partition("_")[2]

    @property
    def shares_frames(self) -> bool:
        """Whether ``TDEED.features`` sees every frame by itself: always."""
        return True

    @property
    def modality(self) -> str:
        """What frames are: always rgb."""
        return "rgb"

    @property
    def padding(self) -> str:
        """What stands for frames that a window lacks: black, in training and in inference."""
        return "black"

    @property
    def num_outputs(self) -> int:
        """Classes and background; background is output 0."""
        return self.num_classes + 1

    @property
    def num_columns(self) -> int:
        """Outputs per frame that spotting reads: class logits, displacement, and logit of the team,
        where there is one."""
        return self.num_outputs + 1 + self.team

    @property
    def long_kernel(self) -> int:
        """Of the long convolutions over time; odd."""
        length = round((self.kernel + 1) * self.factor)
        return length + (length % 2 == 0)


@dataclass(frozen=True)
class TeamTDEEDConfig(TDEEDConfig):
    """What rebuilds a network that also tells which side of the picture acts."""

    team: ClassVar[bool] = True


class TDEED(nn.Module):
    """The network: clips of normalised frames to class logits and displacement per frame.

    Args:
        config: what to build.
        pretrained: start the picture network from ImageNet weights (downloads them).
    """

    def __init__(self, config: TDEEDConfig, *, pretrained: bool = False) -> None:
        super().__init__()
        self.config = config
        width = config.backbone.features
        self.temp_enc = nn.Parameter(torch.empty(config.clip_len, width))
        nn.init.normal_(self.temp_enc, std=1 / config.clip_len)
        self._features = picture_network(config.backbone, pretrained=pretrained)
        for block in residual_blocks(self._features, config.backbone, SHIFTED_STAGES):
            conv = block.get_submodule("conv1")
            gate = GATES[config.shift](input_channels(conv), config.clip_len)
            block.conv1 = GatedConv(gate, conv)
        self._temp_fine = EncoderDecoder(width, config.layers, config.kernel, config.long_kernel)
        self._pred_fine: nn.Module = (
            JointHead(width, config.num_outputs, config.extra_classes + 1)
            if config.extra_classes
            else FrameHead(width, config.num_outputs)
        )
        self._pred_displ = FrameHead(width, 1) if config.displacement else None
        self._pred_team = FrameHead(width, 1) if config.team else None

    @property
    def map_channels(self) -> int:
        """Of what the first two stages make of a frame."""
        first = self.config.backbone.stages[SHIFTED_STAGES.start]
        return input_channels(self._features.get_submodule(f"{first}.b1.conv1.net"))

    def channels_last(self) -> Self:
        """Lay the picture network's weights out channels-last; give it channels-last frames."""
        for module in self._features.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)
        return self

    def frame_features(self, frames: Tensor) -> Tensor:
        """The first two stages, which see every frame by itself.

        Args:
            frames: (N, 3, H, W), normalised.

        Returns:
            (N, ``map_channels``, about H/8, about W/8).
        """
        for name in ("stem", *self.config.backbone.stages[: SHIFTED_STAGES.start]):
            frames = self._features.get_submodule(name)(frames)
        return frames

    def features(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, T, ``map_channels``, H/8, W/8), see ``frame_features``."""
        return self.frame_features(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def head(self, features: Tensor) -> Tensor:
        """Everything after ``features``: (B, clip_len, C, h, w) to the columns of ``forward``.

        Raises:
            ValueError: clips of another length.
        """
        if features.shape[1] != self.config.clip_len:
            raise ValueError(f"a clip of {features.shape[1]} frames, not {self.config.clip_len}")
        vectors = self._shifted_part()(features.flatten(0, 1))
        return self.temporal_head(vectors.unflatten(0, features.shape[:2]))

    def _shifted_part(self) -> nn.Sequential:
        """The rest of the picture network: (N, ``map_channels``, h, w) to (N, D), where N is a
        multiple of ``clip_len``."""
        names = (*self.config.backbone.stages[SHIFTED_STAGES], "final_conv", "head")
        parts = OrderedDict((name, self._features.get_submodule(name)) for name in names)
        return nn.Sequential(parts)

    def spliced(self, overlap: int) -> SplicedNetwork:
        """The rest of the picture network over windows that share at least ``overlap`` frames, of
        a copy: maps of ``frame_features`` to vectors for ``temporal_head``."""
        backbone = self.config.backbone
        shifted = replace(backbone, stages=backbone.stages[SHIFTED_STAGES])
        reach = REACH[self.config.shift]
        return SplicedNetwork(copy.deepcopy(self._shifted_part()), shifted, reach, overlap)

    def temporal_head(self, vectors: Tensor) -> Tensor:
        """What follows the picture network: (B, clip_len, D) to the columns of ``forward``."""
        vectors = self._temp_fine(vectors + self.temp_enc)
        logits, main = self._pred_fine(vectors), self.config.num_outputs
        columns = [logits[..., :main], self._displacement(vectors)]
        if self._pred_team is not None:
            columns.append(self._pred_team(vectors))
        return torch.cat((*columns, logits[..., main:]), dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """What every head says of each frame.

        Args:
            x: (B, clip_len, 3, H, W), normalised.

        Returns:
            (B, clip_len, columns): background and the classes; frame minus event in frames, 0
            without ``displacement``; with ``team`` the logit of the right side of the picture; and
            with ``extra_classes`` background and the classes of the second data set.

        Raises:
            ValueError: clips of another length.
        """
        return self.head(self.features(x))

    def predict(self, features: Tensor) -> Tensor:
        """What spotting reads of ``features``: (B, clip_len, num_columns), the columns of
        ``forward`` without the second data set."""
        return self.head(features)[..., : self.config.num_columns]

    def _displacement(self, vectors: Tensor) -> Tensor:
        if self._pred_displ is None:
            return vectors[..., :1] * 0  # a tensor of zeros would fix the batch in ONNX
        displacement: Tensor = self._pred_displ(vectors)
        return displacement


class GatedConv(nn.Module):
    """A block's first convolution behind its gate; the block's shortcut stays unshifted."""

    def __init__(self, gate: GateShift, net: nn.Module) -> None:
        super().__init__()
        self.gs = gate
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """(B·T, C, H, W) -> what ``net`` makes of the shifted input."""
        return self.net(self.gs(x))


class FrameHead(nn.Module):
    """(B, T, D) -> (B, T, outputs)."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self._dropout = nn.Dropout(DROPOUT)
        self._fc_out = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self._fc_out(self._dropout(x))


class JointHead(nn.Module):
    """(B, T, D) -> (B, T, outputs + extra_outputs): the classes of two data sets."""

    def __init__(self, width: int, outputs: int, extra_outputs: int) -> None:
        super().__init__()
        self._fc1 = FrameHead(width, outputs)
        self._fc2 = FrameHead(width, extra_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.cat((self._fc1(x), self._fc2(x)), dim=-1)


class EncoderDecoder(nn.Module):
    """SGP layers on time pooled ever more, and back with what each pooling had left out.

    Args:
        width: of a frame's vector.
        layers: poolings, each of two frames to one.
        kernel, long_kernel: see ``SGP``.
    """

    def __init__(self, width: int, layers: int, kernel: int, long_kernel: int) -> None:
        super().__init__()
        self._sgp = nn.ModuleList(SGP(width, kernel, long_kernel) for _ in range(2 * layers + 1))
        self._sgpMixer = nn.ModuleList(SGPMixer(width, kernel, long_kernel) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x.transpose(1, 2)
        layers = len(self._sgpMixer)
        skips = []
        for i in range(layers):
            x = self._sgp[i](x)
            skips.append(x)
            x = halved(x)
        x = self._sgp[layers](x)
        for done, i in enumerate(reversed(range(layers)), 1):
            x = self._sgpMixer[i](skips[i], x)
            x = self._sgp[layers + done](x)
        return x.transpose(1, 2)


def halved(x: Tensor) -> Tensor:
    """(B, D, T) -> (B, D, T/2 rounded up): the adaptive maximum over time, as ONNX can hold it."""
    if x.shape[2] % 2:
        return F.max_pool1d(x, kernel_size=3, stride=2, padding=1)
    return F.max_pool1d(x, kernel_size=2)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of (B, D, T)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, width, 1))
        self.bias = nn.Parameter(torch.zeros(1, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        weight, bias = self.weight.flatten(), self.bias.flatten()
        return F.layer_norm(x.transpose(1, 2), weight.shape, weight, bias).transpose(1, 2)


class SGP(nn.Module):
    """Scalable-granularity perception: every channel by itself over time, then an MLP per frame.

    Args:
        width: channels.
        kernel: of the short convolutions.
        long_kernel: of the long one.
    """

    def __init__(self, width: int, kernel: int, long_kernel: int) -> None:
        super().__init__()
        self.ln = ChannelNorm(width)
        self.gn = nn.GroupNorm(GROUPS, width)
        self.psi = over_time(width, kernel)
        self.fc = over_time(width, 1)
        self.convw = over_time(width, kernel)
        self.convkw = over_time(width, long_kernel)
        self.global_fc = over_time(width, 1)
        self.mlp = frame_mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, T) -> (B, D, T)."""
        n = self.ln(x)
        instant = self.fc(n) * self.global_fc(n.mean(dim=2, keepdim=True)).relu()
        window = (self.convw(n) + self.convkw(n)) * self.psi(n)
        y: Tensor = x + instant + window + n
        return y + self.mlp(self.gn(y))


class SGPMixer(nn.Module):
    """A finer map of time and the coarser one below it, each perceived as in ``SGP``, then mixed.

    Args:
        width, kernel, long_kernel: see ``SGP``.
    """

    def __init__(self, width: int, kernel: int, long_kernel: int) -> None:
        super().__init__()
        self.ln1, self.ln2 = ChannelNorm(width), ChannelNorm(width)
        self.gn = nn.GroupNorm(GROUPS, width)
        self.psi1, self.psi2 = over_time(width, kernel), over_time(width, kernel)
        self.convw1, self.convkw1 = over_time(width, kernel), over_time(width, long_kernel)
        self.convw2, self.convkw2 = over_time(width, kernel), over_time(width, long_kernel)
        self.fc1, self.global_fc1 = over_time(width, 1), over_time(width, 1)
        self.fc2, self.global_fc2 = over_time(width, 1), over_time(width, 1)
        self.mlp = frame_mlp(width)
        self.concat_fc = _started(nn.Conv1d(6 * width, width, 1))

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """(B, D, T) and (B, D, about T/2) -> (B, D, T)."""
        z = self.ln1(skip)
        x = F.interpolate(self.ln2(coarse), skip.shape[2], mode="linear", align_corners=True)
        window_z = (self.convw1(z) + self.convkw1(z)) * self.psi1(z)
        window_x = (self.convw2(x) + self.convkw2(x)) * self.psi2(x)
        instant_z = self.fc1(z) * self.global_fc1(z.mean(dim=2, keepdim=True)).relu()
        instant_x = self.fc2(x) * self.global_fc2(x.mean(dim=2, keepdim=True)).relu()
        parts = torch.cat((window_z, window_x, instant_z, instant_x, z, x), dim=1)
        y = F.gelu(self.concat_fc(parts))
        return y + self.mlp(self.gn(y))


def over_time(width: int, kernel: int) -> nn.Conv1d:
    """A convolution of every channel by itself that keeps the length."""
    return _started(nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width))


def _started(conv: nn.Conv1d) -> nn.Conv1d:
    nn.init.normal_(conv.weight, std=0.1)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def frame_mlp(width: int) -> nn.Sequential:
    """(B, D, T) -> the same, frame by frame."""
    return nn.Sequential(nn.Conv1d(width, 4 * width, 1), nn.GELU(), nn.Conv1d(4 * width, width, 1))
