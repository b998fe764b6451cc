"""Tables that say when something happened by the match clock: every way of writing it."""

import pytest

from touchline.errors import FormatError
from touchline.events import Match
from touchline.formats import read


def read_text(tmp_path, text: str) -> Match:
    path = tmp_path / "feed.csv"
    path.write_text(text)
    match = read(path)
    assert isinstance(match, Match)
    return match


def clocks(match: Match) -> list[tuple[int | None, float | None]]:
    return [(one.half, event.clock_seconds) for one in match.timelines for event in one]


@pytest.mark.parametrize(
    "text",
    [
        "half,minute,second,label\n1,12,30,Goal\n1,47,5,Foul\n2,45,3,Foul\n2,63,10,Goal\n",
        "period;min;sec;event\n1;12;30;Goal\n1;47;5;Foul\n2;45;3;Foul\n2;63;10;Goal\n",
        "Period,Minute,Seconds,Type\n1H,12,30,Goal\n1H,47,5,Foul\n2H,45,3,Foul\n2H,63,10,Goal\n",
        "half,clock,label\nfirst half,12:30,Goal\n1,45+2:05,Foul\n2,45:03,Foul\n2,63:10,Goal\n",
        "half,minute,second,label\n1,12,30,Goal\n1,45+2,5,Foul\n2,45,3,Foul\n2,63,10,Goal\n",
        "half,minute,added,second,label\n"
        "1,12,,30,Goal\n1,45,2,5,Foul\n2,45,,3,Foul\n2,63,0,10,Goal\n",
        "half,minute,second,label\n1,12,30,Goal\n1,47,5,Foul\n2,0,3,Foul\n2,18,10,Goal\n",
        "clock,label\n12:30,Goal\n47:05,Foul\n45:03,Foul\n63:10,Goal\n",
        "clock,label\n00:12:30,Goal\n00:47:05,Foul\n00:45:03,Foul\n01:03:10,Goal\n",
        "clock,label\n12:30,Goal\n47:05,Foul\n00:03,Foul\n18:10,Goal\n",
        "half,clock,label\n1,750.0,Goal\n1,2825.0,Foul\n2,2703.0,Foul\n2,3790.0,Goal\n",
        "minute\tsecond\tlabel\n12\t30\tGoal\n47\t5\tFoul\n45\t3\tFoul\n63\t10\tGoal\n",
    ],
)
def test_one_match_however_it_is_written(tmp_path, text):
    match = read_text(tmp_path, text)
    assert clocks(match) == [(1, 750.0), (1, 2825.0), (2, 2703.0), (2, 3790.0)]
    assert [e.seconds for e in match.events] == [750.0, 2825.0, 3.0, 1090.0]
    assert [e.label for e in match.events] == ["Goal", "Foul", "Foul", "Goal"]


def test_minutes_as_people_count_them_begin_a_minute_earlier(tmp_path):
    """The 23rd minute runs from 22:00 to 23:00, and ``45+2`` from 46:00."""
    match = read_text(tmp_path, "minute,label\n23,Goal\n45+2,Foul\n46,Foul\n90+4,Goal\n")
    assert clocks(match) == [(1, 1320.0), (1, 2760.0), (2, 2700.0), (2, 5580.0)]
    assert match.events[1].clock == "45+2"
    assert any("first is called 1" in line for line in match.timelines[0].warnings)


def test_minutes_that_begin_with_0_are_taken_as_they_are(tmp_path):
    match = read_text(tmp_path, "half,minute,label\n1,0,Kick-off\n1,22,Goal\n2,45,Kick-off\n")
    assert clocks(match) == [(1, 0.0), (1, 1320.0), (2, 2700.0)]


def test_extra_time_and_its_penalties(tmp_path):
    text = "period,minute,second,label\n3,91,0,Foul\n4,106,0,Foul\n5,120,0,Penalty\n"
    assert clocks(read_text(tmp_path, text)) == [(3, 5460.0), (4, 6360.0), (5, 7200.0)]


def test_other_columns_are_kept(tmp_path):
    text = "half,minute,second,label,team,player,status,xg\n1,3,4,Shot,North,Ann,Complete,0.3\n"
    (event,) = read_text(tmp_path, text).events
    assert (event.team, event.player, event.clock) == ("North", "Ann", "3:04")
    assert dict(event.extra) == {"xg": "0.3", "provider_status": "Complete"}


def test_a_table_with_times_of_a_video_is_still_one(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("seconds,label,clock\n12.5,Goal,45+2:10\n")
    assert [(e.seconds, e.clock) for e in read(path)] == [(12.5, "45+2:10")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("half,minute,label\n1,soon,Goal\n", "line 2: minute: 'soon' is not a match clock"),
        ("half,minute,label\n7,12,Goal\n", "line 2: half: '7' is not a half"),
        ("half,minute,second,label\n1,12,75,Goal\n", "'75' is not a second"),
        ("half,minute,label\n1,12,Goal\n1,,Foul\n", "line 3: minute: a row needs a match clock"),
        ("half,minute,label\n1,12,\n", "line 2: a row needs a label"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path, text, said):
    with pytest.raises(FormatError, match=said):
        read_text(tmp_path, text)
