"""Spotting by pooling: a window of frames becomes one vector, and the vector is classified.

The first baselines of SoccerNet-v2 (Deliège et al., CVPRW 2021) and their temporally aware
successors, NetVLAD++ and its kin (Giancola and Ghanem, "Temporally-Aware Feature Pooling for
Action Spotting", CVPRW 2021), which pool what lies before and after the middle apart. Parameter
names are those of the published weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from touchline.errors import ConfigError
from touchline.models.netvlad import ConvVLAD, NetRVLAD, NetVLAD
from touchline.models.parts.dropout import Dropout
from touchline.models.parts.sliding import sliding_max, sliding_sum


class Pool(Protocol):
    """Turns windows of any length into vectors.

    Attributes:
        out_width: length of the vectors.
    """

    @property
    def out_width(self) -> int: ...

    def __call__(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, out_width)."""
        ...

    def slide(self, x: Tensor, steps: int, weight: Tensor) -> Tensor:
        """(N, D), (C, out_width) -> (N - steps + 1, C): products with every window's vector."""
        ...


class MaxPool(nn.Module):
    """The largest value of each feature."""

    def __init__(self, width: int, clusters: int) -> None:
        super().__init__()
        self.out_width = width

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, D)."""
        return x.amax(dim=1)

    def slide(self, x: Tensor, steps: int, weight: Tensor) -> Tensor:
        """(N, D), (C, D) -> (N - steps + 1, C): products with every window's maximum."""
        return sliding_max(x, steps) @ weight.T


class AvgPool(nn.Module):
    """The mean of each feature."""

    def __init__(self, width: int, clusters: int) -> None:
        super().__init__()
        self.out_width = width

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, D)."""
        return x.mean(dim=1)

    def slide(self, x: Tensor, steps: int, weight: Tensor) -> Tensor:
        """(N, D), (C, D) -> (N - steps + 1, C): products with every window's mean."""
        return sliding_sum(x @ weight.T, steps) / steps


@dataclass(frozen=True)
class Pooling:
    """How a window is pooled: by what, and each of which parts of it under which name."""

    make: Callable[[int, int], nn.Module]
    parts: tuple[str, ...] = ("pool_layer",)


_PAST_AND_FUTURE = ("pool_layer_before", "pool_layer_after")

POOLINGS = {
    "max": Pooling(MaxPool),
    "avg": Pooling(AvgPool),
    "netvlad-conv": Pooling(ConvVLAD),
    "netvlad": Pooling(NetVLAD),
    "netrvlad": Pooling(NetRVLAD),
    "max++": Pooling(MaxPool, _PAST_AND_FUTURE),
    "avg++": Pooling(AvgPool, _PAST_AND_FUTURE),
    "netvlad++": Pooling(NetVLAD, _PAST_AND_FUTURE),
    "netrvlad++": Pooling(NetRVLAD, _PAST_AND_FUTURE),
}
"""By name; ``netvlad-conv`` is the first baseline's NetVLAD, ``netvlad`` that of LOUPE."""


@dataclass(frozen=True)
class PoolingConfig:
    """What rebuilds a network.

    Attributes:
        pooling: a name of ``POOLINGS``.
        num_classes: classes without background.
        clip_steps: steps of a window; no weight depends on it.
        feature_width: numbers in a row of features.
        width: features that are pooled; a linear layer makes them where ``feature_width`` differs.
        clusters: of a VLAD, over both parts of the window.
        dropout: before the classifier.

    Raises:
        ConfigError: a pooling that is not known, counts out of range or that leave nothing to pool.
    """

    pooling: str
    num_classes: int
    clip_steps: int = 30
    feature_width: int = 512
    width: int = 512
    clusters: int = 64
    dropout: float = 0.4

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ConfigError(
                f"pooling {self.pooling!r} is not known",
                remedy=f"choose of {', '.join(map(repr, POOLINGS))}",
            )
        parts = len(POOLINGS[self.pooling].parts)
        for field, least in (
            ("num_classes", 1),
            ("clip_steps", parts),
            ("feature_width", 1),
            ("width", 1),
            ("clusters", parts),
        ):
            if getattr(self, field) < least:
                raise ConfigError(f"{field} must be at least {least} for {self.pooling}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout {self.dropout} is not a probability below 1")

    @property
    def num_outputs(self) -> int:
        """Classes and background; background is output 0."""
        return self.num_classes + 1


class PoolingNetwork(nn.Module):
    """Windows of features to class logits; the classes are independent of each other.

    Args:
        config: what to build.
    """

    feature_extractor: nn.Module
    fc: nn.Linear

    def __init__(self, config: PoolingConfig) -> None:
        super().__init__()
        self.config = config
        projects = config.feature_width != config.width
        self.feature_extractor = (
            nn.Linear(config.feature_width, config.width) if projects else nn.Identity()
        )
        pooling = POOLINGS[config.pooling]
        self._parts = pooling.parts
        for name in pooling.parts:
            pool = pooling.make(config.width, config.clusters // len(pooling.parts))
            self.add_module(name, pool)
        self.drop = Dropout(config.dropout)
        self.fc = nn.Linear(sum(pool.out_width for pool in self.pools), config.num_outputs)

    @property
    def pools(self) -> list[Pool]:
        """The pool of each part of a window, in order of time."""
        return [getattr(self, name) for name in self._parts]

    def forward(self, x: Tensor) -> Tensor:
        """Class logits of windows.

        Args:
            x: (B, T, D); T need not be ``clip_steps``.

        Returns:
            (B, K+1); background is output 0. Probabilities are their sigmoids.
        """
        return self.pool(self.feature_extractor(x))

    def pool(self, frames: Tensor) -> Tensor:
        """Class logits of windows that are reduced already: (B, T, ``width``) -> (B, K+1)."""
        parts = frames.split(self._lengths(frames.shape[1]), dim=1)
        pooled = [pool(part) for pool, part in zip(self.pools, parts, strict=True)]
        return self.fc(self.drop(torch.cat(pooled, dim=1)))

    def slide(self, x: Tensor) -> Tensor:
        """Class logits of all windows of ``clip_steps`` steps of a sequence, each frame seen once.

        Args:
            x: (N, D), N at least ``clip_steps``.

        Returns:
            (N - clip_steps + 1, K+1): what ``forward`` returns in evaluation mode for each window.
        """
        frames = self.feature_extractor(x)
        windows = len(x) - self.config.clip_steps + 1
        weights = self.fc.weight.split([pool.out_width for pool in self.pools], dim=1)
        logits = self.fc.bias.expand(windows, -1)
        first = 0
        for pool, weight, steps in zip(
            self.pools, weights, self._lengths(self.config.clip_steps), strict=True
        ):
            logits = logits + pool.slide(frames[first : first + windows + steps - 1], steps, weight)
            first += steps
        return logits

    def _lengths(self, steps: int) -> list[int]:
        """Steps of each part of a window: the past is the shorter half where they cannot agree."""
        ends = [steps * (part + 1) // len(self._parts) for part in range(len(self._parts))]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]
