"""Training of fused streams: how near is each step to an event of each class?

Targets fall from 1 at an event to 0 beyond its reach. Whole streams of a clip are left out at
random (modality dropout), so that the network learns to do without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from touchline.datasets.aligned import align_streams, mean_and_deviation
from touchline.datasets.displacement import reach_steps
from touchline.datasets.features import MAIN, Clips, LabelledHalf, LabelledSteps
from touchline.errors import InputError
from touchline.labels import LabelSet
from touchline.losses.classification import soft_binary_cross_entropy
from touchline.models.fusion import Fusion, FusionConfig
from touchline.scores import FloatArray
from touchline.training.config import read_group
from touchline.training.options.common import Group, Probability
from touchline.training.tasks.base import Targets
from touchline.training.tasks.halves_cache import HalvesCache


class FusionClips(Group):
    """Clips, targets, and what is left out of them."""

    epoch_clips: int = Field(512, ge=1)
    """Clips that count as one epoch."""
    balanced_share: Probability = 0.5
    """Share of the clips that hold an event of a class drawn first, so that rare ones are seen."""
    reach_seconds: float = Field(1.5, ge=0, le=60)
    """How far from an event a step still has something of it."""
    positive_weight: float = Field(5.0, gt=0)
    """What a step with an event weighs in the loss against one without."""
    stream_dropout: float = Field(0.2, ge=0, lt=1)
    """Probability that a clip does without a stream. One stream at least is left."""
    alone_weight: float = Field(0.3, ge=0)
    """Late fusion: what the losses of the single streams weigh, so that each of them learns even
    where another is surer."""


class FusionTask:
    """See ``Task`` and ``Arranges``.

    Raises:
        ConfigError: an option that is not known or not allowed.
    """

    def __init__(
        self, config: FusionConfig, options: Mapping[str, Any], labels: LabelSet, rate: Fraction
    ) -> None:
        self.config = config
        self.options = read_group(FusionClips, options, within="clips")
        self.clip_steps = config.clip_steps
        self.streams = (MAIN, *(name for name in config.widths if name != MAIN))
        self._reach = reach_steps(self.options.reach_seconds, rate)
        self._by_class = HalvesCache(_events_by_class)

    @property
    def does_without(self) -> bool:
        """Whether a stream beside the main one may be missing."""
        return self.options.stream_dropout > 0

    def arrange(self, half: LabelledHalf) -> LabelledHalf:
        """The half with all streams on the clock of the main one."""
        config = self.config
        aligned = align_streams(half.streams, config.widths, config.frame_streams)
        return replace(half, streams=aligned)

    def prepare(self, network: nn.Module, halves: Sequence[LabelledHalf]) -> None:
        """See ``Prepares``: mean and deviation of every stream."""
        assert isinstance(network, Fusion)
        for name, width in self.config.widths.items():
            mean, deviation = mean_and_deviation([half.streams[name] for half in halves], width)
            encoder = network.encoder(name)
            encoder.mean.copy_(torch.from_numpy(mean))
            encoder.deviation.copy_(torch.from_numpy(deviation))

    def plan(self, halves: Sequence[LabelledHalf], rng: np.random.Generator) -> Clips:
        """Clips anywhere in halves drawn by their length, and clips around events.

        Raises:
            InputError: there is no event in any half.
        """
        by_class = self._by_class(halves)
        if not by_class:
            raise InputError("the training halves hold no event")
        count = self.options.epoch_clips
        steps = np.array([half.steps for half in halves])
        half = rng.choice(len(halves), count, p=steps / steps.sum())
        last = np.maximum(steps - self.clip_steps, 0)
        start = rng.integers(0, last[half] + 1)
        for i in np.flatnonzero(rng.random(count) < self.options.balanced_share):
            events = by_class[rng.integers(len(by_class))]
            half[i], step = events[rng.integers(len(events))]
            start[i] = step - rng.integers(0, self.clip_steps)
        return Clips(half, np.clip(start, 0, last[half]))

    def targets(self, halves: Sequence[LabelledHalf], clips: Clips) -> Targets:
        """``near`` (n, T, classes), and ``inside`` (n, T): whether the half has the step."""
        steps = np.arange(self.clip_steps)
        near, inside = [], []
        for index, start in zip(clips.half.tolist(), clips.start.tolist(), strict=True):
            half = halves[index]
            near.append(
                near_targets(
                    half.events, start, self.clip_steps, self.config.num_classes, self._reach
                )
            )
            inside.append((start + steps >= 0) & (start + steps < half.steps))
        return {"near": np.stack(near), "inside": np.stack(inside).astype(np.float32)}

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() the loss of all streams together, and of each alone if ``alone_weight`` is not 0."""
        if network.training and self.options.stream_dropout:
            streams = drop_streams(streams, self.options.stream_dropout)
        output = network(streams)
        near, weight = targets["near"], targets["inside"][..., None]
        weight = weight * (1 + (self.options.positive_weight - 1) * (near > 0))
        loss = soft_binary_cross_entropy(output.logits, near, weight)
        if output.alone is None or not self.options.alone_weight:
            return loss
        present = torch.stack([~streams[name][..., 0].isnan() for name in self.config.widths], -1)
        alone = soft_binary_cross_entropy(
            output.alone,
            near[:, :, None].expand_as(output.alone),
            weight[:, :, None] * present[..., None],
        )
        return loss + self.options.alone_weight * alone


def near_targets(
    events: LabelledSteps, first: int, count: int, num_classes: int, reach: int
) -> FloatArray:
    """(count, classes) 1 on an event, falling to 0 one step beyond its reach.

    Args:
        events: of the whole half; those outside the clip may reach in.
        first: first step of the clip.
        reach: in steps.
    """
    near = np.zeros((count, num_classes), np.float32)
    around = events.between(first - reach, first + count + reach)
    offsets = np.arange(-reach, reach + 1)
    shape = 1 - np.abs(offsets) / (reach + 1)
    for step, label in zip((around.steps - first).tolist(), around.classes.tolist(), strict=True):
        at = step + offsets
        inside = (at >= 0) & (at < count)
        near[at[inside], label] = np.maximum(near[at[inside], label], shape[inside])
    return near


def drop_streams(streams: Mapping[str, Tensor], probability: float) -> dict[str, Tensor]:
    """Whole streams of some clips as NaN; of every clip something is left, if there was anything.

    Args:
        streams: (B, T, numbers of a row) by name.
        probability: that a clip loses a stream.
    """
    names = list(streams)
    there = torch.stack([(~streams[name][..., 0].isnan()).any(dim=1) for name in names], dim=1)
    drawn = torch.rand(there.shape).to(there.device)
    kept = drawn >= probability
    last = nn.functional.one_hot((drawn * there).argmax(dim=1), len(names)).bool()
    kept |= last & ~(kept & there).any(dim=1, keepdim=True)
    return {
        name: streams[name].masked_fill(~kept[:, i, None, None], torch.nan)
        for i, name in enumerate(names)
    }


def _events_by_class(halves: Sequence[LabelledHalf]) -> list[list[tuple[int, int]]]:
    """(half, step) of the events of every class that has any."""
    found: dict[int, list[tuple[int, int]]] = {}
    for index, half in enumerate(halves):
        for step, label in zip(
            half.events.steps.tolist(), half.events.classes.tolist(), strict=True
        ):
            found.setdefault(label, []).append((index, step))
    return [found[label] for label in sorted(found)]
