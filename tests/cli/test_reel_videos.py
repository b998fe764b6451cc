"""Which videos ``touchline reel`` cuts: the right ones, or it says what is wrong."""

import json
import shutil
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from small_videos import with_timecode, write_uneven

from touchline.events import Event, Timeline, Video
from touchline.formats import read, read_reel, write
from touchline.media.video import probe
from touchline.reel import Clip, Reel


def one_clip(path, video="match.mp4", half=None):
    write(Reel((Clip(video, 1.0, 3.0, half=half, title="Goal"),)), path)
    return path


@pytest.fixture
def halves(videos, tmp_path):
    """A folder with the events of two halves, and one with their videos."""
    (tmp_path / "events").mkdir()
    (tmp_path / "halves").mkdir()
    for half, name in ((1, "1_224p.mkv"), (2, "2_224p.mkv")):
        shutil.copy(videos / "match.mp4", tmp_path / "halves" / name)
        timeline = Timeline(Video(name, 6.0, Fraction(25)), (Event(2.0 + half, "Goal"),), half=half)
        write(timeline, tmp_path / "events" / f"{half}_224p.events.json")
    return tmp_path


@pytest.mark.parametrize("suffix", [".mp4", ".fcpxml"])
def test_the_video_of_the_other_half_is_refused(refused, halves, suffix):
    for events, wrong in ((1, 2), (2, 1)):
        made = one_clip(halves / "one.reel.json", f"{events}_224p.mkv", events)
        for given in (halves / "events" / f"{events}_224p.events.json", made):
            line = refused(
                "reel", given, "--video", halves / "halves" / f"{wrong}_224p.mkv",
                "-o", halves / f"x{suffix}",
            )  # fmt: skip
            assert f"is half {wrong} by its name" in line and f"half {events}" in line
    assert not (halves / f"x{suffix}").exists()


def test_two_videos_in_the_wrong_order_are_refused(refused, halves):
    events = [halves / "events" / f"{half}_224p.events.json" for half in (1, 2)]
    swapped = [halves / "halves" / f"{half}_224p.mkv" for half in (2, 1)]
    given = ("--video", swapped[0], "--video", swapped[1])
    assert "is half 2 by its name" in refused("reel", *events, *given, "-o", halves / "x.mp4")


@pytest.mark.parametrize("seconds", [5, 40])
def test_one_video_for_the_events_of_two_halves_is_refused_at_any_length(refused, halves, seconds):
    write(read_match(halves), halves / "m.events.json")
    line = refused("reel", halves / "m.events.json", "--video", halves / "halves" / "1_224p.mkv",
                   "--seconds", str(seconds), "-o", halves / "x.mp4")  # fmt: skip
    assert "halves 1 and 2" in line and "--half" in line


def read_match(folder):
    return read(folder / "events")


def test_one_half_is_cut_by_its_number(call, halves):
    write(read_match(halves), halves / "m.events.json")
    ended = call("reel", halves / "m.events.json", "--half", "2", "--video",
                 halves / "halves" / "2_224p.mkv", "-o", halves / "x.reel.json")  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    assert {clip.half for clip in read_reel(halves / "x.reel.json")} == {2}


def test_files_and_folders_of_halves_are_one_match(call, halves):
    files = [halves / "events" / f"{half}_224p.events.json" for half in (2, 1)]
    videos = [halves / "halves" / f"{half}_224p.mkv" for half in (1, 2)]
    both = ("--video", videos[0], "--video", videos[1])
    assert call("reel", *files, *both, "-o", halves / "a.reel.json").code == 0
    ended = call("reel", halves / "events", "--video", halves / "halves",
                 "-o", halves / "reels", "--to", ".json")  # fmt: skip
    assert ended.code == 0
    (made,) = (halves / "reels").glob("*.json")
    for path in (halves / "a.reel.json", made):
        assert [clip.half for clip in read_reel(path)] == [1, 2]
    assert call("convert", halves / "events", halves / "m.events.json").code == 0
    assert [t.half for t in read(halves / "m.events.json").timelines] == [1, 2]


