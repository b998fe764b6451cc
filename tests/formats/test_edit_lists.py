"""Edit lists for editing programs: exact times, safe addresses, and lists that others wrote."""

import json
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.errors import FormatError, InputError
from touchline.events import Event
from touchline.formats import read_reel, write
from touchline.formats.base import Media
from touchline.reel import Clip, Reel

RATES = ["25", "24000/1001", "30000/1001", "50", "60000/1001"]
REEL = Reel((Clip("a b.mp4", 10.0, 12.0, events=(Event(11.0, "Goal"),)), Clip("c.mp4", 1.0, 2.0)))


@pytest.mark.parametrize("suffix", [".edl", ".fcpxml", ".otio"])
@given(cuts=st.lists(st.integers(0, 200_000), min_size=2, max_size=8, unique=True),
       rate=st.sampled_from(RATES))  # fmt: skip
def test_frames_are_exact_at_every_rate(tmp_path_factory, suffix, cuts, rate):
    path = tmp_path_factory.mktemp("cuts") / f"r{suffix}"
    frames = sorted(cuts)
    pairs = list(zip(frames[::2], frames[1::2], strict=False))
    seconds = [(float(a / Fraction(rate)), float(b / Fraction(rate))) for a, b in pairs]
    write(Reel(tuple(Clip("m.mp4", a, b) for a, b in seconds)), path, rate=rate)
    back = [(c.start_seconds, c.end_seconds) for c in read_reel(path)]
    assert back == [pytest.approx(pair, abs=1e-9) for pair in seconds]


@pytest.mark.parametrize("suffix", [".edl", ".fcpxml", ".otio"])
def test_times_between_frames_go_to_the_nearest(tmp_path, suffix):
    path = tmp_path / f"r{suffix}"
    write(Reel((Clip("m.mp4", 1.019, 2.021),)), path, rate=25)
    (clip,) = read_reel(path)
    assert (clip.start_seconds, clip.end_seconds) == (1.0, 2.04)


@pytest.mark.parametrize("suffix", [".edl", ".fcpxml", ".otio"])
def test_a_rate_is_needed(tmp_path, suffix):
    with pytest.raises(FormatError, match="--rate"):
        write(REEL, tmp_path / f"r{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".edl", ".fcpxml", ".otio", ".vtt", ".txt", ".reel.json"])
def test_events_are_not_a_reel(tmp_path, suffix):
    from touchline.events import Timeline, Video

    timeline = Timeline(Video("m"), (Event(1.0, "Goal"),))
    if suffix in (".edl", ".fcpxml", ".otio", ".reel.json"):
        with pytest.raises(FormatError):
            write(timeline, tmp_path / f"r{suffix}", {".reel.json": "touchline-reel"}.get(suffix))


def test_addresses_are_urls(tmp_path):
    write(REEL, tmp_path / "r.fcpxml", rate=25)
    root = ElementTree.parse(tmp_path / "r.fcpxml").getroot()
    sources = [item.get("src") for item in root.iter("media-rep")]
    assert sources == ["a%20b.mp4", "c.mp4"]
    write(REEL, tmp_path / "r.fcpxml", rate=25, video=tmp_path / "the match.mp4")
    root = ElementTree.parse(tmp_path / "r.fcpxml").getroot()
    assert next(root.iter("media-rep")).get("src") == (tmp_path / "the match.mp4").as_uri()


def test_fcpxml_refers_to_what_it_declares(tmp_path):
    write(REEL, tmp_path / "r.fcpxml", rate="30000/1001")
    text = (tmp_path / "r.fcpxml").read_text()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
    root = ElementTree.fromstring(text)
    ids = {item.get("id") for item in root.find("resources")}
    assert {clip.get("ref") for clip in root.iter("asset-clip")} <= ids
    frame = Fraction(1001, 30000)
    for clip in root.iter("asset-clip"):
        for key in ("offset", "start", "duration"):
            assert (Fraction(clip.get(key).removesuffix("s")) / frame).denominator == 1


GRAMMAR = {
    "fcpxml": ("version", "resources library"),
    "resources": ("", "format asset"),
    "format": ("id name frameDuration width height", ""),
    "asset": ("id name start duration hasVideo format hasAudio", "media-rep"),
    "media-rep": ("kind src", ""),
    "library": ("", "event"),
    "event": ("name", "project"),
    "project": ("name", "sequence"),
    "sequence": ("format duration tcStart tcFormat", "spine"),
    "spine": ("", "asset-clip"),
    "asset-clip": ("ref name offset start duration", "marker metadata"),
    "marker": ("start duration value", ""),
    "metadata": ("", "md"),
    "md": ("key value", ""),
}
"""Of FCPXML 1.10, as its document type has it: attributes, and children in their order."""


REQUIRED = {
    "fcpxml": {"version"},
    "format": {"id"},
    "asset": {"id"},
    "media-rep": {"src"},
    "sequence": {"format"},
    "asset-clip": {"ref"},
    "marker": {"start", "value"},
    "md": {"key"},
}
ONCE = {"resources", "library", "sequence", "spine", "metadata"}


@pytest.mark.parametrize(
    "media",
    [
        None,
        Media(Path("/v/a b.mp4"), "10:00:00:00", 600.0, True, (1920, 1080)),
        Media(Path("/v/silent.mp4"), None, None, False, None),
    ],
)
def test_fcpxml_keeps_to_its_grammar(tmp_path, media):
    write(REEL, tmp_path / "r.fcpxml", rate=25, video=media)
    root = ElementTree.parse(tmp_path / "r.fcpxml").getroot()
    for element in root.iter():
        attributes, children = (text.split() for text in GRAMMAR[element.tag])
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib) <= set(attributes)
        order = [children.index(child.tag) for child in element]
        assert order == sorted(order)
        assert all(len(element.findall(tag)) <= 1 for tag in ONCE)
        assert not element.tail or not element.tail.strip()
    ids = [item.get("id") for item in root.iter() if item.get("id")]
    assert len(ids) == len(set(ids))
    refers = [(item.get("ref"), item.get("format")) for item in root.iter()]
    assert {one for pair in refers for one in pair if one} <= set(ids)
    assert {item.get(key) for item in root.iter("asset") for key in ("hasVideo", "hasAudio")} <= {
        "1", "0", None,
    }  # fmt: skip


