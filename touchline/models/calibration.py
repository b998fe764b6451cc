"""CALF with camera calibration: beside the features, who stands where on the pitch.

Cioppa, Deliège, Magera, Giancola, Barnich, Ghanem, Van Droogenbroeck: "Camera Calibration and
Player Localization in SoccerNet-v2 and Investigation of their Representations for Action Spotting",
CVPR Workshops 2021. Its network without players is CALF of twice the width.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.errors import ConfigError
from touchline.models.parts.capsules import (
    BranchWidths,
    CapsuleConfig,
    CapsuleNetwork,
    CapsuleOutput,
    Polarity,
)
from touchline.models.parts.dropout import dropout
from touchline.models.parts.graph import (
    EdgeConvolution,
    ResidualLayer,
    SharedConvolution,
    deep_graph_features,
    largest_of_each,
    linear,
    unpack,
)
from touchline.models.parts.time_convolution import (
    FeatureProjection,
    pyramid_layers,
    temporal_pyramid,
)

PLAYER_STREAMS = {
    "3d": "top_view",
    "dense": "top_view_features",
    "copy": "top_view_features",
    "graph": "graph",
    "gcn": "graph",
    "edge": "graph",
}
"""What each kind of player branch sees: top views, vectors that describe them, or graphs."""

GRAPH_STREAMS = {8: "graph", 9: "certain_graph"}
"""Graphs by how many numbers describe a person; the ninth is the calibration's confidence."""

_PICTURE_CHANNELS = 16
_NODE_DROPOUT = 0.1
_GRAPH_WIDTHS = (8, 16, 32, 76)
"""Channels of the graph convolutions of ``gcn`` and ``edge``, for every unit of the width."""


@dataclass(frozen=True, kw_only=True)
class CalibrationConfig(CapsuleConfig):
    """What rebuilds a network.

    Attributes:
        players: kind of the player branch, see ``PLAYER_STREAMS``.
        multiplier: width of both branches; features have 76 times as many channels, and players.
        player_features: width of a vector that describes a top view (``dense`` and ``copy``).
        node_features: numbers that describe a person (``graph``).
        graph_layers: graph convolutions (``graph``).
        graph_width: channels of a person inside them (``graph``).
        branch_dropout: how often, in training, one of the branches is silenced for a batch.
        with_features: whether there is a feature branch; without one, players alone are seen, by a
            branch of twice the width.

    Raises:
        ConfigError: a value out of range.
    """

    players: str = "dense"
    multiplier: int = 2
    player_features: int = 512
    node_features: int = 8
    graph_layers: int = 14
    graph_width: int = 64
    branch_dropout: float = 0.0
    polarity: Polarity = "distance"
    with_features: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.players not in PLAYER_STREAMS:
            raise ConfigError(
                f"players {self.players!r} is not known",
                remedy=f"choose of {', '.join(PLAYER_STREAMS)}",
            )
        sizes = ("multiplier", "player_features", "node_features", "graph_layers", "graph_width")
        for field in sizes:
            value = getattr(self, field)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{field} {value!r} is not allowed", remedy="at least 1")
        if self.node_features not in GRAPH_STREAMS:
            raise ConfigError(
                f"node_features {self.node_features} is not known",
                remedy=f"use {' or '.join(map(str, GRAPH_STREAMS))}",
            )
        if not 0 <= self.branch_dropout < 1:
            raise ConfigError(f"branch_dropout {self.branch_dropout!r} is not allowed")

    @property
    def stream(self) -> str:
        """What the player branch sees."""
        if PLAYER_STREAMS[self.players] == "graph":
            return GRAPH_STREAMS[self.node_features]
        return PLAYER_STREAMS[self.players]

    @property
    def widths(self) -> BranchWidths:
        """Channels of a branch."""
        return BranchWidths.multiple(self.multiplier * (1 if self.with_features else 2))


