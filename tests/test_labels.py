"""Label sets: the published orders, and what is no label."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.errors import LabelError
from touchline.labels import (
    LABEL_SETS,
    SOCCERNET_BALL,
    SOCCERNET_V1,
    SOCCERNET_V2,
    SOCCERNET_V2_NON_VISUAL,
    SOCCERNET_V2_VISUAL,
    LabelSet,
    evaluation_rate,
    label_set_of,
    legacy_class,
)


@pytest.mark.parametrize("name", LABEL_SETS)
def test_published_sets_are_found_by_their_names(name):
    assert LABEL_SETS[name].name == name


def test_the_published_orders_are_those_of_the_official_evaluators():
    """The order is the order of columns, so a swap would rename what published weights find."""
    assert SOCCERNET_V1.labels == ("card", "subs", "soccer")
    assert (len(SOCCERNET_V2), len(SOCCERNET_BALL)) == (17, 12)
    assert (SOCCERNET_V2.labels[0], SOCCERNET_V2.labels[16]) == ("Penalty", "Yellow->red card")
    assert [SOCCERNET_V2.index(x) for x in ("Goal", "Corner", "Red card")] == [2, 13, 15]
    assert SOCCERNET_BALL.labels[:2] == ("PASS", "DRIVE"), "the edition of 2023 has these"
    assert [SOCCERNET_BALL.index(x) for x in ("OUT", "SHOT", "GOAL")] == [4, 7, 11]


def test_classes_that_show_in_positions_and_the_others_are_all_classes():
    assert len(SOCCERNET_V2_VISUAL) == 8
    together = sorted([*SOCCERNET_V2_VISUAL, *SOCCERNET_V2_NON_VISUAL])
    assert together == sorted(SOCCERNET_V2)
    for part in (SOCCERNET_V2_VISUAL, SOCCERNET_V2_NON_VISUAL):
        places = [SOCCERNET_V2.index(label) for label in part]
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ((), "label set 'mine' is empty; give at least one label"),
        (("Goal", ""), "'' is not a label; use 1 to 300 characters"),
        ((" \t",), r"' \\t' is not a label; use 1 to 300 characters"),
        (("x" * 301,), f"'{'x' * 40}' is not a label; use 1 to 300 characters"),
        (("Corner", "Goal", "Foul", "Goal", "Foul"), "label set 'mine' names 'Foul' twice"),
    ],
)
def test_what_is_no_label_set(labels, said):
    with pytest.raises(LabelError, match=f"^{said}$"):
        LabelSet("mine", labels)


def test_a_label_has_up_to_three_hundred_characters():
    assert len(LabelSet("mine", ("x" * 300, "y"))) == 2


@given(st.lists(st.text("abc ", min_size=1).filter(str.strip), min_size=1, unique=True))
def test_the_index_of_a_label_is_its_place(names):
    labels = LabelSet("mine", tuple(names))
    assert [labels.index(name) for name in labels] == list(range(len(labels)))
    assert all(name in labels for name in names)
    assert "no such label" not in labels


def test_an_unknown_label_is_told_what_there_is():
    with pytest.raises(LabelError, match=r"^unknown label 'goal'; soccernet-v1 has: card"):
        SOCCERNET_V1.index("goal")


@pytest.mark.parametrize(
    ("label", "legacy"),
    [
        ("y-card", "card"),
        ("yr-card", "card"),
        ("substitution-in", "subs"),
        ("soccer-ball-own", "soccer"),
        ("soccer-card", "card"),
        ("kick-off", None),
        ("", None),
    ],
)
def test_labels_of_the_first_edition_are_found_by_what_they_hold(label, legacy):
    assert legacy_class(label) == legacy


@pytest.mark.parametrize("known", LABEL_SETS.values(), ids=list(LABEL_SETS))
def test_labels_of_a_published_set_are_that_set_in_its_order(known):
    backwards = known.labels[::-1]
    home = label_set_of(backwards)
    assert set(backwards) <= set(home.labels)
    assert home in LABEL_SETS.values()


@pytest.mark.parametrize("number", [1, 2])
def test_a_few_labels_of_a_published_set_mean_the_whole_set(number):
    for some in itertools.combinations(SOCCERNET_V2.labels, number):
        assert label_set_of(some) is SOCCERNET_V2
    assert label_set_of(("GOAL",)) is SOCCERNET_BALL


def test_other_labels_are_a_set_of_their_own_in_the_order_given():
    mixed = label_set_of(("Goal", "PASS", "Corner"))
    assert mixed == LabelSet("custom", ("Goal", "PASS", "Corner"))
    with pytest.raises(LabelError, match="label set 'custom' is empty"):
        label_set_of(())


@pytest.mark.parametrize("name", LABEL_SETS)
def test_the_ball_is_evaluated_at_25_frames_a_second_and_everything_else_at_two(name):
    assert evaluation_rate(LABEL_SETS[name]) == (25 if name == "soccernet-ball" else 2)
