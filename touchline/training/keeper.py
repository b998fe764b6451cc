"""What is kept of a run: its log, all that resuming needs, and the best weights as a model."""

import json
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import torch

from touchline.models.e2e_spot import E2ESpot
from touchline.runtime.atomic import write_text
from touchline.scores import Scores
from touchline.training.config import AnyRecipe, Recipe
from touchline.training.data import Say, TrainingData
from touchline.training.module import SpottingModule, TrainingModule
from touchline.training.validate import criterion_of, score_video
from touchline.zoo.cards import CARD_FILE, CardLabels, ModelCard, Suppression, write_card
from touchline.zoo.networks import config_dict, save_weights
from touchline.zoo.store import WEIGHTS_FILE, sha256_of

RECIPE = "recipe.yaml"
LAST = "last.ckpt"
LOG = "log.jsonl"

_LAST_EPOCHS = 20
"""Epochs that are validated by default, counted from the last."""


class EpochKeeper(lightning.Callback):
    """At the end of every epoch: validate, keep the best weights, log, save the state.

    An epoch that the time limit cuts short is validated and logged, but resuming goes on from the
    last whole one. What is trained, and how it is validated, subclasses say.

    Attributes:
        best_epoch: epoch of the weights that are kept, from 1; 0 before the first.
        best_figures: of its validation.
    """

    def __init__(self, folder: Path, recipe: AnyRecipe, say: Say) -> None:
        self.folder = folder
        self.say = say
        self.best_epoch = 0
        self.best_figures: dict[str, float] = {}
        self._recipe_text = recipe.to_yaml()
        self._log: list[dict[str, Any]] = []
        self._trained_seconds = 0.0
        self._trained_frames = 0
        self._epoch_began = 0.0
        self._first_step = 0

    def validate(self, trainer: lightning.Trainer, module: Any, ends: bool) -> dict[str, float]:
        """The figures of an epoch; empty if none are due.

        Args:
            ends: whether the run ends with this epoch.
        """
        raise NotImplementedError

    def is_better(self, figures: Mapping[str, float]) -> bool:
        """Whether an epoch of these figures is to be kept rather than the best so far."""
        raise NotImplementedError

    def card(self, network: Any) -> ModelCard:
        """The card of the network, but for what its files and figures say."""
        raise NotImplementedError

    def frames_of(self, steps: int) -> int:
        """Frames or rows that the network saw in the last steps."""
        raise NotImplementedError

    def steps_of_epoch(self) -> int:
        """Steps of a whole epoch."""
        raise NotImplementedError

    @property
    def frames_per_second(self) -> float:
        """Speed of training in this session."""
        return self._trained_frames / max(self._trained_seconds, 1e-9)

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs."""
        best = {"epoch": self.best_epoch, "figures": self.best_figures}
        return {"best": best, "log": self._log}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.best_epoch = state_dict["best"]["epoch"]
        self.best_figures = state_dict["best"]["figures"]
        self._log = state_dict["log"]

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Keep the recipe, once a checkpoint to resume from has turned out to fit it."""
        if trainer.is_global_zero:
            write_text(self.folder / RECIPE, self._recipe_text)

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
        whole = steps == self.steps_of_epoch()
        frames = self.frames_of(steps)
        self._trained_seconds += seconds
        self._trained_frames += frames
        epoch = trainer.current_epoch + 1
        last_epoch = trainer.max_epochs is not None and epoch >= trainer.max_epochs
        figures = self.validate(trainer, pl_module, trainer.should_stop or last_epoch)
        self._log.append(
            {
                "epoch": epoch,
                "step": trainer.global_step,
                "loss": pl_module.take_mean_loss(),
                "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
                "minutes": round(pl_module.elapsed_seconds / 60, 3),
                "frames_per_second": round(frames / max(seconds, 1e-9), 1),
                "validation": figures,
            }
        )
        if self.is_better(figures):
            self.best_epoch, self.best_figures = epoch, figures
            if trainer.is_global_zero:
                self._write_model(pl_module.network)
        if whole:
            self._save(trainer)
        if trainer.is_global_zero:
            lines = [json.dumps(row) + "\n" for row in self._log]
            write_text(self.folder / LOG, "".join(lines))
            self.say(_describe(self._log[-1]))

    def _save(self, trainer: lightning.Trainer) -> None:
        beside = self.folder / f".{LAST}.partial"
        trainer.save_checkpoint(beside)
        if trainer.is_global_zero:
            beside.replace(self.folder / LAST)

    def _write_model(self, network: Any) -> None:
        """The weights and their card: a model that can be used as it is."""
        weights = self.folder / WEIGHTS_FILE
        save_weights(network, weights)
        said = {
            "source": f"trained with touchline {version('touchline')}",
            "metrics": {f"validation {key}": value for key, value in self.best_figures.items()},
            "files": {WEIGHTS_FILE: sha256_of(weights)},
        }
        write_card(self.card(network).model_copy(update=said), self.folder / CARD_FILE)