class CalibrationCALF(CapsuleNetwork):
    """The network: a feature branch and a player branch, each in two parts, of which only the
    second sees time.

    Args:
        config: what to build.
    """

    config: CalibrationConfig

    def __init__(self, config: CalibrationConfig) -> None:
        super().__init__(config)
        if config.with_features:
            self.add_feature_branch(config.widths)
        self.add_player_branch()
        self.add_heads(config.widths.encoded * (2 if config.with_features else 1))

    @abstractmethod
    def add_player_branch(self) -> None:
        """Create the layers of the player branch under their published names."""

    @abstractmethod
    def see(self, players: Tensor) -> Tensor:
        """The part of the player branch that sees single steps: (B, T, ...) -> (B, C, T)."""

    @abstractmethod
    def relate(self, seen: Tensor) -> Tensor:
        """The part that sees time: (B, C, T) -> (B, E, T)."""

    def reduce(self, features: Tensor, suffix: str = "") -> Tensor:
        """See ``CapsuleNetwork``; without a feature branch (B, T, D) -> (B, 0, T)."""
        if suffix or self.config.with_features:
            return super().reduce(features, suffix)
        return features.new_zeros((features.shape[0], 0, features.shape[1]))

    def encode(self, reduced: Tensor, seen: Tensor) -> Tensor:
        """(B, C, T) of ``reduce`` and of ``see`` -> (B, 2 E, T), without features (B, E, T)."""
        if not self.config.with_features:
            return self.relate(seen)
        branches = [self.pyramid(reduced), self.relate(seen)]
        if self.training and self.config.branch_dropout:
            drawn = float(torch.rand(()))
            if drawn < self.config.branch_dropout:
                silenced = 0 if drawn < self.config.branch_dropout / 2 else 1
                branches[silenced] = torch.zeros_like(branches[silenced])
        return torch.cat(branches, dim=1)

    def forward(self, features: Tensor, players: Tensor) -> CapsuleOutput:
        """Segment and spot.

        Args:
            features: (B, ``clip_steps``, ``feature_width``).
            players: (B, ``clip_steps``, ...): rows of the stream ``config.stream``.
        """
        return self.decode(self.encode(self.reduce(features), self.see(players)))


class PictureCALF(CalibrationCALF):
    """With a branch that sees top views: (B, T, 3, 32, 64) of 0 to 255."""

    def add_player_branch(self) -> None:
        """See ``CalibrationCALF``."""
        channels = self.config.widths.reduced
        self.r_conv_1 = PictureConv(3, _PICTURE_CHANNELS)
        self.r_conv_2 = PictureConv(_PICTURE_CHANNELS, channels)
        layers = pyramid_layers(
            channels, self.config.widths.pyramid, self.config.receptive_steps, trailing=2
        )
        for number, layer in enumerate(layers, 1):
            self.add_module(f"r_conv_p_{number}", layer)

    def see(self, players: Tensor) -> Tensor:
        """(B, T, 3, 32, 64) -> (B, 5·C, T): five places across the pitch, channels first."""
        batch = players.shape[0]
        pictures, number = _different(players.flatten(0, 1))
        x = pictures.to(self.r_conv_1.weight.dtype, copy=True).div_(127).sub_(1)
        # The largest first: the same numbers, and ReLU of a sixteenth of them.
        x = F.max_pool2d(self.r_conv_1(x), 4).relu()
        x = F.max_pool2d(self.r_conv_2(x), 2).relu()
        return x.flatten(1)[number].unflatten(0, (batch, -1)).transpose(1, 2)

    def relate(self, seen: Tensor) -> Tensor:
        """See ``CalibrationCALF``."""
        channels = self.config.widths.reduced
        places = seen.unflatten(1, (channels, -1)).movedim(2, 1)
        layers = [self.get_submodule(f"r_conv_p_{number}") for number in range(1, 5)]
        related = temporal_pyramid(places.flatten(0, 1), layers)
        return related.unflatten(0, (-1, places.shape[1])).amax(dim=1)


class DenseCALF(CalibrationCALF):
    """With a branch of a single layer on vectors that describe top views: (B, T, D)."""

    def add_player_branch(self) -> None:
        """See ``CalibrationCALF``."""
        config = self.config
        self.dense_1 = FeatureProjection(config.player_features, config.widths.encoded)

    def see(self, players: Tensor) -> Tensor:
        """(B, T, D) -> (B, E, T)."""
        return self.dense_1(players).relu()

    def relate(self, seen: Tensor) -> Tensor:
        """Nothing: this branch does not see time."""
        return seen


class CopyCALF(CalibrationCALF):
    """With a branch like that of the features, on vectors that describe top views: (B, T, D)."""

    def add_player_branch(self) -> None:
        """See ``CalibrationCALF``."""
        self.add_feature_branch(
            self.config.widths, suffix="_copy", feature_width=self.config.player_features
        )

    def see(self, players: Tensor) -> Tensor:
        """(B, T, D) -> (B, C, T)."""
        return self.reduce(players, "_copy")

    def relate(self, seen: Tensor) -> Tensor:
        """See ``CalibrationCALF``."""
        return self.pyramid(seen, "_copy")


