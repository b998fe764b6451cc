"""A training run on features, from recipe to model folder."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from touchline.errors import ConfigError
from touchline.labels import LabelSet
from touchline.runtime.wording import counted
from touchline.systems import SYSTEMS
from touchline.timebase import parse_rate
from touchline.training.data import Say
from touchline.training.feature_batches import VALIDATION, FeatureBatches, Share
from touchline.training.feature_config import FeatureDataOptions, FeatureRecipe
from touchline.training.feature_data import FeatureData, open_games, read_labels
from touchline.training.feature_keeper import FeatureKeeper
from touchline.training.feature_module import FeatureModule
from touchline.training.keeper import LAST
from touchline.training.session import (
    PRECISIONS,
    LightningPrecision,
    OnStep,
    RunResult,
    StepWatch,
    accelerator_of,
    copy_weights,
    fit,
    make_trainer,
    precision_of,
    prepare_process,
)
from touchline.training.sharpness import SharpnessAwareAdamW
from touchline.training.tasks import task_maker
from touchline.training.tasks.base import Arranges, Derives, Optimises, Prepares, Task
from touchline.zoo.networks import (
    config_fields,
    config_type,
    lists_as_tuples,
    make_network,
    steps_per_row,
)


def train_on_features(
    recipe: FeatureRecipe, folder: Path, *, resume: bool, say: Say, on_step: OnStep
) -> RunResult:
    """See ``touchline.training.run.train``.

    Everything that can be wrong with recipe and data is found before the first step.
    """
    accelerator = accelerator_of(recipe.run)
    precision = precision_of(recipe.run, accelerator, usual_on_gpu="fp32")
    prepare_process(recipe.run, accelerator)
    games = read_labels(recipe.data, say)
    config = network_config(recipe, games.labels)
    task = make_task(recipe, config, games.labels)
    data = open_games(games, recipe.data, task.streams, steps_per_row(config), say)
    if isinstance(task, Arranges):
        data = data.arranged(task.arrange)
    if isinstance(task, Derives):
        task.derive(data.training)
    network = build_network(recipe, config, say)
    check_scaling(precision, task, network, recipe)
    checkpoint = folder / LAST if resume else None
    if isinstance(task, Prepares) and not (checkpoint and checkpoint.exists()):
        task.prepare(network, data.training)
    share = Share()  # until the trainer knows better
    training, validation = make_batches(recipe, task, data, share, accelerator)
    steps = len(training)
    folder.mkdir(parents=True, exist_ok=True)
    keeper = FeatureKeeper(folder, recipe, games.labels, data, training, validation, say)
    total = steps * recipe.optimiser.epochs
    trainer = make_trainer(
        recipe.run,
        accelerator,
        precision,
        [keeper, StepWatch(total, recipe.run.max_minutes, on_step)],
        epochs=recipe.optimiser.epochs,
        clip_gradients=recipe.optimiser.clip_gradients,
    )
    for batches in (training, validation):
        if batches is not None:
            batches.share = Share(trainer.global_rank, trainer.world_size)
    fit(trainer, FeatureModule(network, task, recipe, steps), training, checkpoint)
    return RunResult(
        folder,
        trainer.global_step,
        keeper.best_epoch,
        keeper.best_figures,
        keeper.frames_per_second,
        trainer.global_rank,
    )


def network_config(recipe: FeatureRecipe, labels: LabelSet) -> Any:
    """The configuration of the recipe's network, as wide as its features.

    Raises:
        ConfigError: an unknown system, one that reads pictures, fields that its configuration does
            not have, or values that it refuses.
    """
    system = SYSTEMS[recipe.system]
    given = ("num_classes", "streams" if system.given_streams else None)  # by labels and streams
    allowed = [name for name in config_fields(system) if name not in given]
    for key in recipe.network:
        if key not in allowed:
            raise ConfigError(f"unknown key 'network.{key}'", remedy=_one_of(allowed))
    values = {"num_classes": len(labels), **lists_as_tuples(recipe.network)}
    if system.given_streams:
        values["streams"] = _stream_widths(recipe.data)
    width = recipe.data.features.width
    if width is not None and values.setdefault("feature_width", width) != width:
        raise ConfigError(
            f"network.feature_width is {values['feature_width']}, the features are {width} wide",
            remedy="leave network.feature_width out, or set data.features.width",
        )
    try:
        return config_type(system)(**values)
    except TypeError as error:
        raise ConfigError(f"these values make no network of {recipe.system}: {error}") from error


def _stream_widths(data: FeatureDataOptions) -> tuple[tuple[str, int], ...]:
    widths = []
    for name, stream in data.streams.items():
        if stream.width is None:
            raise ConfigError(
                "the width of a stream must be stated",
                where=f"data.streams.{name}.width",
                remedy="set it to the numbers that a row of the files has",
            )
        widths.append((name, stream.width))
    return tuple(widths)


def make_task(recipe: FeatureRecipe, config: Any, labels: LabelSet) -> Task:
    """What the recipe's system says of its training.

    Raises:
        ConfigError: options that it does not allow, or streams that it cannot do without.
    """
    rate = parse_rate(recipe.data.features.rate)
    task = task_maker(recipe.system)(config, recipe.clips, labels, rate)
    optional = [name for name, stream in recipe.data.streams.items() if stream.optional]
    if optional and not (isinstance(task, Arranges) and task.does_without):
        able = " or set clips.stream_dropout above 0" if isinstance(task, Arranges) else ""
        raise ConfigError(
            f"{recipe.system} does not learn to do without a stream as it is set up",
            where=f"data.streams.{optional[0]}.optional",
            remedy=f"leave it out{able}",
        )
    return task


def build_network(recipe: FeatureRecipe, config: Any, say: Say = lambda text: None) -> nn.Module:
    """The network of a recipe with its starting weights, which its seed decides."""
    torch.manual_seed(recipe.run.seed)
    network = make_network(SYSTEMS[recipe.system], config)
    if recipe.start_from is not None:
        copy_weights(network, recipe.start_from, say)
    return network


def check_scaling(
    precision: LightningPrecision, task: Task, network: nn.Module, recipe: FeatureRecipe
) -> None:
    """Refuse fp16, whose gradients are scaled, where a step takes two of them.

    Raises:
        ConfigError: the task trains sharpness-aware in fp16.
    """
    if precision != PRECISIONS["fp16"] or not isinstance(task, Optimises):
        return
    options = recipe.optimiser
    optimiser = task.optimiser(network, options.learning_rate, options.weight_decay)
    if isinstance(optimiser, SharpnessAwareAdamW):
        optimiser.require_plain()


def make_batches(
    recipe: FeatureRecipe, task: Task, data: FeatureData, share: Share, accelerator: str
) -> tuple[FeatureBatches, FeatureBatches | None]:
    """The batches to train on, and those that the validation loss is measured on.

    Raises:
        InputError: there is nothing to train or to validate on.
    """
    options: dict[str, Any] = {
        "share": share,
        "prefetch": recipe.data.prefetch,
        "pin": accelerator == "gpu",
    }
    size, seed = recipe.optimiser.batch, recipe.run.seed
    training = FeatureBatches(data.training, task, size, seed, **options)
    if not len(training):
        raise ConfigError(
            f"an epoch has {counted(len(training.clips), 'clip')}, less than one for each device"
        )
    if not recipe.measures_loss:
        return training, None
    halves = [half.half for half in data.validation]
    validation = FeatureBatches(halves, task, size, seed, purpose=VALIDATION, **options)
    if not len(validation.clips):
        raise ConfigError("the validation split has no clip", where="data.validation")
    return training, validation


def _one_of(names: list[str]) -> str:
    return f"use one of: {', '.join(names)}"
