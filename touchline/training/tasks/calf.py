"""Training of the CALF family: clips around events of every class alike, and far from all of them.

Cioppa et al., CVPR 2020, with the sampling of sn-spotting's CALF: a class is drawn first, "far from
all" being one more, then an event of it, then a clip in whose middle third the event lies. Classes
without events are never drawn. The border of a clip, where the network lacks context, is not
trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from torch import Tensor, nn

from touchline.datasets.features import MAIN, Clips, LabelledHalf
from touchline.datasets.time_shift import UNASKED, TimeShifts, context_of, quiet_runs
from touchline.errors import InputError
from touchline.labels import LabelSet
from touchline.losses.context_aware import CONTEXT_LOSSES
from touchline.losses.one_to_one import one_to_one_loss
from touchline.models.parts.capsules import CapsuleConfig
from touchline.training.config import read_group
from touchline.training.options.common import Group
from touchline.training.tasks.base import Targets
from touchline.training.tasks.halves_cache import HalvesCache

Floats = npt.NDArray[np.float32]
Steps = npt.NDArray[np.int64]


class CALFClips(Group):
    """How clips are drawn, and which of their steps are trained."""

    epoch_clips: int = Field(18_000, ge=1)
    """Clips of an epoch."""
    context: Literal["published", "data"] = "published"
    """K1 to K4: as published for the labels that have them, derived from the training data for all
    others; ``data`` derives them all."""
    half_ends: Literal["asked", "masked"] = "asked"
    """Whether the network learns the first and last seconds of a half, where a clip has no border
    that would hide anything; ``masked`` as published, which never trains on kick-offs at 0:00."""
    context_weight: float = Field(0.000367, ge=0)
    """Weight in the loss of the segmentation against 1 for spotting."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """Where clips of one kind may lie: each row allows the first steps ``low`` to ``high``.

    Attributes:
        half: (n,) index of the half.
        low, high: (n,) inclusive, before the clip is pushed inside the half.
    """

    half: Steps
    low: Steps
    high: Steps

    def __len__(self) -> int:
        return len(self.half)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Steps, Steps]:
        """(count,) halves and first steps, every row as likely."""
        row = rng.integers(len(self), size=count)
        return self.half[row], rng.integers(self.low[row], self.high[row] + 1)


@dataclass(frozen=True, eq=False)
class _Facts:
    """What follows from the halves alone."""

    context: Floats
    shifts: tuple[TimeShifts, ...]
    anchors: tuple[Anchors, ...]


class CALFTask:
    """See ``Task``; for every network whose ``forward`` takes its streams in order.

    Args:
        config: of the network.
        options: see ``CALFClips``.
        labels: the classes.
        rate: rows a second of the main stream.

    Raises:
        ConfigError: an option that is not known or not allowed.
    """

    streams: tuple[str, ...] = (MAIN,)

    def __init__(
        self, config: CapsuleConfig, options: Mapping[str, Any], labels: LabelSet, rate: Fraction
    ) -> None:
        self.config = config
        self.options = read_group(CALFClips, options, within="clips")
        self.labels = labels
        self.rate = rate
        self.clip_steps = config.clip_steps
        self._facts = HalvesCache(self._compute_facts)
        self._context: Floats | None = None

    def derive(self, halves: Sequence[LabelledHalf]) -> None:
        """See ``Derives``: K1 to K4, where they are not published."""
        self._context = self._context_of(halves)

    @property
    def border(self) -> int:
        """Steps at either end of a clip that are not trained: half the receptive field."""
        return self.config.receptive_steps // 2

    def plan(self, halves: Sequence[LabelledHalf], rng: np.random.Generator) -> Clips:
        """``epoch_clips`` clips, each class that occurs as likely, and clips far from any event.

        Raises:
            InputError: there is no event in any half.
        """
        anchors = self._facts(halves).anchors
        half = np.empty(self.options.epoch_clips, np.int64)
        start = np.empty_like(half)
        kind = rng.integers(len(anchors), size=len(half))
        for index, anchor in enumerate(anchors):
            here = np.flatnonzero(kind == index)
            half[here], start[here] = anchor.draw(len(here), rng)
        steps = np.array([half.steps for half in halves])[half]
        return Clips(half, start.clip(0, np.maximum(steps - self.clip_steps, 0)))

    def targets(self, halves: Sequence[LabelledHalf], clips: Clips) -> Targets:
        """The targets of clips.

        Returns:
            ``time_shift`` (n, T, K); ``events`` (n, slots, 2 + K): 1, place in the clip and class
            of each event, zeros behind; ``context`` (n, 4, K). The labels stay as they are.
        """
        facts = self._facts(halves)
        chosen = list(zip(clips.half.tolist(), clips.start.tolist(), strict=True))
        return {
            "time_shift": np.stack(
                [
                    self._time_shift(halves[half], facts.shifts[half], start)
                    for half, start in chosen
                ]
            ),
            "events": np.stack([self._events(halves[half], start) for half, start in chosen]),
            "context": np.repeat(facts.context[None], len(clips), axis=0),
        }

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() context-aware loss and spotting loss, summed over the batch as published."""
        segmentation, spotting = network(*(streams[name] for name in self.streams))
        context_loss = CONTEXT_LOSSES[self.config.polarity]
        context = context_loss(segmentation, targets["time_shift"], targets["context"])
        return self.options.context_weight * context + one_to_one_loss(spotting, targets["events"])

    def trained_steps(self, half_steps: int, start: int) -> tuple[int, int]:
        """The trained steps of a clip, first and the one behind the last, from its start."""
        first, last = self.border, self.clip_steps - self.border
        if self.options.half_ends == "asked":
            first = 0 if start <= 0 else first
            last = self.clip_steps if start + self.clip_steps >= half_steps else last
        return first, max(first, min(last, half_steps - start))

    def _time_shift(self, half: LabelledHalf, of_half: TimeShifts, start: int) -> Floats:
        shifts = of_half.between(start, start + self.clip_steps)
        first, last = self.trained_steps(half.steps, start)
        shifts[:first] = UNASKED
        shifts[last:] = UNASKED
        return shifts

    def _events(self, half: LabelledHalf, start: int) -> Floats:
        first, last = self.trained_steps(half.steps, start)
        events = half.events.distinct.between(start + first, start + last)
        count = min(len(events), self.config.slots)  # what exceeds the slots is lost
        rows = np.zeros((self.config.slots, 2 + len(self.labels)), np.float32)
        rows[:count, 0] = 1
        rows[:count, 1] = (events.steps[:count] - start) / self.clip_steps
        rows[np.arange(count), 2 + events.classes[:count]] = 1
        return rows

    def _compute_facts(self, halves: Sequence[LabelledHalf]) -> _Facts:
        context = self._context_of(halves) if self._context is None else self._context
        of_classes = [self._event_anchors(halves, index) for index in range(len(self.labels))]
        kinds = tuple(anchors for anchors in of_classes if len(anchors))
        if not kinds:
            raise InputError("the halves hold no event of the labels")
        shifts = tuple(TimeShifts(half.events, context, half.steps) for half in halves)
        quiet = self._quiet_anchors(halves, shifts, context)
        return _Facts(context, shifts, (*kinds, quiet) if len(quiet) else kinds)

    def _context_of(self, halves: Sequence[LabelledHalf]) -> Floats:
        published = self.options.context == "published"
        return context_of(self.labels, halves, self.rate, self.clip_steps, published=published)

    def _event_anchors(self, halves: Sequence[LabelledHalf], index: int) -> Anchors:
        """Clips that have an event of a class in their middle third (240 steps: 81 to 160)."""
        rows = [
            (number, step)
            for number, half in enumerate(halves)
            for step in np.unique(half.events.steps[half.events.classes == index])
        ]
        half, step = np.array(rows, np.int64).reshape(-1, 2).T
        last_place = max(self.clip_steps - self.config.receptive_steps, self.border)
        first_place = min(self.config.receptive_steps + 1, last_place)
        return Anchors(half, step - last_place, step - first_place)

    def _quiet_anchors(
        self, halves: Sequence[LabelledHalf], shifts: Sequence[TimeShifts], context: Floats
    ) -> Anchors:
        """Clips that lie far from any event."""
        rows = [
            (number, first, last - self.clip_steps)
            for number, (half, of_half) in enumerate(zip(halves, shifts, strict=True))
            for first, last in quiet_runs(of_half.between(0, half.steps), context, self.clip_steps)
        ]
        half, low, high = np.array(rows, np.int64).reshape(-1, 3).T
        return Anchors(half, low, high)
