"""Sportscode, WebVTT, SRT and YouTube chapters: windows, repeated labels, rules, injection."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from touchline.colours import class_colour
from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read, write
from touchline.formats.converting import convert
from touchline.labels import LabelSet
from touchline.reel import Clip, Reel

FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<file><SESSION_INFO><start_time>2026-05-19</start_time></SESSION_INFO>
<ALL_INSTANCES>
  <instance><ID>17</ID><start>69.5</start><end>79.25</end><code>Shot</code>
    <label><group>Team</group><text>home</text></label>
    <label><group>Player</group><text>9</text></label>
    <label><group>Player</group><text>10</text></label>
    <label><text>header</text></label>
    <label><group>Zone</group><text>14</text></label>
    <label><group>Zone</group><text>14</text></label>
  </instance>
  <instance><ID>18</ID><start>00:01:30</start><end>00:01:40.5</end><code>Corner</code></instance>
</ALL_INSTANCES>
<ROWS><row><code>Shot</code><R>65535</R><G>0</G><B>257</B></row></ROWS></file>
"""


def test_instances_of_others_come_back_with_repeated_labels(tmp_path):
    (tmp_path / "a.xml").write_text(FOREIGN)
    timeline = read(tmp_path / "a.xml")
    shot, corner = timeline.events
    assert (shot.seconds, shot.label, shot.team, shot.player) == (69.5, "Shot", "home", "9")
    assert shot.extra["labels"] == [
        {"group": "Player", "text": "10"},
        {"text": "header"},
        {"group": "Zone", "text": "14"},
        {"group": "Zone", "text": "14"},
    ]
    assert (corner.seconds, corner.extra["end"]) == (90.0, 100.5)
    write(timeline, tmp_path / "b.xml")
    assert read(tmp_path / "b.xml") == Timeline(
        Video("b"), timeline.events, timeline.labels, extra=timeline.extra
    )
    text = (tmp_path / "b.xml").read_text()
    assert "<ID>17</ID>" in text and "<R>65535</R>" in text and "<B>257</B>" in text


@pytest.mark.parametrize("seconds", [69.0, 69.625, 75.0, 200.0])
def test_the_window_of_an_instance_of_others_moves_with_it(tmp_path, seconds):
    (tmp_path / "a.xml").write_text(FOREIGN)
    shot, corner = read(tmp_path / "a.xml").events
    added = Event(300.0, "Goal")
    moved = Timeline(Video("a"), (replace(shot, seconds=seconds), corner, added))
    write(moved, tmp_path / "b.xml")
    back = {event.label: event for event in read(tmp_path / "b.xml")}
    window = back["Shot"].extra
    assert (window["start"], window["end"], window["id"]) == (seconds, seconds + 9.75, "17")
    assert (back["Corner"].seconds, back["Corner"].extra["end"]) == (90.0, 100.5)
    assert "<ID>1</ID>" in (tmp_path / "b.xml").read_text()


def test_an_instance_that_is_added_gets_an_id_of_its_own(tmp_path):
    (tmp_path / "a.xml").write_text(FOREIGN.replace("<ID>18</ID>", "<ID>1</ID>"))
    timeline = read(tmp_path / "a.xml")
    write(timeline.with_events([*timeline, Event(1.0, "Goal")]), tmp_path / "b.xml")
    identities = re.findall("<ID>(.*?)</ID>", (tmp_path / "b.xml").read_text())
    assert sorted(identities) == ["1", "17", "2"]


def test_a_file_keeps_one_row_for_each_code_it_had(tmp_path):
    codes = ("Goal", "Offside", "Corner", "Spare")
    rows = "".join(f"<row><code>{c}</code><R>1</R><G>2</G><B>3</B></row>" for c in codes)
    text = FOREIGN.replace("Shot", "Goal")
    (tmp_path / "a.xml").write_text(re.sub("<ROWS>.*</ROWS>", f"<ROWS>{rows}</ROWS>", text))
    write(read(tmp_path / "a.xml"), tmp_path / "b.xml")
    written = re.findall(r"<row>\s*<code>(.*?)</code>", (tmp_path / "b.xml").read_text())
    assert sorted(written) == sorted(codes)


def test_times_with_a_comma_and_before_the_recording(tmp_path):
    text = FOREIGN.replace("69.5", "-2,5").replace("79.25", "4,75")
    (tmp_path / "a.xml").write_text(text)
    shot, _ = read(tmp_path / "a.xml").events
    assert (shot.seconds, shot.extra["end"]) == (-2.5, 4.75)


def test_one_bad_instance_is_named_and_the_others_are_read(tmp_path):
    (tmp_path / "a.xml").write_text(FOREIGN.replace("69.5", "soon"))
    timeline = read(tmp_path / "a.xml")
    assert [event.label for event in timeline] == ["Corner"]
    assert "instance 1" in timeline.warnings[0] and "soon" in timeline.warnings[0]


