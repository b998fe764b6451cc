"""One reel out of several matches."""

from dataclasses import replace

import pytest

from touchline.editing.across import ToldMatch, chosen_across
from touchline.editing.wishes import Wishes, parse_pin
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video

TEAMS = {"teams": {"home": "ARS", "away": "CHE"}}


def told(name: str, *events: Event, extra: dict | None = None, **fields) -> ToldMatch:
    timelines = tuple(
        Timeline(Video("1_720p.mkv", 2700.0), events, half=half, extra=extra or {})
        for half in (1, 2)
    )
    return ToldMatch(name, Match(name, timelines), **fields)


def goals(*confidences: float) -> list[Event]:
    return [
        Event(200.0 + 300 * place, "Goal", confidence)
        for place, confidence in enumerate(confidences)
    ]


STRONG = told("league/strong", *goals(0.9, 0.95, 0.8), extra=TEAMS)
FAINT = told("2015-02-21 - 18-00 Chelsea 1 - 1 Burnley", *goals(0.3))
QUIET = told("league/quiet")


def seconds_of(reel, match: str) -> float:
    return sum(clip.seconds for clip in reel if clip.extra["match"] == match)


def test_matches_compete_for_the_length_or_have_an_equal_part():
    by_worth = chosen_across([FAINT, STRONG], 60)
    assert 50 < by_worth.seconds <= 60
    assert seconds_of(by_worth, "Chelsea v Burnley") == 0
    assert by_worth.warnings == ("Chelsea v Burnley: nothing of it is shown",)
    equal = chosen_across([FAINT, STRONG, QUIET], 60, "equal")
    assert 50 < equal.seconds <= 60 + 1e-6
    assert 10 < seconds_of(equal, "Chelsea v Burnley") <= 30.5
    assert seconds_of(equal, "ARS v CHE") > 20  # also what the quiet match leaves
    assert equal.warnings == ("quiet: nothing of it is shown",)


def test_clips_say_which_match_they_show_and_tell_their_videos_apart():
    reel = chosen_across([STRONG, FAINT, replace(STRONG, name="league/strong")], 300, "equal")
    first = reel.clips[0]
    assert first.title == "Goal: ARS v CHE"
    assert first.extra == {"match": "ARS v CHE", **TEAMS}
    assert list(dict.fromkeys(clip.video for clip in reel)) == [
        "league/strong/1_720p.mkv",
        "2015-02-21 - 18-00 Chelsea 1 - 1 Burnley/1_720p.mkv",
        "league/strong (2)/1_720p.mkv",
    ]
    assert {clip.half for clip in reel} == {1, 2}
    assert {video.name for video in reel.videos} == {clip.video for clip in reel}


def test_a_certain_goal_of_any_match_is_shown():
    sure = told("league/sure", Event(1000.0, "Goal"))
    reel = chosen_across([STRONG, sure], 40)
    assert any(c.start_seconds < 1000 < c.end_seconds and c.half == 2 for c in reel)
    assert reel.seconds <= 40


def test_what_only_one_match_has_may_be_wished_for():
    scorer = told("league/a", replace(goals(0.9)[0], player="Rossi"))
    reel = chosen_across([scorer, STRONG], 60, wishes=Wishes(players=("rossi",)))
    assert {clip.extra["match"] for clip in reel} == {"a"}
    with pytest.raises(InputError, match="no event has 'Pelé'"):
        chosen_across([scorer, STRONG], 60, wishes=Wishes(players=("Pelé",)))


@pytest.mark.parametrize(
    ("matches", "seconds", "share", "wishes", "what"),
    [
        ([], 60, "worth", Wishes(), "no match"),
        ([STRONG, FAINT], 3.9, "equal", Wishes(), "too short for a clip of each of 2 matches"),
        ([STRONG, FAINT], 1.0, "worth", Wishes(), "too short"),
        ([STRONG], 60, "worth", Wishes(pins=(parse_pin("1/1:00-1:10"),)), "may be of any match"),
    ],
)
def test_what_cannot_be_chosen_is_refused(matches, seconds, share, wishes, what):
    with pytest.raises(InputError, match=what):
        chosen_across(matches, seconds, share, wishes)
