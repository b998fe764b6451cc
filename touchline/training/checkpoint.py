"""What is kept of a run: its log, all that resuming needs, and the best weights as a model."""

import json
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import torch

from touchline.engines.networks import config_dict, save_weights
from touchline.runtime.atomic import write_text
from touchline.runtime.progress import Remark
from touchline.scores import Scores
from touchline.simulator.dataset import SCRIPT_FILE
from touchline.training.module import TrainingModule
from touchline.training.options.common import Recipe
from touchline.training.run_files import CHECKPOINT_FILE, CHECKPOINT_STATE, LOG_FILE, RECIPE_FILE
from touchline.training.sources.base import ClipSource, LossBatches, Share
from touchline.training.validation import loss_on, measure, score_items, suppression_of
from touchline.zoo.cards import CARD_FILE, CardLabels, CardSuppression, ModelCard, write_card
from touchline.zoo.store import WEIGHTS_FILE, sha256_of


class CheckpointCallback(lightning.Callback):
    """At the end of every epoch: validate, keep the best weights, log, save the state.

    An epoch that the time limit cuts short is validated and logged, but resuming goes on from the
    last whole one.

    Args:
        folder: of the run.
        say: called with a line for each epoch.

    Attributes:
        best_epoch: epoch of the weights that are kept, from 1; 0 before the first.
        best_figures: of its validation.
    """

    def __init__(self, folder: Path, recipe: Recipe, source: ClipSource, say: Remark) -> None:
        self.folder = folder
        self.recipe = recipe
        self.source = source
        self.say = say
        self.best_epoch = 0
        self.best_figures: dict[str, float] = {}
        self._log: list[dict[str, Any]] = []
        self._not_better = 0
        self._trained_seconds = 0.0
        self._trained_steps = 0
        self._epoch_began = 0.0
        self._first_step = 0

    @property
    def frames_per_second(self) -> float:
        """Frames, or rows of features, trained on in this session a second."""
        return self._trained_steps / max(self._trained_seconds, 1e-9)

    @property
    def state_key(self) -> str:
        """The name of the state in a checkpoint."""
        return CHECKPOINT_STATE

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs."""
        best = {"epoch": self.best_epoch, "figures": self.best_figures}
        return {"best": best, "log": self._log, "not_better": self._not_better}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.best_epoch = state_dict["best"]["epoch"]
        self.best_figures = state_dict["best"]["figures"]
        self._log = state_dict["log"]
        self._not_better = state_dict.get("not_better", 0)  # earlier runs on video did not count

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Keep the recipe, once a checkpoint to resume from has turned out to fit it; a resumed
        run may have come to its end before."""
        assert isinstance(pl_module, TrainingModule)
        if trainer.is_global_zero:
            write_text(self.folder / RECIPE_FILE, self.recipe.to_yaml())
        self._stop_if_over(trainer, pl_module)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start the clock of the epoch."""
        self._epoch_began = time.monotonic()
        self._first_step = trainer.global_step

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """See the class."""
        assert isinstance(pl_module, TrainingModule)
        seconds = time.monotonic() - self._epoch_began
        steps = trainer.global_step - self._first_step
        is_whole = steps == self.source.steps_per_epoch
        clips = min(steps * self.recipe.optimiser.batch, self.source.clips_per_epoch)
        trained = clips * self.source.task.clip_steps
        self._trained_seconds += seconds
        self._trained_steps += trained
        epoch = trainer.current_epoch + 1
        last_epoch = trainer.max_epochs is not None and epoch >= trainer.max_epochs
        figures = self._validate(trainer, pl_module, trainer.should_stop or last_epoch)
        self._log.append(
            {
                "epoch": epoch,
                "step": trainer.global_step,
                "loss": pl_module.take_mean_loss(),
                "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
                "minutes": round(pl_module.elapsed_seconds / 60, 3),
                "frames_per_second": round(trained / max(seconds, 1e-9), 1),
                "validation": figures,
            }
        )
        if self._is_better(figures):
            self.best_epoch, self.best_figures = epoch, figures
            if trainer.is_global_zero:
                self._write_model(pl_module.result)
        if is_whole:
            self._save(trainer)
        if trainer.is_global_zero:
            lines = [json.dumps(row) + "\n" for row in self._log]
            write_text(self.folder / LOG_FILE, "".join(lines))
            self.say(_describe(self._log[-1]))

    def _validate(
        self, trainer: lightning.Trainer, module: TrainingModule, run_ends: bool
    ) -> dict[str, float]:
        """The figures of the epoch; empty if none are due."""
        share = Share(trainer.global_rank, trainer.world_size)
        figures: dict[str, float] = {}
        module.result.eval()
        batches = self.source.loss_batches(share)
        if batches is not None:
            figures["loss"] = self._mean_loss(trainer, module, batches)
        if self._is_due(trainer.current_epoch + 1, run_ends):
            items = self.source.validation
            own = items[share.rank :: share.world]
            precision = trainer.precision_plugin.forward_context
            curves = score_items(self.source, module.result, own, precision)
            rule = suppression_of(self.recipe.validation)
            figures |= measure(self.recipe.figures, _gather(curves, share.world), items, rule)
        module.network.train()
        module.schedule.end_epoch(figures)
        if self.recipe.validation.criterion in figures:
            self._not_better = 0 if self._is_better(figures) else self._not_better + 1
        self._stop_if_over(trainer, module)
        return figures

    def _mean_loss(
        self, trainer: lightning.Trainer, module: TrainingModule, batches: LossBatches
    ) -> float:
        batches.set_epoch(trainer.current_epoch)
        precision = trainer.precision_plugin.forward_context
        total, clips = loss_on(self.source.task, module.result, batches, module.device, precision)
        if trainer.world_size > 1:
            sums = torch.tensor([total, clips], dtype=torch.float64, device=module.device)
            torch.distributed.all_reduce(sums)
            total, clips = float(sums[0]), int(sums[1])
        return total / max(clips, 1)

    def _is_due(self, epoch: int, run_ends: bool) -> bool:
        """Whether the curves of the validation split are measured."""
        options = self.recipe.validation
        if options.criterion not in self.recipe.figures or not self.source.validation:
            return False
        after = epoch - options.first_epoch(self.recipe.optimiser.epochs)
        return (after >= 0 and after % options.every == 0) or (run_ends and not self.best_epoch)

    def _is_better(self, figures: Mapping[str, float]) -> bool:
        """The lowest loss or the highest figure wins, the earliest epoch on ties."""
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

    def _stop_if_over(self, trainer: lightning.Trainer, module: TrainingModule) -> None:
        patience = self.recipe.validation.stop_after
        if patience is not None and self._not_better >= patience:
            trainer.should_stop = True
        if module.schedule.is_over:
            trainer.should_stop = True

    def _save(self, trainer: lightning.Trainer) -> None:
        beside = self.folder / f".{CHECKPOINT_FILE}.partial"
        trainer.save_checkpoint(beside)
        if trainer.is_global_zero:
            beside.replace(self.folder / CHECKPOINT_FILE)

    def _write_model(self, network: Any) -> None:
        """The weights and their card: a model that can be used as it is."""
        weights = self.folder / WEIGHTS_FILE
        save_weights(network, weights)
        recipe, labels = self.recipe, self.source.labels
        rule, floor = suppression_of(recipe.validation), recipe.validation.floor
        card = ModelCard(
            name=recipe.name,
            system=recipe.system,
            config=config_dict(network.config),
            labels=CardLabels(name=labels.name, labels=labels.labels),
            licence=recipe.licence,
            training_data="simulated" if _is_simulated(Path(recipe.data.root)) else None,
            training_data_licence=recipe.training_data_licence,
            description=recipe.description,
            source=f"trained with touchline {version('touchline')}",
            metrics={f"validation {key}": value for key, value in self.best_figures.items()},
            files={WEIGHTS_FILE: sha256_of(weights)},
            suppression=CardSuppression(
                kind=rule.kind, window_seconds=rule.window_seconds, floor=floor
            ),
            **self.source.card_fields(),
        )
        write_card(card, self.folder / CARD_FILE)


def _is_simulated(root: Path) -> bool:
    """Whether a data set holds matches that `touchline simulate` made."""
    return next(root.rglob(SCRIPT_FILE), None) is not None


def _gather(curves: dict[tuple[str, int], Scores], world: int) -> dict[tuple[str, int], Scores]:
    """The curves of all processes, in every one of them."""
    if world == 1:
        return curves
    parts: list[dict[tuple[str, int], Scores]] = [{} for _ in range(world)]
    torch.distributed.all_gather_object(parts, curves)
    return {key: value for part in parts for key, value in part.items()}


def _describe(row: Mapping[str, Any]) -> str:
    figures = "".join(f", {name} {value:.4f}" for name, value in row["validation"].items())
    return (
        f"epoch {row['epoch']}: step {row['step']}, loss {row['loss']:.4f}, "
        f"{row['frames_per_second']:.0f} frames/s, {row['minutes']:.1f} min{figures}"
    )
