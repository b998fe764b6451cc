"""A training run from recipe to model folder.

The folder of a run holds ``recipe.yaml`` (every value stated), ``log.jsonl`` (one line an epoch),
``last.ckpt`` (all that resuming needs) and, from the first validation on, ``model.safetensors``
with ``card.json``: the best weights, as a model that ``touchline spot --model`` takes.
"""

from pathlib import Path

import lightning
import torch
from torch.utils.data import DataLoader

from touchline.datasets.clips import ClipDataset, ClipRules, ClipSampler
from touchline.errors import ConfigError
from touchline.labels import LabelSet
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
from touchline.training.config import AnyRecipe, Recipe
from touchline.training.data import Say, TrainingData, load_data
from touchline.training.feature_config import FeatureRecipe
from touchline.training.feature_run import train_on_features
from touchline.training.keeper import LAST, VideoKeeper
from touchline.training.module import SpottingModule
from touchline.training.session import (
    OnStep,
    RunResult,
    StepWatch,
    accelerator_of,
    check_folder,
    copy_weights,
    fit,
    make_trainer,
    precision_of,
    prepare_process,
)


def train(
    recipe: AnyRecipe,
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
    check_folder(folder, resume)
    if isinstance(recipe, FeatureRecipe):
        return train_on_features(recipe, folder, resume=resume, say=say, on_step=on_step)
    assert isinstance(recipe, Recipe)
    return _train_on_video(recipe, folder, resume, say, on_step)


def _train_on_video(
    recipe: Recipe, folder: Path, resume: bool, say: Say, on_step: OnStep
) -> RunResult:
    accelerator = accelerator_of(recipe.run)
    precision = precision_of(recipe.run, accelerator, usual_on_gpu="fp16")
    prepare_process(recipe.run, accelerator)
    data = load_data(recipe.data, say)
    module = SpottingModule(build_network(recipe, data.labels, say), recipe, len(data.labels) + 1)
    folder.mkdir(parents=True, exist_ok=True)
    keeper = VideoKeeper(folder, recipe, data, say)
    trainer = make_trainer(
        recipe.run,
        accelerator,
        precision,
        [keeper, StepWatch(recipe.total_steps, recipe.run.max_minutes, on_step)],
        epochs=recipe.optimiser.epochs,
        clip_gradients=recipe.optimiser.clip_gradients,
        accumulate=recipe.optimiser.accumulate,
    )
    fit(trainer, module, _loader(recipe, data, trainer), folder / LAST if resume else None)
    return RunResult(
        folder,
        trainer.global_step,
        keeper.best_epoch,
        keeper.best_figures,
        keeper.frames_per_second,
        trainer.global_rank,
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
        copy_weights(network, options.start_from, say)
    return network.channels_last()


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
        sampler=ClipSampler(clips_per_epoch, trainer.global_rank, trainer.world_size),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=trainer.strategy.root_device.type == "cuda",
    )
