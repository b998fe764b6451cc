"""What a reader passes over or doubts is said: how much, and where it is first."""

import pytest

from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read, read_matches, read_reel, write
from touchline.formats.base import Media
from touchline.formats.choosing import events_of

CUE = "1\n00:00:10,000 --> 00:00:{end},000\nGoal\n"
INSTANCE = (
    "<file><ALL_INSTANCES><instance><ID>1</ID><start>10</start><end>{end}</end><code>Goal</code>"
    "<label><group>Confidence</group><text>{confidence}</text></label></instance>"
    "</ALL_INSTANCES></file>"
)
EVENTS = (
    '{{"format": "touchline-events", "version": 1, "video": {{"name": "a"}}, "events": '
    '[{{"time": 10, "label": "Goal", "confidence": {confidence}, "end": {end}}}]}}'
)
RESULTS = (
    '{{"UrlLocal": "a", "predictions": [{{"gameTime": "1 - 0:10", "label": "Goal", "half": "1", '
    '"position": "10000", "confidence": "{confidence}", "end": {end}}}]}}'
)


def said(path):
    """The warnings of a file."""
    thing = read(path)
    if isinstance(thing, Match):
        (thing,) = thing.timelines
    return " | ".join(thing.warnings)


@pytest.mark.parametrize("confidence", [95, -0.1, 1.01])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "time,label,confidence,end\n10,Goal,{confidence},{end}\n"),
        ("a.xml", INSTANCE),
        ("a.events.json", EVENTS),
        ("results_spotting.json", RESULTS),
    ],
)
def test_confidences_outside_0_to_1_are_said_and_kept(tmp_path, name, text, confidence):
    (tmp_path / name).write_text(text.format(confidence=confidence, end=12))
    warnings = said(tmp_path / name)
    assert f"1 confidence outside 0 to 1 (first: {confidence:g}, 'Goal' at 0:10.0)" in warnings
    thing = read(tmp_path / name)
    assert [event.confidence for event in getattr(thing, "events", thing)] == [confidence]
    (tmp_path / name).write_text(text.format(confidence=0.5, end=12))
    assert said(tmp_path / name) == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "time,label,confidence,end\n10,Goal,{confidence},{end}\n"),
        ("b.csv", "start,end,label\n10,{end},Goal\n"),
        ("a.srt", CUE),
        ("a.vtt", "WEBVTT\n\n00:10.000 --> 00:{end}.000\nGoal\n"),
        ("a.txt", "0:10 - 0:{end} Goal\n1:00 Foul\n2:00 Corner\n"),
        ("a.xml", INSTANCE),
        ("a.events.json", EVENTS),
        ("results_spotting.json", RESULTS),
    ],
)
def test_ends_before_starts_are_said(tmp_path, name, text):
    (tmp_path / name).write_text(text.format(confidence=1, end="5" if "json" in name else "05"))
    assert "1 end before the start (first: 5, 'Goal' at 0:10.0)" in said(tmp_path / name)


def test_what_a_file_of_ours_says_already_is_not_said_again(tmp_path):
    (tmp_path / "a.csv").write_text("time,label,confidence\n10,Goal,95\n")
    write(read(tmp_path / "a.csv"), tmp_path / "a.events.json")
    assert read(tmp_path / "a.events.json").warnings == read(tmp_path / "a.csv").warnings


@pytest.mark.parametrize(
    "tail", ["2", "2\n", "2\n00:00:1", "2\n00:00:12,000 --", "2\n00:00:12,0\n"]
)
def test_subrip_that_is_cut_short_has_no_number_in_its_text(tmp_path, tail):
    (tmp_path / "a.srt").write_text(f"{CUE.format(end=12)}\n{tail}")
    assert [event.label for event in read(tmp_path / "a.srt")] == ["Goal"]
    assert "cut short: cue number 2" in said(tmp_path / "a.srt")


def test_a_text_that_ends_in_a_number_keeps_it(tmp_path):
    (tmp_path / "a.srt").write_text(f"{CUE.format(end=12)}\n1966\nand all that\n")
    assert [event.label for event in read(tmp_path / "a.srt")] == ["Goal 1966 and all that"]


def test_lines_above_the_cues_and_empty_cues_are_named(tmp_path):
    empty = "2\n00:00:20,000 --> 00:00:21,000\n\n3\n00:00:30,000 --> 00:00:31,000\n\n"
    (tmp_path / "a.srt").write_text(f"Made by X\n\n{CUE.format(end=12)}\n{empty}")
    assert [event.label for event in read(tmp_path / "a.srt")] == ["Goal"]
    warnings = said(tmp_path / "a.srt")
    assert "1 line above the cues (line 1 'Made by X')" in warnings
    assert "2 cues without text (cue 2, cue 3)" in warnings


