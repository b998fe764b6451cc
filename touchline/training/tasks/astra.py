"""Training of ASTRA: which class is each step of, and how far is the event?

Xarles et al., MMSports 2023. Clips are mixed with clips of a random class, so that rare classes are
seen as often as others. The published code keeps the last two clips of every class it saw; here the
plan of an epoch names them, so they are read again instead of kept, and nothing is lost
when a run is resumed. Rows of a batch are pairs: a clip, then the one that is mixed into it.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from touchline.datasets.displacement import astra_targets, reach_steps
from touchline.datasets.features import MAIN, Clips, LabelledHalf
from touchline.errors import ConfigError, InputError
from touchline.labels import LabelSet
from touchline.losses.displacement import (
    UNDEFINED,
    focal_class_loss,
    uncertain_displacement_loss,
)
from touchline.models.astra import SOUND_STREAM, STEPS_A_SECOND, ASTRAConfig
from touchline.training.config import read_group
from touchline.training.options.common import Group
from touchline.training.tasks.base import Targets

CLIPS_PER_CLASS = 2
"""How many clips of a class may be mixed into others at any time."""

ClipPlaces = list[tuple[int, int]]


class AstraClips(Group):
    """Clips and targets; by default as published."""

    stride_seconds: int = Field(25, ge=1)
    """From one clip to the next; an epoch visits one of every two neighbours."""
    class_seconds: float = Field(2.0, ge=0, le=60)
    """Reach of an event's class."""
    displacement_seconds: float = Field(3.0, ge=0, le=60)
    """Reach of an event's displacement."""
    mixup: tuple[float, float] | None = (1.0, 0.6)
    """Parameters of the Beta distribution of what a clip keeps of itself; null for no mixing. With
    mixing, half of a batch are clips and half are those that are mixed into them."""


