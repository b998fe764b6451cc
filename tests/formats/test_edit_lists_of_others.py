"""Edit lists that other programs wrote: what they show, in which order, and what is left out."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from touchline.errors import FormatError
from touchline.formats import read_reel
from touchline.formats.base import Media

HEAD = "TITLE: x\nFCM: NON-DROP FRAME\n"


def cuts(reel):
    """Start and end of each clip."""
    return [(clip.start_seconds, clip.end_seconds) for clip in reel]


def near(*pairs):
    return [pytest.approx(pair, abs=0.002) for pair in pairs]


def edl(tmp_path, text, **options):
    (tmp_path / "r.edl").write_text(text)
    return read_reel(tmp_path / "r.edl", **{"rate": 25, **options})


@pytest.mark.parametrize("mark", [":", ";"])
def test_the_fcm_line_says_drop_frame_whatever_stands_between_the_numbers(tmp_path, mark):
    text = (
        f"FCM: DROP FRAME\n001  AX V C  01:23:45{mark}10 01:23:51{mark}22 0:00:00:00 0:00:06:12\n"
    )
    reel = edl(tmp_path, f"TITLE: x\n{text}", rate="29.97")
    assert cuts(reel) == near((5025.3536, 5031.7601))
    assert reel.warnings == ()


def test_an_fcm_line_counts_from_where_it_stands(tmp_path):
    reel = edl(
        tmp_path,
        HEAD + "001  AX V C  00:10:00:00 00:10:10:00 00:00:00:00 00:00:10:00\n"
        "FCM: DROP FRAME\n"
        "002  BX V C  00:20:00:00 00:20:10:00 00:00:10:00 00:00:20:00\n"
        "FCM: NON DROP FRAME\n"
        "003  AX V C  00:10:00:00 00:10:10:00 00:00:20:00 00:00:30:00\n",
        rate="30000/1001",
    )
    assert cuts(reel) == near((600.6, 610.61), (1199.9988, 1210.0088), (600.6, 610.61))


def test_drop_frame_that_a_rate_has_not_is_said(tmp_path):
    line = "001  AX V C  00:10:00:00 00:10:10:00 00:00:00:00 00:00:10:00\n"
    reel = edl(tmp_path, f"TITLE: x\nFCM: DROP FRAME\n{line}")
    assert cuts(reel) == [(600.0, 610.0)]
    assert "drop-frame" in reel.warnings[0]
    with pytest.raises(FormatError, match=r"29\.97"):
        edl(tmp_path, f"TITLE: x\nFCM: DROP FRAME\n{line}", rate=30)


def test_the_record_gives_the_order_and_a_stretch_may_come_twice(tmp_path):
    reel = edl(
        tmp_path,
        HEAD + "001  AX V C  00:00:15:00 00:00:20:00 00:00:10:00 00:00:15:00\n"
        "002  AX V C  00:00:10:00 00:00:20:00 00:00:00:00 00:00:10:00\n",
    )
    assert cuts(reel) == [(10.0, 20.0), (15.0, 20.0)]


@pytest.mark.parametrize("transition", ["D    010", "W001 010", "W12 010"])
def test_a_dissolve_or_wipe_becomes_a_cut_and_is_said(tmp_path, transition):
    reel = edl(
        tmp_path,
        HEAD + "001  AX V C        00:00:01:00 00:00:03:00 00:00:00:00 00:00:02:00\n"
        "002  AX V C        00:00:03:00 00:00:03:00 00:00:02:00 00:00:02:00\n"
        f"002  BX V {transition} 00:00:08:00 00:00:10:00 00:00:02:00 00:00:04:00\n"
        "* FROM CLIP NAME: first.mov\n* TO CLIP NAME: second.mov\n",
    )
    assert cuts(reel) == [(1.0, 3.0), (8.0, 10.0)]
    assert [clip.video for clip in reel] == ["AX", "second.mov"]
    assert "transition" in reel.warnings[0]


def test_reel_names_with_blanks_and_long_ones(tmp_path):
    reel = edl(
        tmp_path,
        HEAD + "001  TAPE 7 B  V     C        00:00:01:00 00:00:03:00 00:00:00:00 00:00:02:00\n"
        "002  A_VERY_LONG_REEL_NAME.MOV AA/V  C  00:00:01:00 00:00:02:00 00:00:02:00 00:00:03:00\n"
        "000003  AX B C 00:00:05:00 00:00:06:00 00:00:03:00 00:00:04:00\n",
    )
    assert [clip.video for clip in reel] == ["TAPE 7 B", "A_VERY_LONG_REEL_NAME.MOV", "AX"]


def test_black_keys_and_sound_of_its_own_are_named(tmp_path):
    reel = edl(
        tmp_path,
        HEAD + "001  BL V C    00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00\n"
        "002  AX V K B       00:00:01:00 00:00:03:00 00:00:02:00 00:00:04:00\n"
        "002  BX V K    000 00:00:01:00 00:00:03:00 00:00:02:00 00:00:04:00\n"
        "003  WAV AA C   00:00:01:00 00:00:03:00 00:00:04:00 00:00:06:00\n"
        "004  no cut at all\n",
    )
    assert [clip.video for clip in reel] == ["AX"]
    for word in ("1 black (line 3)", "1 key", "1 sound (line 6)", "1 line that is no cut (line 7)"):
        assert word in reel.warnings[0]


def test_a_speed_line_leaves_the_name_to_the_cut_and_is_said(tmp_path):
    cut = "001  AX V C 00:00:10:00 00:00:20:00 00:00:00:00 00:00:{}:00\n"
    name = "* FROM CLIP NAME: match.mp4\n"
    normal = edl(tmp_path, HEAD + cut.format(10) + "M2   AX  025.0  00:00:10:00\n" + name)
    assert (normal.clips[0].video, normal.warnings) == ("match.mp4", ())
    fast = edl(tmp_path, HEAD + cut.format("05") + "M2   AX  050.0  00:00:10:00\n" + name)
    assert cuts(fast) == [(10.0, 20.0)]
    assert "200%" in fast.warnings[0]
    unsaid = edl(tmp_path, HEAD + cut.format("05") + name)
    assert "200%" in unsaid.warnings[0]
    slow = edl(tmp_path, HEAD + cut.format("10") + "M2   AX  -012.5  00:00:10:00\n")
    assert cuts(slow) == [(10.0, 20.0)]
    assert "50%" in slow.warnings[0]
    still = edl(tmp_path, HEAD + cut.format("10") + "M2   AX  000.0  00:00:10:00\n")
    assert len(still) == 0 and "freeze frame" in still.warnings[0]


def test_markers_of_edit_lists_are_events(tmp_path):
    reel = edl(
        tmp_path,
        HEAD + "001  001 V C 00:00:10:00 00:00:20:00 01:00:00:00 01:00:10:00\n"
        "* FROM CLIP NAME: match.mp4\n* LOC: 01:00:02:00 RED     Goal by 9\n\n"
        "002  001 V C 01:00:30:05 01:00:30:06 01:00:30:05 01:00:30:06\n"
        " |C:ResolveColorBlue |M:Foul |D:1\n",
    )
    first, second = reel
    assert [(e.seconds, e.label) for e in first.events] == [(12.0, "Goal by 9")]
    assert [(e.seconds, e.label) for e in second.events] == [(3630.2, "Foul")]
    assert second.title == "Foul"


@pytest.mark.parametrize("start", ["10:00:00:00", "23:59:58:00"])
def test_source_timecode_counts_from_that_of_the_video(tmp_path, start):
    hour = {
        "10:00:00:00": ("10:00:04:13", "10:00:08:13"),
        "23:59:58:00": ("00:00:02:13", "00:00:06:13"),
    }
    first, after = hour[start]
    text = f"{HEAD}001  AX V C {first} {after} 00:00:00:00 00:00:04:00\n"
    media = [Media(Path("away/m.mov"), start)]
    assert cuts(edl(tmp_path, text, media=media)) == near((4.52, 8.52))


FORMATS = '<format id="r1" frameDuration="1/25s"/>'
ASSET = (
    '<asset id="r2" name="m.mp4" start="3600s" duration="100s" hasVideo="1" hasAudio="1">'
    '<media-rep kind="proxy-media" src="file:///proxy.mp4"/>'
    '<media-rep kind="original-media" src="file:///m.mp4"/></asset>'
    '<asset id="r4" name="b.mp4" start="0s" duration="100s" hasVideo="1">'
    '<media-rep src="file:///b.mp4"/></asset>'
    '<asset id="r5" duration="100s" hasAudio="1"><media-rep src="talk.wav"/></asset>'
    '<effect id="r6" name="Custom" uid="x"/>'
)
GOAL = '<asset-clip ref="r2" name="Goal" offset="{}s" start="3610s" duration="5s"/>'


def fcpxml(
    tmp_path,
    spine,
    resources="",
    around='<library><event><project name="p">{}</project></event></library>',
):
    sequence = f'<sequence format="r1" tcStart="0s"><spine>{spine}</spine></sequence>'
    (tmp_path / "r.fcpxml").write_text(
        '<?xml version="1.0"?><!DOCTYPE fcpxml><fcpxml version="1.10">'
        f"<resources>{FORMATS}{ASSET}{resources}</resources>{around.format(sequence)}</fcpxml>"
    )
    return read_reel(tmp_path / "r.fcpxml")


def compound(name="r9", inside=None, start="0s"):
    inside = GOAL.format(0) if inside is None else inside
    return (
        f'<media id="{name}"><sequence format="r1" tcStart="{start}"><spine>{inside}</spine>'
        "</sequence></media>"
    )


def test_the_project_is_read_and_not_a_resource(tmp_path):
    reel = fcpxml(tmp_path, GOAL.format(0), compound(inside='<asset-clip ref="r4" duration="1s"/>'))
    assert cuts(reel) == [(10.0, 15.0)]
    assert reel.clips[0].video == "/m.mp4"


def test_a_compound_clip_shows_a_part_of_its_sequence(tmp_path):
    inside = GOAL.format(0) + '<asset-clip ref="r4" name="B" offset="5s" start="1s" duration="4s"/>'
    clip = '<ref-clip ref="r9" name="C" offset="0s" start="3s" duration="4s"/>'
    reel = fcpxml(tmp_path, clip, compound(inside=inside))
    assert cuts(reel) == [(13.0, 15.0), (1.0, 3.0)]
    shifted = compound(inside=inside.replace('offset="', 'offset="360'), start="3600s")
    moved = fcpxml(tmp_path, clip.replace('start="3s"', 'start="3603s"'), shifted)
    assert cuts(moved) == cuts(reel)


def test_a_multicam_clip_shows_its_angle(tmp_path):
    angles = (
        '<media id="r9"><multicam format="r1" tcStart="0s">'
        '<mc-angle angleID="A"><asset-clip ref="r2" offset="0s" duration="60s"/></mc-angle>'
        '<mc-angle angleID="B"><gap offset="0s" duration="10s"/>'
        '<asset-clip ref="r4" offset="10s" start="2s" duration="60s"/></mc-angle>'
        "</multicam></media>"
    )
    clip = (
        '<mc-clip ref="r9" name="Goal" offset="0s" start="20s" duration="5s">'
        '<mc-source angleID="A" srcEnable="audio"/>'
        '<mc-source angleID="B" srcEnable="video"/></mc-clip>'
    )
    reel = fcpxml(tmp_path, clip, angles)
    assert cuts(reel) == [(12.0, 17.0)]
    assert (reel.clips[0].video, reel.clips[0].title) == ("/b.mp4", "Goal")


def test_synchronized_clips_clips_and_auditions(tmp_path):
    reel = fcpxml(
        tmp_path,
        '<sync-clip name="S" offset="0s" start="2s" duration="3s"><spine>'
        '<asset-clip ref="r4" offset="0s" start="50s" duration="10s"/></spine>'
        '<asset-clip ref="r5" lane="-1" offset="0s" duration="10s"/></sync-clip>'
        '<clip name="C" offset="3s" start="1s" duration="4s">'
        '<video ref="r2" offset="0s" start="3630s" duration="10s">'
        '<audio ref="r2" lane="-1" offset="3630s" start="3630s" duration="10s"/></video></clip>'
        '<audition offset="7s"><asset-clip ref="r4" name="one" start="5s" duration="2s"/>'
        '<asset-clip ref="r2" name="two" start="3600s" duration="2s"/></audition>',
    )
    assert cuts(reel) == [(52.0, 55.0), (31.0, 35.0), (5.0, 7.0)]
    assert [clip.title for clip in reel] == ["S", "C", "one"]
    assert "audition" in reel.warnings[0]


def test_connected_clips_cover_the_storyline(tmp_path):
    over = '<asset-clip ref="r4" lane="1" name="over" offset="3612s" start="30s" duration="1s"/>'
    under = '<asset-clip ref="r4" lane="-1" name="under" offset="3612s" start="30s" duration="1s"/>'
    alone = over.replace(' lane="1"', "").replace("3612s", "0s")
    story = f'<spine lane="1" offset="3612s">{alone}</spine>'
    clip = GOAL.format(0).replace("/>", ">{}</asset-clip>")
    assert cuts(fcpxml(tmp_path, clip.format(over))) == [(10.0, 12.0), (30.0, 31.0), (13.0, 15.0)]
    assert cuts(fcpxml(tmp_path, clip.format(story))) == [(10.0, 12.0), (30.0, 31.0), (13.0, 15.0)]
    assert cuts(fcpxml(tmp_path, clip.format(under))) == [(10.0, 15.0)]
    on_gap = f'<gap offset="0s" start="3600s" duration="20s">{over}</gap>'
    assert cuts(fcpxml(tmp_path, on_gap)) == [(30.0, 31.0)]


def test_what_has_no_video_is_named(tmp_path):
    reel = fcpxml(
        tmp_path,
        '<video ref="r6" name="Solid" offset="0s" start="3600s" duration="2s"/>'
        '<title ref="r6" name="Score" offset="2s" duration="2s"/>'
        '<asset-clip ref="r5" name="Talk" offset="4s" duration="2s"/>'
        '<transition name="Cross" offset="5s" duration="1s"/>'
        '<asset-clip ref="r2" name="off" enabled="0" offset="6s" duration="2s"/>' + GOAL.format(8),
    )
    assert cuts(reel) == [(10.0, 15.0)]
    for word in ("generator (Solid)", "title (Score)", "sound (Talk)", "transition (Cross)",
                 "disabled clip (off)"):  # fmt: skip
        assert word in reel.warnings[0]


def test_other_projects_are_named(tmp_path):
    around = '<event><project name="p">{0}</project><project name="q">{0}</project></event>'
    reel = fcpxml(tmp_path, GOAL.format(0), around=around)
    assert len(reel) == 1
    assert "1 other project (q)" in reel.warnings[0]


def test_clips_of_an_event_are_read_where_there_is_no_project(tmp_path):
    reel = fcpxml(tmp_path, "", around=f"<event>{GOAL.format(0)}<!--{{}}--></event>")
    assert cuts(reel) == [(10.0, 15.0)]


def test_a_time_map_shows_another_stretch_and_is_said(tmp_path):
    clip = (
        '<asset-clip ref="r4" offset="0s" start="0s" duration="10s"><timeMap>'
        '<timept time="0s" value="20s"/><timept time="10s" value="25s"/></timeMap>'
        '<marker start="4s" value="Goal"/></asset-clip>'
    )
    reel = fcpxml(tmp_path, clip)
    assert cuts(reel) == [(20.0, 25.0)]
    assert [e.seconds for e in reel.clips[0].events] == [22.0]
    assert "50%" in reel.warnings[0]


def test_markers_become_events_and_hidden_ones_are_named(tmp_path):
    clip = (
        '<asset-clip ref="r2" name="Spell" offset="0s" start="3610s" duration="8s">'
        '<marker start="3614s" duration="1/25s" value="Goal by 9"/>'
        '<chapter-marker start="3615s" value="Half"/>'
        '<marker start="3650s" value="late"/></asset-clip>'
    )
    reel = fcpxml(tmp_path, clip)
    (shown,) = reel
    assert [(e.seconds, e.label, e.source) for e in shown.events] == [
        (14.0, "Goal by 9", "import"),
        (15.0, "Half", "import"),
    ]
    assert "hidden marker" in reel.warnings[0]


def test_sequences_that_hold_each_other_without_end_are_refused(tmp_path):
    itself = compound("r9", '<ref-clip ref="r9" offset="0s" duration="5s"/>')
    with pytest.raises(FormatError, match="nested"):
        fcpxml(tmp_path, '<ref-clip ref="r9" offset="0s" duration="5s"/>', itself)
    doubling = compound("m0")
    for level in range(1, 20):
        twice = "".join(
            f'<ref-clip ref="m{level - 1}" offset="{at}s" duration="{5 * 2 ** (level - 1)}s"/>'
            for at in (0, 5 * 2 ** (level - 1))
        )
        doubling += compound(f"m{level}", twice)
    with pytest.raises(FormatError, match="more than"):
        fcpxml(tmp_path, '<ref-clip ref="m19" offset="0s"/>', doubling)


def time(value, rate=25.0):
    return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate}


def stretch(start, length, rate=25.0):
    return {"start_time": time(start, rate), "duration": time(length, rate)}


def clip(name, start, length, **more):
    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": name, "available_range": None}
    shown = stretch(25 * start, 25 * length)
    return {
        "OTIO_SCHEMA": "Clip.1",
        "name": name,
        "media_reference": media,
        "source_range": shown,
    } | more


def group(schema, *children, **more):
    return {"OTIO_SCHEMA": f"{schema}.1", "children": list(children), "kind": "Video"} | more


def otio(tmp_path, *tracks, **options):
    document = {"OTIO_SCHEMA": "Timeline.1", "tracks": group("Stack", *tracks)}
    (tmp_path / "r.otio").write_text(json.dumps(document))
    return read_reel(tmp_path / "r.otio", **options)


GAP = {"OTIO_SCHEMA": "Gap.1", "source_range": stretch(0, 50)}


def test_upper_tracks_cover_lower_ones(tmp_path):
    upper = group("Track", GAP, clip("b", 30, 4))
    reel = otio(tmp_path, group("Track", clip("a", 0, 10)), upper)
    assert cuts(reel) == [(0.0, 2.0), (30.0, 34.0), (6.0, 10.0)]
    hidden = otio(tmp_path, group("Track", clip("a", 0, 10)), group("Track", clip("b", 0, 10)))
    assert [c.video for c in hidden] == ["b"]


def test_nested_stacks_and_tracks_are_flattened_and_trimmed(tmp_path):
    inner = group("Stack", group("Track", clip("a", 0, 10), clip("b", 50, 10)),
                  source_range=stretch(25 * 8, 25 * 4))  # fmt: skip
    reel = otio(tmp_path, group("Track", clip("c", 1, 2), inner))
    assert cuts(reel) == [(1.0, 3.0), (8.0, 10.0), (50.0, 52.0)]


def test_markers_of_clips_and_tracks_are_events(tmp_path):
    def marker(name, at):
        return {"OTIO_SCHEMA": "Marker.2", "name": name, "marked_range": stretch(25 * at, 1)}

    track = group("Track", clip("a", 10, 5, markers=[marker("Goal", 12)]), clip("b", 0, 5),
                  markers=[marker("Foul", 7)])  # fmt: skip
    reel = otio(tmp_path, track)
    assert [[(e.seconds, e.label) for e in c.events] for c in reel] == [
        [(12.0, "Goal")],
        [(2.0, "Foul")],
    ]


def test_generators_transitions_and_disabled_clips_are_named(tmp_path):
    bars = clip("bars", 0, 2, media_reference={"OTIO_SCHEMA": "GeneratorReference.1"})
    fade = {"OTIO_SCHEMA": "Transition.1", "name": "fade"}
    reel = otio(
        tmp_path, group("Track", bars, clip("a", 1, 1), fade, clip("b", 1, 1, enabled=False))
    )
    assert [c.video for c in reel] == ["a"]
    for word in ("generator (bars)", "transition (fade)", "disabled clip (b)"):
        assert word in reel.warnings[0]


def test_speed_of_otio_is_said(tmp_path):
    warp = [{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2.0}]
    reel = otio(tmp_path, group("Track", clip("a", 10, 5, effects=warp)))
    assert cuts(reel) == [(10.0, 20.0)]
    assert "200%" in reel.warnings[0]
    still = [{"OTIO_SCHEMA": "FreezeFrame.1", "time_scalar": 0.0}]
    assert "freeze" in otio(tmp_path, group("Track", clip("a", 1, 5, effects=still))).warnings[0]


def test_otio_without_available_range_counts_from_the_timecode_of_the_video(tmp_path):
    track = group("Track", clip("m.mov", 36004.52, 4))
    media = [Media(Path("m.mov"), "10:00:00:00")]
    assert cuts(otio(tmp_path, track, media=media)) == near((4.52, 8.52))


XMEML = """<?xml version="1.0"?><!DOCTYPE xmeml><xmeml version="4"><sequence id="s"><name>m</name>
<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>{markers}<media><video>{tracks}</video></media>
</sequence>{more}</xmeml>"""
FILE = '<file id="f"><name>m.mp4</name><pathurl>file://localhost/v/the%20match.mp4</pathurl></file>'


def item(start, end, first, after, file=FILE, more="", rate=""):
    return (
        f"<clipitem><name>Goal</name>{rate}<start>{start}</start><end>{end}</end>"
        f"<in>{first}</in><out>{after}</out>{file}{more}</clipitem>"
    )


def xmeml(tmp_path, *tracks, markers="", more=""):
    text = "".join(f"<track>{track}</track>" for track in tracks)
    (tmp_path / "r.xml").write_text(XMEML.format(tracks=text, markers=markers, more=more))
    return read_reel(tmp_path / "r.xml")


def test_the_xml_of_premiere_is_read(tmp_path):
    again = item(
        125, 250, 500, 625, '<file id="f"/>', "<marker><name>By 9</name><in>550</in></marker>"
    )
    reel = xmeml(tmp_path, item(0, 125, 250, 375) + again)
    assert cuts(reel) == [(10.0, 15.0), (20.0, 25.0)]
    assert {c.video for c in reel} == {"/v/the match.mp4"}
    assert [(e.seconds, e.label) for e in reel.clips[1].events] == [(22.0, "By 9")]


def test_tracks_and_nested_sequences_of_premiere(tmp_path):
    inner = (
        '<sequence id="n"><name>n</name><rate><timebase>25</timebase></rate><media><video><track>'
        + item(0, 250, 1000, 1250) + "</track></video></media></sequence>"
    )  # fmt: skip
    nested = item(50, 100, 25, 75, inner)
    reel = xmeml(tmp_path, item(0, 125, 250, 375), nested)
    assert cuts(reel) == [(10.0, 12.0), (41.0, 43.0), (14.0, 15.0)]
    ntsc = "<rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>"
    assert cuts(xmeml(tmp_path, item(0, 125, 300, 450, rate=ntsc))) == near((10.01, 15.015))


def test_transitions_and_what_is_left_out_of_premiere(tmp_path):
    fade = "<transitionitem><start>100</start><end>150</end></transitionitem>"
    card = "<generatoritem><name>Card</name><start>0</start><end>25</end></generatoritem>"
    other = "<sequence><name>other</name></sequence>"
    first, second = item(0, -1, 250, 400), item(-1, 250, 500, 650)
    reel = xmeml(tmp_path, first + fade + second, card, more=other)
    assert cuts(reel) == [(10.0, 16.0), (20.0, 26.0)]
    for word in ("transition", "generator (Card)", "other sequence (other)"):
        assert word in reel.warnings[0]


@pytest.mark.parametrize("rate", [25, Fraction(30000, 1001)])
def test_a_file_of_premiere_with_times_that_are_none(tmp_path, rate):
    with pytest.raises(FormatError, match="not a number"):
        xmeml(tmp_path, item(0, 125, "soon", 375))
