"""Training of dense anchors: is there an event of each class near each step, and how far is it?

Soares et al., ICIP 2022. The published system trains two networks one after the other. Here they
are trained side by side, each by its own optimiser group, which comes to the same: they share
neither weights nor gradients.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from touchline.datasets.displacement import (
    AnchorWeights,
    anchor_targets,
    anchor_weights,
    count_near,
    reach_steps,
)
from touchline.datasets.features import MAIN, Clips, LabelledHalf
from touchline.errors import ConfigError, InputError
from touchline.labels import LabelSet
from touchline.losses.displacement import anchor_confidence_loss, anchor_delta_loss
from touchline.models.dense_anchors import CONFIDENCE, DELTA, DenseAnchors, DenseAnchorsConfig
from touchline.training.config import read_group
from touchline.training.options.common import Group, Probability
from touchline.training.sharpness import SharpnessAwareAdamW
from touchline.training.tasks.base import Targets
from touchline.training.tasks.halves_cache import HalvesCache

_ROWS_AT_ONCE = 2048
_SMALLEST_SCALE = 1e-6


class DenseAnchorClips(Group):
    """Clips, and what differs between the two networks; by default as published for Baidu's
    features."""

    epoch_clips: int = Field(8192, ge=1)
    """Clips that count as one epoch."""
    confidence_positive_weight: Probability = 0.03
    """Share of the confidence loss that falls on steps near an event."""
    mixup_alpha: float = Field(2.0, ge=0)
    """Parameter of mixup's Beta distribution, for confidences only; 0 for no mixup."""
    confidence_sharpness: float = Field(0.0, ge=0, le=10)
    """How far away sharpness-aware training looks, for the confidence network; 0 for AdamW."""
    delta_sharpness: float = Field(0.7, ge=0, le=10)
    """The same for the displacement network."""
    delta_learning_rate: float | None = Field(5e-4, gt=0, le=1)
    """Of the displacement network; null for that of the confidence network."""
    delta_weight_decay: float | None = Field(1.0, ge=0)
    """Of the displacement network, in units of its learning rate; null as for the learning rate."""


