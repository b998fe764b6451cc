"""Weights of CALF with camera calibration: sn-spotting, CALF_Calibration and CALF_Calibration_GCN.

Their networks without players are CALF of twice the width, and read as such. Those without features
have a player branch of twice the width.
"""

from collections.abc import Callable, Iterable

from torch import Tensor

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

_HEADS = {"conv_seg", "batch_seg", "conv_spot_1", "conv_spot_2", "conv_conf", "conv_class"}
_FEATURES = {"conv_1", "conv_2", "conv_p_1", "conv_p_2", "conv_p_3", "conv_p_4"}
_BRANCHES = {
    "3d": {f"r_conv_{part}" for part in ("1", "2", "p_1", "p_2", "p_3", "p_4")},
    "dense": {"dense_1"},
    "copy": {f"conv_{part}_copy" for part in ("1", "2", "p_1", "p_2", "p_3", "p_4")},
    "graph": {"node_encoder", "edge_encoder", "layers", "lin"},
    "gcn": {f"r_conv_{number}" for number in range(1, 5)},
    "edge": {f"r_conv_{number}" for number in range(1, 5)},
}
"""Layers that each kind of network has beside CALF's."""

_PYRAMIDS = {"3d": "r_conv_p_{}", "copy": "conv_p_{}_copy"}
"""Where the pyramid of a network without features is, by kind; the others have none."""

_CHANNELS = 152
"""Channels of the encoding, for every unit of the multiplier."""

_ORIGINS = {
    "3d": ("CALF with top views (sn-spotting)", "conv_1 and r_conv_1"),
    "dense": ("CALF with described top views (sn-spotting)", "conv_1 and dense_1"),
    "copy": ("CALF with described top views, twice (sn-spotting)", "conv_1 and conv_1_copy"),
    "graph": ("CALF with a graph of players (sn-spotting)", "conv_1 and node_encoder"),
    "gcn": ("CALF with a graph of players, GCN (sn-spotting)", "conv_1 and r_conv_1.bias"),
    "edge": ("CALF with a graph of players, EdgeConv (sn-spotting)", "conv_1 and r_conv_1.nn.0"),
}


def _layers(keys: Iterable[str]) -> set[str]:
    return {key.partition(".")[0] for key in keys}


def _recognises(players: str) -> Callable[[Checkpoint], bool]:
    own = _HEADS | _BRANCHES[players]

    def recognises(checkpoint: Checkpoint) -> bool:
        keys = checkpoint.weights
        is_edge = "r_conv_1.nn.0.weight" in keys
        fits = _layers(keys) in (own, own | _FEATURES)
        return fits and (players not in ("gcn", "edge") or is_edge == (players == "edge"))

    return recognises


def _infer_config(players: str) -> Callable[[Weights, PublishedSettings], CalibrationConfig]:
    def infer(weights: Weights, settings: PublishedSettings) -> CalibrationConfig:
        with_features = "conv_1.weight" in weights
        if with_features:
            multiplier = _units(weights, "conv_2.weight", 0, SMALLEST_WIDTH)
        else:
            multiplier = _units(weights, "conv_seg.weight", 1, _CHANNELS)
        config: CalibrationConfig = capsule_config(
            weights,
            CalibrationConfig,
            players=players,
            multiplier=multiplier,
            with_features=with_features,
            pyramid="conv_p_{}" if with_features else _PYRAMIDS.get(players),
            **_branch_sizes(players, weights),
        )
        return config

    return infer


def _units(weights: Weights, key: str, side: int, smallest: int) -> int:
    width = side_of(weights, key, side)
    if width < smallest or width % smallest:
        raise CheckpointError(f"{key} has {width} channels, not a multiple of {smallest}")
    return width // smallest


def _branch_sizes(players: str, weights: Weights) -> dict[str, int]:
    if players == "dense":
        return {"player_features": side_of(weights, "dense_1.weight", 3)}
    if players == "copy":
        return {"player_features": side_of(weights, "conv_1_copy.weight", 3)}
    if players == "graph":
        return {
            "node_features": side_of(weights, "node_encoder.weight", 1),
            "graph_width": side_of(weights, "node_encoder.weight", 0),
            "graph_layers": len({key.split(".")[1] for key in weights if _is_layer(key)}),
        }
    if players == "gcn":
        return {"node_features": side_of(_renamed(weights), "r_conv_1.lin.weight", 1)}
    if players == "edge":
        return {"node_features": side_of(weights, "r_conv_1.nn.0.weight", 1) // 2}
    return {}


def _is_layer(key: str) -> bool:
    return key.startswith("layers.") and key.count(".") > 1


def _renamed(weights: Weights) -> dict[str, Tensor]:
    """Names, biases and orientations as PyTorch Geometric 1.6 had them, from any of its versions:
    since 2.0 the softmax has a module of its own and the layers of GENConv have no biases; since
    2.0 GCNConv holds a linear layer, before its transposed weight."""
    renamed: dict[str, Tensor] = {}
    for key, value in weights.items():
        layer, _, entry = key.partition(".")
        if entry == "weight" and layer.startswith("r_conv_") and value.ndim == 2:
            key, value = f"{layer}.lin.weight", value.T.contiguous()
        renamed[key.replace(".conv.aggr_module.t", ".conv.t")] = value
    for key, value in list(renamed.items()):
        if key.endswith((".conv.mlp.0.weight", ".conv.mlp.4.weight")):
            bias = key.removesuffix("weight") + "bias"
            renamed.setdefault(bias, value.new_zeros(value.shape[0]))
    return renamed


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
        rename=_renamed,
        features=_features,
        streams=_streams,
    )
    for players, (origin, entries) in _ORIGINS.items()
)
