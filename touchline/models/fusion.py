"""Networks of several streams: picture, sound, detections, whatever else lies on one clock.

Three ways to put them together. Early: the projected rows of all streams, side by side, through one
temporal network. Late: a temporal network for each stream, and the mean of their outputs, weighed
for each class by learnt weights (architecture 3 of Vanderplaetse and Dupont, CVPR Workshops 2020,
with weights per class). Attention: every row of every stream is a token; steps attend to all of
them, as in ASTRA (Xarles et al., MMSports 2023).

A row that is NaN is absent. It has no part in late fusion and in attention, and early fusion
sees a learnt vector in its place, so a stream may be missing, for a while or altogether.

B clips, T steps, S streams (sorted by name), C channels, K classes.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from touchline.errors import ConfigError
from touchline.models.parts.dropout import Dropout, with_fast_dropout
from touchline.models.parts.temporal_heads import DilatedResidualLayer

MAIN_STREAM = "features"

_STREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

_LARGEST_STANDARD = 10.0
"""Standardised numbers end here: another broadcast may lie far outside what was trained on."""

_PRIOR = 0.01
"""The output of a network before it is trained."""


@dataclass(frozen=True)
class FusionConfig:
    """What early and late fusion are made of.

    Attributes:
        num_classes: K.
        feature_width: numbers of a row of the main stream.
        streams: the others: name and numbers of a row.
        frame_streams: those of them whose rows show single frames; of slower ones the nearest row
            is taken, where others are interpolated.
        clip_steps: T.
        width: C.
        layers: of the temporal network; layer i sees 2^i steps to either side.
        dropout: in the temporal network.

    Raises:
        ConfigError: values that make no network.
    """

    num_classes: int
    feature_width: int
    streams: tuple[tuple[str, int], ...] = ()
    frame_streams: tuple[str, ...] = ()
    clip_steps: int = 120
    width: int = 64
    layers: int = 5
    dropout: float = 0.3

    def __post_init__(self) -> None:
        names = [name for name, _ in self.streams]
        if MAIN_STREAM in names or len(set(names)) < len(names):
            twice = MAIN_STREAM if MAIN_STREAM in names else "which occurs twice"
            raise ConfigError(
                f"a stream cannot be called {twice}",
                where="data.streams",
                remedy="give each a name of its own; the main one is data.features",
            )
        for name in names:
            if not _STREAM_NAME.fullmatch(name):
                raise ConfigError(
                    f"a stream cannot be called {name!r}",
                    where="data.streams",
                    remedy="use letters, digits, _ and -",
                )
        for name in self.frame_streams:
            if name not in names:
                raise ConfigError(
                    f"there is no stream {name!r}",
                    where="network.frame_streams",
                    remedy=f"name some of: {', '.join(names) or '(none)'}",
                )
        sizes = {
            key: getattr(self, key)
            for key in ("num_classes", "feature_width", "clip_steps", "width")
        }
        for key, value in {**sizes, **dict(self.streams)}.items():
            if value < 1:
                raise ConfigError(f"{key} is {value}", remedy="use at least 1")
        if not 0 <= self.layers <= 12:
            raise ConfigError(f"network.layers is {self.layers}", remedy="use 0 to 12")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"network.dropout is {self.dropout:g}", remedy="use 0 to below 1")

    @property
    def widths(self) -> dict[str, int]:
        """Numbers of a row by stream, sorted by name: their order in the recipe changes nothing."""
        return dict(sorted([(MAIN_STREAM, self.feature_width), *self.streams]))


@dataclass(frozen=True)
class AttentionFusionConfig(FusionConfig):
    """What fusion by attention is made of.

    Attributes:
        near_layers: convolutions by which a token sees its neighbours in its stream, before any
            attention: attention has to learn from the data what is near, which is little here.
        layers: of the encoder, in which all tokens attend to each other.
        decoder_layers: in which the steps attend to the tokens.
        attention_heads: of both; they divide ``width``.
        feedforward: channels between the two linear layers of each.
    """

    near_layers: int = 3
    layers: int = 1
    decoder_layers: int = 1
    attention_heads: int = 4
    feedforward: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.decoder_layers, self.attention_heads, self.feedforward) < 1:
            raise ConfigError(
                "network.decoder_layers, .attention_heads and .feedforward are at least 1"
            )
        if self.width % self.attention_heads:
            raise ConfigError(
                f"network.width {self.width} does not divide into "
                f"{self.attention_heads} attention heads"
            )


class Encoded(NamedTuple):
    """What is made of single rows, before anything is related over time.

    Attributes:
        rows: (..., T, S, C).
        present: (..., T, S) False where a stream has no row.
    """

    rows: Tensor
    present: Tensor


class FusionOutput(NamedTuple):
    """The output of a network.

    Attributes:
        logits: (B, T, K).
        alone: (B, T, S, K) of each stream by itself; None from networks without such outputs.
    """

    logits: Tensor
    alone: Tensor | None = None


class StreamEncoder(nn.Module):
    """Rows of one stream, standardised, projected and normalised.

    Attributes:
        mean, deviation: (inputs,) of the training rows.
        absent: (C,) what stands for an absent row.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        self.projection = nn.Linear(inputs, width)
        self.norm = nn.LayerNorm(width)
        self.absent = nn.Parameter(torch.zeros(width))

    def forward(self, rows: Tensor, present: Tensor) -> Tensor:
        """(..., inputs), (...) -> (..., C)."""
        known = torch.where(present[..., None], rows, self.mean)
        standard = (known - self.mean) / self.deviation
        projected = self.projection(standard.clamp(-_LARGEST_STANDARD, _LARGEST_STANDARD))
        return torch.where(present[..., None], self.norm(projected).relu(), self.absent)


