"""Weights of pooling networks: the first baseline of SoccerNet-v2 (sn-spotting, Pooling), its
temporally aware successors (TemporallyAwarePooling), and OpenSportsLab's form of these.

A maximum and a mean have no weights, so that a file does not state which of the two it was trained
with; a configuration beside it does, and without one it is the maximum, of which alone there are
published weights. Nor does a file state how long its windows are: its origin decides.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import torch
from torch import Tensor

from touchline.errors import CheckpointError
from touchline.importers.legacy import opensportslib
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_V1, SOCCERNET_V2, LabelSet
from touchline.models.pooling import POOLINGS, PoolingConfig, PoolingNetwork
from touchline.zoo.cards import CardFeatures, CardSuppression

RATE = Fraction(2)
WIDTH = 512
"""Features that are pooled in everything published."""
FLOOR = 1e-6
"""The published threshold is 0."""

_FEATURE_FILES = {512: "ResNET_TF2_PCA512", 2048: "ResNET_TF2", 8576: "baidu_soccer_embeddings"}

_FIRST_BASELINE = ({"fc"}, {"fc", "pool_layer.centroids", "pool_layer.conv"})
_PARTS = re.compile(
    r"(fc|feature_extractor)\.(weight|bias)|pool_layer(_before|_after)?\.(clusters2?|centroids)"
    r"|pool_layer\.conv\.weight"
)
_OPENSPORTSLAB = {
    "backbone.feature_extractor.": "feature_extractor.",
    "neck.pooling_layer": "pool_layer",
    "head.head.": "fc.",
}


def _modules(weights: Mapping[str, Any]) -> set[str]:
    return {key.removesuffix(".weight").removesuffix(".bias") for key in weights}


def _is_first_baseline(checkpoint: Checkpoint) -> bool:
    weights = checkpoint.weights
    return _modules(weights) in _FIRST_BASELINE and _width_of(weights, "fc.weight", 1) != 2 * WIDTH


def _is_temporally_aware(checkpoint: Checkpoint) -> bool:
    weights = checkpoint.weights
    return "fc.weight" in weights and all(_PARTS.fullmatch(key) for key in weights)


def _is_opensportslab(checkpoint: Checkpoint) -> bool:
    weights = checkpoint.weights
    return "head.head.weight" in weights and all(
        _PARTS.fullmatch(key) for key in _without_wrapping(weights)
    )


def _without_wrapping(weights: Weights) -> dict[str, Tensor]:
    """OpenSportsLab's names to those of the original; others stay."""
    renamed = {}
    for key, value in weights.items():
        for theirs, ours in _OPENSPORTSLAB.items():
            key = ours + key.removeprefix(theirs) if key.startswith(theirs) else key
        renamed[key] = value
    return renamed


@cache
def _learnt_names(pooling: str) -> frozenset[str]:
    """What a pooling adds to the classifier's entries."""
    with torch.device("meta"):
        network = PoolingNetwork(PoolingConfig(pooling, 1, 2, 1, 1, 2))
    return frozenset(network.state_dict()) - {"fc.weight", "fc.bias"}


def _config_of(usual_clip_len: int) -> Callable[[Weights, PublishedSettings], PoolingConfig]:
    def infer(weights: Weights, settings: PublishedSettings) -> PoolingConfig:
        """Read pooling and sizes off names and shapes.

        Raises:
            CheckpointError: entries that no pooling has, or that contradict what was stated.
        """
        width, feature_width = _widths(weights)
        pooling = _pooling(weights, width, settings.pooling)
        shared = [_width_of(weights, key, -1) for key in weights if key.endswith(".clusters")]
        return PoolingConfig(
            pooling,
            num_classes=_width_of(weights, "fc.weight", 0) - 1,
            clip_steps=settings.clip_len or usual_clip_len,
            feature_width=feature_width,
            width=width,
            clusters=sum(shared) or _width_of(weights, "pool_layer.centroids", 0) or 64,
        )

    return infer


def _widths(weights: Weights) -> tuple[int, int]:
    """Features that are pooled, and features of a step."""
    if "feature_extractor.weight" in weights:
        made_of = weights["feature_extractor.weight"]
        if made_of.ndim != 2:
            raise CheckpointError(f"feature_extractor.weight has shape {tuple(made_of.shape)}")
        return made_of.shape[0], made_of.shape[1]
    for key, side in (
        ("pool_layer.centroids", 1),
        ("pool_layer.clusters", 0),
        ("pool_layer_before.clusters", 0),
    ):
        if width := _width_of(weights, key, side):
            return width, width
    classified = _width_of(weights, "fc.weight", 1)
    width = WIDTH if classified == 2 * WIDTH else classified
    return width, width


