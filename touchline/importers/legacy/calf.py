"""Weights of the CALF family: sn-spotting, OpenSportsLab, the Keras original, Georgia Tech's
variants, and replay grounding.

A file does not state whether its segmentation is a distance or a score; its origin decides: the
Keras original, sn-spotting's published weights and replay grounding are distances, the others
scores. For other weights a configuration beside the file states ``polarity``: what sn-spotting's
code of November 2021 and later trains are scores.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

import torch
from torch import Tensor

from touchline.errors import CheckpointError
from touchline.importers.legacy import opensportslib
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_V2, SOCCERNET_V2_NON_VISUAL, LabelSet
from touchline.models.calf import CALFConfig
from touchline.models.calf_attention import (
    AttentionCALFConfig,
    SinusoidalPositions,
    SqueezeCALFConfig,
)
from touchline.models.calf_grounding import GroundingCALFConfig
from touchline.models.parts.capsules import POLARITIES, CapsuleConfig, Polarity
from touchline.models.parts.time_convolution import pyramid_kernels
from touchline.zoo.cards import CardFeatures, CardSuppression

RATE = Fraction(2)
FLOOR = 1e-6
"""The published threshold is 0."""

KERAS_LABELS = ("soccer", "card", "subs")
"""The order of the context-aware-loss project, which is not the official one."""

_HEADS = ("conv_spot_1", "conv_spot_2", "conv_conf", "conv_class")
_TRUNK = ("conv_1", "conv_2", "conv_p_1", "conv_p_2", "conv_p_3", "conv_p_4", "conv_seg")
CALF_LAYERS = {*_TRUNK, *_HEADS, "batch_seg"}
"""What the entries of plain CALF begin with."""

_KERAS_LAYERS = dict(
    zip(("conv2d", *(f"conv2d_{i}" for i in range(1, 11))), (*_TRUNK, *_HEADS), strict=True)
)
_KERAS_KINDS = {
    "kernel": "weight",
    "gamma": "weight",
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_KERAS_ENTRY = re.compile(r"(?P<layer>\w+)/(?P=layer)/(?P<kind>\w+)(:0)?")
_KERAS_FLATTENED_CHANNELS = 16

_POSITIONS = "positional_encoding.pe"
_UNUSED = "conv_seg_bn."

Config = TypeVar("Config", bound=CapsuleConfig)


def _layers(keys: Iterable[str]) -> set[str]:
    return {key.partition(".")[0] for key in keys}


def _is_plain(checkpoint: Checkpoint) -> bool:
    return _layers(checkpoint.weights) == CALF_LAYERS


def _is_opensportslib(checkpoint: Checkpoint) -> bool:
    return "neck.conv_p_1.weight" in checkpoint.weights


def _is_grounding(checkpoint: Checkpoint) -> bool:
    return _layers(checkpoint.weights) == CALF_LAYERS - {"conv_class"}


def _is_attention(checkpoint: Checkpoint) -> bool:
    return {"conv_p_1", "transformer"} <= _layers(checkpoint.weights)


def _is_squeeze(checkpoint: Checkpoint) -> bool:
    return {"conv_p_1", "se_p_1"} <= _layers(checkpoint.weights)


def _is_keras(checkpoint: Checkpoint) -> bool:
    return {"conv2d_10/conv2d_10/kernel:0", "conv2d_5/conv2d_5/kernel:0"} <= set(checkpoint.weights)


def _without_parts(weights: Weights) -> dict[str, Tensor]:
    return {key.removeprefix("neck.").removeprefix("head."): v for key, v in weights.items()}


def _without_positions(weights: Weights) -> dict[str, Tensor]:
    """Leaves out the positions, which are computed.

    Raises:
        CheckpointError: they are not the published ones.
    """
    given = weights.get(_POSITIONS)
    if given is not None:
        if given.ndim != 3 or given.shape[1] * given.shape[2] > 10_000_000:
            raise CheckpointError(f"{_POSITIONS} has shape {tuple(given.shape)}")
        usual = SinusoidalPositions(given.shape[1], given.shape[2]).pe
        if given.shape != usual.shape or not torch.allclose(given.float(), usual, atol=1e-3):
            raise CheckpointError(f"{_POSITIONS} does not hold the published sines and cosines")
    return {key: value for key, value in weights.items() if key != _POSITIONS}


def _without_unused(weights: Weights) -> dict[str, Tensor]:
    """Leaves out a batch norm that the published network has and never runs."""
    return {key: value for key, value in weights.items() if not key.startswith(_UNUSED)}


def _from_keras(weights: Weights) -> dict[str, Tensor]:
    """Kernels (height, width, in, out) to (out, in, height, width), and the flattened inputs of the
    last two layers, which Keras orders by time, to PyTorch's order by channel.

    Raises:
        CheckpointError: a name or a shape that the original does not have.
    """
    renamed: dict[str, Tensor] = {"batch_seg.num_batches_tracked": torch.tensor(0)}
    layers = {**_KERAS_LAYERS, "batch_normalization": "batch_seg"}
    for name, value in weights.items():
        found = _KERAS_ENTRY.fullmatch(name)
        if found is None or found["layer"] not in layers or found["kind"] not in _KERAS_KINDS:
            raise CheckpointError(f"{name[:80]!r} is not an entry of the Keras CALF")
        layer = layers[found["layer"]]
        if found["kind"] == "kernel":
            value = _turned(layer, value)
        renamed[f"{layer}.{_KERAS_KINDS[found['kind']]}"] = value
    return renamed


def _turned(layer: str, kernel: Tensor) -> Tensor:
    if kernel.ndim != 4:
        raise CheckpointError(f"the kernel of {layer} has shape {tuple(kernel.shape)}")
    weight = kernel.permute(3, 2, 0, 1)
    if layer in ("conv_conf", "conv_class"):
        if weight.shape[1] % _KERAS_FLATTENED_CHANNELS:
            raise CheckpointError(f"the kernel of {layer} has shape {tuple(kernel.shape)}")
        by_time = weight.unflatten(1, (-1, _KERAS_FLATTENED_CHANNELS))
        weight = by_time.transpose(1, 2).flatten(1, 2)
    return weight.contiguous()


def side_of(weights: Weights, key: str, side: int) -> int:
    """Length of one side of an entry.

    Raises:
        CheckpointError: there is no such entry, or it has fewer sides.
    """
    if key not in weights:
        raise CheckpointError(f"lacks {key}")
    shape = weights[key].shape
    if side >= len(shape):
        raise CheckpointError(f"{key} has shape {tuple(shape)}")
    return shape[side]


def capsule_config(
    weights: Weights, kind: type[Config], *, pyramid: str | None = "conv_p_{}", **further: Any
) -> Config:
    """Read the sizes off the shapes.

    Args:
        pyramid: names of the convolutions of the pyramid; None for a network without one.

    Raises:
        CheckpointError: shapes that contradict each other.
    """
    slots = side_of(weights, "conv_conf.weight", 0) // 2
    if pyramid is not None:
        further["receptive_steps"] = _receptive_steps(weights, pyramid)
    if "conv_1.weight" in weights:
        further["feature_width"] = side_of(weights, "conv_1.weight", 3)
    classes = 1
    if "conv_class.weight" in weights:
        classes, rest = divmod(side_of(weights, "conv_class.weight", 0), max(slots, 1))
        if rest:
            raise CheckpointError(f"conv_class does not hold the same classes for {slots} slots")
    capsules, rest = divmod(side_of(weights, "conv_seg.weight", 0), max(classes, 1))
    if rest:
        raise CheckpointError(f"conv_seg does not hold the same capsules for {classes} classes")
    return kind(
        num_classes=classes,
        slots=slots,
        clip_steps=side_of(weights, "batch_seg.running_mean", 0),
        capsules=capsules,
        **further,
    )


def _receptive_steps(weights: Weights, pyramid: str) -> int:
    kernels = tuple(side_of(weights, f"{pyramid.format(i)}.weight", 2) for i in range(1, 5))
    if kernels != pyramid_kernels(kernels[3]):
        raise CheckpointError(f"no pyramid has convolutions over {kernels} steps")
    return kernels[3]


def _read_settings(config: Mapping[str, Any]) -> PublishedSettings:
    """The settings in OpenSportsLab's ``config.yaml``, or any mapping, for a network of the family.

    Raises:
        CheckpointError: a field of the wrong type, a rate or a polarity that cannot be.
    """
    stated = {
        field: mapping[field]
        for mapping in opensportslib.mappings(config)
        for field in ("polarity", "heads")
        if field in mapping
    }
    polarity, heads = stated.get("polarity"), stated.get("heads")
    if polarity not in (None, *POLARITIES):
        raise CheckpointError(
            f"the configuration's polarity is {str(polarity)[:40]!r}",
            remedy=f"use {' or '.join(POLARITIES)}",
        )
    if heads is not None and (not isinstance(heads, int) or isinstance(heads, bool)):
        raise CheckpointError("the configuration's heads is not a whole number")
    return PublishedSettings(
        labels=opensportslib.read_settings(config).labels,
        rate=opensportslib.rate_of_features(config),
        polarity=polarity,
        heads=heads,
    )


def _polarity(settings: PublishedSettings, usual: Polarity) -> Polarity:
    """What the configuration states, else what the origin means."""
    return next((known for known in POLARITIES if known == settings.polarity), usual)


def _plain_config(usual: Polarity) -> Callable[[Weights, PublishedSettings], CALFConfig]:
    def infer(weights: Weights, settings: PublishedSettings) -> CALFConfig:
        width = side_of(weights, "conv_2.weight", 0)
        if width % 32:
            raise CheckpointError(f"conv_2 has {width} channels, not a multiple of 32")
        polarity = _polarity(settings, usual)
        return capsule_config(weights, CALFConfig, polarity=polarity, multiplier=width // 32)

    return infer


def _attention_config(weights: Weights, settings: PublishedSettings) -> AttentionCALFConfig:
    """The number of heads leaves no trace in the shapes: where it is not stated, 8 as published
    with refinement, else 4."""
    refinement = "temporal_refinement_module.conv1d.weight" in weights
    return capsule_config(
        weights,
        AttentionCALFConfig,
        heads=settings.heads or (8 if refinement else 4),
        hidden=side_of(weights, "transformer.ffn.0.weight", 0),
        refinement=refinement,
        polarity=_polarity(settings, "score"),
    )


def _squeeze_config(weights: Weights, settings: PublishedSettings) -> SqueezeCALFConfig:
    return capsule_config(weights, SqueezeCALFConfig, polarity=_polarity(settings, "score"))


def _grounding_config(weights: Weights, settings: PublishedSettings) -> GroundingCALFConfig:
    return capsule_config(weights, GroundingCALFConfig)


def usual_rate(labels: LabelSet) -> Fraction:
    """All networks of the family were trained on features of two rows a second."""
    return RATE


def usual_suppression(rate: Fraction) -> CardSuppression:
    """Published: 40 steps around a peak are emptied, 10 s on either side; every peak is kept."""
    return CardSuppression(kind="half-open", window_seconds=10.0, floor=FLOOR)


def _features(kind: str) -> Callable[[Any], CardFeatures]:
    """Which files: reduced to 512 numbers, or as the extractor gives them."""

    def of(config: CapsuleConfig) -> CardFeatures:
        name = f"{kind}_PCA512" if config.feature_width == 512 else kind
        return CardFeatures(name=name, width=config.feature_width)

    return of


V2_FEATURES = _features("ResNET_TF2")
_USUAL_LABELS = (SOCCERNET_V2.labels, KERAS_LABELS, SOCCERNET_V2_NON_VISUAL.labels)

READERS = (
    LegacyReader(
        origin="CALF (sn-spotting)",
        system="calf",
        entries="conv_1, conv_p_1 and batch_seg",
        recognises=_is_plain,
        infer_config=_plain_config("distance"),
        usual_rate=usual_rate,
        suppression=usual_suppression,
        usual_labels=_USUAL_LABELS,
        read_settings=_read_settings,
        features=V2_FEATURES,
    ),
    LegacyReader(
        origin="CALF (OpenSportsLab)",
        system="calf",
        entries="neck.conv_1 and head.conv_conf",
        recognises=_is_opensportslib,
        infer_config=_plain_config("score"),
        usual_rate=usual_rate,
        suppression=usual_suppression,
        usual_labels=_USUAL_LABELS,
        read_settings=_read_settings,
        rename=_without_parts,
        features=V2_FEATURES,
    ),
    LegacyReader(
        origin="CALF (Keras)",
        system="calf",
        entries="conv2d_10/conv2d_10/kernel:0",
        recognises=_is_keras,
        infer_config=_plain_config("distance"),
        usual_rate=usual_rate,
        suppression=usual_suppression,
        usual_labels=_USUAL_LABELS,
        read_settings=_read_settings,
        rename=_from_keras,
        features=_features("ResNET"),
    ),
    LegacyReader(
        origin="CALF with attention (Georgia Tech)",
        system="calf-attention",
        entries="conv_1 and transformer.self_attn",
        recognises=_is_attention,
        infer_config=_attention_config,
        usual_rate=usual_rate,
        suppression=usual_suppression,
        usual_labels=_USUAL_LABELS,
        read_settings=_read_settings,
        rename=_without_positions,
        features=V2_FEATURES,
    ),
    LegacyReader(
        origin="CALF with squeeze and excitation (Georgia Tech)",
        system="calf-se",
        entries="conv_1 and se_p_1",
        recognises=_is_squeeze,
        infer_config=_squeeze_config,
        usual_rate=usual_rate,
        suppression=usual_suppression,
        usual_labels=_USUAL_LABELS,
        read_settings=_read_settings,
        rename=_without_unused,
        features=V2_FEATURES,
    ),
    LegacyReader(
        origin="CALF for replay grounding (sn-grounding)",
        system="calf-grounding",
        entries="conv_1 and conv_conf without conv_class",
        recognises=_is_grounding,
        infer_config=_grounding_config,
        usual_rate=usual_rate,
        suppression=usual_suppression,
        usual_labels=(("Replay",),),
        features=V2_FEATURES,
    ),
)
