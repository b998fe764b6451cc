"""What a training run asks of the source of its clips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from touchline.events import Timeline
from touchline.labels import LabelSet
from touchline.scores import Scores
from touchline.training.schedule import Schedule
from touchline.training.tasks.base import Task

Batch = dict[str, dict[str, Tensor]]
"""What one step sees: ``streams``, what the clips hold, and the task's ``targets``, by name."""


@dataclass(frozen=True)
class Share:
    """Which part of every batch this process takes."""

    rank: int = 0
    world: int = 1

    def of(self, count: int, batch: int) -> list[slice]:
        """The clips of every step, out of ``count``; a rest that does not go round is left out."""
        parts = []
        for first in range(0, count, batch):
            own = min(batch, count - first) // self.world
            if own:
                begin = first + self.rank * own
                parts.append(slice(begin, begin + own))
        return parts


class Batches(Protocol):
    """The batches of an epoch, in this process."""

    def __iter__(self) -> Any: ...

    def __len__(self) -> int: ...


class LossBatches(Batches, Protocol):
    """Batches that the validation loss is measured on."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose clips are planned."""
        ...


@dataclass(frozen=True)
class ValidationItem:
    """One half, or video, of the validation split.

    Attributes:
        game: the game that it belongs to.
        number: of the half in the game.
        truth: everything labelled in it.
        content: what the network reads: a ``LabelledHalf``, or ``VideoFrames``.
    """

    game: str
    number: int
    truth: Timeline
    content: Any


class ClipSource(Protocol):
    """The clips of a run, and everything that depends on what they are cut from.

    Attributes:
        labels: the classes, in the order of the network's outputs.
        task: what is minimised.
        validation: what epochs are measured on; may be empty.
        steps_per_epoch: optimiser steps of an epoch.
        clips_per_epoch: clips of an epoch, over all processes.
    """

    @property
    def labels(self) -> LabelSet: ...

    @property
    def task(self) -> Task: ...

    @property
    def validation(self) -> Sequence[ValidationItem]: ...

    @property
    def steps_per_epoch(self) -> int: ...

    @property
    def clips_per_epoch(self) -> int: ...

    def build_network(self) -> nn.Module:
        """The network with its starting weights; draws from PyTorch's global generator."""
        ...

    def prepare(self, network: nn.Module) -> None:
        """Set what the network must know of the training data; not where a run is resumed."""
        ...

    def make_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimiser at its full learning rate, which every group holds as ``initial_lr``."""
        ...

    def make_schedule(self) -> Schedule:
        """How the learning rate goes on from there."""
        ...

    def check(self) -> None:
        """Refuse a run without a step.

        Raises:
            ConfigError: there is nothing to train or to validate on.
        """
        ...

    def training_batches(self, share: Share) -> Iterable[Batch]:
        """The batches of every epoch; its ``sampler.set_epoch`` chooses which."""
        ...

    def loss_batches(self, share: Share) -> LossBatches | None:
        """The batches that the validation loss is measured on; None where it is not needed."""
        ...

    def score(self, network: nn.Module, item: ValidationItem) -> Scores:
        """The curves of a half or video, by a network in evaluation mode."""
        ...

    def card_fields(self) -> Mapping[str, Any]:
        """The fields of the model's card that describe its input."""
        ...