class VideoKeeper(EpochKeeper):
    """The keeper of a run of E2E-Spot."""

    def __init__(self, folder: Path, recipe: Recipe, data: TrainingData, say: Say) -> None:
        super().__init__(folder, recipe, say)
        self.recipe = recipe
        self.data = data

    def frames_of(self, steps: int) -> int:
        """See ``EpochKeeper``."""
        return steps * self.recipe.optimiser.batch * self.recipe.network.clip_len

    def steps_of_epoch(self) -> int:
        """See ``EpochKeeper``."""
        return self.recipe.steps_per_epoch

    def is_better(self, figures: Mapping[str, float]) -> bool:
        """The highest criterion wins, the earliest epoch on ties."""
        criterion = self.recipe.validation.criterion
        if criterion == "last":
            return True
        if criterion not in figures:
            return False
        return figures[criterion] > self.best_figures.get(criterion, -1.0)

    def validate(
        self, trainer: lightning.Trainer, module: SpottingModule, ends: bool
    ) -> dict[str, float]:
        """Score every validation video, dealt out among the processes."""
        ends = ends or trainer.global_step >= self.recipe.total_steps
        if not self._is_due(trainer.current_epoch + 1, ends):
            return {}
        videos = self.data.validation
        curves: dict[tuple[str, int], Scores] = {}
        module.network.eval()
        for video in videos[trainer.global_rank :: trainer.world_size]:
            curves[video.game, video.half] = score_video(
                module.network,
                video.frames,
                self.recipe,
                self.data.labels,
                module.device,
                trainer.precision_plugin.forward_context,
            )
        module.network.train()
        return criterion_of(gather(curves, trainer.world_size), videos, self.recipe)

    def _is_due(self, epoch: int, ends: bool) -> bool:
        options = self.recipe.validation
        if options.criterion == "last" or not self.data.validation:
            return False
        first = options.start_epoch or max(1, self.recipe.optimiser.epochs - _LAST_EPOCHS + 1)
        due = epoch >= first and (epoch - first) % options.every == 0
        return due or (ends and not self.best_epoch)

    def card(self, network: E2ESpot) -> ModelCard:
        """See ``EpochKeeper``."""
        recipe, options = self.recipe, self.recipe.validation
        return ModelCard(
            name=recipe.name,
            system=recipe.system,
            config=config_dict(network.config),
            labels=CardLabels(name=self.data.labels.name, labels=self.data.labels.labels),
            rate=recipe.data.rate,
            width=recipe.data.width,
            height=recipe.data.height,
            crop=recipe.augmentation.crop,
            licence=recipe.licence,
            training_data_licence=recipe.training_data_licence,
            description=recipe.description,
            suppression=Suppression(
                kind=options.suppression, window_seconds=options.window_seconds
            ),
        )


def gather(curves: dict[tuple[str, int], Scores], world: int) -> dict[tuple[str, int], Scores]:
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
