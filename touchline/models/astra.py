"""ASTRA: a transformer over visual and audio features, with uncertain displacements.

Xarles, Escalera, Moeslund, Clapés: "ASTRA: An Action Spotting TRAnsformer for Soccer Videos",
MMSports 2023. Parameter names are those of the published weights.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from touchline.errors import ConfigError
from touchline.models.parts.dropout import Dropout, with_fast_dropout
from touchline.models.parts.vggish import (
    PATCH_STEPS,
    VGGISH_CHANNELS,
    VGGISH_SHRINKING,
    vggish_convolutions,
)

BAIDU_BACKBONES = (2048, 2048, 384, 2048, 2048)
"""Widths of the five video networks whose features make a row of Baidu's."""

MEL_RATE = 100
"""Rows of the mel spectrogram a second."""

SOUND_STREAM = "log_mel"
"""Name of the stream that these rows come from."""

STEPS_A_SECOND = 2
"""Of the output."""

REFERENCE_POWER = 7430.77
"""Mel power that is 0 dB."""

DECIBELS_PER_LOG_MAGNITUDE = 20 / math.log(10)

SOUNDS = ("power", "log")
"""What rows of sound hold: mel power as published, or the natural logarithm of mel magnitude, as
``touchline extract --features log-mel`` writes it."""

RANGE_DECIBELS = 80.0
"""What is softer than the loudest by more than this is raised to it."""

DROP_PROBABILITY = 0.5
SWITCH_PROBABILITY = 0.3

_COUNTS = (
    "num_classes",
    "feature_width",
    "rows_per_second",
    "clip_seconds",
    "mels",
    "width",
    "audio_width",
    "feedforward",
    "attention_heads",
    "decoder_layers",
)