class AstraTask:
    """See ``Task``.

    Raises:
        ConfigError: options, or another rate than the network's.
    """

    def __init__(
        self, config: ASTRAConfig, options: Mapping[str, Any], labels: LabelSet, rate: Fraction
    ) -> None:
        self.config = config
        self.options = read_group(AstraClips, options)
        if rate != config.rows_per_second:
            raise ConfigError(
                f"the features have {float(rate):g} rows a second, "
                f"the network takes {config.rows_per_second}",
                where="network.rows_per_second",
                remedy="use 1 or 2, as the features have",
            )
        if self.options.mixup is not None and min(self.options.mixup) <= 0:
            raise ConfigError(
                "clips.mixup must be above 0", remedy="use null for no mixing, or [1.0, 0.6]"
            )
        self.clip_steps = config.rows
        self.streams = (MAIN, SOUND_STREAM) if config.audio else (MAIN,)
        self._class_reach = reach_steps(self.options.class_seconds, Fraction(STEPS_A_SECOND))
        self._displacement_reach = reach_steps(
            self.options.displacement_seconds, Fraction(STEPS_A_SECOND)
        )

    def plan(self, halves: Sequence[LabelledHalf], rng: np.random.Generator) -> Clips:
        """One clip of every two neighbours, in random order; with mixing each with a partner.

        Raises:
            InputError: there is no event in any half.
        """
        places = [
            (index, int(start))
            for index, half in enumerate(halves)
            for start in self._drawn_starts(half.steps, rng)
        ]
        places = [places[i] for i in rng.permutation(len(places))]
        if not any(len(half.events) for half in halves):
            raise InputError("the training halves hold no event")
        if self.options.mixup is not None:
            places = self._paired(halves, places, rng)
        table = np.array(places, np.int64).reshape(-1, 2)
        return Clips(table[:, 0], table[:, 1])

    def _drawn_starts(self, rows: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        starts = self._starts(rows)
        firsts = np.arange(0, len(starts), 2)
        chosen = firsts + rng.integers(0, 2, len(firsts))
        return starts[np.minimum(chosen, len(starts) - 1)]

    def _starts(self, rows: int) -> npt.NDArray[np.int64]:
        stride = self.options.stride_seconds * self.config.rows_per_second
        return np.arange(0, max(rows - self.config.rows, 0) + 1, stride)

    def _paired(
        self, halves: Sequence[LabelledHalf], places: ClipPlaces, rng: np.random.Generator
    ) -> ClipPlaces:
        """Each clip and, behind it, one of the last clips that held a random class."""
        recent = self._first_clips(halves, rng)
        known = sorted(recent)
        paired = []
        for place in places:
            queue = recent[known[rng.integers(len(known))]]
            paired += [place, queue[rng.integers(len(queue))]]
            for label in self._classes_in(halves, place):
                if label in recent:
                    recent[label].append(place)
        return paired

    def _first_clips(
        self, halves: Sequence[LabelledHalf], rng: np.random.Generator
    ) -> dict[int, deque[tuple[int, int]]]:
        """Clips of every class that occurs in one, to begin with."""
        holding: dict[int, ClipPlaces] = {}
        for index, half in enumerate(halves):
            for start in self._starts(half.steps):
                for label in self._classes_in(halves, (index, int(start))):
                    holding.setdefault(label, []).append((index, int(start)))
        return {
            label: deque(
                (
                    holding[label][i]
                    for i in rng.integers(len(holding[label]), size=CLIPS_PER_CLASS)
                ),
                maxlen=CLIPS_PER_CLASS,
            )
            for label in sorted(holding)
        }

    def _classes_in(self, halves: Sequence[LabelledHalf], place: tuple[int, int]) -> list[int]:
        """Outputs that occur in a clip, background (0) among them."""
        half, start = place
        first = start * self.config.steps_per_row
        events = halves[half].events.between(first, first + self.config.steps)
        return [0, *(int(label) + 1 for label in np.unique(events.classes))]

    def targets(self, halves: Sequence[LabelledHalf], clips: Clips) -> Targets:
        """``labels`` and ``displacement``, (n, T, classes + 1)."""
        both = [
            astra_targets(
                halves[half].events,
                int(start) * self.config.steps_per_row,
                self.config.steps,
                self.config.num_classes,
                self._class_reach,
                self._displacement_reach,
            )
            for half, start in zip(clips.half, clips.start, strict=True)
        ]
        return {
            "labels": np.stack([targets.labels for targets in both]),
            "displacement": np.stack([targets.displacement for targets in both]),
        }

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() the loss of classes and that of displacements.

        Raises:
            ConfigError: with mixing, a batch that is not made of pairs.
        """
        inputs = [streams[name] for name in self.streams]
        labels, displacement = targets["labels"], targets["displacement"]
        if self.options.mixup is not None:
            if len(labels) % 2:
                raise ConfigError(
                    f"a batch of {len(labels)} is not made of pairs",
                    where="optimiser.batch",
                    remedy="use an even number for each device, or clips.mixup=null",
                )
            first, second = torch.tensor(self.options.mixup)
            share = float(torch.distributions.Beta(first, second).sample())
            inputs = [mix(part, share) for part in inputs]
            labels, displacement = mix(labels, share), mix_displacement(displacement, share)
        output = network(*inputs)
        return focal_class_loss(output.probability, labels) + uncertain_displacement_loss(
            output.displacement, displacement, labels
        )

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``Optimises``: Adam with the largest second moment, decay within the gradient."""
        optimiser = torch.optim.Adam(
            network.parameters(), lr=learning_rate, weight_decay=weight_decay, amsgrad=True
        )
        for group in optimiser.param_groups:
            group["initial_lr"] = learning_rate
        return optimiser


def mix(pairs: Tensor, share: float) -> Tensor:
    """(2n, ...) pairs to (n, ...): ``share`` of the first, the rest of the second."""
    return torch.lerp(pairs[1::2], pairs[::2], share)


def mix_displacement(pairs: Tensor, share: float) -> Tensor:
    """As ``mix``; where only one of a pair is defined, that one."""
    first, second = pairs[::2], pairs[1::2]
    mixed = torch.where(first == UNDEFINED, second, mix(pairs, share))
    return torch.where(second == UNDEFINED, first, mixed)
