"""Networks from their cards: built, and filled with their weights. Needs PyTorch."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from touchline.errors import CheckpointError, ConfigError
from touchline.models.extractors import NETWORKS
from touchline.runtime.atomic import atomic_write
from touchline.runtime.wording import counted
from touchline.systems import SYSTEMS, System, load_part
from touchline.zoo.cards import ModelCard
from touchline.zoo.extractors import ExtractorFolder
from touchline.zoo.store import WEIGHTS_FILE, ModelFolder


class NetworkConfig(Protocol):
    """What rebuilds a network: a frozen dataclass of values that JSON can hold."""

    @property
    def num_classes(self) -> int:
        """Classes without background."""
        ...


MakeConfig = Callable[..., NetworkConfig]
MakeNetwork = Callable[[Any], nn.Module]

MAX_ENTRIES = 50_000
"""Entries of a file of weights; the largest networks here have some thousand."""

MAX_HEADER_BYTES = 16 << 20


def config_type(system: System) -> MakeConfig:
    """The class of a system's configurations."""
    made: MakeConfig = load_part(system.config)
    return made


def make_network(system: System, config: NetworkConfig) -> nn.Module:
    """The network of a configuration, with weights drawn from PyTorch's global generator."""
    make: MakeNetwork = load_part(system.network)
    return make(config)


def config_fields(system: System) -> tuple[str, ...]:
    """The fields of a system's configuration."""
    return tuple(field.name for field in fields(load_part(system.config)))


def build_network(card: ModelCard) -> Any:
    """The card's network, without its weights.

    Raises:
        CheckpointError: an unknown system, or a configuration that it does not take.
    """
    system = SYSTEMS.get(card.system)
    if system is None:
        raise CheckpointError(
            f"model {card.name}: system {card.system!r} is not known",
            remedy=f"known systems: {', '.join(SYSTEMS)}",
        )
    known = config_fields(system)
    given = {key: value for key, value in card.config.items() if key in known}
    try:
        return make_network(system, config_type(system)(**given))
    except (TypeError, ConfigError) as error:
        raise CheckpointError(f"model {card.name}: {error}") from error


def load_network(folder: ModelFolder) -> Any:
    """The folder's network with its weights, float32, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: weights that are damaged or do not fit; names the first such entry.
    """
    network = build_network(folder.card)
    path = folder.file(WEIGHTS_FILE)
    fill(network, read_safetensors(path), where=path)
    return network.eval()


def load_extractor(folder: ExtractorFolder) -> nn.Module:
    """The folder's network with its weights, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: weights that are damaged or do not fit.
    """
    network = NETWORKS[folder.card.network].build(folder.card.config)
    path = folder.file(WEIGHTS_FILE)
    fill(network, read_safetensors(path), where=path)
    return network.eval()


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Entries of a ``.safetensors`` file.

    Raises:
        CheckpointError: not such a file.
    """
    try:
        _check_entries(path)
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"is not a safetensors file ({error})", where=path) from error


def _check_entries(path: Path) -> None:
    """Refuse a file whose header names more than any network has."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(min(length, MAX_HEADER_BYTES + 1))
    if len(header) > MAX_HEADER_BYTES or header.count(b'"dtype"') > MAX_ENTRIES:
        raise CheckpointError(
            "has more entries than any network",
            where=path,
            remedy=f"up to {MAX_ENTRIES} are read",
        )


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
            f"{counted(len(left_over), 'entry', 'entries')} outside the network, such as "
            f"{left_over[0]}",
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