@dataclass(frozen=True, kw_only=True)
class ASTRAConfig:
    """What rebuilds a network.

    Attributes:
        num_classes: classes without background.
        feature_width: numbers in a row of visual features.
        backbones: widths of the parts that a row consists of, each with layers of its own; by
            default the published five for rows of 8576, else one.
        audio: whether it takes the mel spectrogram too.
        sound: what rows of it hold, see ``SOUNDS``.
        rows_per_second: of visual features: 1 as published, or 2.
        clip_seconds: length of a clip.
        mels: bands of the spectrogram, a multiple of 16.
        width: of tokens.
        audio_width: of the hidden layers of the audio branch.
        feedforward: width of the hidden layers in the transformer.
        attention_heads: of every attention.
        sections: into how many sections each encoder layer cuts the clip.
        decoder_layers: layers of the decoder.
        dropout: before every linear layer outside the transformer.
        transformer_dropout: inside it.
        uncertainty: whether displacements have a variance; without it they are learnt as they are.

    Raises:
        ConfigError: a value out of range, or parts that do not make up a row.
    """

    num_classes: int
    feature_width: int = sum(BAIDU_BACKBONES)
    backbones: tuple[int, ...] = ()
    audio: bool = True
    sound: str = "power"
    rows_per_second: int = 1
    clip_seconds: int = 50
    mels: int = 128
    width: int = 512
    audio_width: int = 4096
    feedforward: int = 2048
    attention_heads: int = 8
    sections: tuple[int, ...] = (4, 2, 1)
    decoder_layers: int = 3
    dropout: float = 0.4
    transformer_dropout: float = 0.1
    uncertainty: bool = True

    def __post_init__(self) -> None:
        counts = [(field, getattr(self, field)) for field in _COUNTS]
        counts += [("backbones", width) for width in self.backbones]
        counts += [("sections", count) for count in self.sections]
        for field, value in counts:
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{field} {value!r} is not allowed", remedy="at least 1")
        for field in ("dropout", "transformer_dropout"):
            if not 0 <= getattr(self, field) < 1:
                raise ConfigError(f"{field} {getattr(self, field)!r} is not allowed")
        if sum(self.parts) != self.feature_width:
            raise ConfigError(
                f"backbones {list(self.parts)} make rows of {sum(self.parts)} numbers, "
                f"feature_width is {self.feature_width}"
            )
        if self.width % self.attention_heads or self.mels % VGGISH_SHRINKING:
            raise ConfigError(
                f"width {self.width} or mels {self.mels} is not allowed",
                remedy=f"width is a multiple of attention_heads, mels of {VGGISH_SHRINKING}",
            )
        if self.sound not in SOUNDS:
            raise ConfigError(
                f"sound {self.sound!r} is not known", remedy=f"use {' or '.join(SOUNDS)}"
            )
        if STEPS_A_SECOND % self.rows_per_second:
            raise ConfigError(
                f"rows_per_second {self.rows_per_second} is not allowed",
                remedy=f"at {STEPS_A_SECOND} steps a second use 1 or {STEPS_A_SECOND}",
            )
        if not self.sections or max(self.sections) > self.rows:
            raise ConfigError(f"sections {list(self.sections)} do not fit a clip")

    @property
    def parts(self) -> tuple[int, ...]:
        """Widths of the parts of a row."""
        if self.backbones:
            return self.backbones
        published = self.feature_width == sum(BAIDU_BACKBONES)
        return BAIDU_BACKBONES if published else (self.feature_width,)

    @property
    def num_outputs(self) -> int:
        """Classes and background; background is output 0."""
        return self.num_classes + 1

    @property
    def rows(self) -> int:
        """Rows of visual features in a clip."""
        return self.clip_seconds * self.rows_per_second

    @property
    def steps_per_row(self) -> int:
        """Steps of the output for every row of visual features."""
        return STEPS_A_SECOND // self.rows_per_second

    @property
    def mel_rows(self) -> int:
        """Rows of the spectrogram in a clip."""
        return self.clip_seconds * MEL_RATE

    @property
    def patches(self) -> int:
        """Audio tokens of a clip; the rest of the spectrogram is not used."""
        return self.mel_rows // PATCH_STEPS

    @property
    def steps(self) -> int:
        """Steps of the output in a clip."""
        return self.clip_seconds * STEPS_A_SECOND


class ASTRAOutput(NamedTuple):
    """The output for a batch of clips.

    Attributes:
        probability: (B, T, outputs) of each class, background first.
        displacement: (B, T, outputs, 2) step minus event, in steps: mean, and the logarithm of
            the variance; (B, T, outputs, 1) the mean alone of a network without uncertainty.
    """

    probability: Tensor
    displacement: Tensor


