"""Training as a Lightning module: one step of any task, its clock, its random numbers."""

import copy
import math
import time
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from touchline.training.run_files import bring_up_to_date
from touchline.training.schedule import Moment, Schedule
from touchline.training.sources.base import Batch, ClipSource


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed PyTorch for one batch, so that a resumed run draws what an unbroken one would."""
    state = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0])
    torch.default_generator.manual_seed(state)
    if torch.cuda.is_initialized():  # torch.manual_seed would keep every seed for when it is
        torch.cuda.manual_seed_all(state)


class WeightAverage(nn.Module):
    """A copy of a network whose weights and buffers follow it: a moving average over steps."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    def train(self, mode: bool = True) -> "WeightAverage":
        """Stays in evaluation mode."""
        return self

    @torch.no_grad()
    def take(self, network: nn.Module) -> None:
        """Come nearer to the network; whole numbers, such as counters, are copied."""
        latest = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(latest[name].to(value.dtype), 1 - self.decay)
            else:
                value.copy_(latest[name])


class TrainingModule(lightning.LightningModule):
    """Trains one network by the task of its source.

    Attributes:
        network: the network, in the published parameter names.
        average: the moving average of its weights; None where the recipe wants none.
        schedule: of the learning rate.
        elapsed_seconds: how long training has run, earlier parts of a resumed run included.
    """

    def __init__(
        self,
        network: nn.Module,
        source: ClipSource,
        seed: int,
        average_decay: float | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.average = None if average_decay is None else WeightAverage(network, average_decay)
        self._averaged_step = 0
        self.schedule: Schedule = source.make_schedule()
        self._source = source
        self._seed = seed
        self._steps_per_epoch = source.steps_per_epoch
        self._losses: dict[int, Tensor] = {}
        self._earlier_seconds = 0.0
        self._started = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """See the class."""
        return self._earlier_seconds + time.monotonic() - self._started

    @property
    def result(self) -> nn.Module:
        """The network that is validated and kept: with the averaged weights, where there are."""
        return self.network if self.average is None else self.average.network

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """See ``ClipSource``."""
        return self._source.make_optimiser(self.network)

    def on_train_start(self) -> None:
        """Start the clock."""
        self._started = time.monotonic()
        self._averaged_step = self.global_step

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set what depends on the step alone: random numbers and learning rate."""
        seed_step(self._seed, self.trainer.fit_loop.total_batch_idx, self.global_rank)
        epochs = self.current_epoch + batch_idx / max(self._steps_per_epoch, 1)
        share = self.schedule.share(Moment(self.global_step, epochs, self.elapsed_seconds))
        for optimiser in self.trainer.optimizers:
            for group in optimiser.param_groups:
                group["lr"] = group["initial_lr"] * share

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one batch; of several gradients of a step, the log holds the first one's."""
        loss = self._source.task.loss(self.network, batch["streams"], batch["targets"])
        self._losses.setdefault(batch_idx, loss.detach())
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Average the weights after every step."""
        if self.average is not None and self.global_step > self._averaged_step:
            self.average.take(self.network)
            self._averaged_step = self.global_step

    def take_mean_loss(self) -> float:
        """Mean loss since the last call."""
        losses = list(self._losses.values())
        self._losses.clear()
        return float(torch.stack(losses).mean()) if losses else math.nan

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the clock and the schedule."""
        checkpoint["elapsed_seconds"] = self.elapsed_seconds
        checkpoint.update(self.schedule.state())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with both."""
        bring_up_to_date(checkpoint)
        self._earlier_seconds = float(checkpoint["elapsed_seconds"])
        self.schedule.load(checkpoint)