@pytest.mark.parametrize("declared", ["", ' encoding="UTF-8"', ' encoding="windows-1252"'])
def test_xml_of_windows_1252_whatever_it_declares(tmp_path, declared):
    text = FOREIGN.replace(' encoding="UTF-8"', declared).replace("Shot", "Schuß")
    (tmp_path / "a.xml").write_bytes(text.encode("cp1252"))
    timeline = read(tmp_path / "a.xml")
    assert timeline.events[0].label == "Schuß"
    assert len(timeline.warnings) == ("windows" not in declared)


@pytest.mark.parametrize(
    "extra",
    [{"start": 5.0}, {"end": 5.0}, {"start": 5.0, "end": "late"}, {"start": 5.0, "end": True}],
)
def test_fields_that_are_no_window_are_kept_and_do_not_become_one(tmp_path, extra):
    timeline = Timeline(Video("a"), (Event(5.0, "Shot", extra=extra),))
    write(timeline, tmp_path / "a.xml", lead_seconds=1, lag_seconds=2)
    assert "<start>4.0</start>" in (tmp_path / "a.xml").read_text()
    assert "<end>7.0</end>" in (tmp_path / "a.xml").read_text()
    assert read(tmp_path / "a.xml").events == timeline.events


@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".xml"])
def test_an_event_of_known_length_keeps_it(tmp_path, suffix):
    (tmp_path / "a.csv").write_text("start,end,code\n1,3,Attack\n5,15,Press\n")
    convert(tmp_path / "a.csv", tmp_path / f"a{suffix}")
    back = read(tmp_path / f"a{suffix}")
    assert [(e.seconds, e.extra["end"]) for e in back] == [(1.0, 3.0), (5.0, 15.0)]


def test_windows_reach_around_an_event_but_not_before_the_video(tmp_path):
    timeline = Timeline(Video("m"), (Event(2.0, "Goal"), Event(60.125, "Foul")))
    write(timeline, tmp_path / "a.xml", lead_seconds=8, lag_seconds=2.5)
    text = (tmp_path / "a.xml").read_text()
    for part in ("<start>0.0<", "<end>4.5<", "<start>52.125<", "<end>62.625<"):
        assert part in text
    assert [e.seconds for e in read(tmp_path / "a.xml")] == [2.0, 60.125]


def test_a_class_has_the_colour_that_it_has_on_the_page(tmp_path):
    labels = LabelSet("own", ("Shot", "Goal", "Foul"))
    events = (Event(1.0, "Goal"), Event(2.0, "Streaker"))
    write(Timeline(Video("m"), events, labels=labels), tmp_path / "a.xml")
    rows = ElementTree.parse(tmp_path / "a.xml").getroot().findall("./ROWS/row")
    found = {row.findtext("code"): [int(row.findtext(x)) for x in "RGB"] for row in rows}
    assert found == {
        label: [257 * part for part in class_colour(labels, label)]
        for label in (*labels, "Streaker")
    }


def test_colours_have_sixteen_bits_and_one_row_per_code(tmp_path):
    timeline = Timeline(Video("m"), tuple(Event(float(i), "ABC"[i % 3]) for i in range(9)))
    write(timeline, tmp_path / "a.xml")
    text = (tmp_path / "a.xml").read_text()
    assert text.count("<row>") == 3
    values = [int(x.split("<")[0]) for x in text.split("<R>")[1:]]
    assert max(values) > 255 and max(values) <= 65535


