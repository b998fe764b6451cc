"""Learning rates over a training on features."""

import math
from typing import Any

from touchline.training.feature_config import FeatureOptimiserOptions

SMALLEST_CHANGE = 1e-8
"""A learning rate that would change by less stays."""

_BETTER_BY = 1e-4
"""By which share a loss must be lower to count as better."""


class Plateau:
    """Lowers the learning rate when the validation loss stops falling; the published stop.

    Attributes:
        scale: share of the first learning rate that holds now.
    """

    def __init__(self, learning_rate: float, patience: int, factor: float) -> None:
        self.scale = 1.0
        self._rate = learning_rate
        self._patience = patience
        self._factor = factor
        self._best = math.inf
        self._bad_epochs = 0

    @property
    def is_over(self) -> bool:
        """Whether the rate cannot fall further and patience has run out again."""
        at_the_end = self._rate * self.scale < 2 * SMALLEST_CHANGE
        return at_the_end and self._bad_epochs >= self._patience

    def step(self, loss: float) -> None:
        """Take an epoch's validation loss."""
        if loss < self._best * (1 - _BETTER_BY):
            self._best, self._bad_epochs = loss, 0
        else:
            self._bad_epochs += 1
        if self._bad_epochs > self._patience:
            self._bad_epochs = 0
            if self._rate * self.scale * (1 - self._factor) > SMALLEST_CHANGE:
                self.scale *= self._factor

    def state(self) -> dict[str, Any]:
        """What resuming needs."""
        return {"scale": self.scale, "best": self._best, "bad_epochs": self._bad_epochs}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.scale, self._best = float(state["scale"]), float(state["best"])
        self._bad_epochs = int(state["bad_epochs"])


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
