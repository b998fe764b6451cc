"""Scores: what every network ends in, a probability per class and step, with exact times."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from touchline.errors import InputError
from touchline.labels import LabelSet

FloatArray = npt.NDArray[np.float32]
TimeArray = npt.NDArray[np.float64]

SuppressionKind = Literal["maximum", "greedy", "half-open", "soft", "linear", "distance"]
"""How neighbouring peaks of a curve thin each other out; see ``touchline.spotting.peaks``."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Classes over time.

    Attributes:
        values: (steps, classes) float32; background left out.
        seconds: (steps,) float64, the true time of each step, strictly increasing.
        labels: the classes, in the order of the columns.
        rate: nominal steps a second; steps of a variable-rate video may lie unevenly about it.
        sides: (steps, classes, 2) what the left and the right side of the picture share of each
            class, where a network tells them apart; then ``values`` are the higher of both.

    Raises:
        InputError: shapes that do not fit, values that are not finite, times that go back.
    """

    values: FloatArray
    seconds: TimeArray
    labels: LabelSet
    rate: Fraction
    sides: FloatArray | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float32)
        seconds = np.asarray(self.seconds, np.float64)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "seconds", seconds)
        if values.ndim != 2 or values.shape != (seconds.size, len(self.labels)):
            raise InputError(
                f"scores of shape {values.shape} do not fit {seconds.size} steps "
                f"and {len(self.labels)} labels"
            )
        if not np.isfinite(values).all():
            raise InputError("scores hold values that are not finite numbers")
        if not (np.diff(seconds) > 0).all():
            raise InputError("the times of scores do not increase")

    @classmethod
    def of_columns(
        cls, columns: FloatArray, seconds: TimeArray, labels: LabelSet, rate: Fraction
    ) -> "Scores":
        """Scores of a column for each class, or of two, its left and its right side.

        Raises:
            InputError: see the class.
        """
        if columns.shape[1] != 2 * len(labels):
            return cls(columns, seconds, labels, rate)
        sides = columns.reshape(len(columns), len(labels), 2)
        return cls(sides.max(axis=2), seconds, labels, rate, sides)

    @classmethod
    def regular(cls, columns: FloatArray, labels: LabelSet, rate: Fraction) -> "Scores":
        """Scores whose step i lies at i / rate seconds; see ``of_columns``."""
        return cls.of_columns(columns, np.arange(len(columns)) / float(rate), labels, rate)

    def __len__(self) -> int:
        return len(self.seconds)

    def of(self, label: str) -> FloatArray:
        """(steps,) the curve of one class.

        Raises:
            LabelError: unknown label.
        """
        return self.values[:, self.labels.index(label)]
