"""What a second is chosen by: the nearest events, and the words around it."""

import numpy as np
import pytest

from touchline.editing.choice import event_inputs, word_inputs
from touchline.editing.choice.event_inputs import FAR_SECONDS, without_repeats
from touchline.editing.choice.words import WORDS
from touchline.events import Event
from touchline.transcripts import Utterance


def test_the_nearest_event_of_each_group_counts_on_either_side():
    events = [
        Event(100, "Goal", 0.5),
        Event(130, "Goal", 0.9),
        Event(110, "Throw-in", 0.4, status="accepted"),
    ]
    found = event_inputs.event_inputs(events, np.array([90.0, 120.0, 400.0]))
    named = dict(zip(event_inputs.COLUMNS, found.tolist(), strict=True))
    assert named["goal: seconds since"] == [FAR_SECONDS, 20, FAR_SECONDS]
    assert named["goal: seconds until"] == [10, 10, FAR_SECONDS]
    assert named["goal: confidence before"] == [0, 0.5, 0]
    assert named["goal: confidence after"] == [0.5, 0.9, 0]
    assert named["throw-in: confidence before"] == [0, 1, 0]
    assert set(found[event_inputs.COLUMNS.index("corner: seconds since")]) == {FAR_SECONDS}


def test_a_goal_found_twice_is_one_and_certain_ones_all_stay():
    twice = [Event(100, "Goal", 0.6), Event(118, "Goal", 0.9), Event(119, "Corner", 0.9)]
    assert without_repeats(twice) == twice[1:]
    certain = [Event(100, "Goal"), Event(118, "Goal")]
    assert without_repeats(certain) == certain
    assert without_repeats([Event(100, "Goal", 0.6), Event(140, "Goal", 0.9)])[0].seconds == 100


def amounts(measure, transcript, seconds, weights=None):
    found = word_inputs.word_inputs(transcript, np.array([seconds]), weights or {})
    named = dict(zip(word_inputs.COLUMNS, found[:, 0].tolist(), strict=True))
    return [named[f"{measure} in [{low:g}, {high:g}) s"] for low, high in word_inputs.WINDOWS]


def test_words_count_in_the_window_in_which_they_are_said():
    transcript = (Utterance(101.0, 103.0, "What a goal!"), Utterance(104, 107, "the crowd"))
    after_100 = [0, 0, 0, 0, 1, 0, 0, 0]
    assert amounts("goal", transcript, 100.0) == pytest.approx(after_100)
    assert amounts("exclamation", transcript, 100.0) == pytest.approx(after_100)
    assert amounts("penalty", transcript, 100.0) == pytest.approx([0] * 8)
    halved = amounts("goal", transcript, 98.0)
    assert halved[4:6] == pytest.approx([0.5, 0.5])
    learned = amounts("learned words", transcript, 100.0, {"crowd": -2.0})
    assert learned[5] == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("What a goal", "goal"),
        ("¡Golazo!", "goal"),
        ("Quel but", "goal"),
        ("In rete", "goal"),
        ("Tooor", "goal"),
        ("Гол", "goal"),
        ("Elfmeter", "penalty"),
        ("calcio di rigore", "penalty"),
        ("пенальти", "penalty"),
        ("Le gardien", "save"),
        ("tarjeta amarilla", "card"),
        ("die Wiederholung", "replay"),
        ("remata", "shot"),
    ],
)
def test_words_are_known_in_many_languages(text, group):
    assert any(group in word_inputs.groups_of(word) for word in word_inputs.words_of(text))


def test_every_group_is_told_in_at_least_six_languages():
    assert all(len(languages) >= 6 for languages in WORDS.values())


def test_only_whole_words_count_where_the_beginning_says_little():
    assert word_inputs.groups_of("but") and not word_inputs.groups_of("button")


def test_what_a_recogniser_makes_up_is_left_out():
    made_up = tuple(Utterance(30.0 * n, 30.0 * n + 29.9, "Thanks") for n in range(4))
    assert len(word_inputs.without_repeats(made_up)) == 1
    assert word_inputs.without_repeats((Utterance(0, 30, "a"),)) == ()


def test_a_language_without_known_words_is_told():
    finnish = tuple(Utterance(n, n + 1, "maalivahti torjuu hienosti") for n in range(60))
    assert not word_inputs.knows_language(finnish)
    assert word_inputs.knows_language(
        (*finnish, Utterance(61, 62, "goal"), Utterance(63, 64, "goal"))
    )