@pytest.mark.parametrize("time", ["1:99", "0:75:10", "0:10 - 0:75:10"])
def test_lines_that_are_no_chapters_are_named_and_break_no_list(tmp_path, time):
    lines = ("A match", "0:10 Goal", f"{time} Foul", "2:10 Corner", "3:00 Offside")
    (tmp_path / "a.txt").write_text("\n".join(lines))
    assert [event.label for event in read(tmp_path / "a.txt")] == ["Goal", "Corner", "Offside"]
    warnings = said(tmp_path / "a.txt")
    assert f"1 line with a time that is no chapter (line 3 '{time} Foul')" in warnings
    assert "1 other line (line 1 'A match')" in warnings


def test_lines_without_meaning_and_gaps_of_an_edl_are_named(tmp_path):
    (tmp_path / "a.edl").write_text(
        "TITLE: x\nFCM: NON-DROP FRAME\nhello\n\n* A COMMENT\nSPLIT: AUDIO DELAY=  00:00:00:03\n"
        "001  AX V C 00:00:01:00 00:00:03:00 01:00:00:00 01:00:02:00\nAUD  3\n"
        "EFFECTS NAME IS BLUR\nM2   AX  025.0  00:00:01:00\n1 AX is no cut\n"
        "002  AX V C 00:00:05:00 00:00:06:00 01:00:05:00 01:00:06:00\n"
    )
    (warning,) = read_reel(tmp_path / "a.edl", rate=25).warnings
    assert "2 lines without meaning (line 3 'hello', line 11 '1 AX is no cut')" in warning
    assert "1 gap (0:02.0, 3.0 s long)" in warning
    assert warning.count("line") == 3


FCPXML = """<fcpxml version="1.9"><resources><format id="r1" frameDuration="1/25s"/>
<asset id="a" name="m" src="m.mp4" start="0s" duration="100s" hasVideo="1"/>
<asset id="b" name="n" src="n.mp4" start="0s" duration="100s" hasVideo="1"/></resources>
<project><sequence format="r1"><spine>{}</spine></sequence></project></fcpxml>"""
UNDER = """<asset-clip ref="a" name="A" offset="0s" start="10s" duration="10s">{marker}
<asset-clip ref="b" name="B" lane="1" offset="14s" start="3s" duration="2s"/></asset-clip>"""


def test_gaps_of_final_cut_are_named_unless_a_clip_is_above_them(tmp_path):
    covered = '<gap offset="10s" duration="2s"><asset-clip ref="b" lane="1" duration="2s"/></gap>'
    clip = '<asset-clip ref="a" name="C" offset="{}s" start="50s" duration="7s"/>'
    gap = '<gap name="Gap" offset="12s" duration="3s"/>'
    spine = UNDER.format(marker="") + covered + gap + clip.format(15)
    (tmp_path / "a.fcpxml").write_text(FCPXML.format(spine))
    (warning,) = read_reel(tmp_path / "a.fcpxml").warnings
    assert warning.endswith("left out: 1 gap (0:12.0, 3.0 s long)")
    (tmp_path / "a.fcpxml").write_text(FCPXML.format('<gap duration="4s"/>' + clip.format(4)))
    assert "1 gap (0:00.0, 4.0 s long)" in read_reel(tmp_path / "a.fcpxml").warnings[0]


@pytest.mark.parametrize("marker", ["", '<marker start="11s" value="Goal"/>'])
def test_a_clip_under_a_connected_clip_is_one_event(tmp_path, marker):
    (tmp_path / "a.fcpxml").write_text(FCPXML.format(UNDER.format(marker=marker)))
    reel = read_reel(tmp_path / "a.fcpxml")
    assert [(c.start_seconds, c.end_seconds) for c in reel] == [(10, 14), (3, 5), (16, 20)]
    match = events_of(reel, "x")
    under = next(t for t in match.timelines if t.video.name == "m.mp4")
    assert [(e.seconds, e.label) for e in under] == ([(11, "Goal")] if marker else [(10, "A")])
    if not marker:
        assert under.events[0].extra == {"end": 20.0}


@pytest.mark.parametrize("suffix", [".csv", ".srt", ".vtt", ".xml", ".txt", ".osl.json"])
def test_a_folder_of_event_files_is_read(tmp_path, suffix):
    events = [Event(10.0, "Goal"), Event(70.0, "Foul"), Event(140.0, "Corner")]
    for name in ("a", "b"):
        write(Timeline(Video(name), tuple(events)), tmp_path / f"{name}{suffix}")
    (tmp_path / "notes.md").write_text("mine")
    matches = read_matches(tmp_path)
    assert [[e.label for e in match.events] for match in matches.values()] == [
        ["Goal", "Foul", "Corner"]
    ] * 2