class TemporalNetwork(nn.Module):
    """Dilated convolutions over time with residuals, and a linear layer per step."""

    def __init__(self, inputs: int, config: FusionConfig) -> None:
        super().__init__()
        self.reduce = nn.Linear(inputs, config.width)
        self.layers = nn.ModuleList(
            DilatedResidualLayer(config.width, 2**i, Dropout(config.dropout))
            for i in range(config.layers)
        )
        self.say = _output_layer(config)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, K)."""
        x = self.reduce(x).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return self.say(x.transpose(1, 2))


def _output_layer(config: FusionConfig) -> nn.Linear:
    layer = nn.Linear(config.width, config.num_classes)
    nn.init.constant_(layer.bias, _prior_logit())
    return layer


def _prior_logit() -> float:
    return math.log(_PRIOR / (1 - _PRIOR))


class Fusion(nn.Module, ABC):
    """What the three have in common: single rows are encoded, then related over time."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleDict(
            {_key(name): StreamEncoder(inputs, config.width) for name, inputs in self.widths}
        )

    @property
    def widths(self) -> list[tuple[str, int]]:
        """Name and width of each stream, sorted by name."""
        return list(self.config.widths.items())

    def encoder(self, name: str) -> StreamEncoder:
        """Of a stream."""
        encoder = self.encoders[_key(name)]
        assert isinstance(encoder, StreamEncoder)
        return encoder

    def encode(self, streams: Mapping[str, Tensor]) -> Encoded:
        """Everything that is done to single rows.

        Args:
            streams: (..., T, numbers of a row) by name; absent rows are NaN, a stream
                that is missing is absent throughout.
        """
        some = next(iter(streams.values()))
        rows, present = [], []
        for name, width in self.widths:
            given = streams.get(name)
            if given is None:
                given = some.new_full((*some.shape[:-1], width), torch.nan)
            here = ~given[..., 0].isnan()
            rows.append(self.encoder(name)(given, here))
            present.append(here)
        return Encoded(torch.stack(rows, dim=-2), torch.stack(present, dim=-1))

    @abstractmethod
    def relate(self, encoded: Encoded) -> FusionOutput:
        """The output at every step of some clips.

        Args:
            encoded: rows (B, T, S, C), present (B, T, S).
        """

    def forward(self, streams: Mapping[str, Tensor]) -> FusionOutput:
        """(B, T, numbers of a row) by stream, see ``encode``."""
        return self.relate(self.encode(streams))


def _key(stream: str) -> str:
    """A stream's name as that of a module, which must be no method's."""
    return f"of_{stream}"