def test_texts_cannot_break_out_of_xml(tmp_path):
    evil = "</code></instance><instance>&amp;]]>\x00\x0b\ud800'\""
    write(Timeline(Video("m"), (Event(1.0, evil, note=evil),)), tmp_path / "a.xml")
    (event,) = read(tmp_path / "a.xml")
    assert event.label == evil.replace("\x00\x0b\ud800", "\ufffd" * 3) == event.note


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<file>",
        "<file></file>",
        "<html><ALL_INSTANCES/></html>",
        "<file><ALL_INSTANCES><instance><start>1</start></instance></ALL_INSTANCES></file>",
        "<file><ALL_INSTANCES><instance><code>a</code></instance></ALL_INSTANCES></file>",
        "<file><ALL_INSTANCES><instance><code>a</code><start>x</start></instance></ALL_INSTANCES></file>",
        '<!DOCTYPE file [<!ENTITY a "aaaa">]><file><ALL_INSTANCES/>&a;</file>',
        '<!DOCTYPE file SYSTEM "file:///etc/passwd"><file><ALL_INSTANCES/></file>',
        "<file>" + "<a>" * 5000 + "</a>" * 5000 + "</file>",
        '<?xml version="1.0" encoding="nonsense"?><file><ALL_INSTANCES/></file>',
    ],
)
def test_what_xml_is_refused(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(FormatError) as error:
        read(tmp_path / "a.xml", "sportscode")
    assert "a.xml" in str(error.value)


def test_entities_are_refused_in_every_encoding(tmp_path):
    bomb = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE file [<!ENTITY a "a">]><file/>'
    (tmp_path / "a.xml").write_bytes(bomb.encode("utf-16"))
    with pytest.raises(FormatError, match="document type"):
        read(tmp_path / "a.xml")


@pytest.mark.parametrize("suffix", [".vtt", ".srt"])
def test_texts_cannot_break_out_of_cues(tmp_path, suffix):
    evil = "a\n\n00:00:01.000 --> 00:00:02.000\n<script>alert(1)</script> & b"
    write(Timeline(Video("m"), (Event(1.5, evil),)), tmp_path / f"a{suffix}")
    text = (tmp_path / f"a{suffix}").read_text()
    assert "<script>" not in text and text.count("-->") == 1
    (event,) = read(tmp_path / f"a{suffix}")
    assert event.label == " ".join(evil.split())


def test_cues_end_where_the_next_begins(tmp_path):
    timeline = Timeline(Video("m"), (Event(1.0, "A"), Event(3.0, "B"), Event(3.0, "C")))
    write(timeline, tmp_path / "a.vtt")
    assert [(e.seconds, e.extra["end"]) for e in read(tmp_path / "a.vtt")] == [
        (1.0, 3.0),
        (3.0, 8.0),
        (3.0, 8.0),
    ]


def test_soccerhigh_intervals_with_mark_and_windows_line_ends(tmp_path):
    (tmp_path / "1_intervals.srt").write_bytes(
        b"\xef\xbb\xbf1\r\n00:09:50,500 --> 00:10:01,000\r\nSegment 1\r\n\r\n"
        b"2\r\n01:00:00,000 --> 01:00:05,000\r\nSegment 4\r\n\r\n"
    )
    events = read(tmp_path / "1_intervals.srt").events
    assert [(e.seconds, e.extra["end"], e.label) for e in events] == [
        (590.5, 601.0, "Segment 1"),
        (3600.0, 3605.0, "Segment 4"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\nsoon --> later\nGoal\n",
        "WEBVTT\n\n1 -->\nx",
    ],
)
def test_what_cues_are_refused(tmp_path, text):
    (tmp_path / "a.vtt").write_text(text)
    with pytest.raises(FormatError, match=r"a\.vtt: cue 1"):
        read(tmp_path / "a.vtt")


def cues(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return [(event.seconds, event.label) for event in read(tmp_path / name)]


FIRST, SECOND = "00:00:01,000 --> 00:00:02,000", "00:00:08,000 --> 00:00:09,500"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (f"1\n{FIRST}\nGoal\n\n2\n00:00:05,000 --> 00:00:06,000\n\n\n3\n{SECOND}\nFoul\n", "Goal"),
        (f"1\n{FIRST}\nGoal\n2\n{SECOND}\nFoul\n", "Goal"),
        (f"{FIRST}\nGoal\n{SECOND}\nFoul", "Goal"),
        (f"1\n{FIRST}\nGoal\n\nby Smith\n\n2\n{SECOND}\nFoul\n", "Goal by Smith"),
        (f"1\n{FIRST}\n<i>Goal</i> --> 2-0\n\n2\n{SECOND}\nFoul\n", "Goal --> 2-0"),
        (f"1\n{FIRST}\nMinute\n90\n\n2\n{SECOND}\nFoul\n", "Minute 90"),
    ],
)
def test_cues_of_subrip_as_people_write_them(tmp_path, text, label):
    assert cues(tmp_path, "a.srt", text) == [(1.0, label), (8.0, "Foul")]


def test_a_blank_line_ends_a_cue_of_webvtt_and_what_follows_is_named(tmp_path):
    text = (
        "WEBVTT - a title\n\nNOTE not\nshown\n\nfirst\n"
        "00:01.000 --> 00:02.000 align:start\nGoal\n\nby Smith\n\n"
        "NOTE nor this\n\nsecond\n00:08.000 --> 00:09.000\nFoul\n"
    )
    assert cues(tmp_path, "a.vtt", text) == [(1.0, "Goal"), (8.0, "Foul")]
    (warning,) = read(tmp_path / "a.vtt").warnings
    assert "line 10" in warning and "by Smith" in warning