def test_fcpxml_of_others(tmp_path):
    (tmp_path / "r.fcpxml").write_text(
        """<?xml version="1.0"?><!DOCTYPE fcpxml>
        <fcpxml version="1.9"><resources><format id="r1" frameDuration="1/25s"/>
        <asset id="r2" name="A" src="file:///video/the%20match.mov" start="3600s" format="r1"/>
        </resources><project><sequence><spine><gap offset="0s" duration="5s"/>
        <asset-clip ref="r2" offset="5s" name="Goal" start="90250/25s" duration="14.2s"/>
        </spine></sequence></project></fcpxml>"""
    )
    (clip,) = read_reel(tmp_path / "r.fcpxml")
    assert (clip.video, clip.title) == ("/video/the match.mov", "Goal")
    assert (clip.start_seconds, clip.end_seconds) == (10.0, pytest.approx(24.2))


EDL = """TITLE: CUT
FCM: NON-DROP FRAME

001  AX       V     C        00:00:10:00 00:00:24:12 01:00:00:00 01:00:14:12
* FROM CLIP NAME: match.mov

002  AX       AA    C        00:00:10:00 00:00:24:12 01:00:00:00 01:00:14:12
003  BX       B     D    012 00:01:00:00 00:01:02:00 01:00:14:12 01:00:16:12
"""


def test_edl_of_others_needs_its_rate(tmp_path):
    (tmp_path / "r.edl").write_text(EDL, newline="\r\n")
    with pytest.raises(FormatError, match="--rate"):
        read_reel(tmp_path / "r.edl")
    first, second = read_reel(tmp_path / "r.edl", rate=25)
    assert (first.video, first.start_seconds, first.end_seconds) == ("match.mov", 10.0, 24.48)
    assert (second.video, second.start_seconds) == ("BX", 60.0)


def test_edl_names_are_eight_characters_and_differ(tmp_path):
    reel = Reel(tuple(Clip(f"a long name of video {i}.mp4", 1.0, 2.0) for i in range(12)))
    write(reel, tmp_path / "r.edl", rate=25)
    lines = [x for x in (tmp_path / "r.edl").read_text().splitlines() if x[:3].isdigit()]
    names = {line.split()[1] for line in lines}
    assert len(names) == 12 and max(map(len, names)) <= 8


