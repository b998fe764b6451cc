"""Training as Lightning modules: what all share, and E2E-Spot's step, optimiser and schedule."""

import math
import time
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from touchline.datasets.augment import Augmentation, prepare_batch
from touchline.losses.classification import frame_cross_entropy
from touchline.models.e2e_spot import E2ESpot
from touchline.training.config import Recipe

WARM_UP_START = 0.01
"""Share of the learning rate that the warm-up begins with."""


def learning_rate_factor(done: float, warm_up: float, period: float) -> float:
    """Share of the learning rate: a linear warm-up times a cosine, both from the start.

    Where ``period`` ends before the training does, as in the published schedule, the cosine
    reaches zero there and rises again.

    Args:
        done: steps (or another measure) since the start.
        warm_up: length of the warm-up in the same measure.
        period: where the cosine reaches zero.
    """
    rise = min(1.0, done / warm_up) if warm_up else 1.0
    linear = WARM_UP_START + (1 - WARM_UP_START) * rise
    return linear * 0.5 * (1 + math.cos(math.pi * done / period))


def schedule_factor(recipe: Recipe, step: int, elapsed_seconds: float = 0.0) -> float:
    """Share of the learning rate at an optimiser step of a recipe.

    Args:
        elapsed_seconds: time since the start of training, for the schedule ``timed``.
    """
    total = recipe.total_steps
    # A run cut short by max_steps goes through the whole schedule in proportion.
    warm_up = total * recipe.optimiser.warm_up_epochs / recipe.optimiser.epochs
    if recipe.optimiser.schedule == "published":
        return learning_rate_factor(step, warm_up, total - warm_up)
    if recipe.optimiser.schedule == "timed":
        assert recipe.run.max_minutes is not None  # the recipe has been checked
        step = round(min(1.0, elapsed_seconds / (60 * recipe.run.max_minutes)) * total)
    return learning_rate_factor(min(step, total), warm_up, total)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed PyTorch for one batch, so that a resumed run draws what an unbroken one would."""
    state = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0])
    torch.default_generator.manual_seed(state)
    if torch.cuda.is_initialized():  # torch.manual_seed would keep every seed for when it is
        torch.cuda.manual_seed_all(state)


class TrainingModule(lightning.LightningModule):
    """What training any network shares: its clock, its random numbers, its losses.

    Attributes:
        network: the network, in the published parameter names.
        seed: of the run.
        elapsed_seconds: how long training has run, earlier parts of a resumed run included.
    """

    def __init__(self, network: nn.Module, seed: int) -> None:
        super().__init__()
        self.network = network
        self.seed = seed
        self._losses: dict[int, Tensor] = {}
        self._earlier_seconds = 0.0
        self._started = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """See the class."""
        return self._earlier_seconds + time.monotonic() - self._started

    def on_train_start(self) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set what depends on the step alone: random numbers and learning rate."""
        seed_step(self.seed, self.trainer.fit_loop.total_batch_idx, self.global_rank)
        share = self.rate_share(batch_idx)
        for optimiser in self.trainer.optimizers:
            for group in optimiser.param_groups:
                group["lr"] = group["initial_lr"] * share

    def rate_share(self, batch_idx: int) -> float:
        """Share of the learning rate for a batch of the epoch."""
        raise NotImplementedError

    def note_loss(self, loss: Tensor, batch_idx: int) -> None:
        """Keep a batch's loss for the log; of several gradients of a step, the first's."""
        self._losses.setdefault(batch_idx, loss.detach())

    def take_mean_loss(self) -> float:
        """Mean loss since the last call."""
        losses = list(self._losses.values())
        self._losses.clear()
        return float(torch.stack(losses).mean()) if losses else math.nan

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the clock."""
        checkpoint["elapsed_seconds"] = self.elapsed_seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the clock."""
        self._earlier_seconds = float(checkpoint["elapsed_seconds"])


class SpottingModule(TrainingModule):
    """Trains an E2E-Spot by a recipe."""

    network: E2ESpot

    def __init__(self, network: E2ESpot, recipe: Recipe, num_outputs: int) -> None:
        super().__init__(network, recipe.run.seed)
        self.recipe = recipe
        self.num_outputs = num_outputs
        options = recipe.augmentation
        self.augmentation = Augmentation(**options.model_dump(), padding=recipe.clips.padding)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW over all parameters, batch norms and biases included."""
        rate = self.recipe.optimiser.learning_rate
        return torch.optim.AdamW(
            [{"params": list(self.network.parameters()), "initial_lr": rate}],
            lr=rate,
            weight_decay=self.recipe.optimiser.weight_decay,
        )

    def rate_share(self, batch_idx: int) -> float:
        """By the recipe's schedule."""
        return schedule_factor(self.recipe, self.global_step, self.elapsed_seconds)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Loss of one batch of ``ClipDataset``."""
        x, targets = prepare_batch(batch, self.augmentation, self.num_outputs)
        logits = self.network(x)
        loss = frame_cross_entropy(logits, targets, self.recipe.optimiser.foreground_weight)
        self.note_loss(loss, batch_idx)
        return loss
