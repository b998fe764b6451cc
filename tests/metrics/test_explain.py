"""The explanation agrees with the official figure and says what it hides."""

import json

import numpy as np
import pytest

from touchline.columns import EventColumns
from touchline.errors import ConfigError
from touchline.labels import LabelSet
from touchline.metrics.explain import Explanation, explain
from touchline.metrics.spotting import prepare
from touchline.report.scores import render_scores

LABELS = LabelSet("three", ("Goal", "Foul", "<b>Never</b>"))


def season(seed: int = 0, delay_ms: int = 2000) -> tuple[dict[str, EventColumns], ...]:
    """Four games; fouls are often taken for goals, and everything is found late."""
    rng = np.random.default_rng(seed)
    labels, found = {}, {}
    for number in range(4):
        times = np.sort(rng.choice(200, 40, replace=False)) * 12_000
        truth = rng.integers(0, 2, 40)
        wrong = (truth == 1) & (rng.random(40) < 0.3)
        seen = np.where(wrong, 0, truth)
        labels[f"game {number}"] = columns(times, truth, np.ones(40))
        found[f"game {number}"] = columns(times + delay_ms, seen, rng.uniform(0.5, 1, 40))
    return labels, found


def columns(times: np.ndarray, classes: np.ndarray, confidences: np.ndarray) -> EventColumns:
    return EventColumns(
        tuple(LABELS.labels[place] for place in classes),
        np.ones(len(times), int),
        times.astype(np.int64),
        confidences,
        np.ones(len(times), bool),
    )


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    return explain(prepare(*season(), label_set=LABELS), "loose")


def test_confusion_counts_every_annotation_and_detection_once(explanation: Explanation) -> None:
    matrix = explanation.confusion
    assert matrix[:-1].sum(axis=1).tolist() == explanation.scores.annotations.tolist()
    assert matrix[:, :-1].sum(axis=0).tolist() == explanation.scores.detections.tolist()
    assert matrix[1, 0] > 10
    assert matrix[0, 1] == 0


def test_time_errors_show_a_detector_that_is_late(explanation: Explanation) -> None:
    assert explanation.time_errors is not None
    assert explanation.time_errors.quartiles == (2.0, 2.0, 2.0)
    assert explanation.time_errors.counts.sum() == explanation.time_errors.count


def test_the_operating_points_are_counts(explanation: Explanation) -> None:
    goal = explanation.classes[0]
    hits = explanation.confusion[0, 0]
    assert goal.chosen.precision == pytest.approx(hits / goal.detections)
    assert goal.chosen.recall == pytest.approx(hits / goal.annotations)
    assert goal.best.f1 >= goal.chosen.f1
    assert explanation.classes[1].chosen.precision == 1


def test_intervals_hold_the_figure_and_repeat(explanation: Explanation) -> None:
    low, high = explanation.interval
    assert low <= explanation.scores.average_map <= high
    again = explain(prepare(*season(), label_set=LABELS), "loose")
    assert again.to_json() == explanation.to_json()
    other = explain(prepare(*season(), label_set=LABELS), "loose", seed=1)
    assert other.interval != explanation.interval


def test_exact_thresholds_see_what_the_grid_cannot() -> None:
    labels, found = season(delay_ms=0)
    tiny = {
        name: EventColumns(
            game.labels, game.halves, game.milliseconds, game.confidences / 1000, game.shown
        )
        for name, game in found.items()
    }
    spots = prepare(labels, tiny, label_set=LABELS)
    exact = explain(spots, "at1").exact_average_map
    full = explain(prepare(labels, found, label_set=LABELS), "at1").exact_average_map
    assert exact == full
    assert explain(spots, "at1").scores.average_map_present < exact


def test_chance_is_far_below(explanation: Explanation) -> None:
    tight = explain(prepare(*season(delay_ms=0), label_set=LABELS), "tight")
    assert tight.chance < 0.2 < tight.scores.average_map


def test_calibration_of_a_detector_that_is_always_right() -> None:
    labels, _ = season()
    calibration = explain(prepare(labels, labels, label_set=LABELS), "loose").calibration
    assert calibration.error == 0
    assert calibration.counts[-1] == 160


def test_empty_sides_are_explained_too() -> None:
    labels, found = season()
    empty = columns(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    nothing = dict.fromkeys(labels, empty)
    for sides in ((labels, nothing), (nothing, found), (nothing, nothing), ({}, {})):
        explanation = explain(prepare(*sides, label_set=LABELS), "tight", resamples=20)
        json.dumps(explanation.to_json(), allow_nan=False)
        render_scores([explanation])


def test_unknown_metrics_and_thresholds_are_refused() -> None:
    spots = prepare(*season(), label_set=LABELS)
    with pytest.raises(ConfigError, match="unknown metric"):
        explain(spots, "loosest")
    with pytest.raises(ConfigError, match="threshold"):
        explain(spots, threshold=float("nan"))


def test_the_page_escapes_labels_and_asks_nothing_of_the_network(explanation: Explanation) -> None:
    page = render_scores([explanation, explanation])
    assert "&lt;b&gt;Never&lt;/b&gt;" in page
    assert "<b>Never</b>" not in page
    assert "://" not in page
    assert "src=" not in page
    assert "<script" not in page
