"""What is kept of a run on features: validation by loss and by average mAP, the best weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch

from touchline.datasets.features import MAIN
from touchline.labels import LabelSet
from touchline.scores import Scores
from touchline.timebase import format_rate, parse_rate
from touchline.training.data import Say
from touchline.training.feature_batches import FeatureBatches
from touchline.training.feature_config import FeatureRecipe, SideStreamOptions
from touchline.training.feature_data import FeatureData
from touchline.training.feature_module import FeatureModule
from touchline.training.feature_validate import average_map, loss_on, score_half, suppression_of
from touchline.training.keeper import EpochKeeper, gather
from touchline.zoo.cards import CardFeatures, CardLabels, ModelCard, Suppression
from touchline.zoo.identity import FeatureIdentity
from touchline.zoo.networks import config_dict


class FeatureKeeper(EpochKeeper):
    """See ``EpochKeeper``.

    Args:
        training: the batches that are trained on.
        validation: those that the loss is measured on; None if it is not.
    """

    def __init__(
        self,
        folder: Path,
        recipe: FeatureRecipe,
        labels: LabelSet,
        data: FeatureData,
        training: FeatureBatches,
        validation: FeatureBatches | None,
        say: Say,
    ) -> None:
        super().__init__(folder, recipe, say)
        self.recipe = recipe
        self.labels = labels
        self.data = data
        self._training = training
        self._validation = validation
        self._not_better = 0

    def frames_of(self, steps: int) -> int:
        """Rows of the main stream that the clips of the last steps have."""
        clips = min(steps * self.recipe.optimiser.batch, len(self._training.clips))
        return clips * self._training.task.clip_steps

    def steps_of_epoch(self) -> int:
        """See ``EpochKeeper``."""
        return len(self._training)

    def is_better(self, figures: Mapping[str, float]) -> bool:
        """The lowest loss or the highest average mAP wins, the earliest epoch on ties."""
        criterion = self.recipe.validation.criterion
        if criterion == "last":
            return True
        if criterion not in figures:
            return False
        if criterion not in self.best_figures:
            return True
        if criterion == "loss":
            return figures["loss"] < self.best_figures["loss"]
        return figures[criterion] > self.best_figures[criterion]

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs."""
        return {**super().state_dict(), "not_better": self._not_better}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        super().load_state_dict(state_dict)
        self._not_better = state_dict["not_better"]

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """A resumed run may have come to its end before."""
        super().on_train_start(trainer, pl_module)
        assert isinstance(pl_module, FeatureModule)
        self._stop_if_over(trainer, pl_module)

    def validate(
        self, trainer: lightning.Trainer, module: FeatureModule, ends: bool
    ) -> dict[str, float]:
        """See ``EpochKeeper``."""
        figures: dict[str, float] = {}
        module.network.eval()
        if self._validation is not None:
            figures["loss"] = self._loss(trainer, module, self._validation)
        if self._is_due(trainer.current_epoch + 1, ends):
            figures |= self._average_map(trainer, module)
        module.network.train()
        if module.plateau is not None:
            module.plateau.step(figures["loss"])
        if self.recipe.validation.criterion in figures:
            self._not_better = 0 if self.is_better(figures) else self._not_better + 1
        self._stop_if_over(trainer, module)
        return figures

    def _stop_if_over(self, trainer: lightning.Trainer, module: FeatureModule) -> None:
        patience = self.recipe.validation.stop_after
        if patience is not None and self._not_better >= patience:
            trainer.should_stop = True
        if module.plateau is not None and module.plateau.is_over:
            trainer.should_stop = True

    def _is_due(self, epoch: int, ends: bool) -> bool:
        options = self.recipe.validation
        if options.criterion not in ("tight", "loose"):
            return False
        after = epoch - options.start_epoch
        return (after >= 0 and after % options.every == 0) or (ends and not self.best_epoch)

    def _loss(
        self, trainer: lightning.Trainer, module: FeatureModule, batches: FeatureBatches
    ) -> float:
        batches.set_epoch(trainer.current_epoch)
        total, clips = loss_on(
            module.task,
            module.network,
            batches,
            module.device,
            trainer.precision_plugin.forward_context,
        )
        if trainer.world_size > 1:
            sums = torch.tensor([total, clips], dtype=torch.float64, device=module.device)
            torch.distributed.all_reduce(sums)
            total, clips = float(sums[0]), int(sums[1])
        return total / max(clips, 1)

    def _average_map(self, trainer: lightning.Trainer, module: FeatureModule) -> dict[str, float]:
        """Score every validation half, dealt out among the processes."""
        halves = self.data.validation
        curves: dict[tuple[str, int], Scores] = {}
        for half in halves[trainer.global_rank :: trainer.world_size]:
            curves[half.game, half.number] = score_half(
                self.recipe.system,
                module.network,
                half,
                self.labels,
                trainer.precision_plugin.forward_context,
            )
        rule = suppression_of(self.recipe.validation)
        return average_map(gather(curves, trainer.world_size), halves, rule, ("tight", "loose"))

    def card(self, network: Any) -> ModelCard:
        """See ``EpochKeeper``."""
        recipe, rule = self.recipe, suppression_of(self.recipe.validation)
        data = recipe.data
        return ModelCard(
            name=recipe.name,
            system=recipe.system,
            config=config_dict(network.config),
            labels=CardLabels(name=self.labels.name, labels=self.labels.labels),
            rate=format_rate(parse_rate(data.features.rate)),
            features=CardFeatures(
                name=data.features.name,
                width=data.features.width,
                identity=self.data.identities.get(MAIN),
            ),
            streams={
                name: _card_stream(options, self.data.identities.get(name))
                for name, options in data.streams.items()
                if name in self._training.task.streams
            },
            licence=recipe.licence,
            training_data_licence=recipe.training_data_licence,
            description=recipe.description,
            suppression=Suppression(
                kind=rule.kind, window_seconds=rule.window_seconds, floor=recipe.validation.floor
            ),
        )


def _card_stream(options: SideStreamOptions, identity: FeatureIdentity | None) -> CardFeatures:
    return CardFeatures(
        name=options.name,
        width=options.width,
        rate=format_rate(parse_rate(options.rate)),
        identity=identity,
        optional=options.optional or None,
    )
