"""The weights of two fused networks, chosen on games that neither was trained on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from touchline.batch.predictions import check_games
from touchline.datasets.soccernet import Game
from touchline.errors import InputError
from touchline.events import Match
from touchline.labels import LabelSet, evaluation_rate
from touchline.metrics.spotting import evaluate
from touchline.spotting.fused import FusedSpotter
from touchline.spotting.peaks import find_peaks

if TYPE_CHECKING:
    from touchline.spotting.scorers.dense_anchors import HalfOutput

WEIGHTS = tuple(tenth / 10 for tenth in range(11))
"""What is tried: from the first network alone to the second one alone."""


@dataclass(frozen=True)
class ChosenWeight:
    """A weight of the second network, and what it was chosen by.

    Attributes:
        tight: average mAP over the classes that occur, 0 to 1, by weight.
        games: how many it was measured on.
    """

    weight: float
    tight: Mapping[float, float]
    games: int


def choose_weight(
    spotter: FusedSpotter,
    games: Sequence[Game],
    *,
    threshold: float,
    progress: Callable[[], None] = lambda: None,
) -> ChosenWeight:
    """The weight in ``WEIGHTS`` of the highest tight average mAP; of equal ones the most even.

    Every network reads every half once; the outputs for all halves are kept in memory, 1.5 MB for
    a half of 45 minutes and 17 classes.

    Args:
        spotter: its own weight is ignored.
        games: of the validation split, with labels.
        threshold: events of lower confidence are left out.
        progress: called after every half that was read and every weight that was tried.

    Raises:
        InputError: a game without labels, games without any event, or files that cannot be read or
            do not fit the models.
    """
    truth = _labelled(games, spotter.card.label_set)
    check_games(spotter, games)
    outputs: dict[str, list[tuple[HalfOutput, HalfOutput]]] = {}
    for game in games:
        outputs[game.name] = []
        for half in game.halves:
            outputs[game.name].append(spotter.read(half.path))
            progress()
    tight: dict[float, float] = {}
    for weight in WEIGHTS:
        tight[weight] = _tight(spotter.with_weight(weight), truth, outputs, threshold)
        progress()
    best = max(tight, key=lambda weight: (tight[weight], -abs(weight - 0.5)))
    return ChosenWeight(best, tight, len(games))


def _labelled(games: Sequence[Game], labels: LabelSet) -> dict[str, Match]:
    truth: dict[str, Match] = {}
    for game in games:
        match = game.labels(labels)
        if match is None:
            raise InputError("this game has no labels", where=game.folder)
        truth[game.name] = match
    if not any(event.label in labels for match in truth.values() for event in match.events):
        raise InputError("there is no event of the models' classes in the validation games")
    return truth


def _tight(
    spotter: FusedSpotter,
    truth: Mapping[str, Match],
    outputs: Mapping[str, "Sequence[tuple[HalfOutput, HalfOutput]]"],
    threshold: float,
) -> float:
    labels = spotter.card.label_set
    found = {
        name: replace(
            match,
            timelines=tuple(
                timeline.with_events(
                    find_peaks(spotter.fuse(both), spotter.first.suppression, threshold)
                )
                for timeline, both in zip(match.timelines, outputs[name], strict=True)
            ),
        )
        for name, match in truth.items()
    }
    rate = evaluation_rate(labels)
    scores = evaluate(truth, found, label_set=labels, metric="tight", rate=rate)
    return float(scores.average_map_present or 0.0)
