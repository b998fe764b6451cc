"""Networks from their cards: built, and filled with their weights. Needs PyTorch."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from touchline.errors import CheckpointError, ConfigError
from touchline.models.astra import ASTRA, ASTRAConfig
from touchline.models.calf import CALF, CALFConfig
from touchline.models.calf_attention import (
    AttentionCALF,
    AttentionCALFConfig,
    SqueezeCALF,
    SqueezeCALFConfig,
)
from touchline.models.calf_grounding import GroundingCALF, GroundingCALFConfig
from touchline.models.calibration import CalibrationConfig, calibration_calf
from touchline.models.dense_anchors import DenseAnchors, DenseAnchorsConfig
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
from touchline.models.fusion import (
    AttentionFusion,
    AttentionFusionConfig,
    EarlyFusion,
    FusionConfig,
    LateFusion,
)
from touchline.models.pooling import PoolingConfig, PoolingNetwork
from touchline.runtime.atomic import atomic_write
from touchline.zoo.cards import ModelCard
from touchline.zoo.store import WEIGHTS_FILE, ModelFolder


class System(NamedTuple):
    """A kind of network.

    Attributes:
        config: frozen dataclass of what JSON can hold, with ``num_classes``.
        network: made of a config; keeps it as ``config``.
        width_field: for a network of features, the field of ``config`` that holds the width of the
            rows that it takes; None for a network of pictures.
        streams_field: the field of ``config`` that holds name and width of further streams, if
            it takes any that are given.
    """

    config: type[Any]
    network: Callable[[Any], nn.Module]
    width_field: str | None = None
    streams_field: str | None = None


SYSTEMS: dict[str, System] = {
    "e2e-spot": System(E2ESpotConfig, E2ESpot),
    "pooling": System(PoolingConfig, PoolingNetwork, "input_width"),
    "calf": System(CALFConfig, CALF, "features"),
    "calf-attention": System(AttentionCALFConfig, AttentionCALF, "features"),
    "calf-se": System(SqueezeCALFConfig, SqueezeCALF, "features"),
    "calf-grounding": System(GroundingCALFConfig, GroundingCALF, "features"),
    "calf-calibration": System(CalibrationConfig, calibration_calf, "features"),
    "dense-anchors": System(DenseAnchorsConfig, DenseAnchors, "feature_width"),
    "astra": System(ASTRAConfig, ASTRA, "feature_width"),
    "fusion-early": System(FusionConfig, EarlyFusion, "feature_width", "streams"),
    "fusion-late": System(FusionConfig, LateFusion, "feature_width", "streams"),
    "fusion-attention": System(AttentionFusionConfig, AttentionFusion, "feature_width", "streams"),
}
"""Every system that a card or a recipe may name."""


def steps_per_row(config: Any) -> int:
    """Steps of a network's output, and of the events that it learns, for every row of features."""
    return int(getattr(config, "steps_per_row", 1))


def build_network(card: ModelCard) -> Any:
    """The card's network, without its weights.

    Raises:
        CheckpointError: an unknown system, or a configuration that it does not take.
    """
    if card.system not in SYSTEMS:
        raise CheckpointError(
            f"model {card.name}: system {card.system!r} is not known",
            remedy=f"known systems: {', '.join(SYSTEMS)}",
        )
    system = SYSTEMS[card.system]
    known = {field.name for field in fields(system.config)}
    given = {key: _frozen(value) for key, value in card.config.items() if key in known}
    try:
        return system.network(system.config(**given))
    except (TypeError, ConfigError) as error:
        raise CheckpointError(f"model {card.name}: {error}") from error


def _frozen(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def load_network(folder: ModelFolder) -> Any:
    """The folder's network with its weights, float32, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: weights that are damaged or do not fit; names the first such entry.
    """
    network = build_network(folder.card)
    path = folder.file(WEIGHTS_FILE)
    fill(network, read_safetensors(path), where=path)
    return network.eval()


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Entries of a ``.safetensors`` file.

    Raises:
        CheckpointError: not such a file.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"is not a safetensors file ({error})", where=path) from error


def fill(network: nn.Module, weights: Mapping[str, Tensor], *, where: str | Path) -> None:
    """Load weights strictly; numbers stored in another float type are converted.

    Raises:
        CheckpointError: an entry missing, left over, of another shape, or not finite.
    """
    wanted = network.state_dict()
    for key, tensor in wanted.items():
        if key not in weights:
            raise CheckpointError(f"lacks {key} {tuple(tensor.shape)}", where=where)
        given = weights[key]
        if given.shape != tensor.shape:
            raise CheckpointError(
                f"{key} has shape {tuple(given.shape)}, the network needs {tuple(tensor.shape)}",
                where=where,
            )
        if given.is_complex() or given.is_floating_point() != tensor.is_floating_point():
            raise CheckpointError(f"{key} holds {given.dtype}", where=where)
        if not torch.isfinite(given).all():
            raise CheckpointError(f"{key} holds numbers that are not finite", where=where)
    if left_over := [key for key in weights if key not in wanted]:
        raise CheckpointError(
            f"{len(left_over)} entries are not part of the network, such as {left_over[0]}",
            where=where,
        )
    network.load_state_dict(dict(weights), strict=True)


def save_weights(network: nn.Module, path: Path, *, half: bool = False) -> None:
    """Write ``.safetensors`` under the published names; an existing file is replaced whole.

    Args:
        half: store weights of two dimensions and more in float16, half the bytes. Vectors
            (biases, batch-norm statistics) stay float32.
    """
    stored = {key: _stored(value, half) for key, value in network.state_dict().items()}
    with atomic_write(path) as unfinished:
        save_file(stored, unfinished)


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if half and tensor.ndim >= 2 and tensor.is_floating_point():
        return tensor.to(torch.float16)
    return tensor


def config_dict(config: Any) -> dict[str, Any]:
    """A configuration as a card holds it."""
    return {field.name: getattr(config, field.name) for field in fields(config)}