@pytest.mark.parametrize(
    "text",
    [
        "00:00:00.000 Start\n00:01:02.500 Goal\n00:02:02,250 Foul\n",
        "0:00 - 1:02 Start\n1:02.5 - 2:02.25 Goal\n[2:02.25 – 3:00]: Foul\n",
        "Ours.\n- 0:00 Start\n- 1:02.5 Goal\n- 2:02.25 Foul\n\nKick-off at\n15:00 sharp.\n",
    ],
)
def test_chapters_as_people_write_them(tmp_path, text):
    assert cues(tmp_path, "a.txt", text) == [(62.5, "Goal"), (122.25, "Foul")]


@pytest.mark.parametrize(
    "text",
    [
        "We met at\n14:30 in front of the stadium, and\n15:00 was kick-off.\nIt rained.\n",
        "Absolute time\tTimecode\n00:00:00.000\t00:00:00:15 - 00:01:00:16\tX\n",
        "0:00:00:00 0:00:10:00 clip\n0:00:10:00 0:00:20:00 clip\n0:00:20:00 0:00:30:00 clip\n",
    ],
)
def test_what_is_no_list_of_chapters(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(FormatError):
        read(tmp_path / "a.txt")


def test_chapters_follow_the_rules_of_youtube(tmp_path):
    times = [3.0, 9.9, 14.0, 15.0, 3700.4, 3705.0, 5399.0]
    events = tuple(Event(t, "Yellow->red card" if t > 3000 else "Goal") for t in times)
    write(Timeline(Video("m", 5400.0), events), tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert lines == ["0:00 Goal", "0:14 Goal", "1:01:40 Yellow-›red card"]
    assert [e.label for e in read(tmp_path / "a.txt")][-1] == "Yellow->red card"


def test_the_first_chapter_is_at_zero(tmp_path):
    events = (Event(30.0, "Goal"), Event(60.0, "Goal"))
    write(Timeline(Video("m"), events), tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text().startswith("0:00 Start\n0:30 Goal\n")
    assert [e.seconds for e in read(tmp_path / "a.txt")] == [30.0, 60.0]


def test_too_few_chapters_are_said(tmp_path):
    with pytest.raises(FormatError, match="at least 3 chapters"):
        write(Timeline(Video("m"), (Event(30.0, "Goal"),)), tmp_path / "a.txt")


def test_descriptions_around_chapters_are_passed_over(tmp_path):
    (tmp_path / "a.txt").write_text(
        "The match!\n\n0:00 Kick-off\n12:34 - Goal\n(1:01:02) Foul\nBye\n"
    )
    assert [(e.seconds, e.label) for e in read(tmp_path / "a.txt")] == [
        (0.0, "Kick-off"),
        (754.0, "Goal"),
        (3662.0, "Foul"),
    ]


@pytest.mark.parametrize("suffix", [".xml", ".vtt", ".srt", ".txt"])
def test_formats_of_one_video_refuse_two(tmp_path, suffix):
    halves = tuple(Timeline(Video(str(n)), (Event(1.0, "Goal"),), half=n) for n in (1, 2))
    with pytest.raises(FormatError, match="--half"):
        write(Match("m", halves), tmp_path / f"a{suffix}")


def test_a_reel_of_clips_in_sportscode_is_playable_without_touchline(tmp_path):
    reel = Reel((Clip("1.mkv", 5.0, 9.0, 0.5, 1, (Event(7.0, "Goal"), Event(8.0, "Foul"))),))
    write(reel, tmp_path / "a.xml")
    text = (tmp_path / "a.xml").read_text()
    assert "<code>Goal, Foul</code>" in text and "<start>5.0</start>" in text
    assert read(tmp_path / "a.xml") == reel


def test_an_event_with_a_length_has_its_window(tmp_path):
    """``lead`` and ``lag`` say it; the window moves with the event, and comes back as it is."""
    goal = Event(20.0, "Goal", extra={"lead": 3.0, "lag": 4.5})
    for event, window in ((goal, (17, 24.5)), (replace(goal, seconds=1.0), (0, 5.5))):
        timeline = Timeline(Video("a"), (event,))
        write(timeline, tmp_path / "a.xml")
        instance = ElementTree.parse(tmp_path / "a.xml").find(".//instance")
        assert [float(instance.findtext(edge)) for edge in ("start", "end")] == list(window)
        assert read(tmp_path / "a.xml", format="sportscode").events[0].seconds == event.seconds
    write(Timeline(Video("a"), (goal,)), tmp_path / "a.xml")
    assert read(tmp_path / "a.xml").events == (goal,)
    dragged = (tmp_path / "a.xml").read_text().replace("<start>17.0<", "<start>15.0<")
    (tmp_path / "a.xml").write_text(dragged)
    assert dict(read(tmp_path / "a.xml").events[0].extra) == {"lead": 5.0, "lag": 4.5}
    write(Timeline(Video("a"), (goal,)), tmp_path / "a.srt")
    assert "00:00:17,000 --> 00:00:24,500" in (tmp_path / "a.srt").read_text()
