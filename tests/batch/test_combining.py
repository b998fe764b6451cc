"""Predictions put together: every event of every part, and nothing that was said twice."""

from dataclasses import replace

import pytest

from touchline.batch.combining import average_predictions, combine_predictions
from touchline.errors import InputError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import read_matches, write
from touchline.labels import SOCCERNET_V2, SOCCERNET_V2_NON_VISUAL, SOCCERNET_V2_VISUAL


def part(labels, *events, games=("a/b/c", "a/b/d"), halves=(1, 2)):
    def timeline(half):
        return Timeline(
            Video(f"{half}.mkv"), events, labels=labels, half=half, model=Producer(labels.name)
        )

    return {game: Match(game, tuple(timeline(half) for half in halves)) for game in games}


VISUAL = part(SOCCERNET_V2_VISUAL, Event(20, "Corner", 0.4), Event(5, "Penalty", 0.3))
OTHERS = part(SOCCERNET_V2_NON_VISUAL, Event(10, "Goal", 0.9))


def test_all_events_are_there_in_order_of_time():
    combined = combine_predictions([VISUAL, OTHERS])
    assert list(combined) == ["a/b/c", "a/b/d"]
    for match in combined.values():
        assert [t.half for t in match.timelines] == [1, 2]
        for timeline in match.timelines:
            assert [event.label for event in timeline] == ["Penalty", "Goal", "Corner"]
            assert timeline.labels == SOCCERNET_V2


def test_predictions_from_files_are_combined_too(tmp_path):
    for name, predictions in (("visual", VISUAL), ("others", OTHERS)):
        (tmp_path / name).mkdir()
        write(predictions, tmp_path / name, "soccernet-results")
    parts = [read_matches(tmp_path / name) for name in ("visual", "others")]
    combined = combine_predictions(parts)
    assert sorted(e.label for e in combined["a/b/c"].events) == sorted(
        ["Penalty", "Goal", "Corner"] * 2
    )


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([VISUAL], "two or more"),
        ([VISUAL, VISUAL], "Corner"),
        ([VISUAL, part(SOCCERNET_V2, Event(1, "Goal"))], "Corner"),
        ([VISUAL, part(SOCCERNET_V2_NON_VISUAL, games=("a/b/c",))], "a/b/d"),
        ([VISUAL, part(SOCCERNET_V2_NON_VISUAL, halves=(1,))], "different halves"),
    ],
    ids=["one", "twice", "overlapping", "games", "halves"],
)
def test_what_does_not_go_together_is_refused(parts, reason):
    with pytest.raises(InputError, match=reason):
        combine_predictions(parts)


def test_warnings_of_all_parts_are_kept():
    def warned(part, text):
        return {
            game: replace(m, timelines=tuple(replace(t, warnings=(text,)) for t in m.timelines))
            for game, m in part.items()
        }

    combined = combine_predictions([warned(VISUAL, "short"), warned(OTHERS, "dark")])
    assert combined["a/b/c"].timelines[0].warnings == ("short", "dark")


def test_an_average_is_the_mean_of_those_who_saw_it_and_those_who_did_not():
    one = part(SOCCERNET_V2, Event(10, "Goal", 0.9), Event(50, "Foul", 0.4))
    other = part(SOCCERNET_V2, Event(13, "Goal", 0.3), Event(30, "Foul", 0.2))
    averaged = average_predictions([one, other], within_seconds=3)
    for match in averaged.values():
        for timeline in match.timelines:
            told = [(e.label, e.seconds, e.confidence) for e in timeline]
            assert told == [
                ("Goal", pytest.approx(10.75), pytest.approx(0.6)),
                ("Foul", 30, pytest.approx(0.1)),
                ("Foul", 50, pytest.approx(0.2)),
            ]
    apart = average_predictions([one, other], within_seconds=2)["a/b/c"].timelines[0]
    assert len(apart) == 4


def test_an_average_takes_one_event_of_each_network_and_strong_ones_first():
    one = part(SOCCERNET_V2, Event(10, "Goal", 0.2), Event(11, "Goal", 0.8))
    other = part(SOCCERNET_V2, Event(10.5, "Goal", 0.6))
    timeline = average_predictions([one, other])["a/b/c"].timelines[0]
    assert sorted(round(e.confidence, 6) for e in timeline) == [0.1, 0.7]


def test_equal_predictions_are_their_own_average():
    averaged = average_predictions([OTHERS, OTHERS, OTHERS])
    assert averaged["a/b/c"].events == OTHERS["a/b/c"].events
