"""EDLs and OpenTimelineIO's own CMX 3600 adapter understand each other."""

from fractions import Fraction

import opentimelineio as otio
import pytest

from touchline.formats import read_reel, write
from touchline.reel import Clip, Reel

CUTS = [(10.0, 12.4), (0.0, 3.0), (61.2, 70.0)]
RATES = ["24", "25", "30000/1001", "50", "60000/1001"]


def frames(time: otio.opentime.RationalTime) -> int:
    return round(time.value)


@pytest.mark.parametrize("rate", RATES)
def test_the_adapter_reads_the_frames_that_are_written(tmp_path, rate):
    path, exact = tmp_path / "r.edl", Fraction(rate)
    reel = Reel(tuple(Clip(f"half {n}.mp4", *cut) for n, cut in enumerate(CUTS)))
    write(reel, path, rate=rate)
    timeline = otio.adapters.read_from_file(str(path), rate=float(exact))
    (track,) = timeline.video_tracks()
    clips = list(track.find_clips())
    spans = [
        (frames(one.source_range.start_time), frames(one.source_range.end_time_exclusive()))
        for one in clips
    ]
    assert spans == [tuple(round(Fraction(second) * exact) for second in cut) for cut in CUTS]
    assert [one.name for one in clips] == [clip.video for clip in reel]
    placed = [frames(track.range_of_child(one).start_time) for one in clips]
    assert placed[1:] == [spans[0][1] - spans[0][0], sum(b - a for a, b in spans[:2])]


@pytest.mark.parametrize("rate", RATES)
def test_what_the_adapter_writes_is_read(tmp_path, rate):
    path, exact = tmp_path / "r.edl", Fraction(rate)
    track = otio.schema.Track("V", kind=otio.schema.TrackKind.Video)
    for number, cut in enumerate(CUTS):
        first, after = (round(Fraction(second) * exact) for second in cut)
        span = otio.opentime.TimeRange(
            *(otio.opentime.RationalTime(value, float(exact)) for value in (first, after - first))
        )
        media = otio.schema.ExternalReference(f"half {number}.mp4")
        track.append(otio.schema.Clip(f"half {number}.mp4", media, span))
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path), rate=float(exact))
    reel = read_reel(path, rate=rate)
    assert [clip.video for clip in reel] == [f"half {n}.mp4" for n in range(len(CUTS))]
    for clip, cut in zip(reel, CUTS, strict=True):
        wanted = [float(round(Fraction(second) * exact) / exact) for second in cut]
        assert [clip.start_seconds, clip.end_seconds] == pytest.approx(wanted, abs=1e-9)
