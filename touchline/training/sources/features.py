"""Clips of features, read from files."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from touchline.datasets.features import MAIN
from touchline.engines.networks import (
    NetworkConfig,
    config_fields,
    config_type,
    make_network,
)
from touchline.engines.torch_stages import TorchStages
from touchline.errors import ConfigError
from touchline.labels import LabelSet
from touchline.runtime.progress import Remark, no_remark
from touchline.runtime.wording import counted
from touchline.scores import Scores
from touchline.spotting.scorers import half_scorer
from touchline.systems import SYSTEMS, steps_per_row
from touchline.timebase import format_rate, parse_rate
from touchline.training.options.features import (
    FeatureDataOptions,
    FeatureOptimiserOptions,
    FeatureRecipe,
    SideStreamOptions,
)
from touchline.training.schedule import EpochSchedule, Schedule
from touchline.training.sources.base import Batch, LossBatches, Share, ValidationItem
from touchline.training.sources.feature_batches import VALIDATION, FeatureBatches
from touchline.training.sources.feature_halves import FeatureData, open_halves
from touchline.training.sources.games import read_labels
from touchline.training.tasks import feature_task
from touchline.training.tasks.base import Arranges, Derives, FeatureTask, Optimises, Prepares
from touchline.zoo.cards import CardFeatures
from touchline.zoo.identity import FeatureIdentity

OPTIMISERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class FeatureSource:
    """See ``ClipSource``.

    Args:
        on_gpu: whether batches go to a GPU.

    Raises:
        InputError, LabelError: see ``read_labels``; FormatError, InputError: see ``open_halves``.
        ConfigError: see ``network_config`` and ``make_task``.
    """

    def __init__(
        self, recipe: FeatureRecipe, *, on_gpu: bool = False, say: Remark = no_remark
    ) -> None:
        self.recipe = recipe
        games = read_labels(recipe.data, say, features=recipe.data.features.name)
        self.labels = games.labels
        self.config = network_config(recipe, self.labels)
        self.task = make_task(recipe, self.config, self.labels)
        data = open_halves(games, recipe.data, self.task.streams, steps_per_row(self.config), say)
        self.data = _as_read(self.task, data)
        self.validation = self.data.validation
        self._training = self._batches(on_gpu)
        self._loss = self._batches(on_gpu, VALIDATION) if recipe.measures_loss else None

    def _batches(self, pin: bool, purpose: int = 0) -> FeatureBatches:
        options, data = self.recipe.optimiser, self.data
        validation = tuple(item.content for item in data.validation)
        return FeatureBatches(
            validation if purpose == VALIDATION else data.training,
            self.task,
            options.batch,
            self.recipe.run.seed,
            purpose=purpose,
            prefetch=self.recipe.data.prefetch,
            pin=pin,
        )

    @property
    def steps_per_epoch(self) -> int:
        """See ``ClipSource``."""
        return len(self._training)

    @property
    def clips_per_epoch(self) -> int:
        """See ``ClipSource``."""
        return len(self._training.clips)

    def build_network(self) -> nn.Module:
        """See ``ClipSource``."""
        return make_network(SYSTEMS[self.recipe.system], self.config)

    def prepare(self, network: nn.Module) -> None:
        """See ``ClipSource``."""
        if isinstance(self.task, Prepares):
            self.task.prepare(network, self.data.training)

    def make_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """See ``ClipSource``: the task's own, or the recipe's over all parameters."""
        return make_optimiser(self.task, network, self.recipe.optimiser)

    def make_schedule(self) -> Schedule:
        """See ``ClipSource``."""
        return EpochSchedule(self.recipe.optimiser)

    def check(self) -> None:
        """See ``ClipSource``."""
        if not len(self._training):
            clips = counted(self.clips_per_epoch, "clip")
            raise ConfigError(f"an epoch has {clips}, less than one for each device")
        if self._loss is not None and not len(self._loss.clips):
            raise ConfigError("the validation split has no clip", where="data.validation")

    def training_batches(self, share: Share) -> Iterable[Batch]:
        """See ``ClipSource``."""
        self._training.share = share
        return self._training

    def loss_batches(self, share: Share) -> LossBatches | None:
        """See ``ClipSource``."""
        if self._loss is not None:
            self._loss.share = share
        return self._loss

    def score(self, network: nn.Module, item: ValidationItem) -> Scores:
        """See ``ClipSource``."""
        streams = item.content.streams
        values = half_scorer(self.recipe.system)(TorchStages(network), streams)
        return Scores.regular(values, self.labels, streams[MAIN].rate * steps_per_row(self.config))

    def card_fields(self) -> Mapping[str, Any]:
        """See ``ClipSource``."""
        data, identities = self.recipe.data, self.data.identities
        main = data.features
        return {
            "rate": format_rate(parse_rate(main.rate)),
            "features": CardFeatures(
                name=main.name, width=main.width, identity=identities.get(MAIN)
            ),
            "streams": {
                name: _card_stream(options, identities.get(name))
                for name, options in data.streams.items()
                if name in self.task.streams
            },
        }


def network_config(recipe: FeatureRecipe, labels: LabelSet) -> NetworkConfig:
    """The configuration of the recipe's network, as wide as its features.

    Raises:
        ConfigError: fields that its configuration does not have, or values that it refuses.
    """
    system = SYSTEMS[recipe.system]
    given = ("num_classes", "streams" if system.given_streams else None)  # by labels and streams
    allowed = [name for name in config_fields(system) if name not in given]
    for key in recipe.network:
        if key not in allowed:
            raise ConfigError(
                f"unknown key 'network.{key}'", remedy=f"use one of: {', '.join(allowed)}"
            )
    values = {"num_classes": len(labels), **recipe.network}
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


def make_task(recipe: FeatureRecipe, config: NetworkConfig, labels: LabelSet) -> FeatureTask:
    """What is specific to the training of the recipe's system.

    Raises:
        ConfigError: options that it does not allow, or streams that it cannot do without.
    """
    rate = parse_rate(recipe.data.features.rate)
    task = feature_task(recipe.system)(config, recipe.clips, labels, rate)
    optional = [name for name, stream in recipe.data.streams.items() if stream.optional]
    if optional and not (isinstance(task, Arranges) and task.does_without):
        able = " or set clips.stream_dropout above 0" if isinstance(task, Arranges) else ""
        raise ConfigError(
            f"{recipe.system} does not learn to do without a stream as it is set up",
            where=f"data.streams.{optional[0]}.optional",
            remedy=f"leave it out{able}",
        )
    return task


def make_optimiser(
    task: FeatureTask, network: nn.Module, options: FeatureOptimiserOptions
) -> torch.optim.Optimizer:
    """The task's own optimiser, or the recipe's over all parameters."""
    if isinstance(task, Optimises):
        return task.optimiser(network, options.learning_rate, options.weight_decay)
    parameters = [p for p in network.parameters() if p.requires_grad]
    return OPTIMISERS[options.kind](
        [{"params": parameters, "initial_lr": options.learning_rate}],
        lr=options.learning_rate,
        weight_decay=options.weight_decay,
        eps=options.epsilon,
    )


def _as_read(task: FeatureTask, data: FeatureData) -> FeatureData:
    """The halves as the task reads them; it derives what it needs to know of them."""
    if isinstance(task, Arranges):
        data = data.arranged(task.arrange)
    if isinstance(task, Derives):
        task.derive(data.training)
    return data


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


def _card_stream(options: SideStreamOptions, identity: FeatureIdentity | None) -> CardFeatures:
    return CardFeatures(
        name=options.name,
        width=options.width,
        rate=format_rate(parse_rate(options.rate)),
        identity=identity,
        optional=options.optional or None,
    )
