"""Replay grounding: what its definition says, what is left out, and what is refused."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.errors import ConfigError, FormatError
from touchline.metrics.grounding import evaluate_grounding
from touchline.metrics.spotting import METRICS, THRESHOLDS
from touchline.replays import CameraShot, GroundedReplay

Found = Sequence[tuple[float, float]]


def shot(end: int, action: int, *, half: int = 1, label: str = "Goal") -> CameraShot:
    return CameraShot(end, half, label, action, half=half, is_replay=True)


def replay(end: int, *found: tuple[float, float], half: int = 1) -> GroundedReplay:
    return GroundedReplay(half, end, tuple(t for t, _ in found), tuple(s for _, s in found))


def figure_by_definition(pairs: Sequence[tuple[int, Found]], metric: str) -> float:
    """Average AP of actions in seconds, each with its candidates, at two steps a second."""
    values = []
    for tolerance in METRICS[metric]:
        hits, everything = [], []
        for action, found in pairs:
            left = {int(2 * time): score for time, score in found}
            kept = {}
            while left:
                best = max(left, key=lambda step: (left[step], -step))
                kept[best] = left[best]
                left = {s: v for s, v in left.items() if not -tolerance <= s - best < tolerance}
            everything += kept.values()
            near = [score for step, score in kept.items() if abs(step - 2 * action) <= tolerance]
            hits += [max(near)] if near else []
        values.append(eleven_points(np.array(hits), np.array(everything), len(pairs)))
    if len(values) == 1:
        return values[0]
    return float(np.trapezoid(values) / (len(values) - 1))


def eleven_points(hits: np.ndarray, everything: np.ndarray, total: int) -> float:
    points = []
    for threshold in THRESHOLDS:
        hit, found = (hits >= threshold).sum(), (everything >= threshold).sum()
        points.append((hit / max(found, 1), hit / total))
    levels = np.arange(11) / 10
    return float(
        np.mean([max((p for p, r in points if r >= level), default=0) for level in levels])
    )


candidates = st.lists(
    st.tuples(
        st.integers(0, 80).map(lambda step: step / 2), st.sampled_from([0.0, 0.1, 0.4, 0.7, 0.95])
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 40), candidates), min_size=1, max_size=4),
    st.sampled_from(["loose", "tight"]),
)
def test_the_figure_is_what_its_definition_says(pairs, metric):
    shots = [shot(100 + place, action) for place, (action, _) in enumerate(pairs)]
    replays = [replay(100 + place, *found) for place, (_, found) in enumerate(pairs)]
    scores = evaluate_grounding({"g": shots}, {"g": replays}, metric=metric)
    assert scores.average_ap == pytest.approx(figure_by_definition(pairs, metric))
    assert (scores.pairs, scores.unpaired, scores.games) == (len(pairs), 0, 1)


def test_a_replay_is_paired_by_its_end_and_the_half_of_the_action():
    shots = [shot(50, 30), shot(70, 60, half=2), shot(90, 80, label="Streaker")]
    for replays, pairs in (
        ([replay(50, (30, 0.9))], 1),
        ([replay(51, (30, 0.9))], 0),
        ([replay(70, (60, 0.9))], 0),
        ([replay(70, (60, 0.9), half=2)], 1),
        ([replay(90, (80, 0.9))], 0),
        ([replay(50, (30, 0.9)), replay(51, (30, 0.9)), replay(52, (30, 0.9))], 1),
        ([replay(50, (30, 0.9)), replay(50, (30, 0.9)), replay(3, (1, 0.5))], 2),
    ):
        scores = evaluate_grounding({"g": shots}, {"g": replays}, metric="tight")
        assert (scores.pairs, scores.unpaired) == (pairs, len(replays) - pairs)
        assert scores.average_ap == (1.0 if pairs else 0.0)


def test_the_end_of_one_half_is_not_the_beginning_of_another():
    shots = [shot(50, 3000), shot(60, 4)]
    for late in range(3440, 3500):
        replays = [replay(50, (late, 0.9)), replay(60)]
        assert evaluate_grounding({"g": shots}, {"g": replays}).average_ap == 0


def test_of_annotations_with_one_time_the_first_counts():
    replays = {"g": [replay(50, (30, 0.9))]}
    for shots, found in (
        ([shot(50, 30), shot(50, 10)], 1.0),
        ([shot(50, 10), shot(50, 30)], 0.0),
        ([CameraShot(50), shot(50, 30)], None),
        ([CameraShot(49), shot(50, 30)], 1.0),
    ):
        scores = evaluate_grounding({"g": shots}, replays, metric="tight")
        assert (scores.average_ap if scores.pairs else None) == found


def test_the_record_is_the_documented_one_for_replays():
    labels = {"g": [shot(50, 30)], "h": []}
    found = {"g": [replay(50, (30, 0.9)), replay(7, (3, 0.2))], "h": [], "other": []}
    record = {
        "format": "touchline-scores",
        "version": 1,
        "metric": "grounding-loose",
        "games": 2,
        "pairs": 1,
        "average_ap": 1.0,
        "notes": {"predicted replays without an annotated one, left out": 1},
    }
    assert evaluate_grounding(labels, found).to_json() == record
    found["g"].pop()
    assert evaluate_grounding(labels, found).to_json() == record | {"notes": {}}
    assert evaluate_grounding(labels, found, metric="tight").to_json()["metric"] == (
        "grounding-tight"
    )


@pytest.mark.parametrize("metric", ["at1", "medium", "Loose", ""])
def test_other_metrics_are_refused(metric):
    with pytest.raises(ConfigError) as refused:
        evaluate_grounding({}, {}, metric=metric)
    assert str(refused.value) == f"no grounding metric {metric!r}; choose loose or tight"


def test_every_game_has_predictions():
    with pytest.raises(FormatError) as refused:
        evaluate_grounding({"a": [], "b": [], "c": []}, {"b": []})
    assert str(refused.value) == "no predicted replays for 2 games, such as 'a'"


def test_times_lie_in_the_official_vectors():
    last = 3499.5
    fine = {"g": [replay(50, (last, 0.9), (0, 0.5))]}
    assert evaluate_grounding({"g": [shot(50, 3499)]}, fine, metric="tight").pairs == 1
    for time in (3500, 4000, -0.5, -7):
        with pytest.raises(FormatError) as refused:
            evaluate_grounding({"g": [shot(50, 30)]}, {"g": [replay(50, (time, 0.9))]})
        assert str(refused.value) == (
            f"replay that ends at 50 s: a time of {time} s; times are 0 to 3500 s"
        )
    with pytest.raises(FormatError) as refused:
        evaluate_grounding({"g": [shot(50, 3500)]}, {"g": [replay(50, (3, 0.9))]})
    assert str(refused.value) == "g: a time of 3500 s; times are 0 to 3500 s"


def test_candidates_of_negative_score_find_nothing():
    found = {"g": [replay(50, (30, -0.1))]}
    assert evaluate_grounding({"g": [shot(50, 30)]}, found).average_ap == 0
