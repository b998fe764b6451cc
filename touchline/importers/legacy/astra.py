"""Weights of the published ASTRA; the clips that it kept for mixing are left behind."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

import torch
from torch import Tensor

from touchline.errors import CheckpointError
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_V2
from touchline.models.astra import MEL_RATE, SOUND_STREAM, STEPS_A_SECOND, ASTRAConfig
from touchline.models.parts.vggish import PATCH_STEPS, VGGISH_CHANNELS, VGGISH_SHRINKING
from touchline.zoo.cards import CardFeatures, CardSuppression

WINDOW_SECONDS = (5, 7, 9, 12, 10, 14, 14, 5, 8, 8, 8, 8, 13, 5, 6, 6, 6)
"""Published width of the suppression of each SoccerNet-v2 class, both sides together."""

FEATURE_FILES = "baidu_soccer_embeddings"
SOUND_FILES = "mel_power"
"""What the recipe calls the published ``audio<half>.npy``, once it is turned to (rows, bands)."""

_QUEUES = ("labelQ", "labelDQ", "featBQ", "featAQ")
_SECTIONS = (4, 2)
"""Of the first encoder layers; the others see the whole clip."""

_ATTENTION_HEADS = 8


def is_astra(keys: Iterable[str]) -> bool:
    """Whether these are the names of an ASTRA network."""
    return {"queries", "encTB", "Tencoder.layers.0.linear1.weight"} <= set(keys)


def without_queues(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries that are part of the network; zeros for the rows that training drops to, which
    a network trained without that does not have."""
    kept = {key: value for key, value in weights.items() if key not in _QUEUES}
    parts = _count(weights, "baidu_LL.{}.head.1.weight")
    widths = [weights[f"baidu_LL.{part}.head.1.weight"].shape[-1] for part in range(parts)]
    kept.setdefault("temporal_dropB.embedding", torch.zeros(sum(widths)))
    if (sound := weights.get("vggish_embeddings.0.weight")) is not None and sound.ndim == 2:
        mels = sound.shape[1] * VGGISH_SHRINKING**2 // (VGGISH_CHANNELS * PATCH_STEPS)
        kept.setdefault("temporal_dropA.embedding", torch.zeros(mels))
    return kept


def infer_config(weights: Mapping[str, Tensor]) -> ASTRAConfig:
    """Read the sizes off names and shapes.

    Raises:
        CheckpointError: an entry is missing, or sizes that no such network has.
    """

    def side(key: str, axis: int = 0) -> int:
        if key not in weights or weights[key].ndim <= axis:
            raise CheckpointError(f"lacks {key}, of which the network's size is read")
        return weights[key].shape[axis]

    parts = _count(weights, "baidu_LL.{}.head.1.weight")
    backbones = tuple(side(f"baidu_LL.{part}.head.1.weight") for part in range(parts))
    encoder = _count(weights, "Tencoder.layers.{}.linear1.weight")
    seconds, odd = divmod(side("queries"), STEPS_A_SECOND)
    if odd or not seconds or side("encTB") % seconds:
        raise CheckpointError(f"{side('queries')} queries do not fit {side('encTB')} rows")
    audio = "vggish_features.0.weight" in weights
    usual = ASTRAConfig(num_classes=1)
    return ASTRAConfig(
        num_classes=side("clas_head.head.4.weight") - 1,
        feature_width=sum(backbones),
        backbones=backbones,
        audio=audio,
        rows_per_second=side("encTB") // seconds,
        clip_seconds=seconds,
        mels=side("temporal_dropA.embedding") if audio else usual.mels,
        width=side("queries", 1),
        audio_width=side("vggish_embeddings.0.weight") if audio else usual.audio_width,
        feedforward=side("Tencoder.layers.0.linear1.weight"),
        attention_heads=_ATTENTION_HEADS,
        sections=(*_SECTIONS, *[1] * encoder)[:encoder],
        decoder_layers=_count(weights, "Tdecoder.layers.{}.linear1.weight"),
        uncertainty="displ_head.mean_head.1.weight" in weights,
    )


def _count(weights: Mapping[str, Tensor], key: str) -> int:
    """How many entries of that name there are, from number 0 on."""
    number = 0
    while key.format(number) in weights:
        number += 1
    return number


def _reader(*, usual_classes: bool) -> LegacyReader:
    """Of networks of the 17 classes, whose suppression is known, or of others."""
    count = len(SOCCERNET_V2)
    windows = tuple(seconds / 2 for seconds in WINDOW_SECONDS) if usual_classes else 4.0

    def recognises(checkpoint: Checkpoint) -> bool:
        bias = checkpoint.weights.get("clas_head.head.4.bias")
        outputs = bias.numel() if bias is not None else 0
        return is_astra(checkpoint.weights) and (outputs == count + 1) == usual_classes

    return LegacyReader(
        origin="ASTRA",
        system="astra",
        entries="Tencoder.* and Tdecoder.*",
        recognises=recognises,
        infer_config=_config_with_settings,
        usual_rate=lambda labels: Fraction(1),
        suppression=lambda rate: CardSuppression(kind="soft", window_seconds=windows),
        usual_labels=(SOCCERNET_V2.labels,),
        rename=without_queues,
        features=_features,
        streams=_streams,
    )


def _config_with_settings(weights: Weights, settings: PublishedSettings) -> ASTRAConfig:
    return infer_config(weights)


def _features(config: ASTRAConfig) -> CardFeatures:
    return CardFeatures(name=FEATURE_FILES, width=config.feature_width)


def _streams(config: ASTRAConfig) -> dict[str, CardFeatures]:
    if not config.audio:
        return {}
    return {SOUND_STREAM: CardFeatures(name=SOUND_FILES, width=config.mels, rate=str(MEL_RATE))}


READERS = (_reader(usual_classes=True), _reader(usual_classes=False))
