"""Learning rates over a training, as shares of the full one."""

import math
from typing import Any, NamedTuple, Protocol

import torch

from touchline.training.options.features import FeatureOptimiserOptions
from touchline.training.options.video import VideoRecipe

SMALLEST_CHANGE = 1e-8
"""A learning rate that would change by less stays."""

WARM_UP_START = 0.01
"""Share of the learning rate that the warm-up of video training begins with."""


class Moment(NamedTuple):
    """How far a training has come.

    Attributes:
        step: optimiser steps made.
        epochs: since the start, with the part of the current one.
        elapsed_seconds: how long it has run, earlier parts of a resumed run included.
    """

    step: int
    epochs: float
    elapsed_seconds: float


class Schedule(Protocol):
    """The share of the learning rate at any moment.

    Attributes:
        is_over: whether the run should end.
    """

    @property
    def is_over(self) -> bool: ...

    def share(self, moment: Moment) -> float:
        """Share of the learning rate for the next batch."""
        ...

    def end_epoch(self, figures: dict[str, float]) -> None:
        """Take the validation of an epoch."""
        ...

    def state(self) -> dict[str, Any]:
        """Entries that a checkpoint needs to resume; none if the moment decides alone."""
        ...

    def load(self, checkpoint: dict[str, Any]) -> None:
        """Go on from the entries of a checkpoint."""
        ...


class EpochSchedule:
    """Counts epochs; see ``FeatureOptimiserOptions.schedule``."""

    def __init__(self, options: FeatureOptimiserOptions) -> None:
        self._options = options
        self._plateau = None
        if options.schedule == "plateau":
            self._plateau = Plateau(
                options.learning_rate, options.plateau_patience, options.plateau_factor
            )

    @property
    def is_over(self) -> bool:
        """See ``Schedule``."""
        return self._plateau is not None and self._plateau.is_over

    def share(self, moment: Moment) -> float:
        """See ``Schedule``."""
        share = rate_share(self._options, moment.epochs)
        return share if self._plateau is None else share * self._plateau.scale

    def end_epoch(self, figures: dict[str, float]) -> None:
        """See ``Schedule``."""
        if self._plateau is not None:
            self._plateau.step(figures["loss"])

    def state(self) -> dict[str, Any]:
        """See ``Schedule``."""
        return {} if self._plateau is None else {"plateau": self._plateau.state()}

    def load(self, checkpoint: dict[str, Any]) -> None:
        """See ``Schedule``."""
        if self._plateau is not None and "plateau" in checkpoint:
            self._plateau.load(checkpoint["plateau"])


class StepSchedule:
    """Counts optimiser steps; see ``VideoOptimiserOptions.schedule``."""

    is_over = False

    def __init__(self, recipe: VideoRecipe) -> None:
        self._recipe = recipe

    def share(self, moment: Moment) -> float:
        """See ``Schedule``."""
        return schedule_factor(self._recipe, moment.step, moment.elapsed_seconds)

    def end_epoch(self, figures: dict[str, float]) -> None:
        """See ``Schedule``."""

    def state(self) -> dict[str, Any]:
        """See ``Schedule``."""
        return {}

    def load(self, checkpoint: dict[str, Any]) -> None:
        """See ``Schedule``."""


class Plateau:
    """Lowers the learning rate when the validation loss stops falling; the published stop.

    PyTorch's ``ReduceLROnPlateau`` decides, over a rate of 1: the real one follows from the moment
    and this share, so that a resumed run has what an unbroken one would.
    """

    def __init__(self, learning_rate: float, patience: int, factor: float) -> None:
        smallest = SMALLEST_CHANGE / learning_rate
        self._rate = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=1.0)
        self._decision = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self._rate, factor=factor, patience=patience, eps=smallest
        )
        self._lowest = 2 * smallest

    @property
    def scale(self) -> float:
        """Share of the first learning rate that holds now."""
        return float(self._rate.param_groups[0]["lr"])

    @property
    def is_over(self) -> bool:
        """Whether the rate cannot fall further and patience has run out again."""
        decision = self._decision
        return self.scale < self._lowest and decision.num_bad_epochs >= decision.patience

    def step(self, loss: float) -> None:
        """Take an epoch's validation loss."""
        self._decision.step(loss)

    def state(self) -> dict[str, Any]:
        """What resuming needs."""
        best, bad_epochs = self._decision.best, self._decision.num_bad_epochs
        return {"scale": self.scale, "best": best, "bad_epochs": bad_epochs}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self._rate.param_groups[0]["lr"] = float(state["scale"])
        self._decision.best = float(state["best"])
        self._decision.num_bad_epochs = int(state["bad_epochs"])


def rate_share(options: FeatureOptimiserOptions, epochs_done: float) -> float:
    """Share of the learning rate that a schedule other than ``plateau`` leaves.

    Args:
        epochs_done: since the start, with the part of the current one.
    """
    warm_up = options.warm_up_epochs
    if epochs_done < warm_up:
        return (epochs_done + 1e-3) / (warm_up + 1e-3)
    if options.schedule in ("constant", "plateau"):
        return 1.0
    done = (epochs_done - warm_up) / max(options.epochs - warm_up, 1e-9)
    left = 1 - min(done, 1.0)
    if options.schedule == "cosine":
        left = 0.5 * (1 - math.cos(math.pi * left))
    return options.final_share + (1 - options.final_share) * left


def learning_rate_factor(done: float, warm_up: float, period: float) -> float:
    """Share of the learning rate: a linear warm-up times a cosine, both from the start.

    Where ``period`` ends before the training does, as in the published schedule, the cosine
    reaches zero there and rises again.

    Args:
        done: steps (or another measure) since the start.
        warm_up: length of the warm-up in the same measure.
        period: where the cosine reaches zero.
    """
    rise = min(1.0, done / warm_up) if warm_up else 1.0
    linear = WARM_UP_START + (1 - WARM_UP_START) * rise
    return linear * 0.5 * (1 + math.cos(math.pi * done / period))


def warm_then_cosine(done: float, warm_up: float, total: float, final_share: float) -> float:
    """Share of the learning rate: a linear warm-up from zero, and then a cosine to the last share.

    Args:
        done: steps (or another measure) since the start.
        warm_up: length of the warm-up in the same measure.
        total: where the cosine ends.
    """
    if done < warm_up:
        return done / warm_up
    left = 0.5 * (1 + math.cos(math.pi * (done - warm_up) / max(total - warm_up, 1e-9)))
    return final_share + (1 - final_share) * left


def schedule_factor(recipe: VideoRecipe, step: int, elapsed_seconds: float = 0.0) -> float:
    """Share of the learning rate at an optimiser step of a recipe.

    Args:
        elapsed_seconds: time since the start of training, for the schedule ``timed``.
    """
    total = recipe.total_steps
    # A run cut short by max_steps goes through the whole schedule in proportion.
    warm_up = total * recipe.optimiser.warm_up_epochs / recipe.optimiser.epochs
    if recipe.optimiser.schedule == "published":
        return learning_rate_factor(step, warm_up, total - warm_up)
    if recipe.optimiser.schedule == "warm-then-cosine":
        return warm_then_cosine(min(step, total), warm_up, total, recipe.optimiser.final_share)
    if recipe.optimiser.schedule == "timed":
        assert recipe.run.max_minutes is not None  # the recipe has been checked
        step = round(min(1.0, elapsed_seconds / (60 * recipe.run.max_minutes)) * total)
    return learning_rate_factor(min(step, total), warm_up, total)