class GraphCALF(CalibrationCALF):
    """With a deep graph network on people: (B, T, M, features + 1 + M), see ``graph.unpack``."""

    def add_player_branch(self) -> None:
        """See ``CalibrationCALF``."""
        config = self.config
        self.node_encoder = nn.Linear(config.node_features, config.graph_width)
        # Part of the published weights, and of no computation: joints bear no numbers.
        self.edge_encoder = nn.Linear(config.node_features, config.graph_width)
        self.edge_encoder.requires_grad_(False)
        self.layers = nn.ModuleList(
            ResidualLayer(config.graph_width) for _ in range(config.graph_layers)
        )
        self.lin = nn.Linear(config.graph_width, config.widths.encoded)

    def see(self, players: Tensor) -> Tensor:
        """(B, T, M, ...) -> (B, E, T)."""
        nodes, graphs = unpack(players.flatten(0, 1), self.config.node_features)
        layers = cast(Sequence[ResidualLayer], self.layers)
        x = deep_graph_features(self.node_encoder(nodes), graphs, layers)
        x = linear(self.lin, dropout(x, _NODE_DROPOUT, self.training))
        largest = largest_of_each(x, graphs)
        return largest.unflatten(0, players.shape[:2]).transpose(1, 2)

    def relate(self, seen: Tensor) -> Tensor:
        """Nothing: this branch does not see time."""
        return seen


class ShallowGraphCALF(CalibrationCALF):
    """With four graph convolutions on people, each followed by ReLU: (B, T, M, features + 1 + M).

    Kinds ``gcn`` and ``edge``, which are options of the published code without published weights.
    """

    def add_player_branch(self) -> None:
        """See ``CalibrationCALF``."""
        convolution = SharedConvolution if self.config.players == "gcn" else EdgeConvolution
        unit = self.config.widths.encoded // _GRAPH_WIDTHS[-1]
        inputs = self.config.node_features
        for number, width in enumerate(_GRAPH_WIDTHS, 1):
            self.add_module(f"r_conv_{number}", convolution(inputs, width * unit))
            inputs = width * unit

    def see(self, players: Tensor) -> Tensor:
        """(B, T, M, ...) -> (B, E, T)."""
        nodes, graphs = unpack(players.flatten(0, 1), self.config.node_features)
        for number in range(1, len(_GRAPH_WIDTHS) + 1):
            nodes = self.get_submodule(f"r_conv_{number}")(nodes, graphs).relu()
        largest = largest_of_each(nodes, graphs)
        return largest.unflatten(0, players.shape[:2]).transpose(1, 2)

    def relate(self, seen: Tensor) -> Tensor:
        """Nothing: this branch does not see time."""
        return seen


class PictureConv(nn.Module):
    """A convolution over 5 x 5 pixels of single pictures, stored as one over time and pixels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        initial = nn.Conv2d(inputs, outputs, 5)
        assert initial.bias is not None
        self.weight = nn.Parameter(initial.weight.detach()[:, :, None])
        self.bias = nn.Parameter(initial.bias.detach())

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, outputs, H - 4, W - 4)."""
        return F.conv2d(pictures, self.weight[:, :, 0], self.bias)


def _different(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures of which at most one is black, and which of them each one is: a good part of a half
    has no top view.

    Args:
        pictures: (N, ...) of 0 to 255.

    Returns:
        (n, ...), and (N,) from 0 to n - 1.
    """
    if torch.onnx.is_in_onnx_export():  # where no shape may depend on numbers
        return pictures, torch.arange(pictures.shape[0], device=pictures.device)
    shown = pictures.flatten(1).amax(dim=1) > 0
    number = shown.cumsum(0) - 1
    if not shown.all():
        black = pictures.new_zeros((1, *pictures.shape[1:]))
        pictures = torch.cat((pictures[shown], black))
        number = number.masked_fill(~shown, len(pictures) - 1)
    return pictures, number


NETWORKS: dict[str, Callable[[CalibrationConfig], CalibrationCALF]] = {
    "3d": PictureCALF,
    "dense": DenseCALF,
    "copy": CopyCALF,
    "graph": GraphCALF,
    "gcn": ShallowGraphCALF,
    "edge": ShallowGraphCALF,
}


def calibration_calf(config: CalibrationConfig) -> CalibrationCALF:
    """The network that a configuration describes."""
    return NETWORKS[config.players](config)
