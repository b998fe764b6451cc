"""One contract for every format: what it says it holds comes back from a round trip."""

from dataclasses import fields, replace
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.errors import FormatError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import (
    FORMATS,
    losses,
    read,
    read_matches,
    read_reel,
    round_trip,
    write,
)
from touchline.formats.base import ALL_FIELDS
from touchline.formats.comparing import events_in
from touchline.labels import SOCCERNET_V2
from touchline.reel import Clip, Reel

GAME = "england_epl/2015-2016/2016-01-02 - 15-45 North End 2 - 1 South Park"
RATE = Fraction(25)

# Whole seconds, far apart: what every format's grid of time can say.
EVENTS = (
    Event(
        12.0,
        "Goal",
        0.75,
        team="home",
        visibility="visible",
        clock_seconds=3790.48,
        score=(1, 0),
        uncertainty_seconds=4.5,
        extra={"camera": [1, {"a": None}]},
    ),
    Event(30.0, "Corner", 0.5, player='O\'Neil "9" <&>', clock="0:30", note="=1+1, then\n-- >"),
    Event(45.0, "Foul", 0.25, status="accepted", source="person", clock="45+2", clock_seconds=0.0),
    Event(75.0, "Foul", 1.0, team="away", status="rejected", source="model", clock="63"),
)
TIMELINE = Timeline(
    Video("match.mp4", 2700.0, RATE),
    EVENTS,
    SOCCERNET_V2,
    model=Producer("e2e-spot", "demo", "00ff"),
    warnings=("the video ended early",),
    replays=((20.0, 28.5), (60.0, 71.0)),
    extra={"venue": "here"},
)
MATCH = Match(
    GAME,
    (
        replace(TIMELINE, video=Video("1", 2700.0, RATE), half=1),
        replace(TIMELINE, video=Video("2", 2700.0, RATE), half=2),
    ),
)
REEL = Reel(
    (
        Clip(
            *("1_720p.mkv", 10.0, 24.0, 0.75, 1, (EVENTS[0],), "Goal & <more>"),
            reason='Goal (0.75), kick-off 40 s later; "goal" in the commentary',
        ),
        Clip("1_720p.mkv", 28.0, 44.0, 0.5, 1, (EVENTS[1],)),
        Clip("2_720p.mkv", 3.0, 15.0, 0.25, 2),
    )
)
DECLARED_BY_NAME = {"soccernet-ball": {"labels"}}  # the file's own set, widened by other labels
OF_THE_GAME = {"file_extra"}  # SoccerNet's files hold fields of the game, not of each half
WRITERS = sorted(n for n, f in FORMATS.items() if f.write and "events" in f.kinds)
CAPTIONS = ["srt", "vtt", "youtube"]
REEL_FORMATS = ["csv", "edl", "fcpxml", "otio", "sportscode", "touchline-reel"]


def kept(event: Event, holds: frozenset[str]) -> Event:
    """The event with only the fields that a format holds."""
    return Event(**{f.name: getattr(event, f.name) for f in fields(Event) if f.name in holds})


def path_of(tmp_path, name):
    known = FORMATS[name]
    return tmp_path / (known.file_name or f"match{known.suffixes[0]}")


def timelines(thing) -> tuple[Timeline, ...]:
    return (thing,) if isinstance(thing, Timeline) else thing.timelines


@pytest.mark.parametrize("name", WRITERS)
def test_round_trip_of_a_timeline(name, tmp_path):
    holds = FORMATS[name].holds
    timeline = replace(TIMELINE, events=[kept(event, holds) for event in EVENTS])
    path = path_of(tmp_path, name)
    write(timeline, path, format=name, rate=RATE)
    (back,) = timelines(read(path, format=name))
    assert [kept(event, holds) for event in back] == list(timeline.events)
    if "video" in holds:
        assert (back.video.frame_rate, back.video.duration_seconds) == (RATE, 2700.0)
    stated = {"labels", "model", "warnings", "replays"} & holds
    for field in stated - DECLARED_BY_NAME.get(name, set()):
        assert getattr(back, field) == getattr(timeline, field)


@pytest.mark.parametrize("name", [n for n in WRITERS if "timeline_half" in FORMATS[n].holds])
def test_round_trip_of_a_match(name, tmp_path):
    holds = FORMATS[name].holds
    path = path_of(tmp_path, name)
    match = replace(
        MATCH,
        timelines=tuple(t.with_events(kept(e, holds) for e in t) for t in MATCH.timelines),
    )
    write(match, path, format=name, rate=RATE)
    (back,) = read_matches(path, format=name).values()
    assert back.name == GAME
    assert [t.half for t in back.timelines] == [1, 2]
    for mine, theirs in zip(match.timelines, back.timelines, strict=True):
        assert [kept(event, holds) for event in theirs] == list(mine.events)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_known_by_its_content(name, tmp_path):
    path = path_of(tmp_path, name)
    write(TIMELINE, path, format=name, rate=RATE)
    assert read(path) == read(path, format=name)


@pytest.mark.parametrize("name", [n for n in WRITERS if n != "youtube"])
def test_no_events(name, tmp_path):
    path = path_of(tmp_path, name)
    write(replace(TIMELINE, events=()), path, format=name, rate=RATE)
    thing = read(path, format=name)
    assert not [event for timeline in timelines(thing) for event in timeline]


