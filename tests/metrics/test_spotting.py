"""What the official figure promises, what it leaves out, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from touchline.columns import EventColumns, empty_columns
from touchline.errors import ConfigError, FormatError, LabelError
from touchline.events import Event, Match, Timeline, Video
from touchline.labels import SOCCERNET_V1, SOCCERNET_V2, LabelSet
from touchline.metrics.matching import NONE, match_greedily, rank_detections
from touchline.metrics.spotting import (
    METRICS,
    THRESHOLDS,
    evaluate,
    halves_without_predictions,
    near_shown,
    prepare,
    score,
)

LABELS = LabelSet("two", ("Goal", "Foul"))
Row = tuple[int, str, float]


def game(rows: Sequence[Row], half: int = 1, shown: bool = True) -> EventColumns:
    """Events of milliseconds, label and confidence."""
    count = len(rows)
    return EventColumns(
        tuple(label for _, label, _ in rows),
        np.full(count, half),
        np.array([at for at, _, _ in rows], np.int64),
        np.array([confidence for _, _, confidence in rows], float),
        np.full(count, shown),
        source="game.json",
    )


def test_the_worked_example_of_the_specification() -> None:
    one = LabelSet("one", ("Goal",))
    labels = EventColumns(
        ("Goal",) * 3,
        np.ones(3, int),
        np.array([50_000, 100_000, 150_000]),
        np.ones(3),
        np.array([True, False, True]),
    )
    found = game(
        [(50_500, "Goal", 0.9), (51_500, "Goal", 0.8), (101_500, "Goal", 0.7),
         (200_000, "Goal", 0.6), (149_500, "Goal", 0.5)]
    )  # fmt: skip
    tight = evaluate({"g": labels}, {"g": found}, label_set=one, metric="tight")
    assert tight.average_map == pytest.approx(0.654545, abs=1e-6)
    assert tight.unshown is not None
    assert tight.unshown.average_map == pytest.approx(0.817308, abs=1e-6)
    loose = evaluate({"g": labels}, {"g": found}, label_set=one, metric="loose")
    assert loose.unshown is not None
    assert loose.unshown.average_map == pytest.approx(17 / 13)


def test_each_tolerance_has_its_own_precision_and_the_ends_count_half() -> None:
    labels = {"g": game([(10_000, "Goal", 1.0), (10_000, "Foul", 1.0)])}
    found = {"g": game([(11_000, "Goal", 0.9), (10_500, "Foul", 0.9)])}
    every = evaluate(labels, found, label_set=LABELS, metric="tight").all
    assert every.per_tolerance.tolist() == [[0, 1], [1, 1], [1, 1], [1, 1], [1, 1]]
    assert every.per_class.tolist() == [7 / 8, 1]
    assert every.average_map == 15 / 16


def test_unshown_events_are_scaled_over_several_tolerances_only() -> None:
    labels = {"g": game([(1000, "Goal", 1.0)], shown=False)}
    for metric, factor in (("at1", 1), ("tight", 17 / 13), ("loose", 17 / 13)):
        scores = evaluate(labels, labels, label_set=LABELS, metric=metric)
        assert scores.unshown is not None and scores.visible is not None
        assert scores.unshown.average_map == pytest.approx(factor / 2)
        assert scores.unshown.per_class.tolist() == [1, 0]
        assert (scores.average_map, scores.visible.average_map) == (0.5, 0)


confidences = st.sampled_from([0.0, 0.004, 0.006, 0.996, 1.0])


@given(st.lists(st.none() | confidences, min_size=1, max_size=6), st.lists(confidences, max_size=6))
@example(hits=[0.996], misses=[0.994])  # neighbouring thresholds
@example(hits=[1.0, 0.0], misses=[0.0])
def test_precision_is_the_best_at_a_recall_averaged_over_eleven_levels(
    hits: list[float | None], misses: list[float]
) -> None:
    """A hit for each annotation, None where it is not found; misses lie between them."""
    truth = [(10_000 * place, "Goal", 1.0) for place in range(len(hits))]
    found = [(10_000 * n, "Goal", own) for n, own in enumerate(hits) if own is not None]
    wrong = [(10_000 * n + 5000, "Goal", own) for n, own in enumerate(misses)]
    points = []
    for threshold in THRESHOLDS:
        right = sum(own >= threshold for _, _, own in found)
        both = right + sum(own >= threshold for own in misses)
        points.append((right / len(hits), right / max(both, 1)))
    best = [
        max((precision for recall, precision in points if recall >= level / 10), default=0)
        for level in range(11)
    ]
    sides = {"g": game(truth)}, {"g": game(found + wrong)}
    scores = evaluate(*sides, label_set=LABELS, metric="at1")
    assert scores.per_class["Goal"] == pytest.approx(sum(best) / 11)
    assert scores.detections.tolist() == [len(found + wrong), 0]


places = st.tuples(st.integers(0, 2), st.integers(0, 9))


@given(st.dictionaries(places, st.booleans(), max_size=12), st.sets(places, max_size=12))
@example(truth={(0, 3): True, (0, 8): False, (1, 4): True}, found={(0, 4), (0, 5), (1, 0), (2, 4)})
def test_a_detection_is_shown_as_the_annotation_is_whose_zone_holds_it(
    truth: dict[tuple[int, int], bool], found: set[tuple[int, int]]
) -> None:
    """Annotations of (lane, frame) to shown. A zone begins halfway to the one before, the first
    with its lane; a lane without annotations is unshown."""
    expected = []
    for lane, frame in sorted(found):
        holds, before = False, None
        for own, at in sorted(truth):
            if own == lane:
                if before is None or frame >= (before + at) // 2:
                    holds = truth[own, at]
                before = at
        expected.append(holds)
    keys = [np.array([15 * lane + at for lane, at in sorted(side)], int) for side in (truth, found)]
    shown = np.array([truth[place] for place in sorted(truth)], bool)
    assert near_shown(keys[0], shown, keys[1], stride=15).tolist() == expected


def choose_one_after_the_other(
    truth: list[int], keys: list[int], scores: list[float], reach: int
) -> list[int]:
    free = set(range(len(keys)))
    taken = []
    for at in truth:
        seen = [place for place in free if abs(keys[place] - at) <= reach]
        best = min(seen, key=lambda place: (-scores[place], place), default=NONE)
        free.discard(best)
        taken.append(best)
    return taken


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.integers(0, 60), max_size=25, unique=True),
    st.dictionaries(st.integers(0, 60), st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), max_size=40),
    st.integers(0, 12),
)
def test_matching_in_rounds_is_matching_one_after_the_other(
    truth: list[int], found: dict[int, float], reach: int
) -> None:
    truth, keys = sorted(truth), sorted(found)
    scores = [found[key] for key in keys]
    detections = rank_detections(np.array(keys, np.int64), np.array(scores))
    taken = match_greedily(np.array(truth, np.int64), detections, reach)
    assert taken.tolist() == choose_one_after_the_other(truth, keys, scores, reach)


rows = st.lists(
    st.tuples(st.integers(0, 60_000), st.sampled_from(LABELS.labels), st.floats(0, 1)), max_size=30
)


@settings(deadline=None, max_examples=60)
@given(rows, rows, st.sampled_from(sorted(METRICS)), st.sampled_from([1, 2, Fraction(25, 12), 25]))
def test_scores_are_fractions_and_do_not_depend_on_the_order_of_games(
    labels: list[Row], found: list[Row], metric: str, rate: Any
) -> None:
    sides = {"a": game(labels), "b": game(found)}, {"a": game(found), "b": game(labels)}
    scores = evaluate(*sides, label_set=LABELS, metric=metric, rate=rate)
    turned = evaluate(
        {"b": sides[0]["b"], "a": sides[0]["a"]},
        sides[1],
        label_set=LABELS,
        metric=metric,
        rate=rate,
    )
    assert scores.average_map == turned.average_map
    assert (scores.all.per_class >= 0).all() and (scores.all.per_class <= 1).all()


def test_labels_score_full_marks_against_themselves() -> None:
    labels = {"g": game([(at, label, 1.0) for at in range(0, 90_000, 3000) for label in LABELS])}
    for metric in METRICS:
        assert evaluate(labels, labels, label_set=LABELS, metric=metric).average_map == 1


def test_a_class_that_never_occurs_counts_officially_and_not_in_the_other_mean() -> None:
    labels = {"g": game([(1000, "Goal", 1.0)])}
    scores = evaluate(labels, labels, label_set=LABELS)
    assert scores.average_map == 0.5
    assert scores.average_map_present == 1
    assert scores.per_class == {"Goal": 1.0, "Foul": 0.0}
    nothing = evaluate({"g": empty_columns()}, labels, label_set=LABELS)
    assert nothing.average_map == 0
    assert nothing.average_map_present is None


def test_matches_score_as_the_files_they_would_be_written_to() -> None:
    timeline = Timeline(
        Video("1.mkv"), (Event(1.16, "Goal", 0.5), Event(7.0, "Foul", 0.25)), half=1
    )
    match = Match("g", (timeline,))
    columns = game([(1160, "Goal", 0.5), (7000, "Foul", 0.25)])
    both = [
        evaluate({"g": columns}, {"g": found}, label_set=LABELS, metric="at1", rate=25)
        for found in (match, columns)
    ]
    assert both[0].to_json() == both[1].to_json()


def test_a_game_without_predictions_is_refused_by_name_or_counted_as_misses() -> None:
    labels = {name: game([(1000, "Goal", 1.0)]) for name in ("a/b/c", "a/b/d")}
    found = {"a/b/c": labels["a/b/c"], "x/y/z": labels["a/b/c"]}
    with pytest.raises(FormatError, match="no predictions for 1 of 2 games: a/b/d"):
        evaluate(labels, found, label_set=LABELS)
    scores = evaluate(labels, found, label_set=LABELS, missing="empty")
    assert scores.per_class["Goal"] == pytest.approx(6 / 11)  # half of them are found
    assert scores.notes["games without predictions, counted as misses"] == 1
    assert scores.notes["predicted games without labels, left out"] == 1
    with pytest.raises(FormatError, match="no predictions for 1 of 2 games"):
        prepare(labels, found, label_set=LABELS)


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        (game([(1000, "goal", 0.5)]), "of unknown label 'goal', left out"),
        (game([(1000, "Goal", 0.5)], half=3), "of a half other than 1 and 2, left out"),
        (game([(7_200_001, "Goal", 0.5)]), "after 2 hours, counted there"),
        (game([(-2000, "Goal", 0.5)]), "of negative time, counted from the end of 2 hours"),
        (
            game([(1000, "Goal", 0.5), (1001, "Goal", 0.4)]),
            "replaced by a later one of their class and frame",
        ),
    ],
)
def test_whatever_the_official_evaluator_passes_over_is_counted(
    odd: EventColumns, note: str
) -> None:
    usual = {"g": game([(1000, "Goal", 1.0)])}
    assert evaluate({"g": odd}, usual, label_set=LABELS).notes == {f"annotations {note}": 1}
    assert evaluate(usual, {"g": odd}, label_set=LABELS).notes == {f"predictions {note}": 1}


@pytest.mark.parametrize(
    ("confidence", "notes", "detections"),
    [
        (float("nan"), {"predictions whose confidence is not a number, left out": 1}, 0),
        (-0.5, {"predictions with a confidence below 0, left out": 1}, 0),
        (0.0, {}, 1),
        (1.0, {}, 1),
        (1.5, {"predictions with a confidence above 1": 1}, 1),
    ],
)
def test_detections_of_any_confidence_from_zero_count(
    confidence: float, notes: dict[str, int], detections: int
) -> None:
    found = {"g": game([(1000, "Goal", confidence)])}
    scores = evaluate({"g": game([(1000, "Goal", 1.0)])}, found, label_set=LABELS)
    assert scores.notes == notes
    assert scores.detections.tolist() == [detections, 0]
    assert scores.per_class == {"Goal": detections, "Foul": 0}


def test_other_halves_and_labels_change_no_figure() -> None:
    events = EventColumns(
        ("Goal", "Goal", "Goal", "Corner"),
        np.array([1, 0, 3, 1]),
        np.full(4, 5000),
        np.ones(4),
        np.ones(4, bool),
    )
    scores = evaluate({"g": events}, {"g": events}, label_set=LABELS)
    assert (scores.annotations.tolist(), scores.detections.tolist()) == ([1, 0], [1, 0])
    assert scores.per_class == {"Goal": 1, "Foul": 0}


@pytest.mark.parametrize(
    ("annotated", "found", "hit"),
    [
        pytest.param(7_199_000, 7_300_000, True, id="after two hours is their last frame"),
        pytest.param(7_198_000, 7_300_000, False, id="and not the one before"),
        pytest.param(7_199_000, -1000, True, id="negative times count from the end"),
        pytest.param(7_190_000, -10_000, True, id="one by one"),
        pytest.param(0, -7_200_000, True, id="to the beginning"),
        pytest.param(0, -999, True, id="truncated towards zero"),
        pytest.param(0, 1000, False, id="a frame apart is no hit"),
    ],
)
def test_times_outside_of_two_hours_have_a_frame_inside(
    annotated: int, found: int, hit: bool
) -> None:
    """At one frame a second and a tolerance of one second only the same frame is a hit."""
    sides = {"g": game([(annotated, "Goal", 1.0)])}, {"g": game([(found, "Goal", 0.5)])}
    scores = evaluate(*sides, label_set=LABELS, metric="at1", rate=1)
    assert scores.per_class["Goal"] == hit
    assert (scores.notes == {}) == (-1000 < found < 7_200_000)


def test_yahoos_rounding_takes_annotations_at_whole_seconds_and_the_nearest_frames() -> None:
    labels = {"g": game([(1999, "Goal", 1.0), (5000, "Foul", 1.0)])}
    found = {"g": game([(1980, "Goal", 0.5), (5300, "Foul", 0.5)])}
    spots = prepare(labels, found, label_set=LABELS, rounding="spivak")
    assert (spots.truth % spots.stride).tolist() == [2, 10]
    assert (spots.detections.keys % spots.stride).tolist() == [4, 11]
    scores = evaluate(labels, found, label_set=LABELS, metric="at1", rounding="spivak")
    assert scores.per_class == {"Goal": 0, "Foul": 1}
    assert (scores.metric, scores.visible, scores.unshown) == ("spivak-at1", None, None)
    official = evaluate(labels, found, label_set=LABELS, metric="at1")
    assert official.per_class == {"Goal": 1, "Foul": 1}
    assert official.metric == "at1"


def test_labels_of_the_first_soccernet_are_mapped_and_others_left_out() -> None:
    labels = {"g": game([(1000, "y-card", 1), (5000, "soccer-ball", 1), (9000, "corner", 1)])}
    found = {"g": game([(1000, "card", 0.5), (5000, "soccer", 0.5)])}
    scores = evaluate(labels, found, label_set=SOCCERNET_V1)
    assert scores.annotations.tolist() == [1, 0, 1]
    assert scores.per_class == {"card": 1, "subs": 0, "soccer": 1}
    assert scores.notes == {"annotations of unknown label 'corner', left out": 1}
    assert evaluate({"g": game([])}, found, label_set=SOCCERNET_V1).average_map == 0


def test_halves_without_predictions_are_named_with_their_events() -> None:
    def of_halves(*halves: int) -> EventColumns:
        return replace(game([(1000, "Goal", 1.0)] * len(halves)), halves=np.array(halves, int))

    labels = {
        "b": of_halves(1, 2, 2),
        "c": of_halves(1, 2),
        "a": of_halves(4, 1, 2, 4, 4),
        "whole": of_halves(1, 2),
        "not predicted": of_halves(1),
    }
    predictions = {
        "a": of_halves(2, 2),
        "b": of_halves(1),
        "c": of_halves(),
        "whole": of_halves(2, 1, 3),
        "not labelled": of_halves(1),
    }
    found = halves_without_predictions(labels, predictions)
    assert found == [("a", 1, 1), ("a", 4, 3), ("b", 2, 2)]


def message_of(*sides: Any, **options: Any) -> str:
    with pytest.raises((ConfigError, FormatError, LabelError)) as refused:
        evaluate(*sides, **options)
    return str(refused.value)


def test_refusals_say_what_would_be_right() -> None:
    labels = {name: game([(1000, "Goal", 1.0)]) for name in "abcde"}
    remedy = "predict them (an empty list will do), or count them as misses with --missing empty"
    for found, text in (
        ("ab", "no predictions for 3 of 5 games: c, d, e"),
        ("a", "no predictions for 4 of 5 games: b, c, d and 1 more"),
    ):
        sides = labels, {name: labels[name] for name in found}
        assert message_of(*sides, label_set=LABELS) == f"{text}; {remedy}"
    assert message_of(labels, labels, label_set=LABELS, rate=1001) == (
        "a rate of 1001 frames a second; use a rate from 0 to 1000"
    )
    assert message_of(labels, labels, label_set=LABELS, metric="map") == (
        f"unknown metric 'map'; choose from: {', '.join(METRICS)}"
    )
    early = {"a": game([(1000, "Foul", 0.5), (-9_000_000, "Goal", 0.5)])}
    assert message_of({"a": labels["a"]}, early, label_set=LABELS) == (
        "game.json: 'Goal' at -9000000 ms lies more than 2 hours before the half; "
        "positions are milliseconds from the start of the half"
    )
    one = {"a": game([(1000, "card", 0.5), (2000, "Goal", 0.5)])}
    assert message_of({"a": labels["a"]}, one, label_set=SOCCERNET_V1) == (
        "prediction of unknown class 'Goal'; SoccerNet-v1 predictions are named card, subs, soccer"
    )


def test_times_before_the_beginning_of_the_vectors_are_refused() -> None:
    labels = {"g": game([(1000, "Goal", 1.0)])}
    with pytest.raises(FormatError, match=r"game\.json: 'Goal' at -9000000 ms"):
        evaluate(labels, {"g": game([(-9_000_000, "Goal", 0.5)])}, label_set=LABELS)


def test_calls_that_make_no_sense_are_refused() -> None:
    labels = {"g": game([(1000, "Goal", 1.0)])}
    with pytest.raises(ConfigError, match=r"unknown metric 'at6'.*loose"):
        evaluate(labels, labels, label_set=LABELS, metric="at6")
    for rate in (0, -2, 10**6):
        with pytest.raises(ConfigError, match="frames a second"):
            evaluate(labels, labels, label_set=LABELS, rate=rate)
    assert evaluate(labels, labels, label_set=LABELS, rate=1000).rate == 1000
    with pytest.raises(LabelError, match=r"unknown class 'Goal'.*card, subs, soccer"):
        evaluate(labels, labels, label_set=SOCCERNET_V1)


def test_the_record_is_the_documented_one() -> None:
    labels = game([(1000, "Goal", 1.0), (9000, "Foul", 1.0), (20_000, "Goal", 1.0)])
    labels.shown[2] = False
    found = game([(1000, "Goal", 0.5), (9000, "Foul", 0.5), (9000, "goal", 0.5)])
    three = LabelSet("three", ("Goal", "Foul", "Corner"))
    record = evaluate({"g": labels}, {"g": found}, label_set=three, rate=Fraction(5, 2)).to_json()
    half_found = pytest.approx(6 / 11)
    assert record == {
        "format": "touchline-scores",
        "version": 1,
        "metric": "loose",
        "labels": "three",
        "rate": 2.5,
        "games": 1,
        "average_map": pytest.approx((6 / 11 + 1) / 3),
        "average_map_present": pytest.approx((6 / 11 + 1) / 2),
        "per_class": {"Goal": half_found, "Foul": 1.0, "Corner": 0.0},
        "visible": {
            "average_map": pytest.approx(2 / 3),
            "per_class": {"Goal": 1.0, "Foul": 1.0, "Corner": 0.0},
        },
        "unshown": {
            "average_map": 0.0,
            "per_class": {"Goal": 0.0, "Foul": 0.0, "Corner": 0.0},
        },
        "annotations": {"Goal": 2, "Foul": 1, "Corner": 0},
        "notes": {"predictions of unknown label 'goal', left out": 1},
    }
    assert {type(count) for count in record["annotations"].values()} == {int}
    assert list(evaluate({}, {}, label_set=SOCCERNET_V2).to_json()["per_class"]) == list(
        SOCCERNET_V2
    )
    first = game([(1000, "soccer", 1.0)])
    record = evaluate({"g": first}, {"g": first}, label_set=SOCCERNET_V1).to_json()
    assert (record["visible"], record["unshown"]) == (None, None)
    assert record["average_map_present"] == 1


def test_other_detections_are_scored_against_the_same_annotations() -> None:
    labels = {"g": game([(1000, "Goal", 1.0), (9000, "Foul", 1.0)])}
    spots = prepare(labels, {"g": game([])}, label_set=LABELS)
    whole = prepare(labels, labels, label_set=LABELS)
    keys, scores = whole.detections.keys, whole.detections.scores
    again = spots.with_detections(np.append(keys, keys), np.append(scores * 0, scores))
    assert again.detections.keys.tolist() == keys.tolist()
    assert score(again, "tight").to_json() == score(whole, "tight").to_json()
    assert score(spots, "tight").average_map == 0
