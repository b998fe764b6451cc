"""A training run from recipe to model folder.

The folder of a run holds ``recipe.yaml`` (every value stated), ``log.jsonl`` (one line an epoch),
``last.ckpt`` (all that resuming needs) and, from the first validation on, ``model.safetensors``
with ``card.json``: the best weights, as a model that ``touchline spot --model`` takes.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lightning
import torch
from torch.utils.data import DataLoader

from touchline.datasets.clips import ClipDataset, ClipRules, RunningNumbers
from touchline.errors import CheckpointError, ConfigError
from touchline.labels import LabelSet
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
from touchline.training.config import Recipe
from touchline.training.data import Say, TrainingData, load_data
from touchline.training.keeper import LAST, RECIPE, EpochKeeper
from touchline.training.module import SpottingModule
from touchline.zoo.networks import read_safetensors
from touchline.zoo.store import WEIGHTS_FILE, find

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]

PRECISIONS: dict[str, LightningPrecision] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}
"""A recipe's precision by Lightning's name."""

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        folder: the run's folder, a model folder too.
        steps: optimiser steps made in all.
        best_epoch: epoch of the weights that were kept, from 1.
        figures: of the validation of that epoch.
        frames_per_second: trained in this session, validation left out.
    """

    folder: Path
    steps: int
    best_epoch: int
    figures: Mapping[str, float]
    frames_per_second: float


def train(
    recipe: Recipe,
    folder: str | Path,
    *,
    resume: bool = False,
    say: Say = lambda text: None,
    on_step: OnStep = lambda done, total: None,
) -> RunResult:
    """Train by a recipe.

    Args:
        folder: the run's folder; made.
        resume: go on from ``last.ckpt`` in it, if there is one.
        say: called with remarks, one line each.
        on_step: called with (steps done, steps in all) after every step.

    Raises:
        ConfigError: the folder holds a run already, or the recipe does not fit the machine.
        InputError: the dataset is not as it should be.
        CheckpointError: the run cannot be resumed with this recipe.
    """
    folder = Path(folder)
    if (folder / RECIPE).exists() and not resume:
        raise ConfigError(
            "this folder holds a run already",
            where=folder,
            remedy="resume it with --resume, or give another folder with --out",
        )
    accelerator = _accelerator(recipe)
    precision = _precision(recipe, accelerator)
    if recipe.run.threads is not None:
        torch.set_num_threads(recipe.run.threads)
    data = load_data(recipe.data, say)
    module = SpottingModule(build_network(recipe, data.labels, say), recipe, len(data.labels) + 1)
    folder.mkdir(parents=True, exist_ok=True)
    keeper = EpochKeeper(folder, recipe, data, say)
    trainer = _trainer(recipe, accelerator, precision, [keeper, StepWatch(recipe, on_step)])
    _fit(trainer, module, _loader(recipe, data, trainer), folder / LAST if resume else None)
    return RunResult(
        folder,
        trainer.global_step,
        keeper.best_epoch,
        keeper.best_figures,
        keeper.frames_per_second,
    )


def build_network(recipe: Recipe, labels: LabelSet, say: Say = lambda text: None) -> E2ESpot:
    """The network of a recipe with its starting weights, which its seed decides.

    Raises:
        ConfigError: a name that is not known, or ImageNet weights that cannot be had.
    """
    torch.manual_seed(recipe.run.seed)
    options = recipe.network
    config = E2ESpotConfig(
        options.feature_arch, options.temporal_arch, len(labels), options.clip_len
    )
    try:
        network = E2ESpot(config, pretrained=options.pretrained)
    except OSError as error:  # what download errors derive from
        raise ConfigError(
            f"the ImageNet weights of {options.feature_arch} cannot be downloaded ({error})",
            where="network.pretrained",
            remedy="connect, or train from scratch with network.pretrained=false",
        ) from error
    if options.start_from is not None:
        _copy_weights(network, options.start_from, say)
    return network.channels_last()