def test_events_of_the_same_half_are_not_one_match(refused, halves):
    first = halves / "events" / "1_224p.events.json"
    assert "half 1, again" in refused("reel", first, first, "-o", halves / "x.vtt")


def test_another_name_or_length_is_said(call, videos, events, tmp_path):
    shutil.copy(videos / "match.mp4", videos / "copy.mp4")
    ended = call("reel", events, "--video", videos / "copy.mp4", "-o", tmp_path / "a.mp4")
    assert ended.code == 0
    assert "the events name the video match.mp4, and copy.mp4 is cut" in ended.err
    document = json.loads(events.read_text())
    document["video"]["duration"] = 9.0
    events.write_text(json.dumps(document))
    ended = call("reel", events, "-o", tmp_path / "b.mp4")
    assert ended.code == 0 and "match.mp4 is 0:06.0 long" in ended.err and "0:09.0" in ended.err


def test_a_reel_file_leads_back_to_its_video(call, refused, videos, tmp_path):
    away = tmp_path / "deep" / "er" / "match.mp4"
    away.parent.mkdir(parents=True)
    shutil.copy(videos / "match.mp4", away)
    start, made = one_clip(tmp_path / "a.reel.json"), tmp_path / "out" / "b.reel.json"
    made.parent.mkdir()
    assert call("reel", start, "--video", away, "-o", made).code == 0
    ended = call("reel", made, "-o", tmp_path / "x.mp4")
    assert (ended.code, ended.err) == (0, "")
    away.write_bytes(away.read_bytes() + bytes(8))
    assert "match.mp4" in refused("reel", made, "-o", tmp_path / "y.mp4")
    ended = call("reel", made, "--video", away, "-o", tmp_path / "y.mp4")
    assert ended.code == 0 and "its content differs" in ended.err


@pytest.mark.parametrize("name", ["../secret/match.mp4", "{}/secret/match.mp4", "..\\m.mp4"])
def test_a_video_elsewhere_is_not_opened_unasked(call, refused, videos, tmp_path, name):
    secret, given = tmp_path / "secret" / "match.mp4", tmp_path / "given"
    secret.parent.mkdir()
    given.mkdir()
    shutil.copy(videos / "match.mp4", secret)
    reel = one_clip(given / "r.reel.json", name.format(tmp_path))
    assert "outside of its folder" in refused("reel", reel, "-o", given / "x.mp4")
    assert call("reel", reel, "--video", secret, "-o", given / "x.mp4").code == 0


def test_several_videos_are_told_apart_by_their_names(call, refused, videos, tmp_path):
    reel = Reel((Clip("match.mp4", 1.0, 2.0), Clip("silent.mp4", 0.5, 1.0)))
    write(reel, tmp_path / "r.reel.json")
    names = [videos / "silent.mp4", videos / "match.mp4"]
    both = ("--video", names[0], "--video", names[1])
    line = refused("reel", tmp_path / "r.reel.json", "--video", names[1], "-o", tmp_path / "x.mp4")
    assert "silent.mp4" in line
    assert call("reel", tmp_path / "r.reel.json", *both, "-o", tmp_path / "x.fcpxml").code == 0
    root = ElementTree.parse(tmp_path / "x.fcpxml").getroot()
    sources = [rep.get("src") for rep in root.iter("media-rep")]
    assert sources == [path.as_uri() for path in reversed(names)]
    assert [asset.get("hasAudio") for asset in root.iter("asset")] == ["1", None]


