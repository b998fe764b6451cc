"""Training of every system that reads features, as a Lightning module."""

from typing import Any

import torch
from torch import Tensor, nn

from touchline.training.feature_batches import Batch
from touchline.training.feature_config import FeatureOptimiserOptions, FeatureRecipe
from touchline.training.module import TrainingModule
from touchline.training.schedule import Plateau, rate_share
from touchline.training.tasks.base import Optimises, Task

OPTIMISERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class FeatureModule(TrainingModule):
    """Trains one network by its task.

    Attributes:
        task: what the system says of its training.
        plateau: the schedule ``plateau``; None with another.
    """

    def __init__(
        self, network: nn.Module, task: Task, recipe: FeatureRecipe, steps_per_epoch: int
    ) -> None:
        super().__init__(network, recipe.run.seed)
        self.task = task
        self.options = recipe.optimiser
        self.plateau = _plateau(recipe.optimiser)
        self.steps_per_epoch = steps_per_epoch

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The task's own optimiser, or the recipe's over all parameters."""
        options = self.options
        if isinstance(self.task, Optimises):
            return self.task.optimiser(self.network, options.learning_rate, options.weight_decay)
        parameters = [p for p in self.network.parameters() if p.requires_grad]
        return OPTIMISERS[options.kind](
            [{"params": parameters, "initial_lr": options.learning_rate}],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            eps=options.epsilon,
        )

    def rate_share(self, batch_idx: int) -> float:
        """By the recipe's schedule."""
        epochs_done = self.current_epoch + batch_idx / max(self.steps_per_epoch, 1)
        share = rate_share(self.options, epochs_done)
        return share if self.plateau is None else share * self.plateau.scale

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one batch."""
        loss = self.task.loss(self.network, batch["streams"], batch["targets"])
        self.note_loss(loss, batch_idx)
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the clock and the plateau."""
        super().on_save_checkpoint(checkpoint)
        if self.plateau is not None:
            checkpoint["plateau"] = self.plateau.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with both."""
        super().on_load_checkpoint(checkpoint)
        if self.plateau is not None and "plateau" in checkpoint:
            self.plateau.load(checkpoint["plateau"])


def _plateau(options: FeatureOptimiserOptions) -> Plateau | None:
    if options.schedule != "plateau":
        return None
    return Plateau(options.learning_rate, options.plateau_patience, options.plateau_factor)