class EarlyFusion(Fusion):
    """All streams side by side through one temporal network."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__(config)
        self.temporal = TemporalNetwork(len(self.widths) * config.width, config)

    def relate(self, encoded: Encoded) -> FusionOutput:
        """See ``Fusion``."""
        return FusionOutput(self.temporal(encoded.rows.flatten(-2)))


class LateFusion(Fusion):
    """A temporal network for each stream; their outputs averaged by weights for each class.

    Attributes:
        weights: (S, K) before the softmax over the streams that are present.
        nothing: (K,) the output where no stream is present.
    """

    nothing: Tensor

    def __init__(self, config: FusionConfig) -> None:
        super().__init__(config)
        self.temporals = nn.ModuleList(
            TemporalNetwork(config.width, config) for _ in range(len(self.widths))
        )
        self.weights = nn.Parameter(torch.zeros(len(self.widths), config.num_classes))
        self.register_buffer("nothing", torch.full((config.num_classes,), _prior_logit()))

    def relate(self, encoded: Encoded) -> FusionOutput:
        """See ``Fusion``."""
        alone = torch.stack(
            [temporal(encoded.rows[:, :, i]) for i, temporal in enumerate(self.temporals)], dim=2
        )
        shares = self.weights.exp() * encoded.present[..., None]
        total = shares.sum(dim=2)
        mean = (shares * alone).sum(dim=2) / total.clamp_min(torch.finfo(total.dtype).tiny)
        return FusionOutput(torch.where(total > 0, mean, self.nothing), alone)

    def shares(self) -> dict[str, Tensor]:
        """(K,) by stream: what it counts for each class where all streams are present."""
        shares = self.weights.detach().softmax(dim=0)
        return {name: shares[i] for i, (name, _) in enumerate(self.widths)}


class AttentionFusion(Fusion):
    """Rows of all streams as tokens that attend to each other; steps that attend to them.

    Attributes:
        near: a network for each stream, by which its rows see their neighbours.
        time: (T, C) learnt encoding of every step of a clip.
        stream: (S, C) learnt encoding of every stream.
        rest: (C,) a token that is always there, so that there is always one to attend to.
    """

    def __init__(self, config: AttentionFusionConfig) -> None:
        super().__init__(config)
        self.near = nn.ModuleList(
            nn.Sequential(
                *(
                    DilatedResidualLayer(config.width, 2**i, Dropout(config.dropout))
                    for i in range(config.near_layers)
                )
            )
            for _ in range(len(self.widths))
        )
        self.time = nn.Parameter(0.02 * torch.randn(config.clip_steps, config.width))
        self.stream = nn.Parameter(0.02 * torch.randn(len(self.widths), config.width))
        self.rest = nn.Parameter(0.02 * torch.randn(config.width))
        common: dict[str, Any] = {
            "d_model": config.width,
            "nhead": config.attention_heads,
            "dim_feedforward": config.feedforward,
            "dropout": config.dropout,
            "batch_first": True,
            "norm_first": True,
        }
        self.encoder_layers = nn.ModuleList(
            with_fast_dropout(nn.TransformerEncoderLayer(**common)) for _ in range(config.layers)
        )
        self.decoder_layers = nn.ModuleList(
            with_fast_dropout(nn.TransformerDecoderLayer(**common))
            for _ in range(config.decoder_layers)
        )
        for module in self.modules():
            if isinstance(module, nn.MultiheadAttention):
                # To draw which of so many pairs of tokens drop out takes longer than all the rest.
                module.dropout = 0.0
        self.norm = nn.LayerNorm(config.width)
        self.say = _output_layer(config)

    def relate(self, encoded: Encoded) -> FusionOutput:
        """See ``Fusion``; clips of at most T steps."""
        time = self.time[: encoded.rows.shape[1]]
        rows = torch.stack(
            [
                near(encoded.rows[:, :, i].transpose(1, 2)).transpose(1, 2)
                for i, near in enumerate(self.near)
            ],
            dim=2,
        )
        rows = rows + time[:, None] + self.stream
        absent = ~encoded.present
        tokens = rows.flatten(1, 2)
        rest = self.rest.expand(tokens.shape[0], 1, -1)
        memory = torch.cat([rest, tokens], dim=1)
        unseen = nn.functional.pad(absent.flatten(1), (1, 0), value=False)
        for layer in self.encoder_layers:
            memory = layer(memory, src_key_padding_mask=unseen)
        steps = time + _mean_of_present(rows, encoded.present)
        for layer in self.decoder_layers:
            steps = layer(steps, memory, memory_key_padding_mask=unseen)
        return FusionOutput(self.say(self.norm(steps)))


def _mean_of_present(rows: Tensor, present: Tensor) -> Tensor:
    """(B, T, S, C) -> (B, T, C); 0 where nothing is present."""
    weight = present[..., None].to(rows.dtype)
    return (rows * weight).sum(dim=2) / weight.sum(dim=2).clamp_min(1)
