"""Weights of CALF with camera calibration: sn-spotting, CALF_Calibration and CALF_Calibration_GCN.

Their networks without players are CALF of twice the width, and read as such.
"""

from collections.abc import Callable, Iterable

from touchline.errors import CheckpointError
from touchline.importers.legacy.calf import (
    RATE,
    capsule_config,
    side_of,
    usual_rate,
    usual_suppression,
)
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_V2, SOCCERNET_V2_NON_VISUAL, SOCCERNET_V2_VISUAL
from touchline.models.calibration import CalibrationConfig
from touchline.timebase import format_rate
from touchline.zoo.cards import CardFeatures

PUBLISHED_VECTORS = "radar_resnet_34_composite"
"""Name of the published files of ResNet-34 vectors."""
SMALLEST_WIDTH = 16
"""Channels that ``conv_2`` has for every unit of the multiplier."""

_CALF = {
    *("conv_1", "conv_2", "conv_p_1", "conv_p_2", "conv_p_3", "conv_p_4", "conv_seg"),
    *("batch_seg", "conv_spot_1", "conv_spot_2", "conv_conf", "conv_class"),
}
_BRANCHES = {
    "3d": {f"r_conv_{part}" for part in ("1", "2", "p_1", "p_2", "p_3", "p_4")},
    "dense": {"dense_1"},
    "copy": {f"conv_{part}_copy" for part in ("1", "2", "p_1", "p_2", "p_3", "p_4")},
    "graph": {"node_encoder", "edge_encoder", "layers", "lin"},
}
"""Layers that each kind of network has beside CALF's."""

_ORIGINS = {
    "3d": ("CALF with top views (sn-spotting)", "conv_1 and r_conv_1"),
    "dense": ("CALF with described top views (sn-spotting)", "conv_1 and dense_1"),
    "copy": ("CALF with described top views, twice (sn-spotting)", "conv_1 and conv_1_copy"),
    "graph": ("CALF with a graph of players (sn-spotting)", "conv_1 and node_encoder"),
}


def _layers(keys: Iterable[str]) -> set[str]:
    return {key.partition(".")[0] for key in keys}


def _recognises(players: str) -> Callable[[Checkpoint], bool]:
    return lambda checkpoint: _layers(checkpoint.weights) == _CALF | _BRANCHES[players]


def _infer_config(players: str) -> Callable[[Weights, PublishedSettings], CalibrationConfig]:
    def infer(weights: Weights, settings: PublishedSettings) -> CalibrationConfig:
        width = side_of(weights, "conv_2.weight", 0)
        if width < SMALLEST_WIDTH or width % SMALLEST_WIDTH:
            raise CheckpointError(f"conv_2 has {width} channels, not a multiple of 16")
        multiplier = width // SMALLEST_WIDTH
        config: CalibrationConfig = capsule_config(
            weights,
            CalibrationConfig,
            players=players,
            multiplier=multiplier,
            **_branch_sizes(players, weights),
        )
        return config

    return infer


def _branch_sizes(players: str, weights: Weights) -> dict[str, int]:
    if players == "dense":
        return {"player_features": side_of(weights, "dense_1.weight", 3)}
    if players == "copy":
        return {"player_features": side_of(weights, "conv_1_copy.weight", 3)}
    if players == "graph":
        return {
            "node_features": side_of(weights, "node_encoder.weight", 1),
            "graph_width": side_of(weights, "node_encoder.weight", 0),
            "graph_layers": sum(_is_layer(key) for key in weights),
        }
    return {}


def _is_layer(key: str) -> bool:
    return key.startswith("layers.") and key.endswith(".conv.t")


def _features(config: CalibrationConfig) -> CardFeatures:
    name = "ResNET_TF2_PCA512" if config.feature_width == 512 else "ResNET_TF2"
    return CardFeatures(name=name, width=config.feature_width)


def _streams(config: CalibrationConfig) -> dict[str, CardFeatures]:
    if config.stream == "top_view_features":
        described = CardFeatures(
            name=PUBLISHED_VECTORS, width=config.player_features, rate=format_rate(RATE)
        )
        return {config.stream: described}
    return {config.stream: CardFeatures(name=config.stream, rate=format_rate(RATE))}


READERS = tuple(
    LegacyReader(
        origin=origin,
        system="calf-calibration",
        entries=entries,
        recognises=_recognises(players),
        infer_config=_infer_config(players),
        usual_rate=usual_rate,
        suppression=usual_suppression,
        usual_labels=(
            SOCCERNET_V2_VISUAL.labels,
            SOCCERNET_V2_NON_VISUAL.labels,
            SOCCERNET_V2.labels,
        ),
        features=_features,
        streams=_streams,
    )
    for players, (origin, entries) in _ORIGINS.items()
)
