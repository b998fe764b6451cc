"""Match clock and score of events in files."""

import json

import pytest

from touchline.errors import FormatError
from touchline.events import Event, Timeline, Video
from touchline.formats import read, read_reel, write
from touchline.reel import Clip, Reel

EVENT = Event(4123.4, "Goal", team="home", half=2, clock_seconds=3790.48, score=(1, 0))


def of(tmp_path, name, event):
    path = tmp_path / name
    write(Timeline(Video("m"), (event,)), path)
    return path


def events_file(tmp_path, **fields):
    path = tmp_path / "m.events.json"
    event = {"time": 1.0, "label": "Goal", **fields}
    document = {"format": "touchline-events", "version": 1, "video": {"name": "m"}}
    path.write_text(json.dumps(document | {"events": [event]}))
    return path


def test_event_files_hold_seconds_and_two_numbers(tmp_path):
    (event,) = json.loads(of(tmp_path, "m.events.json", EVENT).read_text())["events"]
    assert (event["half"], event["clock"], event["score"]) == (2, 3790.48, [1, 0])


@pytest.mark.parametrize(
    ("fields", "clock", "clock_seconds"),
    [
        ({"clock": 3790}, None, 3790.0),
        ({"clock": 0.0}, None, 0.0),
        ({"clock": "45+2:10"}, "45+2:10", None),
        ({"clock": "63'"}, "63'", None),
        ({"clock": 2830.0, "clock_text": "45+2:10"}, "45+2:10", 2830.0),
        ({"clock": None, "score": None}, None, None),
    ],
)
def test_clocks_of_files_come_back_as_they_were(tmp_path, fields, clock, clock_seconds):
    path = events_file(tmp_path, **fields)
    (event,) = read(path)
    assert (event.clock, event.clock_seconds) == (clock, clock_seconds)
    write(read(path), tmp_path / "b.events.json")
    (written,) = json.loads((tmp_path / "b.events.json").read_text())["events"]
    given = {key: value for key, value in fields.items() if value is not None}
    assert {key: value for key, value in written.items() if key in fields} == given


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"score": 1}, "events[0].score"),
        ({"score": [1]}, "events[0].score"),
        ({"score": [-1, 0]}, "events[0].score"),
        ({"score": [1.5, 0]}, "events[0].score"),
        ({"score": [True, 0]}, "events[0].score"),
        ({"score": "1-0"}, "events[0].score"),
        ({"clock": "abc"}, "events[0].clock"),
        ({"clock": ""}, "events[0].clock"),
        ({"clock": -3.0}, "events[0].clock"),
        ({"clock": float("nan")}, ""),
        ({"clock": True}, "events[0].clock"),
        ({"clock": [1]}, "events[0].clock"),
        ({"clock": 1.0, "clock_text": 4}, "events[0].clock_text"),
        ({"clock": "1:00", "clock_text": "1:00"}, "events[0].clock"),
    ],
)
def test_other_clocks_and_scores_are_refused_in_one_line(tmp_path, fields, said):
    path = events_file(tmp_path, **fields)
    with pytest.raises(FormatError) as caught:
        read(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_have_a_column_for_each(tmp_path):
    header, row = of(tmp_path, "m.csv", EVENT).read_text().splitlines()
    assert header == "half,time,label,confidence,team,clock,score"
    assert row == "2,4123.4,Goal,1.0,home,3790.48,1-0"


@pytest.mark.parametrize("clock", ["63", "1e3", "45+2:10", "7:41", "63.5"])
def test_a_table_keeps_a_clock_in_text_as_text(tmp_path, clock):
    (event,) = read(of(tmp_path, "m.csv", Event(1.0, "Goal", clock=clock)))
    assert (event.clock, event.clock_seconds) == (clock, None)


def test_a_score_column_is_a_confidence_where_it_holds_no_scores_of_matches(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("time,label,score\n1,Goal,0.75\n")
    assert [(e.confidence, e.score) for e in read(path)] == [(0.75, None)]
    path.write_text("time,label,score\n1,Goal,\n2,Foul,1 - 0\n")
    assert [(e.confidence, e.score) for e in read(path)] == [(1.0, None), (1.0, (1, 0))]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("abc,1-0", "line 2.*clock"),
        ("nan,1-0", "line 2.*clock"),
        ("-5,1-0", "line 2.*clock"),
        ("5,1", "line 2: score: '1' is not a score"),
        ("5,02-Jan", "line 2: score: '02-Jan' is not a score"),
    ],
)
def test_cells_that_are_neither_are_named(tmp_path, cells, said):
    path = tmp_path / "m.csv"
    path.write_text(f"time,label,confidence,clock,score\n1,Goal,1,{cells}\n")
    with pytest.raises(FormatError, match=said):
        read(path)


@pytest.mark.parametrize("name", ["Labels-v2.json", "m.osl.json", "m.osl1.json"])
def test_fields_of_others_with_these_names_stay_theirs(tmp_path, name):
    event = Event(1.0, "Goal", extra={"clock": {"a": 1}, "score": 0.75})
    (back,) = list(_events(read(of(tmp_path, name, event))))
    assert (back.clock, back.clock_seconds, back.score) == (None, None, None)
    assert back.extra == event.extra


def _events(content):
    return content if isinstance(content, Timeline) else content.events


