"""The explanation agrees with the official figure and says what it hides."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.columns import EventColumns
from touchline.errors import ConfigError
from touchline.labels import LabelSet
from touchline.metrics.explain import Explanation, explain
from touchline.metrics.spotting import THRESHOLDS, evaluate, prepare
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


Spot = tuple[float, str, float]


def events_at(*spots: Spot) -> EventColumns:
    """Events of seconds, label and confidence, in one half."""
    return columns(
        np.array([1000 * seconds for seconds, _, _ in spots]),
        np.array([LABELS.index(label) for _, label, _ in spots], int),
        np.array([confidence for *_, confidence in spots], float),
    )


def test_the_worked_example_in_full() -> None:
    """Tight: hits within 1.5 s where one tolerance is chosen, within 2.5 s for times."""
    truth = events_at(*((10.0 * n, "Goal", 1) for n in (1, 2, 3, 4)), (50, "Foul", 1))
    found = events_at(
        (10.5, "Goal", 0.9),
        (21, "Goal", 0.8),
        (32, "Goal", 0.7),  # within 2.5 s only
        (40, "Foul", 0.6),  # a goal taken for a foul
        (60, "Goal", 0.3),  # below the threshold
    )
    spots = prepare({"g": truth}, {"g": found, "other": found}, label_set=LABELS)
    record = explain(spots, "tight").to_json()
    official = evaluate({"g": truth}, {"g": found}, label_set=LABELS, metric="tight")
    explained = record.pop("explain")
    assert record == official.to_json() | {"notes": dict(spots.notes)}
    assert 0 <= explained.pop("chance_average_map") < 0.3
    per_class = explained.pop("per_class")
    times = {
        "count": 3,
        "median_seconds": 1.0,
        "quartiles_seconds": [0.75, 1.5],
        "histogram": {
            "edges_seconds": pytest.approx(np.linspace(-2.5, 2.5, 31).tolist()),
            "counts": [0] * 18 + [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0],
        },
    }
    exact = (4.5 + 6 + 7 + 8) / 4 / 11  # hits of 1, 2, 2, 3 and 3 of four, none between them
    assert explained == {
        "within_seconds": 1.5,
        "threshold": 0.5,
        "exact_average_map": pytest.approx(exact / 2),
        "interval": pytest.approx([official.average_map] * 2),
        "present_interval": pytest.approx([official.average_map_present] * 2),
        "overall": {
            "threshold": 0.5,
            "precision": 0.5,
            "recall": 0.4,
            "f1": pytest.approx(4 / 9),
        },
        "confusion": {
            "annotated": ["Goal", "Foul", "<b>Never</b>", None],
            "predicted": ["Goal", "Foul", "<b>Never</b>", None],
            "counts": [[2, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]],
        },
        "time_errors": times,
        "calibration": {
            "expected_error": pytest.approx(0.38),
            "bins": [
                {
                    "from": pytest.approx(low),
                    "to": pytest.approx(low + 0.1),
                    "count": 1,
                    "mean_score": pytest.approx(low),
                    "hit_rate": float(low > 0.75),
                }
                for low in (0.3, 0.6, 0.7, 0.8, 0.9)
            ],
        },
        "missing_games": [],
        "extra_games": ["other"],
    }
    assert list(per_class) == list(LABELS)
    nothing = {"threshold": 0.5, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert per_class["Goal"] == {
        "annotations": 4,
        "detections": 4,
        "ap": official.per_class["Goal"],
        "exact_ap": pytest.approx(exact),
        "interval": pytest.approx([official.per_class["Goal"]] * 2),
        "at_threshold": {
            "threshold": 0.5,
            "precision": pytest.approx(2 / 3),
            "recall": 0.5,
            "f1": pytest.approx(4 / 7),
        },
        "at_best_threshold": {
            "threshold": 0.8,
            "precision": 1.0,
            "recall": 0.5,
            "f1": pytest.approx(2 / 3),
        },
        "time_errors": times,
    }
    assert per_class["Foul"] == {
        "annotations": 1,
        "detections": 1,
        "ap": 0.0,
        "exact_ap": 0.0,
        "interval": [0.0, 0.0],
        "at_threshold": nothing,
        "at_best_threshold": nothing | {"threshold": 0.6},
        "time_errors": None,
    }
    assert per_class["<b>Never</b>"] == {
        "annotations": 0,
        "detections": 0,
        "ap": 0.0,
        "exact_ap": 0.0,
        "interval": [0.0, 0.0],
        "at_threshold": nothing,
        "at_best_threshold": nothing,
        "time_errors": None,
    }


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.15, 0.45, 0.5, 0.85, 1, 1.5]))),
    st.integers(0, 5),
    st.sampled_from([0.0, 0.3, 0.5, 0.85, 2.0]),
)
def test_points_and_calibration_are_counts_of_hits(
    found: list[tuple[bool, float]], missed: int, threshold: float
) -> None:
    """Detections that hit their own annotation or are far from any."""
    truth = [(20.0 * n, "Goal", 1.0) for n, (hit, _) in enumerate(found) if hit]
    truth += [(20.0 * (len(found) + n) + 10, "Goal", 1.0) for n in range(missed)]
    detections = [(20.0 * n, "Goal", score) for n, (_, score) in enumerate(found)]
    spots = prepare(
        {"g": events_at(*truth)}, {"g": events_at(*detections)}, label_set=LABELS, rate=1
    )
    explanation = explain(spots, "at1", threshold=threshold, resamples=2)

    def point(at: float) -> tuple[float, float, float]:
        hits = sum(hit for hit, score in found if score >= at)
        count = sum(score >= at for _, score in found)
        f1 = 2 * hits / (count + len(truth)) if count + len(truth) else 0.0
        return hits / max(count, 1), hits / max(len(truth), 1), f1

    goal = explanation.classes[0]
    for chosen in (explanation.overall, goal.chosen):
        assert chosen.threshold == threshold
        assert (chosen.precision, chosen.recall, chosen.f1) == pytest.approx(point(threshold))
    scores = sorted({score for _, score in found}, reverse=True)
    best = max(scores, key=lambda at: point(at)[2], default=threshold)
    assert goal.best.threshold == best
    assert (goal.best.precision, goal.best.recall) == pytest.approx(point(best)[:2])
    exact = [
        max((point(at)[0] for at in scores if point(at)[1] >= level), default=0.0)
        for level in np.arange(11) / 10
    ]
    assert goal.exact_ap == pytest.approx(np.mean(exact) if truth else 0.0)

    calibration = explanation.calibration
    bins: dict[int, list[tuple[float, bool]]] = {}
    for hit, score in found:
        bins.setdefault(min(int(10 * min(score, 1)), 9), []).append((min(score, 1), hit))
    assert calibration.counts.tolist() == [len(bins.get(n, [])) for n in range(10)]
    gaps = 0.0
    for number, rows in bins.items():
        mean, rate = (np.mean([row[n] for row in rows]) for n in (0, 1))
        assert calibration.mean_scores[number] == pytest.approx(mean)
        assert calibration.hit_rates[number] == pytest.approx(rate)
        gaps += abs(mean - rate) * len(rows)
    assert calibration.error == pytest.approx(gaps / max(len(found), 1))
    assert calibration.edges == pytest.approx(np.arange(11) / 10)


def test_one_detection_of_one_annotation_is_a_perfect_point() -> None:
    one = {"g": events_at((10, "Goal", 0.75))}
    explanation = explain(prepare(one, one, label_set=LABELS), "at1")
    for point in (explanation.overall, explanation.classes[0].chosen, explanation.classes[0].best):
        assert (point.precision, point.recall, point.f1) == (1.0, 1.0, 1.0)


def test_points_of_a_class_are_those_of_the_official_thresholds() -> None:
    truth = events_at((10, "Goal", 1), (30, "Goal", 1), (50, "Foul", 1))
    found = events_at((10, "Goal", 0.75), (70, "Goal", 0.25), (50, "Foul", 1.0))
    explanation = explain(prepare({"g": truth}, {"g": found}, label_set=LABELS), "at1")
    at = {share: int(share * 199) for share in (0.2, 0.7, 0.8)}
    goal, foul, never = explanation.classes
    assert [goal.precision[place] for place in at.values()] == [0.5, 1.0, 0.0]
    assert [goal.recall[place] for place in at.values()] == [0.5, 0.5, 0.0]
    assert foul.precision.tolist() == foul.recall.tolist() == [1.0] * 200
    assert never.precision.tolist() == never.recall.tolist() == [0.0] * 200


def test_intervals_are_those_of_drawing_games_again() -> None:
    """One game is found, its twin is not: a draw holds either twice, or both."""
    truth = events_at((10, "Goal", 1))
    labels = {"a": truth, "b": truth}
    found = {"a": truth, "b": events_at()}
    explanation = explain(prepare(labels, found, label_set=LABELS), "at1")
    assert explanation.classes[0].interval == (0.0, 1.0)
    assert explanation.interval == pytest.approx((0.0, 1 / 3))
    assert explanation.present_interval == (0.0, 1.0)
    few = {f"{name}{n}": labels[name] for name in "ab" for n in range(50)}
    half = {name: found[name[0]] for name in few}
    low, high = explain(prepare(few, half, label_set=LABELS), "at1").classes[0].interval
    assert 0.3 < low < 6 / 11 < high < 0.75
    without = explain(prepare(labels, found, label_set=LABELS), "at1", resamples=0)
    assert (without.interval, without.present_interval) == ((0.0, 0.0), None)
    assert without.classes[0].interval == (0.0, 0.0)


@pytest.mark.parametrize("seconds", [(10, 25, 30, 40), (25, 10, 30, 40)])
def test_an_interval_of_one_game_is_the_official_figure_whatever_the_confidences(
    seconds: tuple[int, ...],
) -> None:
    """Those on a threshold of the official metric, the first and the last too."""
    truth = events_at(*((10 * n, "Goal", 1) for n in range(1, 5)))
    scores = [float(THRESHOLDS[place]) for place in (0, 1, 100, 199)]
    found = events_at(*((at, "Goal", one) for at, one in zip(seconds, scores, strict=True)))
    explanation = explain(prepare({"g": truth}, {"g": found}, label_set=LABELS), "at1")
    goal = explanation.classes[0]
    assert 0 < goal.ap < 1
    assert goal.interval == pytest.approx((goal.ap, goal.ap))


@pytest.mark.parametrize(("games", "found"), [(7, 4), (12, 3)])
def test_an_interval_holds_nineteen_draws_in_twenty(games: int, found: int) -> None:
    """Of 7 games, 4 are found: 2 % of the draws hold those alone. Of 12, 3 are: 3 % hold none."""
    truth = events_at((10, "Goal", 1))
    labels = {f"{n}": truth for n in range(games)}
    some = {name: truth if int(name) < found else events_at() for name in labels}
    explanation = explain(prepare(labels, some, label_set=LABELS), "at1", resamples=20_000)
    low, high = explanation.classes[0].interval
    assert (low == 0.0) == (games == 12) and high < 1.0
    assert explanation.interval == pytest.approx((low / 3, high / 3))


def test_counts_are_whole_and_nothing_warns_of_empty_bins(explanation: Explanation) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = explain(prepare(*season(), label_set=LABELS), "loose")
    counts = again.to_json()["explain"]["confusion"]["counts"]
    assert counts == explanation.confusion.tolist()
    assert {type(one) for row in counts for one in row} == {int}


def test_an_interval_over_present_classes_takes_draws_that_hold_some() -> None:
    labels = {"a": events_at((10, "Goal", 1)), "b": events_at()}
    explanation = explain(prepare(labels, labels, label_set=LABELS), "at1")
    assert explanation.present_interval == (1.0, 1.0)
    assert explanation.interval == pytest.approx((0.0, 1 / 3))


def test_times_and_confusions_start_at_the_threshold() -> None:
    truth = events_at((10, "Goal", 1), (30, "Goal", 1))
    found = events_at((9, "Goal", 0.5), (30, "Goal", 0.4999), (30.5, "Foul", 0.5))
    spots = prepare({"g": truth}, {"g": found}, label_set=LABELS)
    explanation = explain(spots, "at5", threshold=0.5)
    times = explanation.time_errors
    assert times is not None and (times.count, times.quartiles) == (1, (-1.0, -1.0, -1.0))
    assert explanation.confusion.tolist() == [[1, 1, 0, 0], [0] * 4, [0] * 4, [0] * 4]
    assert explain(spots, "at5", threshold=0.51).time_errors is None


def test_wrong_classes_pair_within_their_half_and_the_best_first() -> None:
    def half_of(spots: EventColumns, half: int) -> EventColumns:
        return replace(spots, halves=np.full(len(spots), half))

    truth, found = events_at((10, "Goal", 1)), events_at((10, "Foul", 0.9))
    apart = prepare({"g": half_of(truth, 1)}, {"g": half_of(found, 2)}, label_set=LABELS)
    assert explain(apart, "at1").confusion.tolist() == [
        [0, 0, 0, 1],
        [0] * 4,
        [0] * 4,
        [0, 1, 0, 0],
    ]
    games = {"g": truth, "h": events_at()}
    other = prepare(games, {"g": events_at(), "h": found}, label_set=LABELS)
    assert explain(other, "at1").confusion.tolist()[0] == [0, 0, 0, 1]
    several = events_at((10.5, "Foul", 0.6), (9.5, "<b>Never</b>", 0.9))
    best = explain(prepare({"g": truth}, {"g": several}, label_set=LABELS), "at2").confusion
    assert best.tolist() == [[0, 0, 1, 0], [0] * 4, [0] * 4, [0, 1, 0, 0]]


def test_chance_is_what_detections_at_random_times_score() -> None:
    """A detection anywhere in the 100 s of a lane finds its annotation within half a second in
    three frames of 201."""
    truth = {f"{n}": events_at((50, "Goal", 1), (100, "Foul", 1)) for n in range(300)}
    found = {name: events_at((0, "Goal", 0.5), (100, "Foul", 0.5)) for name in truth}
    chance = explain(prepare(truth, found, label_set=LABELS), "at1", resamples=1).chance
    assert 0 < chance < 0.02
    nothing = explain(prepare(truth, truth, label_set=LABELS), "at1", resamples=1, seed=3)
    assert nothing.chance < 0.02 < nothing.scores.average_map


def test_unknown_metrics_and_thresholds_are_refused() -> None:
    spots = prepare(*season(), label_set=LABELS)
    with pytest.raises(ConfigError, match="unknown metric"):
        explain(spots, "loosest")
    with pytest.raises(ConfigError, match="threshold") as refused:
        explain(spots, threshold=float("nan"))
    assert refused.value.remedy == "use a number, such as 0.5"
    assert explain(spots, resamples=0).scores.metric == "loose"


def test_the_page_escapes_labels_and_asks_nothing_of_the_network(explanation: Explanation) -> None:
    page = render_scores([explanation, explanation])
    assert "&lt;b&gt;Never&lt;/b&gt;" in page
    assert "<b>Never</b>" not in page
    assert "://" not in page
    assert "src=" not in page
    assert "<script" not in page
