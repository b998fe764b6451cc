"""Team ball spotting: class and side must both be right; what is refused and what is null."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from touchline.columns import EventColumns
from touchline.errors import FormatError, LabelError
from touchline.labels import LabelSet
from touchline.metrics.spotting import evaluate
from touchline.metrics.team import evaluate_team

TWO = LabelSet("two", ("PASS", "SHOT"))
Row = tuple[int, str, str | None]


def game(
    *rows: Row, half: int | Sequence[int] = 1, shown: bool = True, scores: Sequence[float] = ()
) -> EventColumns:
    """Events of milliseconds, label and team."""
    return EventColumns(
        tuple(label for _, label, _ in rows),
        np.broadcast_to(np.array(half), len(rows)).copy(),
        np.array([at for at, _, _ in rows], np.int64),
        np.array(scores or [1.0] * len(rows)),
        np.full(len(rows), shown),
        tuple(team for _, _, team in rows),
        "labels.json",
    )


FOUR = ((1000, "PASS", "left"), (9000, "PASS", "right"), (17000, "SHOT", "left"))


def test_the_side_counts():
    right = evaluate_team({"g": game(*FOUR)}, {"g": game(*FOUR)}, label_set=TWO)
    assert (right.team_map, right.absent) == (1.0, [])
    turned = tuple(
        (at, label, {"left": "right", "right": "left"}[team]) for at, label, team in FOUR
    )
    wrong = evaluate_team({"g": game(*FOUR)}, {"g": game(*turned)}, label_set=TWO)
    assert wrong.team_map == 0
    assert wrong.without_team.average_map == 1, "the classes themselves are right"


def test_a_class_is_the_mean_of_its_sides_weighted_by_their_annotations():
    labels = game(
        (1000, "PASS", "left"),
        (5000, "PASS", "left"),
        (9000, "PASS", "left"),
        (13000, "PASS", "right"),
        (17000, "SHOT", "right"),
    )
    found = game((1000, "PASS", "left"), (5000, "PASS", "left"), (9000, "PASS", "left"))
    scores = evaluate_team({"g": labels}, {"g": found}, label_set=TWO)
    assert scores.per_class.tolist() == [0.75, 0.0]
    assert scores.team_map == scores.to_json()["average_map_present"] == 0.375
    assert scores.without_team.average_map_present != 0.375


def test_shown_and_unshown_annotations_that_cancel_out_give_no_number():
    left, right = FOUR[:2]
    labels = game(left, right)
    labels.shown[1] = False
    scores = evaluate_team({"g": labels}, {"g": game(left)}, label_set=LabelSet("one", ("PASS",)))
    assert np.isnan(scores.team_map)
    json.dumps(scores.to_json(), allow_nan=False)


def test_a_class_that_does_not_occur_makes_the_official_figure_no_number():
    scores = evaluate_team({"g": game(*FOUR[:2])}, {"g": game(*FOUR)}, label_set=TWO)
    assert np.isnan(scores.team_map) and scores.absent == ["SHOT"]
    record = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert (record["average_map"], record["average_map_present"]) == (None, 1.0)
    assert record["per_class"] == {"PASS": 1.0, "SHOT": None}
    assert record["visible"] == {"average_map": None, "per_class": {"PASS": 1.0, "SHOT": None}}
    assert record["unshown"]["average_map"] is None
    nothing = evaluate_team({"g": game()}, {"g": game()}, label_set=TWO).to_json()
    assert (nothing["average_map"], nothing["average_map_present"]) == (None, None)


def test_the_record_has_the_figures_with_and_without_the_team():
    labels, found = {"g": game(*FOUR)}, {"g": game(*FOUR[:2])}
    scores = evaluate_team(labels, found, label_set=TWO, metric="at2", rate=2)
    record = scores.to_json()
    plain = evaluate(labels, found, label_set=TWO, metric="at2", rate=2)
    assert record["metric"] == "team-at2"
    assert (record["average_map"], record["per_class"]) == (0.5, {"PASS": 1.0, "SHOT": 0.0})
    assert record["average_map_present"] == 0.5
    assert record["without_team"] == {
        "average_map": plain.average_map,
        "per_class": plain.per_class,
    }
    assert record["rate"] == 2.0 and record["labels"] == "two" and record["games"] == 1
    assert evaluate_team(labels, found, label_set=TWO).to_json()["metric"] == "team-at1"
    assert evaluate_team(labels, found, label_set=TWO).to_json()["rate"] == 25.0


def test_annotations_of_other_halves_are_left_out_and_halves_of_predictions_do_not_matter():
    labels = game(*FOUR, (25000, "SHOT", "right"), half=(1, 1, 1, 2))
    scores = evaluate_team({"g": labels}, {"g": game(*FOUR, half=2)}, label_set=TWO)
    assert scores.team_map == 1
    assert scores.without_team.annotations.tolist() == [2, 1]


def test_games_of_predictions_alone_are_left_out_and_missing_ones_are_misses_if_asked():
    labels = {"g": game(*FOUR), "h": game(*FOUR)}
    found = {"g": game(*FOUR), "other": game((1, "DRIVE", None))}
    with pytest.raises(FormatError, match="no predictions for 1 of 2 games: h"):
        evaluate_team(labels, found, label_set=TWO)
    scores = evaluate_team(labels, found, label_set=TWO, missing="empty")
    assert scores.team_map == pytest.approx(6 / 11)  # half of them are found
    assert scores.without_team.games == 2


@pytest.mark.parametrize("team", [None, "home", ""])
@pytest.mark.parametrize("side", [0, 1])
def test_every_event_names_its_side(team, side):
    sides = [{"g": game(*FOUR)}, {"g": game(*FOUR)}]
    sides[side] = {"g": game(FOUR[0], (9000, "PASS", team))}
    with pytest.raises(FormatError) as refused:
        evaluate_team(*sides, label_set=TWO)
    assert str(refused.value) == (
        f"labels.json: event 1, 'PASS', has team {team!r}; "
        "team spotting needs left or right for every event"
    )


def test_columns_without_teams_are_refused():
    plain = game(*FOUR)
    columns = EventColumns(
        plain.labels, plain.halves, plain.milliseconds, plain.confidences, plain.shown
    )
    with pytest.raises(FormatError) as refused:
        evaluate_team({"g": columns}, {"g": plain}, label_set=TWO)
    assert str(refused.value).startswith("event 0, 'PASS', has team None; team spotting needs")


def test_labels_outside_the_set_are_refused():
    with pytest.raises(LabelError) as refused:
        evaluate_team({"g": game(*FOUR)}, {"g": game(FOUR[0], (1, "DRIVE", "left"))}, label_set=TWO)
    assert str(refused.value) == (
        "labels.json: event 1 has the unknown label 'DRIVE'; two has: PASS, SHOT"
    )
