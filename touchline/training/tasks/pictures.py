"""What the tasks of networks of pictures share: starting weights, and AdamW as published."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from touchline.errors import ConfigError

Network = TypeVar("Network", bound=nn.Module)


def with_starting_weights(make: Callable[[], Network], feature_arch: str) -> Network:
    """What ``make`` builds, which may download ImageNet weights.

    Raises:
        ConfigError: they cannot be downloaded.
    """
    try:
        return make()
    except OSError as error:  # what download errors derive from
        raise ConfigError(
            f"the ImageNet weights of {feature_arch} cannot be downloaded ({error})",
            where="network.pretrained",
            remedy="connect, or train from scratch with network.pretrained=false",
        ) from error


def adamw(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW over all parameters, batch norms and biases included; see ``VideoTask``."""
    return torch.optim.AdamW(
        [{"params": list(network.parameters()), "initial_lr": learning_rate}],
        lr=learning_rate,
        weight_decay=weight_decay,
    )
