"""What a conversion says is lost is what does not come back, of every format."""

from dataclasses import fields
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchline.events import Event, Match, Timeline, Video
from touchline.formats import FORMATS, losses, read, write
from touchline.formats.comparing import lost_fields

WRITERS = sorted(n for n, f in FORMATS.items() if f.write and "events" in f.kinds)
FIELDS = [f.name for f in fields(Event) if f.name not in ("seconds", "label", "extra")]
KICK_OFFS = {1: (60.0, 0.0), 2: (3900.0, 2700.0)}  # time in the video, match clock


def event_of(half, minute, label, states_half, has_clock, **more):
    """An event of a half of one long video, with the clock that runs there."""
    since = 60.0 * minute
    start, clock = KICK_OFFS[half]
    return Event(
        start + since,
        label,
        half=half if states_half or has_clock else None,
        clock_seconds=clock + since if has_clock else None,
        **more,
    )


@st.composite
def timelines(draw):
    places = draw(
        st.lists(
            st.tuples(st.sampled_from([1, 2]), st.integers(0, 40)),
            min_size=3,
            max_size=6,
            unique=True,
        )
    )
    events = (
        event_of(
            half,
            minute,
            draw(st.sampled_from(["Goal", "Foul", "Corner"])),
            states_half=draw(st.booleans()),
            has_clock=draw(st.booleans()),
            confidence=draw(st.sampled_from([0.25, 0.5, 1.0])),
            score=draw(st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3))),
            team=draw(st.sampled_from([None, "home", "away"])),
            player=draw(st.sampled_from([None, "9"])),
            note=draw(st.sampled_from([None, "a note"])),
            uncertainty_seconds=draw(st.sampled_from([None, 0.0, 4.5])),
        )
        for half, minute in places
    )
    return Timeline(Video("m.mp4", 7000.0, Fraction(25)), tuple(events))


def in_order(content):
    """Its events, each with the half of its video, in playing order."""
    parts = content.timelines if isinstance(content, Match) else (content,)
    return [(event, part.half) for part in parts for event in part]


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(timeline=timelines())
def test_what_is_said_to_be_lost_is_what_a_file_does_not_give_back(name, timeline, tmp_path):
    known = FORMATS[name]
    path = tmp_path / (known.file_name or f"m{known.suffixes[0]}")
    write(timeline, path, format=name)
    back = in_order(read(path, format=name))
    assert sorted(event.label for event, _ in back) == sorted(e.label for e in timeline)

    def of(event, half, field):
        value = getattr(event, field)
        return half if field == "half" and value is None else value

    lost = {}
    for field in FIELDS:
        default = Event.__dataclass_fields__[field].default
        left = [of(event, half, field) for event, half in back]
        for event in timeline:
            value = getattr(event, field)
            if value == default:
                continue
            if value in left:
                left.remove(value)
            else:
                lost[field] = lost.get(field, 0) + 1
    said = losses(timeline, name)
    assert {field: said[field] for field in FIELDS if field in said} == lost


@pytest.mark.parametrize("name", ["soccernet-v2", "csv", "vtt"])
def test_fields_of_a_video_that_are_dropped_are_said(name):
    timeline = Timeline(Video("m"), (Event(1.0, "Goal"),), extra={"teams": {"home": "ARS"}})
    assert losses(timeline, name) == {"file_extra": 1}
    assert losses(timeline, "touchline") == {}


def test_a_half_that_only_some_captions_can_name_is_lost_where_they_do_not():
    events = (
        Event(1.0, "Foul", half=1, clock_seconds=1.0),
        Event(20.0, "Foul", half=1),
        Event(40.0, "Foul", half=2, score=(1, 0)),
    )
    assert losses(Timeline(Video("m"), events), "vtt") == {"half": 1}


def test_each_further_field_that_is_given_back_stands_for_one_event():
    same = [Event(t, "Foul", extra={"id": 7, "tags": ["a"]}) for t in (1.0, 2.0, 3.0)]
    other = Event(4.0, "Foul", extra={"id": 7, "tags": ["b"], "more": 1})
    before, after = (Timeline(Video("m"), tuple(ev)) for ev in ([*same, other], [same[0], other]))
    assert lost_fields(before, after, frozenset()) == {"extra": 2}
    assert lost_fields(after, before, frozenset()) == {}
