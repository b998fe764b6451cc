"""Events of a game as columns: whole, of one length, as a SoccerNet file would hold them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.columns import MAX_MILLISECONDS, EventColumns, columns_of, empty_columns
from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import write
from touchline.formats.columns import read_columns
from touchline.labels import SOCCERNET_V2

COLUMNS = {
    "labels": ("Goal", "Foul"),
    "halves": np.ones(2, np.int64),
    "milliseconds": np.arange(2),
    "confidences": np.ones(2),
    "shown": np.ones(2, bool),
    "teams": ("home", None),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_different_lengths_are_refused(name):
    assert len(EventColumns(**COLUMNS)) == 2
    for wrong in (COLUMNS[name][:1], [*COLUMNS[name], COLUMNS[name][0]]):
        with pytest.raises(FormatError, match=r"^game\.json: event columns differ in length$"):
            EventColumns(**COLUMNS | {name: wrong}, source="game.json")
    with pytest.raises(FormatError, match=r"^event columns differ in length$"):
        EventColumns(**COLUMNS | {name: COLUMNS[name][:1]})


def test_teams_may_be_unknown():
    assert len(EventColumns(**COLUMNS | {"teams": None})) == 2


def test_a_game_without_events_has_empty_columns_that_know_their_file():
    nothing = empty_columns("game.json")
    assert (len(nothing), nothing.source, nothing.teams) == (0, "game.json", ())
    assert nothing.halves.dtype == nothing.milliseconds.dtype == np.int64
    assert (nothing.confidences.dtype, nothing.shown.dtype) == (np.float64, np.bool_)
    assert empty_columns().source == ""
    same = columns_of(Match("game.json", ()))
    for name in COLUMNS:
        assert len(getattr(same, name)) == 0
    assert same.halves.dtype == same.milliseconds.dtype == np.int64
    assert (same.confidences.dtype, same.shown.dtype) == (np.float64, np.bool_)


def test_the_half_is_that_of_the_event_else_of_its_timeline_else_its_place():
    match = Match(
        "game",
        (
            Timeline(Video("a"), (Event(1.0, "Goal"), Event(2.0, "Goal", half=4))),
            Timeline(Video("b"), (Event(1.0, "Goal"), Event(2.0, "Goal", half=1)), half=3),
            Timeline(Video("c"), (Event(1.0, "Goal"),)),
        ),
    )
    assert columns_of(match).halves.tolist() == [1, 4, 3, 1, 3]
    assert columns_of(match).source == "game"


def test_a_confidence_given_as_a_whole_number_is_one_all_the_same():
    sure = Match("game", (Timeline(Video("a"), (Event(1.0, "Goal", 1),)),))
    assert columns_of(sure).confidences.dtype == np.float64


def test_positions_are_told_apart_as_far_as_floats_tell_milliseconds_apart():
    assert float(MAX_MILLISECONDS) == MAX_MILLISECONDS
    assert float(MAX_MILLISECONDS + 1) == MAX_MILLISECONDS


EVENTS = st.lists(
    st.builds(
        Event,
        st.floats(0, 3000),
        st.sampled_from(SOCCERNET_V2.labels),
        st.floats(0, 1),
        team=st.sampled_from(["home", "away", None]),
        visibility=st.sampled_from(["visible", "not shown"]),
    ),
    max_size=8,
)


@given(first=EVENTS, second=EVENTS)
def test_columns_are_those_of_the_file_that_holds_the_same_events(first, second, tmp_path_factory):
    """Labels and predictions are scored alike whether they come from memory or from a file."""
    match = Match(
        "game",
        (
            Timeline(Video("1.mkv"), tuple(first), SOCCERNET_V2, half=1),
            Timeline(Video("2.mkv"), tuple(second), SOCCERNET_V2, half=2),
        ),
    )
    path = tmp_path_factory.getbasetemp() / "results_spotting.json"
    write(match, path, "soccernet-results")
    (stored,) = read_columns(path, "predictions", SOCCERNET_V2).values()
    held = columns_of(match)
    assert held.labels == stored.labels
    for name in ("halves", "milliseconds", "confidences"):
        np.testing.assert_array_equal(getattr(held, name), getattr(stored, name))
    assert [event.label for event in match.events] == list(held.labels)
    assert held.shown.tolist() == [e.visibility == "visible" for e in match.events]
    assert list(held.teams) == [event.team for event in match.events]
