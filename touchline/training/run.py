"""A training run from recipe to model folder.

The folder of a run holds ``recipe.yaml`` (every value stated), ``log.jsonl`` (one line an epoch),
``last.ckpt`` (all that resuming needs) and, from the first validation on, ``model.safetensors``
with ``card.json``: the best weights, as a model that ``touchline spot --model`` takes.
"""

from pathlib import Path

import torch
from torch import nn

from touchline.runtime.progress import Remark, StepProgress, no_progress, no_remark
from touchline.training.checkpoint import CheckpointCallback
from touchline.training.module import TrainingModule
from touchline.training.options.common import PrecisionName, Recipe
from touchline.training.options.features import FeatureRecipe
from touchline.training.options.video import VideoRecipe
from touchline.training.run_files import CHECKPOINT_FILE
from touchline.training.session import (
    RunResult,
    StepCallback,
    accelerator_of,
    check_folder,
    copy_weights,
    fit,
    make_trainer,
    precision_of,
    prepare_process,
)
from touchline.training.sharpness import SharpnessAwareAdamW
from touchline.training.sources.base import ClipSource, Share
from touchline.training.sources.features import FeatureSource
from touchline.training.sources.video import VideoSource


def train(
    recipe: Recipe,
    folder: str | Path,
    *,
    resume: bool = False,
    say: Remark = no_remark,
    on_step: StepProgress = no_progress,
) -> RunResult:
    """Train by a recipe.

    Everything that can be wrong with recipe and data is found before the first step.

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
    accelerator = accelerator_of(recipe.run)
    precision = precision_of(recipe.run, accelerator, recipe.gpu_precision)
    prepare_process(recipe.run, accelerator)
    source = open_source(recipe, on_gpu=accelerator == "gpu", say=say)
    network = build_network(recipe, source, say)
    check_precision(precision, source.make_optimiser(network))
    checkpoint = folder / CHECKPOINT_FILE if resume else None
    if checkpoint is None or not checkpoint.exists():
        source.prepare(network)
    source.check()
    folder.mkdir(parents=True, exist_ok=True)
    module = TrainingModule(
        network, source, recipe.run.seed, average_decay=recipe.optimiser.average_decay
    )
    kept = CheckpointCallback(folder, recipe, source, say)
    total = recipe.optimiser.total_steps(source.steps_per_epoch)
    trainer = make_trainer(
        recipe.run,
        accelerator,
        precision,
        [kept, StepCallback(total, recipe.run.max_minutes, on_step)],
        epochs=recipe.optimiser.epochs,
        clip_gradients=recipe.optimiser.clip_gradients,
        batches_per_step=recipe.optimiser.batches_per_step,
    )
    share = Share(trainer.global_rank, trainer.world_size)
    fit(trainer, module, source.training_batches(share), checkpoint)
    return RunResult(
        folder,
        trainer.global_step,
        kept.best_epoch,
        kept.best_figures,
        kept.frames_per_second,
        trainer.global_rank,
    )


def open_source(recipe: Recipe, *, on_gpu: bool = False, say: Remark = no_remark) -> ClipSource:
    """The source of a recipe's clips.

    Raises:
        InputError: the dataset is not as it should be; ConfigError: options that the system or its
            task do not allow.
    """
    if isinstance(recipe, FeatureRecipe):
        return FeatureSource(recipe, on_gpu=on_gpu, say=say)
    assert isinstance(recipe, VideoRecipe)
    return VideoSource(recipe, on_gpu=on_gpu, say=say)


def build_network(recipe: Recipe, source: ClipSource, say: Remark = no_remark) -> nn.Module:
    """The network of a recipe with its starting weights, which its seed decides.

    Raises:
        ConfigError: a name that is not known, or weights that cannot be had.
        CheckpointError: see ``copy_weights``.
    """
    torch.manual_seed(recipe.run.seed)
    network = source.build_network()
    if recipe.initial_weights is not None:
        copy_weights(network, recipe.initial_weights, say)
    return network


def check_precision(precision: PrecisionName, optimiser: torch.optim.Optimizer) -> None:
    """Refuse fp16, whose gradients are scaled, where a step takes two of them.

    Raises:
        ConfigError: the network is trained sharpness-aware in fp16.
    """
    if precision == "fp16" and isinstance(optimiser, SharpnessAwareAdamW):
        optimiser.require_plain()