@pytest.mark.parametrize("name", WRITERS)
def test_a_game_without_events_and_halves(name, tmp_path):
    path = path_of(tmp_path, name)
    write(Match(GAME, ()), path, format=name, rate=RATE)
    thing = read(path, format=name)
    several = thing.values() if isinstance(thing, dict) else [thing]
    assert not [e for one in several for timeline in timelines(one) for e in timeline]


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_lost_is_said(name):
    lost = losses(TIMELINE, name)
    assert set(lost) | FORMATS[name].holds <= ALL_FIELDS
    assert not set(lost) & FORMATS[name].holds - DECLARED_BY_NAME.get(name, set()) - (
        OF_THE_GAME if name.startswith("soccernet") else set()
    )
    if "player" not in FORMATS[name].holds:
        assert lost["player"] == 1


@pytest.mark.parametrize("name", REEL_FORMATS)
def test_round_trip_of_a_reel(name, tmp_path):
    path = path_of(tmp_path, name)
    write(REEL, path, format=name, rate=RATE)
    assert read_reel(path, format=name) == REEL == read(path)


def test_summaries_hold_the_segments_of_a_reel_only(tmp_path):
    write(REEL, tmp_path / "Labels-summary.json")
    back = read_reel(tmp_path / "Labels-summary.json")
    times = [(c.half, c.start_seconds, c.end_seconds) for c in REEL]
    assert [(c.half, c.start_seconds, c.end_seconds) for c in back] == times


@pytest.mark.parametrize("name", CAPTIONS)
def test_captions_of_a_reel_are_on_its_own_time_axis(name, tmp_path):
    path = path_of(tmp_path, name)
    write(REEL, path, format=name)
    events = read(path).events
    assert [(e.seconds, e.label) for e in events] == [
        (0.0, "Goal & <more>"),
        (14.0, "Corner"),
        (30.0, "Clip"),
    ]


def test_every_format_of_reels_is_in_a_test():
    kinds = {name for name, known in FORMATS.items() if "reel" in known.kinds}
    assert kinds == {*CAPTIONS, *REEL_FORMATS, "soccerhigh", "xmeml"}


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_format_says_of_itself(name):
    known = FORMATS[name]
    assert known.name == name
    assert known.description
    assert known.suffixes and all(suffix.startswith(".") for suffix in known.suffixes)
    assert known.holds <= ALL_FIELDS
    assert {"seconds", "label"} <= known.holds or "reel" in known.kinds


def test_unknown_names_are_told_what_there_is(tmp_path):
    with pytest.raises(FormatError, match="soccernet-v2"):
        write(TIMELINE, tmp_path / "a.csv", format="xls")
    with pytest.raises(FormatError, match=r"\.csv"):
        write(TIMELINE, tmp_path / "a.xls")
    with pytest.raises(FormatError, match="no option"):
        write(TIMELINE, tmp_path / "a.csv", colour="red")


some_events = st.lists(
    st.builds(
        Event,
        st.just(0.0),
        st.sampled_from(["Goal", "Foul", "Corner", "Offside"]),
        st.sampled_from([1.0, 0.5, 0.25]),
        team=st.sampled_from([None, "home", "away"]),
        player=st.sampled_from([None, "9", "Ødegård <&>"]),
        visibility=st.sampled_from([None, "visible", "not shown"]),
        note=st.sampled_from([None, "=1+1", "a, b; c"]),
    ),
    min_size=3,
    max_size=6,
)


@settings(max_examples=4, deadline=None)
@given(events=some_events, gaps=st.lists(st.integers(10, 400), min_size=6, max_size=6))
def test_from_every_format_to_every_other(events, gaps):
    """What both can hold is there after the second; whole seconds, far apart, fit them all."""
    at = list(accumulate(gaps))
    timed = [replace(event, seconds=float(s)) for event, s in zip(events, at, strict=False)]
    timeline = Timeline(Video("match.mp4", 2700.0, RATE), tuple(timed))
    for first in WRITERS:
        between = round_trip(timeline, first, rate=RATE)
        for second in WRITERS:
            holds = FORMATS[first].holds & FORMATS[second].holds - {"extra", "half", "source"}
            back = round_trip(between, second, rate=RATE)
            found = [kept(event, holds) for event in events_in(back)]
            assert found == [kept(event, holds) for event in timed], (first, second)


@settings(max_examples=4, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 500)), min_size=1, max_size=5))
def test_reels_from_every_format_to_every_other(cuts):
    clips = [
        Clip("m.mp4", first / 25, (first + count) / 25, title=f"Clip {n}")
        for n, (first, count) in enumerate(cuts)
    ]
    for first in REEL_FORMATS:
        between = round_trip(Reel(tuple(clips)), first, rate=RATE)
        for second in REEL_FORMATS:
            back = round_trip(between, second, rate=RATE)
            found = [(c.video, c.title, c.start_seconds, c.end_seconds) for c in back]
            assert found == [
                (c.video, c.title, pytest.approx(c.start_seconds), pytest.approx(c.end_seconds))
                for c in clips
            ], (first, second)