def test_tables_of_match_clocks_in_one_folder_are_a_match_each(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("half,minute,second,label\n1,2,3,Goal\n2,50,1,Foul\n")
    assert list(read_matches(tmp_path)) == ["a", "b"]


def test_a_folder_of_files_of_two_formats_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("time,label\n1,Goal\n")
    (tmp_path / "a.srt").write_text(CUE.format(end=12))
    with pytest.raises(FormatError, match="csv, srt"):
        read_matches(tmp_path)


@pytest.mark.parametrize(
    "name", ["Labels-v2.json", "results_spotting.json", "x.events.json", "x.srt"]
)
def test_events_of_two_tapes_are_not_written_as_those_of_one(tmp_path, name):
    tapes = [Timeline(Video(tape), (Event(1.0, "Goal"),)) for tape in ("TAPE1", "TAPE2")]
    with pytest.raises(FormatError, match="csv"):
        write(Match("m", tuple(tapes)), tmp_path / name)
    write(Match("m", tuple(tapes)), tmp_path / "x.csv")
    assert {t.video.name for t in read(tmp_path / "x.csv").timelines} == {"TAPE1", "TAPE2"}


def test_tapes_are_known_by_their_names_without_ending(tmp_path):
    (tmp_path / "a.edl").write_text(
        "TITLE: x\n001  TAPE1 V C 10:00:01:00 10:00:03:00 00:00:00:00 00:00:02:00\n"
        "002  TAPE2 V C 00:00:02:00 00:00:03:00 00:00:02:00 00:00:03:00\n"
    )
    media = [Media(tmp_path / "tape1.mov", "10:00:00:00"), Media(tmp_path / "TAPE2.mp4")]
    reel = read_reel(tmp_path / "a.edl", rate=25, media=media)
    assert [(clip.start_seconds, clip.end_seconds) for clip in reel] == [(1, 3), (2, 3)]


TEXTS = {
    "a.csv": "time,label\n10,Goal\n20,Foul\n",
    "a.srt": f"{CUE.format(end=12)}\n2\n00:00:20,000 --> 00:00:22,000\nFoul\n",
    "a.vtt": "WEBVTT\n\n00:10.000 --> 00:12.000\nGoal\n\n00:20.000 --> 00:22.000\nFoul\n",
    "a.txt": "0:00 Start\n0:10 Goal\n0:20 Foul\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_texts_of_any_unicode_encoding_and_line_end(tmp_path, name, ends, encoding):
    (tmp_path / name).write_bytes(TEXTS[name].replace("\n", ends).encode(encoding))
    assert [(e.seconds, e.label) for e in read(tmp_path / name)] == [(10, "Goal"), (20, "Foul")]
    assert said(tmp_path / name) == ""


@pytest.mark.parametrize("name", TEXTS)
def test_zeros_at_the_end_of_a_damaged_text_are_said(tmp_path, name):
    (tmp_path / name).write_bytes(TEXTS[name].encode() + bytes(40))
    assert [e.label for e in read(tmp_path / name)] == ["Goal", "Foul"]
    assert "bytes of nothing" in said(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.edl", "TITLE: x\n001 AX V C -0:00:10:00 00:00:12:00 1:00:00:00 1:00:02:00\n", "line 2"),
        ("b.edl", "TITLE: x\n001 AX V C 00:00:10:00 00:00:12:00\n", "four timecodes"),
        ("a.srt", "1\n-00:00:10,000 --> 00:00:12,000\nGoal\n", "no cues"),
        ("b.srt", "1\n00:00:10,000 -> 00:00:12,000\nGoal\n", "no cues"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_refused(tmp_path, name, text, what):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=what):
        read(tmp_path / name, rate=25)


def test_frames_behind_a_point_are_not_drop_frame_where_the_rate_has_none(tmp_path):
    cut = "001 AX V C 00:00:10.12 00:00:12.00 01:00:00.00 01:00:01.13\n"
    (tmp_path / "a.edl").write_text(f"TITLE: x\n{cut}")
    assert [c.start_seconds for c in read_reel(tmp_path / "a.edl", rate=25)] == [10.48]


def test_overrides_of_substation_alpha_are_no_text(tmp_path):
    (tmp_path / "a.srt").write_text(CUE.format(end=12).replace("Goal", r"{\an8\b1}Goal {sic}"))
    assert [event.label for event in read(tmp_path / "a.srt")] == ["Goal {sic}"]


def test_two_resources_of_one_id_and_clips_without_length_are_said(tmp_path):
    clips = '<asset-clip ref="a" name="A" start="1s" duration="{}s"/>'
    text = FCPXML.format(clips.format(0) + clips.format(2)).replace('id="b"', 'id="a"')
    (tmp_path / "a.fcpxml").write_text(text)
    warnings = " ".join(read_reel(tmp_path / "a.fcpxml").warnings)
    assert "2 resources have the id 'a'" in warnings
    assert "1 clip without length (A)" in warnings