class DenseAnchorsTask:
    """See ``Task``.

    Raises:
        ConfigError: options, or reaches shorter than a step.
    """

    streams = (MAIN,)

    def __init__(
        self,
        config: DenseAnchorsConfig,
        options: Mapping[str, Any],
        labels: LabelSet,
        rate: Fraction,
    ) -> None:
        self.config = config
        self.options = read_group(DenseAnchorClips, options)
        # Steps lie between rows, so the first ones need the row before.
        self._lead = 1 if config.upsampling > 1 else 0
        self._rows = config.clip_steps // config.upsampling
        self.clip_steps = self._lead + self._rows
        step_rate = rate * config.upsampling
        self._confidence_reach = reach_steps(config.confidence_seconds, step_rate)
        self._delta_reach = reach_steps(config.delta_seconds, step_rate)
        if self._delta_reach < 1:
            raise ConfigError(
                f"network.delta_seconds {config.delta_seconds:g} is less than a step",
                remedy=f"there are {float(step_rate):g} steps a second",
            )
        if (
            config.shared_trunk
            and self.options.confidence_sharpness != self.options.delta_sharpness
        ):
            raise ConfigError(
                "a shared trunk is trained in one way",
                where="clips.delta_sharpness",
                remedy=f"set it to {self.options.confidence_sharpness:g}, as for confidences",
            )
        self._weights = HalvesCache(self._compute_weights)

    def plan(self, halves: Sequence[LabelledHalf], rng: np.random.Generator) -> Clips:
        """Clips anywhere in halves drawn by their length.

        Raises:
            InputError: there is no event in any half.
        """
        if not any(len(half.events) for half in halves):
            raise InputError("the training halves hold no event")
        steps = np.array([half.steps for half in halves])
        half = rng.choice(len(halves), self.options.epoch_clips, p=steps / steps.sum())
        last = np.maximum(steps[half] - self._rows, 0)
        return Clips(half, rng.integers(0, last + 1) - self._lead)

    def targets(self, halves: Sequence[LabelledHalf], clips: Clips) -> Targets:
        """``valid`` (n, T), and for each head its targets and their weights, (n, T, classes)."""
        config = self.config
        parts: dict[str, list[Any]] = {"valid": [], CONFIDENCE: [], DELTA: []}
        for index, start in zip(clips.half, clips.start, strict=True):
            half = halves[index]
            first = int(start + self._lead) * config.upsampling
            confidence, delta = anchor_targets(
                half.events,
                first,
                config.clip_steps,
                config.num_classes,
                self._confidence_reach,
                self._delta_reach,
            )
            here = first + np.arange(config.clip_steps)
            parts["valid"].append((here >= 0) & (here < half.steps * config.upsampling))
            parts[CONFIDENCE].append(confidence)
            parts[DELTA].append(delta)
        targets = {name: np.stack(part).astype(np.float32) for name, part in parts.items()}
        valid = targets["valid"][..., None]
        own = self._weights(halves)
        for name, weights, near in (
            (CONFIDENCE, own[0], targets[CONFIDENCE] > 0),
            (DELTA, own[1], np.abs(targets[DELTA]) <= 1),
        ):
            weight = np.where(near, weights.positive, weights.negative)
            targets[f"{name}_weights"] = (weight * valid).astype(np.float32)
        return targets

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() the sum of both networks' mean losses."""
        assert isinstance(network, DenseAnchors)
        steps = network.interpolate(streams[MAIN])[:, self._lead * self.config.upsampling :]
        steps = steps * targets["valid"][..., None]
        loss = self._confidence_loss(network, steps, targets)
        if DELTA in self.config.heads:
            deltas = network.apply_head(DELTA, steps)
            loss = loss + anchor_delta_loss(deltas, targets[DELTA], targets["delta_weights"]).mean()
        return loss

    def _confidence_loss(
        self, network: DenseAnchors, steps: Tensor, targets: dict[str, Tensor]
    ) -> Tensor:
        mixed = (steps, targets[CONFIDENCE], targets["confidence_weights"])
        if self.options.mixup_alpha:
            alpha = torch.tensor(self.options.mixup_alpha)
            share = torch.distributions.Beta(alpha, alpha).sample((len(steps), 1, 1))
            share = share.to(steps.device)
            other = torch.randperm(len(steps)).to(steps.device)
            steps, wanted, weights = (torch.lerp(part[other], part, share) for part in mixed)
        else:
            steps, wanted, weights = mixed
        return anchor_confidence_loss(network.apply_head(CONFIDENCE, steps), wanted, weights).mean()

    def prepare(self, network: nn.Module, halves: Sequence[LabelledHalf]) -> None:
        """See ``Prepares``: the largest magnitude of each number, if features are scaled."""
        assert isinstance(network, DenseAnchors)
        if not self.config.scaled:
            return
        largest = np.zeros(self.config.feature_width, np.float32)
        for half in halves:
            for first in range(0, half.steps, _ROWS_AT_ONCE):
                rows = half.streams[MAIN].read(first, min(_ROWS_AT_ONCE, half.steps - first))
                np.maximum(largest, np.abs(rows).max(axis=0), out=largest)
        largest[largest < _SMALLEST_SCALE] = 1  # a number that is always 0 stays so
        network.feature_scale.copy_(torch.from_numpy(largest))

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``Optimises``: AdamW, sharpness-aware, with a group for each network."""
        options = self.options
        common = {
            "lr": learning_rate,
            "weight_decay": weight_decay,
            "rho": options.confidence_sharpness,
        }
        if self.config.shared_trunk or DELTA not in self.config.heads:
            return SharpnessAwareAdamW([{"params": list(network.parameters()), **common}])
        named = dict(network.named_parameters())
        delta = {
            "params": [p for key, p in named.items() if f".{DELTA}." in key],
            "lr": options.delta_learning_rate or learning_rate,
            "weight_decay": (
                weight_decay if options.delta_weight_decay is None else options.delta_weight_decay
            ),
            "rho": options.delta_sharpness,
        }
        confidence = [p for key, p in named.items() if f".{DELTA}." not in key]
        return SharpnessAwareAdamW([{"params": confidence, **common}, delta])

    def _compute_weights(
        self, halves: Sequence[LabelledHalf]
    ) -> tuple[AnchorWeights, AnchorWeights]:
        """Of confidences and of displacements."""
        per_row, classes = self.config.upsampling, self.config.num_classes
        near = count_near(halves, per_row, classes, self._confidence_reach)
        known = count_near(halves, per_row, classes, self._delta_reach)
        return (
            anchor_weights(*near, self.options.confidence_positive_weight),
            anchor_weights(*known, 1.0),
        )