class StepWatch(lightning.Callback):
    """Tells of every step, and ends the run after its last step or when its time is up."""

    def __init__(self, recipe: Recipe, on_step: OnStep) -> None:
        self._total = recipe.total_steps
        self._limit_minutes = recipe.run.max_minutes
        self._on_step = on_step

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """A resumed run may be over already."""
        self._stop_in_time(trainer, pl_module)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """After every batch."""
        self._on_step(trainer.global_step, self._total)
        self._stop_in_time(trainer, pl_module)

    def _stop_in_time(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, SpottingModule)
        if trainer.global_step >= self._total:
            trainer.should_stop = True
        if self._limit_minutes is None:
            return
        late = module.elapsed_seconds > 60 * self._limit_minutes
        # All processes stop at the same step, or they would wait for each other for ever.
        if trainer.strategy.reduce_boolean_decision(late, all=False):
            trainer.should_stop = True


def _accelerator(recipe: Recipe) -> str:
    if recipe.run.device == "auto":
        return "gpu" if torch.cuda.is_available() else "cpu"
    if recipe.run.device == "gpu" and not torch.cuda.is_available():
        raise ConfigError(
            "run.device is gpu, and PyTorch finds none", remedy="set run.device=cpu or auto"
        )
    return recipe.run.device


def _precision(recipe: Recipe, accelerator: str) -> LightningPrecision:
    precision = recipe.run.precision
    if precision == "auto":
        precision = "fp16" if accelerator == "gpu" else "fp32"
    if precision == "fp16" and accelerator == "cpu":
        raise ConfigError(
            "run.precision fp16 needs a GPU", remedy="set run.precision=bf16, fp32 or auto"
        )
    return PRECISIONS[precision]


def _trainer(
    recipe: Recipe,
    accelerator: str,
    precision: LightningPrecision,
    callbacks: list[lightning.Callback],
) -> lightning.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    devices = recipe.run.devices
    return lightning.Trainer(
        accelerator=accelerator,
        devices=devices,
        num_nodes=recipe.run.hosts,
        strategy="ddp" if devices * recipe.run.hosts > 1 else "auto",
        precision=precision,
        max_epochs=recipe.optimiser.epochs,
        max_steps=-1,  # StepWatch counts: Lightning would resume in the midst of an epoch
        accumulate_grad_batches=recipe.optimiser.accumulate,
        gradient_clip_val=recipe.optimiser.clip_gradients,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,  # RunningNumbers deals clips out itself
        num_sanity_val_steps=0,
    )


def _loader(
    recipe: Recipe, data: TrainingData, trainer: lightning.Trainer
) -> DataLoader[dict[str, torch.Tensor]]:
    options = recipe.clips
    rules = ClipRules(
        recipe.network.clip_len,
        options.dilation,
        options.mixup_alpha,
        options.foreground_share,
        options.balance,
    )
    clips_per_epoch = recipe.steps_per_epoch * recipe.optimiser.batch
    workers = recipe.data.workers
    return DataLoader(
        ClipDataset(data.training, rules, recipe.run.seed),
        batch_size=recipe.optimiser.batch // recipe.optimiser.accumulate // trainer.world_size,
        sampler=RunningNumbers(clips_per_epoch, trainer.global_rank, trainer.world_size),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=trainer.strategy.root_device.type == "cuda",
    )


def _fit(
    trainer: lightning.Trainer,
    module: SpottingModule,
    loader: DataLoader[dict[str, torch.Tensor]],
    checkpoint: Path | None,
) -> None:
    """Train, from a checkpoint if there is one at that path."""
    path = str(checkpoint) if checkpoint is not None and checkpoint.exists() else None
    try:
        trainer.fit(module, loader, ckpt_path=path, weights_only=True)
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        raise CheckpointError(
            "the weights do not fit the recipe's network",
            where=path,
            remedy="resume with the recipe that the run began with",
        ) from error
    if trainer.interrupted:
        raise KeyboardInterrupt


def _copy_weights(network: E2ESpot, name: str, say: Say) -> None:
    """Take over the weights of a model where names and shapes agree (its head may differ)."""
    folder = find(name)
    given = read_safetensors(folder.file(WEIGHTS_FILE))
    own = network.state_dict()
    fitting = {
        key: value for key, value in given.items() if key in own and own[key].shape == value.shape
    }
    if not fitting:
        raise CheckpointError(
            "none of its weights fit the recipe's network",
            where=folder.path,
            remedy=f"it is a {folder.card.config.get('feature_arch', folder.card.system)}",
        )
    network.load_state_dict(fitting, strict=False)
    say(f"started from {len(fitting)} of {len(own)} weights of {folder.card.name}")