class _Perceptron(nn.Module):
    """Two linear layers, each after dropout; the first one's output passes a ReLU."""

    def __init__(
        self, inputs: int, hidden: int, outputs: int, dropout: float, last: nn.Module
    ) -> None:
        super().__init__()
        self.head = nn.Sequential(
            Dropout(dropout),
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(hidden, outputs),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return self.head(x)


class DisplacementHead(nn.Module):
    """Mean and logarithm of the variance of the displacement of each class."""

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.shared_head = _Perceptron(width, width, width, dropout, nn.ReLU()).head
        self.mean_head = nn.Sequential(Dropout(dropout), nn.Linear(width, outputs))
        self.logvar_head = nn.Sequential(Dropout(dropout), nn.Linear(width, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., outputs, 2)."""
        shared = self.shared_head(x)
        return torch.stack((self.mean_head(shared), self.logvar_head(shared)), dim=-1)


class CertainDisplacementHead(_Perceptron):
    """The displacement of each class, without a variance."""

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__(width, width, outputs, dropout, nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., outputs, 1)."""
        return self.head(x)[..., None]


class TemporalNoise(nn.Module):
    """In training, replaces rows by a learned one and swaps neighbours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(width))

    def forward(self, rows: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        if not self.training:
            return rows
        chance = torch.rand(rows.shape[:2], device=rows.device)
        rows = torch.where((chance < DROP_PROBABILITY)[..., None], self.embedding, rows)
        order = _switched(rows.shape[0], rows.shape[1], rows.device)
        return rows.gather(1, order[..., None].expand_as(rows))


def _switched(batch: int, steps: int, device: torch.device) -> Tensor:
    """(B, T) order of rows in which some neighbours have changed places."""
    order = torch.arange(steps, device=device).repeat(batch, 1)
    odd = int(torch.randint(2, ()))
    pairs = (steps - odd) // 2
    swap = torch.rand((batch, pairs), device=device) < SWITCH_PROBABILITY
    ends = slice(odd, odd + 2 * pairs, 2), slice(odd + 1, odd + 2 * pairs, 2)
    order[:, ends[0]] += swap.long()
    order[:, ends[1]] -= swap.long()
    return order


class SectionedEncoder(nn.Module):
    """Encoder layers that attend within sections of the clip, ever fewer and longer."""

    def __init__(self, config: ASTRAConfig) -> None:
        super().__init__()
        self.sections = config.sections
        self.layers = nn.ModuleList(
            with_fast_dropout(
                nn.TransformerEncoderLayer(
                    config.width,
                    config.attention_heads,
                    config.feedforward,
                    config.transformer_dropout,
                    batch_first=True,
                )
            )
            for _ in config.sections
        )

    def forward(self, kinds: list[Tensor]) -> list[Tensor]:
        """Tokens of each kind, (B, N, width), to as many; a section holds its share of each."""
        for layer, count in zip(self.layers, self.sections, strict=True):
            sections = [_split(kind, count) for kind in kinds]
            encoded = []
            for parts in zip(*sections, strict=True):
                lengths = [part.shape[1] for part in parts]
                encoded.append(layer(torch.cat(parts, dim=1)).split(lengths, dim=1))
            kinds = [torch.cat(kind, dim=1) for kind in zip(*encoded, strict=True)]
        return kinds


def _split(tokens: Tensor, count: int) -> tuple[Tensor, ...]:
    """Into sections alike but for the last, which takes the rest."""
    size = tokens.shape[1] // count
    return tokens.split([size] * (count - 1) + [tokens.shape[1] - size * (count - 1)], dim=1)


class ASTRA(nn.Module):
    """The network: clips of features, and of sound, to classes and displacements at every step.

    Args:
        config: what to build.
    """

    def __init__(self, config: ASTRAConfig) -> None:
        super().__init__()
        self.config = config
        width, dropout = config.width, config.dropout
        self.baidu_LL = nn.ModuleList(
            _Perceptron(part, part, width, dropout, nn.ReLU()) for part in config.parts
        )
        self.temporal_dropB = TemporalNoise(config.feature_width)
        self.encTB = _embedding(config.rows, width)
        self.encFB = _embedding(len(config.parts), width)
        if config.audio:
            self._add_audio()
        self.Tencoder = SectionedEncoder(config)
        decoder = nn.TransformerDecoderLayer(
            width,
            config.attention_heads,
            config.feedforward,
            config.transformer_dropout,
            batch_first=True,
        )
        self.Tdecoder = nn.TransformerDecoder(with_fast_dropout(decoder), config.decoder_layers)
        self.queries = nn.Parameter(0.1 * torch.randn(config.steps, width))
        self.clas_head = _Perceptron(width, width, config.num_outputs, dropout, nn.Identity())
        head = DisplacementHead if config.uncertainty else CertainDisplacementHead
        self.displ_head = head(width, config.num_outputs, dropout)

    def _add_audio(self) -> None:
        config = self.config
        hidden = config.audio_width
        heard = VGGISH_CHANNELS * (PATCH_STEPS // VGGISH_SHRINKING)
        heard *= config.mels // VGGISH_SHRINKING
        self.vggish_features = vggish_convolutions()
        self.vggish_embeddings = nn.Sequential(
            nn.Linear(heard, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, config.width),
            nn.ReLU(),
        )
        self.temporal_dropA = TemporalNoise(config.mels)
        self.encTA = _embedding(config.patches, config.width)
        self.encA = _embedding(config.width)

    def see(self, features: Tensor) -> Tensor:
        """(..., feature_width) -> (..., parts, width): what is done to each row alone."""
        parts = features.split(self.config.parts, dim=-1)
        seen = [layers(part) for layers, part in zip(self.baidu_LL, parts, strict=True)]
        return torch.stack(seen, dim=-2)

    def loudness(self, sound: Tensor, loudest: Tensor | None = None) -> Tensor:
        """Rows of sound in decibels, see ``decibels``.

        Args:
            sound: any shape, as the configuration has it.
            loudest: () to measure from, likewise.
        """
        return decibels(sound, loudest, logarithmic=self.config.sound == "log")

    def hear(self, patches: Tensor) -> Tensor:
        """(..., 96, mels) in decibels -> (..., width): what is done to each patch alone."""
        flat = patches.reshape(-1, 1, *patches.shape[-2:])
        heard = self.vggish_embeddings(self.vggish_features(flat).flatten(1))
        return heard.reshape(*patches.shape[:-2], -1)

    def relate(self, seen: Tensor, heard: Tensor | None = None) -> ASTRAOutput:
        """From the tokens of clips to the output.

        Args:
            seen: (B, rows, parts, width) of ``see``.
            heard: (B, patches, width) of ``hear``; None without audio.
        """
        seen = seen + self.encTB[:, None] + self.encFB
        kinds = [seen.flatten(1, 2)]
        if heard is not None:
            kinds.append(heard + self.encTA + self.encA)
        memory = torch.cat(self.Tencoder(kinds), dim=1)
        decoded = self.Tdecoder(self.queries.expand(seen.shape[0], -1, -1), memory)
        probability = self.clas_head(decoded).float().sigmoid()
        return ASTRAOutput(probability, self.displ_head(decoded).float())

    def forward(self, features: Tensor, log_mel: Tensor | None = None) -> ASTRAOutput:
        """Classes and displacements of clips.

        Args:
            features: (B, rows, feature_width).
            log_mel: (B, mel_rows, mels) sound as the configuration has it; None for a network
                without audio. As published it is measured from the loudest of the batch.
        """
        seen = self.see(self.temporal_dropB(features))
        if log_mel is None:
            return self.relate(seen)
        sound = self.temporal_dropA(self.loudness(log_mel))
        return self.relate(seen, self.hear(self.cut(sound)))

    def cut(self, sound: Tensor) -> Tensor:
        """(B, mel_rows, mels) -> (B, patches, 96, mels)."""
        count = self.config.patches
        return sound[:, : count * PATCH_STEPS].unflatten(1, (count, PATCH_STEPS))


def decibels(sound: Tensor, loudest: Tensor | None = None, *, logarithmic: bool = False) -> Tensor:
    """Decibels, no softer than 80 below the loudest.

    Args:
        sound: mel power, any shape.
        loudest: () what to measure from; as published, the largest of the whole batch.
        logarithmic: whether both are natural logarithms of mel magnitude instead.
    """
    level = _level(sound.float(), logarithmic)
    top = level.max() if loudest is None else _level(loudest.float(), logarithmic)
    return torch.maximum(level, top - RANGE_DECIBELS)


def _level(sound: Tensor, logarithmic: bool) -> Tensor:
    if logarithmic:
        level = sound * DECIBELS_PER_LOG_MAGNITUDE
    else:
        level = 10 * sound.clamp(min=1e-10).log10()
    return level - 10 * math.log10(REFERENCE_POWER)


def _embedding(*shape: int) -> nn.Parameter:
    return nn.Parameter(0.02 * torch.randn(shape))