def test_edit_lists_say_what_the_video_is(call, videos, tmp_path):
    reel = one_clip(tmp_path / "r.reel.json", "silent.mp4")
    for suffix in ("fcpxml", "otio", "edl"):
        ended = call("reel", reel, "--video", videos / "silent.mp4", "-o", tmp_path / f"x.{suffix}")
        assert ended.code == 0
    asset = ElementTree.parse(tmp_path / "x.fcpxml").getroot().find(".//asset")
    assert (asset.get("hasAudio"), asset.get("duration")) == (None, "60/25s")
    assert asset.find("media-rep").get("src") == (videos / "silent.mp4").as_uri()
    item = json.loads((tmp_path / "x.otio").read_text())["tracks"]["children"][0]["children"][0]
    media = item["media_references"]["DEFAULT_MEDIA"]
    assert media["target_url"] == (videos / "silent.mp4").as_uri()
    assert media["available_range"]["duration"]["value"] == 60
    assert " V     C " in (tmp_path / "x.edl").read_text()


def test_edit_lists_count_from_the_timecode_of_the_video(call, videos, tmp_path):
    video = with_timecode(videos / "match.mp4", tmp_path / "m.mov", "10:00:00:00")
    reel = one_clip(tmp_path / "r.reel.json", "m.mov")
    for suffix in ("fcpxml", "otio", "edl"):
        listed, back = tmp_path / f"x.{suffix}", tmp_path / f"{suffix}.reel.json"
        assert call("reel", reel, "--no-snap", "-o", listed).code == 0
        assert call("convert", listed, back, "--video", video).code == 0
        assert [(c.start_seconds, c.end_seconds) for c in read_reel(back)] == [(1.0, 3.0)]
        again = ("reel", listed, "--no-snap", "-o", tmp_path / f"again.{suffix}")
        assert call(*again).code == 0, "the video lies beside the list"
    assert "10:00:01:00 10:00:03:00" in (tmp_path / "x.edl").read_text()
    assert "10:00:01:00 10:00:03:00" in (tmp_path / "again.edl").read_text()
    root = ElementTree.parse(tmp_path / "x.fcpxml").getroot()
    assert root.find(".//asset").get("start") == "36000s"
    assert root.find(".//asset-clip").get("start") == "36001s"
    assert '"value": 900025.0' in (tmp_path / "x.otio").read_text()


def test_a_video_without_constant_rate_is_counted_at_one_that_timecode_has(call, tmp_path):
    times = [Fraction(i, 30) for i in range(120) if i % 3]
    write_uneven(tmp_path / "phone.mp4", times)
    reel = one_clip(tmp_path / "r.reel.json", "phone.mp4")
    ended = call("reel", reel, "--no-snap", "-o", tmp_path / "a.edl")
    assert ended.code == 0 and "--rate" in ended.err
    asked = call("reel", reel, "--no-snap", "--rate", "30", "-o", tmp_path / "b.edl")
    assert (asked.code, asked.err) == (0, "")
    assert "00:00:01:00 00:00:03:00" in (tmp_path / "b.edl").read_text()
    assert "FRAME RATE: 30/1" in (tmp_path / "b.edl").read_text()
    assert call("reel", reel, "--no-snap", "-o", tmp_path / "c.fcpxml").code == 0
    duration = (
        ElementTree.parse(tmp_path / "c.fcpxml").getroot().find(".//format").get("frameDuration")
    )
    assert Fraction(duration.removesuffix("s")).numerator in (1, 1001)


@pytest.mark.parametrize("command", ["reel", "convert"])
def test_events_below_a_confidence_are_left_out(call, tmp_path, command):
    events = (Event(20.0, "Goal", 0.9), Event(60.0, "Corner", 0.2))
    write(Timeline(Video("m", 100.0), events), tmp_path / "m.events.json")
    target = tmp_path / ("x.reel.json" if command == "reel" else "x.events.json")
    out = ("-o", target) if command == "reel" else (target,)
    assert call(command, tmp_path / "m.events.json", *out, "--min-confidence", "0.3").code == 0
    found = read(target)
    shown = [e for clip in found for e in clip.events] if command == "reel" else found.events
    assert {event.label for event in shown} == {"Goal"}