def _width_of(weights: Weights, key: str, side: int) -> int:
    """A side of a matrix; 0 if there is none."""
    return weights[key].shape[side] if key in weights and weights[key].ndim == 2 else 0


def _pooling(weights: Weights, width: int, stated: str | None) -> str:
    learnt = {key for key in weights if key.startswith("pool_layer")}
    parts = 2 if not learnt and _width_of(weights, "fc.weight", 1) == 2 * width else 1
    possible = [
        name
        for name, pooling in POOLINGS.items()
        if _learnt_names(name) == learnt and (learnt or len(pooling.parts) == parts)
    ]
    if not possible:
        raise CheckpointError(
            f"no pooling has just the entries {', '.join(sorted(learnt))}",
            remedy=f"known are {', '.join(POOLINGS)}",
        )
    agreeing = [name for name in possible if stated in (None, name.removesuffix("-conv"))]
    if not agreeing:
        raise CheckpointError(
            f"the configuration has {stated}, the weights are those of {' or '.join(possible)}"
        )
    return agreeing[0]


_PUBLISHED_NAMES = {
    "max": "max",
    "maxpool": "max",
    "avg": "avg",
    "avgpool": "avg",
    "netvlad": "netvlad",
    "netrvlad": "netrvlad",
}


def _read_settings(config: Mapping[str, Any]) -> PublishedSettings:
    """OpenSportsLab's ``config.yaml`` of any generation, or the trainer's options as a mapping.

    Raises:
        CheckpointError: a field of the wrong type, a rate or a window that cannot be.
    """
    rate = opensportslib.rate_of_features(config) or RATE
    window = opensportslib.number(config, "window_size")
    clip_len = None if window is None else int(window * rate)
    if clip_len is not None and clip_len < 1:
        raise CheckpointError(f"the configuration's window_size is {window} s")
    return PublishedSettings(
        labels=opensportslib.read_settings(config).labels,
        rate=rate,
        clip_len=clip_len,
        pooling=_named_pooling(config),
    )


def _named_pooling(config: Mapping[str, Any]) -> str | None:
    """The pooling that a configuration names, however deep: ``pool``, ``type`` or ``name``."""
    for mapping in opensportslib.mappings(config):
        for field in ("pool", "type", "name"):
            value = mapping.get(field)
            if isinstance(value, str):
                kind = _PUBLISHED_NAMES.get(value.lower().removesuffix("++"))
                if kind is not None:
                    return kind + "++" * value.endswith("++")
    return None


def _usual_rate(labels: LabelSet) -> Fraction:
    return RATE


def _suppression(seconds: float) -> Callable[[Fraction], CardSuppression]:
    """Half-open: ``seconds`` in all are emptied around a peak; every detection is kept."""
    return lambda rate: CardSuppression(kind="half-open", window_seconds=seconds / 2, floor=FLOOR)


def _features(config: PoolingConfig) -> CardFeatures:
    name = _FEATURE_FILES.get(config.feature_width, "features")
    return CardFeatures(name=name, width=config.feature_width)


READERS = (
    LegacyReader(
        origin="pooling (sn-spotting)",
        system="pooling",
        entries="fc, or fc and pool_layer.centroids",
        recognises=_is_first_baseline,
        infer_config=_config_of(usual_clip_len=40),
        usual_rate=_usual_rate,
        suppression=_suppression(20),
        usual_labels=(SOCCERNET_V2.labels, SOCCERNET_V1.labels),
        read_settings=_read_settings,
        features=_features,
    ),
    LegacyReader(
        origin="temporally aware pooling (sn-spotting)",
        system="pooling",
        entries="fc and pool_layer or pool_layer_before",
        recognises=_is_temporally_aware,
        infer_config=_config_of(usual_clip_len=30),
        usual_rate=_usual_rate,
        suppression=_suppression(30),
        usual_labels=(SOCCERNET_V2.labels,),
        read_settings=_read_settings,
        features=_features,
    ),
    LegacyReader(
        origin="pooling (OpenSportsLab)",
        system="pooling",
        entries="head.head and neck.pooling_layer",
        recognises=_is_opensportslab,
        infer_config=_config_of(usual_clip_len=40),
        usual_rate=_usual_rate,
        suppression=_suppression(30),
        usual_labels=(SOCCERNET_V2.labels,),
        rename=_without_wrapping,
        read_settings=_read_settings,
        features=_features,
    ),
)