def test_edl_cannot_count_every_rate(tmp_path):
    with pytest.raises(InputError, match="timecode"):
        write(REEL, tmp_path / "r.edl", rate="25/12")
    assert not list(tmp_path.iterdir())


def test_edl_lines_cannot_be_broken_out_of(tmp_path):
    evil = "x\n002  AX  V  C  00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00"
    reel = Reel((Clip(evil, 1.0, 2.0, title=evil),))
    write(reel, tmp_path / "r.edl", rate=25)
    assert read_reel(tmp_path / "r.edl") == reel


def test_otio_of_others(tmp_path):
    import opentimelineio as otio

    timeline = otio.schema.Timeline("cut")
    track = otio.schema.Track("V1")
    timeline.tracks.append(track)
    time = otio.opentime.RationalTime
    media = otio.schema.ExternalReference(
        "file:///video/the%20match.mov", otio.opentime.TimeRange(time(86400, 24), time(1000, 24))
    )
    shown = otio.opentime.TimeRange(time(86640, 24), time(48, 24))
    track.append(otio.schema.Gap(duration=time(24, 24)))
    track.append(otio.schema.Clip("Goal", media, shown))
    otio.adapters.write_to_file(timeline, str(tmp_path / "r.otio"))
    (clip,) = read_reel(tmp_path / "r.otio")
    assert (clip.video, clip.start_seconds, clip.end_seconds) == (
        "/video/the match.mov",
        10.0,
        12.0,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"media_references": {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "Clip.2"}}, "source_range": None},
        {"media_references": {"DEFAULT_MEDIA": 5}},
        {"media_references": None, "source_range": None},
        {"source_range": {"OTIO_SCHEMA": "Clip.2"}},
        {"source_range": {"start_time": {"value": 1, "rate": 0}, "duration": None}},
        {"metadata": {"touchline": {"video": 5}}},
    ],
)
def test_malformed_otio_is_refused_and_does_not_end_the_process(tmp_path, change):
    write(REEL, tmp_path / "r.otio", rate=25)
    document = json.loads((tmp_path / "r.otio").read_text())
    document["tracks"]["children"][0]["children"][0] |= change
    (tmp_path / "r.otio").write_text(json.dumps(document))
    with pytest.raises(FormatError, match=r"tracks\.children\[0\]\.children\[0\]"):
        read_reel(tmp_path / "r.otio")


def test_addresses_that_are_none_are_names(tmp_path):
    write(REEL, tmp_path / "r.otio", rate=25)
    document = json.loads((tmp_path / "r.otio").read_text())
    clip = document["tracks"]["children"][0]["children"][0]
    clip["metadata"] = {}
    clip["media_references"]["DEFAULT_MEDIA"]["target_url"] = "http://[x"
    (tmp_path / "r.otio").write_text(json.dumps(document))
    assert read_reel(tmp_path / "r.otio").clips[0].video == "http://[x"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.fcpxml", "<fcpxml/>"),
        ("r.fcpxml", "<fcpxml><spine><asset-clip ref='r9'/></spine></fcpxml>"),
        ("r.fcpxml", "<!DOCTYPE fcpxml [<!ENTITY a 'b'>]><fcpxml>&a;</fcpxml>"),
        ("r.fcpxml", "<!DOCTYPE fcpxml SYSTEM 'file:///etc/passwd'><fcpxml/>"),
        (
            "r.fcpxml",
            "<fcpxml><asset id='a'/><spine><video ref='a' duration='1/0s'/></spine></fcpxml>"[:-0],
        ),
        ("r.otio", "{}"),
        ("r.otio", '{"OTIO_SCHEMA": "Clip.1"}'),
        ("r.otio", "[" * 100_000),
        ("r.edl", "nothing"),
        ("r.edl", "TITLE: x\n* FRAME RATE: fast\n"),
        ("r.edl", "TITLE: x\n* FRAME RATE: 25/1\n" + EDL.replace("00:00:24:12", "00:00:24:99")),
        ("r.edl", "TITLE: x\n* FRAME RATE: 25/1\n" + EDL.replace("00:00:24:12", "00:00:09:00")),
    ],
)
def test_what_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError) as error:
        read_reel(tmp_path / name)
    assert name in str(error.value)