@pytest.mark.parametrize("command", ["reel", "convert"])
def test_a_least_confidence_for_each_class(call, tmp_path, command):
    found = (("Goal", 0.35), ("Corner", 0.35), ("Foul", 0.2), ("Offside", 0.5))
    events = [Event(20.0 * i, label, share) for i, (label, share) in enumerate(found, start=1)]
    write(Timeline(Video("m", 100.0), tuple(events)), tmp_path / "m.events.json")
    target = tmp_path / ("x.reel.json" if command == "reel" else "x.events.json")
    out = ("-o", target) if command == "reel" else (target,)
    wanted = ["--min-confidence", "0.3", "--min-confidence", "goal=0.4"]
    done = call(command, tmp_path / "m.events.json", *out, *wanted)
    assert done.code == 0, done.err
    kept = read(target)
    shown = [e for clip in kept for e in clip.events] if command == "reel" else kept.events
    assert {event.label for event in shown} == {"Corner", "Offside"}
    for wrong, said in (("Gaol=0.4", "'Gaol'"), ("Goal=4", "'Goal=4'"), ("=0.4", "'=0.4'")):
        refused = call(command, tmp_path / "m.events.json", *out, "--min-confidence", wrong)
        assert refused.code == 2 and said in refused.err


@pytest.mark.parametrize("ending", ["vtt", "srt", "txt", "csv", "events.json"])
def test_what_cannot_say_how_sure_it_is_leaves_noise_out(call, tmp_path, ending):
    """Subtitles and chapters hold what the report shows at first; data hold everything."""
    noise = [Event(30.0 + i, "Foul", 0.1) for i in range(40)]
    kept = Event(25.0, "Corner", 0.1, status="accepted")
    events = (Event(0.0, "Kick-off", 0.9), Event(12.0, "Goal", 0.9), kept, *noise)
    write(Timeline(Video("m", 100.0), events), tmp_path / "m.events.json")
    target = tmp_path / f"x.{ending}"
    done = call("convert", tmp_path / "m.events.json", target)
    assert done.code == 0, done.err
    is_silent = ending in ("vtt", "srt", "txt")
    assert ("Foul" in target.read_text()) is not is_silent
    assert "Corner" in target.read_text()
    assert ("40 events of low confidence left out" in done.err) is is_silent
    whole = call(
        "convert", tmp_path / "m.events.json", target, "--min-confidence", "0", "--overwrite"
    )
    assert whole.code == 0 and "Foul" in target.read_text()


@pytest.mark.parametrize("ending", [".mp4", ""])
def test_videos_are_found_by_name_in_any_order(call, videos, tmp_path, ending):
    for name in "ab":
        shutil.copy(videos / "match.mp4", tmp_path / f"{name}.mp4")
        timeline = Timeline(Video(name + ending, 6.0, Fraction(25)), (Event(3.0, "Goal", 0.9),))
        write(timeline, tmp_path / f"{name}.events.json")
    clips = tuple(Clip(n + ending, 1.0, 3.0, half=h, title="Goal") for h, n in enumerate("ab", 1))
    write(Reel(clips), tmp_path / "two.reel.json")
    swapped = ("--video", tmp_path / "b.mp4", "--video", tmp_path / "a.mp4")
    matches = [tmp_path / f"{name}.events.json" for name in "ab"]
    for given in ([tmp_path / "two.reel.json"], [*matches, "--across", "equal", "--seconds", "8"]):
        made = tmp_path / "made.reel.json"
        ended = call("reel", *given, *swapped, "-o", made, "--overwrite")
        assert (ended.code, ended.err) == (0, "")
        assert [video.path for video in read_reel(made).videos] == ["a.mp4", "b.mp4"]


def test_a_video_of_another_stem_is_said(call, videos, tmp_path):
    shutil.copy(videos / "match.mp4", tmp_path / "b.mp4")
    write(Timeline(Video("a", 6.0), (Event(3.0, "Goal"),)), tmp_path / "a.events.json")
    (tmp_path / "table.csv").write_text("time,label\n3,Goal\n")
    for events, said in (("a.events.json", True), ("table.csv", False)):
        ended = call("reel", tmp_path / events, "--video", tmp_path / "b.mp4",
                     "-o", tmp_path / "x.reel.json", "--overwrite")  # fmt: skip
        assert ended.code == 0
        assert ("name the video a, and b.mp4 is cut" in ended.err) == said


