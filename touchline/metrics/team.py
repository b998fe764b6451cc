"""Team ball action spotting (2025): the class and the side that acts must both be right.

Each class is scored once for the left and once for the right team; its AP is their mean, weighted
by their annotations. Source: SoccerNet challenge 2025, the evaluator of ``sn-teamspotting``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from touchline.columns import EventColumns
from touchline.errors import FormatError, LabelError
from touchline.events import PICTURE_SIDES
from touchline.labels import LabelSet
from touchline.metrics.matching import FloatArray
from touchline.metrics.spotting import Part, SpottingScores, prepare, score


@dataclass(frozen=True, eq=False)
class TeamScores:
    """The result of one metric.

    Attributes:
        per_class, per_class_visible, per_class_unshown: (classes,); NaN for a class that does not
            occur, as officially, and for one as often shown as unshown, whose weights cancel out.
        without_team: the same events scored by their class alone.
    """

    label_set: LabelSet
    per_class: FloatArray
    per_class_visible: FloatArray
    per_class_unshown: FloatArray
    without_team: SpottingScores

    @property
    def team_map(self) -> float:
        """The official figure: NaN as soon as one class does not occur."""
        return float(self.per_class.mean())

    @property
    def absent(self) -> list[str]:
        """The classes that make ``team_map`` NaN."""
        return [
            label
            for label, value in zip(self.label_set, self.per_class, strict=True)
            if np.isnan(value)
        ]

    def to_json(self) -> dict[str, Any]:
        """A ``touchline-scores`` object; what is not a number is null."""
        record = self.without_team.to_json()
        present = self.per_class[~np.isnan(self.per_class)]
        record["metric"] = f"team-{self.without_team.metric}"
        record["average_map"] = None if self.absent else self.team_map
        record["average_map_present"] = float(present.mean()) if len(present) else None
        record["per_class"] = self._named(self.per_class)
        record["visible"] = self._part(self.per_class_visible)
        record["unshown"] = self._part(self.per_class_unshown)
        record["without_team"] = {
            "average_map": self.without_team.average_map,
            "per_class": self.without_team.per_class,
        }
        return record

    def _named(self, values: FloatArray) -> dict[str, float | None]:
        return {
            label: None if np.isnan(value) else float(value)
            for label, value in zip(self.label_set, values, strict=True)
        }

    def _part(self, values: FloatArray) -> dict[str, Any]:
        mean = None if np.isnan(values).any() else float(values.mean())
        return {"average_map": mean, "per_class": self._named(values)}


def evaluate_team(
    labels: Mapping[str, EventColumns],
    predictions: Mapping[str, EventColumns],
    *,
    label_set: LabelSet,
    metric: str = "at1",
    rate: int | Fraction = 25,
    missing: Literal["refuse", "empty"] = "refuse",
) -> TeamScores:
    """Score events with a ``team`` of ``left`` or ``right``, one video per game.

    Annotations of a half other than 1 are left out; the half of predictions is not looked at.

    Raises:
        LabelError: a label outside the set.
        FormatError: a team that is neither left nor right; and as ``spotting.evaluate``.
    """
    one_video = {game: _first_half(events) for game, events in labels.items()}
    found = {
        game: replace(events, halves=np.ones(len(events), np.int64))
        for game, events in predictions.items()
        if game in labels
    }
    sided_set = LabelSet(
        f"{label_set.name} by team",
        tuple(_sided(x, side) for x in label_set for side in PICTURE_SIDES),
    )
    spots = prepare(
        {game: _with_sides(events, label_set) for game, events in one_video.items()},
        {game: _with_sides(events, label_set) for game, events in found.items()},
        label_set=sided_set,
        rate=rate,
        missing=missing,
    )
    sided = score(spots, metric)
    weights = np.zeros(len(sided_set))
    # An unshown annotation weighs -1: the official weights are sums of the signed label vectors.
    np.add.at(weights, spots.class_of(spots.truth), np.where(spots.shown, 1.0, -1.0))
    plain = prepare(one_video, found, label_set=label_set, rate=rate, missing=missing)
    return TeamScores(
        label_set,
        _weighted(sided.all, weights),
        _weighted(sided.visible, weights),
        _weighted(sided.unshown, weights),
        score(plain, metric),
    )


def _weighted(part: Part | None, weights: FloatArray) -> FloatArray:
    """(classes,) the AP of both sides, weighted; NaN where the weights sum to 0."""
    assert part is not None
    values, weights = part.per_class.reshape(-1, 2), weights.reshape(-1, 2)
    totals = weights.sum(axis=1)
    nothing = np.full(len(totals), np.nan)
    return np.divide((values * weights).sum(axis=1), totals, out=nothing, where=totals != 0)


def _sided(label: str, side: str) -> str:
    return f"{label} ({side})"


def _first_half(events: EventColumns) -> EventColumns:
    chosen = np.flatnonzero(events.halves == 1)
    return EventColumns(
        tuple(events.labels[place] for place in chosen),
        events.halves[chosen],
        events.milliseconds[chosen],
        events.confidences[chosen],
        events.shown[chosen],
        events.teams and tuple(events.teams[place] for place in chosen),
        events.source,
    )


def _with_sides(events: EventColumns, label_set: LabelSet) -> EventColumns:
    teams = events.teams or (None,) * len(events)
    for place, (label, team) in enumerate(zip(events.labels, teams, strict=True)):
        if label not in label_set:
            raise LabelError(
                f"event {place} has the unknown label {label!r}",
                where=events.source or None,
                remedy=f"{label_set.name} has: {', '.join(label_set)}",
            )
        if team not in PICTURE_SIDES:
            raise FormatError(
                f"event {place}, {label!r}, has team {team!r}",
                where=events.source or None,
                remedy="team spotting needs left or right for every event",
            )
    sided = tuple(
        _sided(label, str(team)) for label, team in zip(events.labels, teams, strict=True)
    )
    return replace(events, labels=sided)
