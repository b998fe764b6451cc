"""Weights of the original E2E-Spot: a plain state dict, and a ``config.json`` beside it."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from torch import Tensor

from touchline.errors import CheckpointError
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet
from touchline.models.e2e_spot import MODALITY_CHANNELS, E2ESpotConfig
from touchline.zoo.cards import CardSuppression

FEATURES = "_features."
HEAD = "_pred_fine."

SOCCERNET_V2_RATE = Fraction(25, 12)
"""Frames of 25 a second taken every int(25 / 2) = 12, which the authors call 2 a second."""

USUAL_LABELS = (SOCCERNET_V2.labels, SOCCERNET_BALL.labels, SOCCERNET_BALL.labels[:2])
USUAL_CLIP_LEN = 100

# Where each family keeps a weight that tells its members apart, by (last width, last depth).
_RESNETS = {(512, 2): "rn18", (2048, 3): "rn50"}
_REGNETS = {(368, 7): "rny002", (768, 2): "rny008"}
_CONVNEXTS = {(768, 3): "convnextt"}

_STEMS = ("conv1.weight", "stem.conv.weight", "stem.0.weight")


def is_e2e_spot(keys: Iterable[str]) -> bool:
    """Whether these are the names of an E2E-Spot network (T-DEED shares the prefixes)."""
    keys = set(keys)
    return (
        any(key.startswith(FEATURES) for key in keys)
        and any(key.startswith(HEAD) for key in keys)
        and all(key.startswith((FEATURES, HEAD)) for key in keys)
        and not any(".gs." in key for key in keys)
    )


def infer_config(weights: Mapping[str, Tensor], clip_len: int = 100) -> E2ESpotConfig:
    """Read the architecture off names and shapes.

    Raises:
        CheckpointError: widths, depths, stem or head that no member of the family has.
    """
    features = {k.removeprefix(FEATURES): v for k, v in weights.items() if k.startswith(FEATURES)}
    head = {k.removeprefix(HEAD): v for k, v in weights.items() if k.startswith(HEAD)}
    temporal_arch, last = _head(head)
    shift = _shift(features)
    return E2ESpotConfig(
        feature_arch=f"{_backbone(features)}_{shift}" if shift else _backbone(features),
        temporal_arch=temporal_arch,
        num_classes=_first_side(last) - 1,
        clip_len=clip_len,
        modality=_modality(features),
    )


def _backbone(features: Mapping[str, Tensor]) -> str:
    families = (
        (_RESNETS, "layer4", ("conv3.weight", "conv2.weight")),
        (_REGNETS, "s4", ("conv3.conv.weight",)),
        (_CONVNEXTS, "stages.3.blocks", ("mlp.fc2.weight",)),
    )
    for members, stage, last_convs in families:
        blocks = sorted({_block(key, stage) for key in features if key.startswith(stage + ".")})
        if not blocks:
            continue
        names = [f"{stage}.{blocks[0]}.{conv}" for conv in last_convs]
        width = next((_first_side(features[name]) for name in names if name in features), 0)
        member = members.get((width, len(blocks)))
        if member is None:
            raise CheckpointError(
                f"the last stage has {len(blocks)} blocks of width {width}, which no known "
                "backbone has",
                remedy=f"known are {', '.join(members.values())}",
            )
        return member
    raise CheckpointError("the picture network is neither a ResNet, a RegNet nor a ConvNeXt")


def _block(key: str, stage: str) -> str:
    return key.removeprefix(stage + ".").partition(".")[0]


def _shift(features: Mapping[str, Tensor]) -> str:
    if any(".gsm." in key for key in features):
        return "gsm"
    wrapped = any(".conv1.net." in key or ".conv_dw.net." in key for key in features)
    return "tsm" if wrapped else ""


def _modality(features: Mapping[str, Tensor]) -> str:
    for name in _STEMS:
        if name in features and features[name].ndim == 4:
            channels = features[name].shape[1]
            for modality, count in MODALITY_CHANNELS.items():
                if count == channels:
                    return modality
            raise CheckpointError(f"{FEATURES}{name} takes {channels} channels, not 1, 2 or 3")
    raise CheckpointError("the picture network has no first convolution")


def _head(head: Mapping[str, Tensor]) -> tuple[str, Tensor]:
    """Name of the head, and a weight with as many rows as the network has outputs."""
    candidates: tuple[tuple[str, str], ...]
    if "_gru.weight_ih_l0" in head:
        deeper = any(key.startswith("_gru.weight_ih_l1") for key in head)
        candidates = (("deeper_gru" if deeper else "gru", "_fc_out._fc_out.weight"),)
    else:
        candidates = (
            ("mstcn", "_tcn.conv_out.weight"),
            ("asformer", "_net.encoder.conv_out.weight"),
            ("", "_fc_out.weight"),
        )
    for name, last in candidates:
        if last in head:
            return name, head[last]
    raise CheckpointError("the temporal head is none of gru, deeper_gru, mstcn, asformer, linear")


def _first_side(tensor: Tensor) -> int:
    return tensor.shape[0] if tensor.ndim else 0


def read_settings(config: Mapping[str, Any]) -> PublishedSettings:
    """Read a published ``config.json``.

    Raises:
        CheckpointError: a field of the wrong type.
    """
    num_classes = _integer(config, "num_classes")
    crop = _integer(config, "crop_dim")
    labels, rate = _dataset(_string(config, "dataset"), num_classes)
    return PublishedSettings(
        feature_arch=_string(config, "feature_arch"),
        temporal_arch=_string(config, "temporal_arch"),
        modality=_string(config, "modality"),
        num_classes=num_classes,
        clip_len=_integer(config, "clip_len"),
        labels=labels,
        rate=rate,
        crop=crop if crop is not None and crop > 0 else None,
    )


def _dataset(
    dataset: str | None, num_classes: int | None
) -> tuple[tuple[str, ...] | None, Fraction | None]:
    """Labels and rate of a dataset of the original; it keeps classes in alphabetical order."""
    if dataset in ("soccernetv2", "soccernetv2_challenge"):
        return tuple(sorted(SOCCERNET_V2)), SOCCERNET_V2_RATE
    if dataset == "soccernet_ball":
        edition = SOCCERNET_BALL.labels[:2] if num_classes == 2 else SOCCERNET_BALL.labels
        return tuple(sorted(edition)), Fraction(25)
    return None, None


def _string(config: Mapping[str, Any], field: str) -> str | None:
    value = config.get(field)
    if value is not None and not isinstance(value, str):
        raise CheckpointError(f"the configuration's {field} is not a text")
    return value


def _integer(config: Mapping[str, Any], field: str) -> int | None:
    value = config.get(field)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise CheckpointError(f"the configuration's {field} is not a whole number")
    return value


def usual_rate(labels: LabelSet) -> Fraction | None:
    """What the published models of these classes were trained at."""
    if set(labels) == set(SOCCERNET_V2):
        return SOCCERNET_V2_RATE
    return Fraction(25) if set(labels) <= set(SOCCERNET_BALL) else None


def usual_suppression(rate: Fraction) -> CardSuppression:
    """The published windows: two frames at 25/12 a second, 25 frames at 25 a second."""
    window = max(Fraction(1), 2 / rate) if rate >= 5 else 2 / rate
    return CardSuppression(kind="maximum", window_seconds=float(window))


def config_of(weights: Weights, settings: PublishedSettings) -> E2ESpotConfig:
    """``infer_config`` with the clips of the settings."""
    return infer_config(weights, settings.clip_len or USUAL_CLIP_LEN)


def _recognises(checkpoint: Checkpoint) -> bool:
    return checkpoint.is_bare and is_e2e_spot(checkpoint.weights)


def _alphabetical(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(labels))


READER = LegacyReader(
    origin="E2E-Spot",
    system="e2e-spot",
    entries="_features.* and _pred_fine.*",
    recognises=_recognises,
    infer_config=config_of,
    usual_rate=usual_rate,
    suppression=usual_suppression,
    usual_labels=USUAL_LABELS,
    order=_alphabetical,
    read_settings=read_settings,
)
"""The original: it sorts its classes."""