@pytest.fixture
def two_matches(videos, tmp_path):
    """The events of two matches in one folder, both of match.mp4, which is not beside them."""
    shutil.copy(videos / "match.mp4", tmp_path / "match.mp4")
    (tmp_path / "events").mkdir()
    files = [tmp_path / "events" / f"{name}.events.json" for name in ("derby", "final")]
    for file in files:
        write(Timeline(Video("match.mp4", 6.0), (Event(3.0, "Goal", 0.9),)), file)
    return files


def test_matches_in_one_folder_have_the_names_of_their_files(call, refused, two_matches, tmp_path):
    made, video = tmp_path / "x.reel.json", tmp_path / "match.mp4"
    across = ("--across", "equal", "--seconds", "8")
    ended = call("reel", *two_matches, *across, "--video", video, "--video", video, "-o", made)
    assert ended.code == 0
    assert [clip.extra["match"] for clip in read_reel(made)] == ["derby", "final"]
    again = refused("reel", two_matches[0], two_matches[0], *across, "-o", made)
    assert "derby.events.json: is given twice" in again
    assert "match.mp4 is not beside it" in refused(
        "reel", *two_matches, *across, "-o", tmp_path / "x.mp4"
    )


def test_what_is_not_shown_of_matches_is_said_with_the_first_of_many_files(call, tmp_path):
    goals = tuple(Event(seconds, "Goal", 0.95) for seconds in (100.0, 300.0))
    write(Timeline(Video("a.mp4", 900.0), goals), tmp_path / "a.events.json")
    write(Timeline(Video("b.mp4", 900.0), (Event(9, "Foul", 0.4),)), tmp_path / "b.events.json")
    files = [tmp_path / f"{name}.events.json" for name in "ab"]
    ended = call("reel", *files, "--across", "worth", "--each", "--seconds", "20",
                 "-o", tmp_path / "x.reel.json")  # fmt: skip
    assert len(list(tmp_path.glob("x-*.reel.json"))) == 2
    assert ended.err.count("nothing of it is shown") == 1


def test_stretches_beyond_the_end_are_said(call, videos, tmp_path):
    write(Reel((Clip("match.mp4", 2.0, 60.0),)), tmp_path / "x.reel.json")
    write(Timeline(Video("match.mp4", 6.0), (Event(3.0, "Goal"),)), tmp_path / "x.events.json")
    (tmp_path / "x.csv").write_text("time,label\n3,Goal\n")
    pin = ("--pin", "0:02-1:00", "--seconds", "70")
    for given in (["x.reel.json"], ["x.events.json", *pin], ["x.csv", *pin]):
        ended = call("reel", tmp_path / given[0], *given[1:], "--video", videos / "match.mp4",
                     "-o", tmp_path / "made.reel.json", "--overwrite")  # fmt: skip
        assert ended.code == 0
        assert ended.err.count("-1:00 is shown up to the end") == 1


def test_an_encoder_without_effect_is_said_and_the_outro_counts(call, refused, videos, tmp_path):
    write(Timeline(Video("match.mp4", 6.0), (Event(3.0, "Goal"),)), tmp_path / "x.events.json")
    given = ("reel", tmp_path / "x.events.json", "--video", videos / "match.mp4",
             "-o", tmp_path / "x.mp4")  # fmt: skip
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    line = refused(*given, "--music", tmp_path / "logo.png")
    assert "--music" in line and "mp3" in line
    ended = call(*given, "--encoder", "libx264", "--outro", "Bye", "--seconds", "4")
    assert ended.err.count("--encoder libx264 changes nothing") == 1
    assert f"{probe(tmp_path / 'x.mp4').duration_seconds:.1f} s" in ended.out