def test_analysis_programs_see_clock_and_score_as_people_read_them(tmp_path):
    text = of(tmp_path, "m.xml", EVENT).read_text()
    for group, shown in {"Half": "2", "Clock": "2H 63:10", "Score": "2-0"}.items():
        assert f"<group>{group}</group>\n        <text>{shown}</text>" in text
    assert read(tmp_path / "m.xml").events == (EVENT,)


def test_a_clock_changed_in_an_analysis_program_counts(tmp_path):
    path = of(tmp_path, "m.xml", EVENT)
    path.write_text(path.read_text().replace("<text>2H 63:10</text>", "<text>2H 63:12</text>"))
    (event,) = read(path)
    assert (event.clock, event.clock_seconds, event.score) == ("2H 63:12", None, (1, 0))
    path.write_text(path.read_text().replace("<text>2-0</text>", "<text>0-2</text>"))
    (event,) = read(path)
    assert event.score is None
    assert event.extra["labels"] == [{"group": "Score", "text": "0-2"}]


def test_labels_of_other_analysis_programs_stay_theirs(tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(
        "<file><ALL_INSTANCES><instance><ID>1</ID><start>1</start><end>2</end><code>Goal</code>"
        "<label><group>Clock</group><text>unknown</text></label>"
        "<label><group>Score</group><text>1-0</text></label>"
        "</instance></ALL_INSTANCES></file>"
    )
    (event,) = read(path)
    assert (event.clock, event.score) == (None, None)
    assert [label["text"] for label in event.extra["labels"]] == ["unknown", "1-0"]
    write(read(path), tmp_path / "b.xml")
    assert read(tmp_path / "b.xml").events == (event,)


CORNER = Event(4200.0, "Corner", half=2, clock_seconds=3866.0, score=(2, 0))
FOUL = Event(2800.0, "Foul", half=1, clock_seconds=2830.5, score=(1, 0))
CLIPS = Reel(
    (
        Clip("m.mp4", 2795.0, 2805.0, events=(FOUL,), title="Foul"),
        Clip("m.mp4", 4120.0, 4130.0, events=(CORNER, EVENT)),
        Clip("m.mp4", 4195.0, 4205.0, events=(CORNER,), title="What a corner"),
    )
)
TITLES = ["Foul (1H 45+2:10, 1-0)", "Corner, Goal (2H 63:10, 2-0)", "What a corner"]


@pytest.mark.parametrize("name", ["m.vtt", "m.srt", "m.txt"])
def test_captions_show_clock_and_score_and_give_them_back(tmp_path, name):
    timeline = Timeline(Video("m", 5400.0), (FOUL, EVENT, CORNER))
    path = tmp_path / name
    write(timeline, path)
    for title in ("Foul (1H 45+2:10, 1-0)", "Goal (2H 63:10, 2-0)", "Corner (2H 64:26, 2-0)"):
        assert title in path.read_text()
    back = [(e.label, e.half, e.clock_seconds, e.score) for e in read(path)]
    assert back == [
        ("Foul", 1, 2830.0, (1, 0)),
        ("Goal", 2, 3790.0, None),
        ("Corner", 2, 3866.0, (2, 0)),
    ]


def test_captions_of_one_half_name_it(tmp_path):
    event = Event(100.0, "Goal", clock_seconds=2790.0)
    write(Timeline(Video("m"), (event,), half=2), tmp_path / "m.vtt")
    assert "Goal (2H 46:30)" in (tmp_path / "m.vtt").read_text()


def test_captions_without_clock_and_score_are_the_class_alone(tmp_path):
    write(
        Timeline(Video("m"), (Event(1.0, "Goal", half=1, clock="1'"),), half=1), tmp_path / "m.vtt"
    )
    assert (tmp_path / "m.vtt").read_text().endswith("\nGoal\n")


@pytest.mark.parametrize("name", ["r.vtt", "r.edl", "r.fcpxml", "r.otio"])
def test_clips_are_named_by_clock_and_score_but_keep_titles_of_ones_own(tmp_path, name):
    path = tmp_path / name
    write(CLIPS, path, rate=25)
    text = path.read_text()
    for title in TITLES:
        assert title in text
    assert "What a corner (" not in text
    if name != "r.vtt":
        assert read_reel(path) == CLIPS


@pytest.mark.parametrize("name", ["r.fcpxml", "r.otio"])
def test_markers_are_named_by_clock_and_score(tmp_path, name):
    path = tmp_path / name
    write(CLIPS, path, rate=25)
    assert path.read_text().count("Corner (2H 64:26, 2-0)") == 1
    assert path.read_text().count('"Goal (2H 63:10, 2-0)"') == 1


def test_instances_of_clips_keep_one_row_for_each_class(tmp_path):
    path = tmp_path / "r.xml"
    write(CLIPS, path)
    text = path.read_text()
    assert "<code>Foul</code>" in text and "<text>1H 45+2:10</text>" in text
    assert read_reel(path) == CLIPS


@pytest.mark.parametrize("name", ["r.csv", "r.reel.json"])
def test_reels_keep_clock_and_score(tmp_path, name):
    write(CLIPS, tmp_path / name)
    assert read_reel(tmp_path / name) == CLIPS


def test_a_data_frame_has_a_column_for_each():
    pytest.importorskip("pandas")
    frame = Timeline(Video("m"), (EVENT, CORNER)).to_dataframe()
    assert list(frame["clock_seconds"]) == [3790.48, 3866.0]
    assert list(frame["score"]) == [(1, 0), (2, 0)]
