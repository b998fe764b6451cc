"""What need not be decoded is skipped, and what is read stays the same to the bit."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered_clips import NAMES, Clips, write_numbered

from touchline.media import decoding
from touchline.media.decoding import PictureSource
from touchline.media.limits import DEFAULT_LIMITS
from touchline.media.skipping import Grid, wanted_by
from touchline.media.video import read_frames
from touchline.media.views import View, read_views

Clip = tuple[Path, list[Fraction]]

RATES = st.fractions(Fraction(1, 3), 30, max_denominator=1001)
STARTS = st.fractions(0, 15, max_denominator=1000)


def read(path: Path, rate: Fraction, start: Fraction = Fraction(0)) -> tuple:
    """(seconds, pixels) of each frame, the end, and whether it was cut short."""
    with read_frames(path, rate=rate, start_seconds=start) as frames:
        found = [(frame.seconds, frame.pixels.tobytes()) for frame in frames]
        return found, frames.end_seconds, frames.truncated


def decoded(path: Path, grids: list[Grid]) -> list[tuple[Fraction, Fraction]]:
    """The intervals of the pictures that are decoded for the times of grids."""
    with PictureSource(path, DEFAULT_LIMITS) as source:
        if grids:
            source.take_at(grids)
        origin = source.first.start
        starts = [picture.start - origin for picture in source.pictures()]
        return list(pairwise([*starts, starts[-1] + 1]))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=4)
@given(rate=RATES, start=STARTS)
def test_what_is_read_is_that_of_decoding_all(
    name: str, rate: Fraction, start: Fraction, clips: Clips
) -> None:
    path, _ = clips.get(name)
    skipped = read(path, rate, start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "can_skip", lambda context: False)
        assert skipped == read(path, rate, start)


@pytest.mark.parametrize("name", ["pal.mp4", "pal.ts", "offset.ts", "varying.mp4"])
def test_frames_that_nobody_sees_are_not_decoded(name: str, clips: Clips) -> None:
    path, starts = clips.get(name)
    assert len(decoded(path, [])) == len(starts) - 1
    assert len(decoded(path, [Grid(Fraction(0), Fraction(2))])) < 0.8 * (len(starts) - 1)


def test_pictures_that_may_be_fields_are_all_decoded(tmp_path: Path) -> None:
    options = {"preset": "veryfast", "x264-params": "interlaced=1:bframes=3:b-adapt=0"}
    path = write_numbered(tmp_path / "video.mp4", 200, options=options)
    assert len(decoded(path, [Grid(Fraction(0), Fraction(2))])) == 200


def test_several_views_skip_what_none_of_them_wants(clips: Clips) -> None:
    path, _ = clips.get("pal.mp4")
    views = [
        View(size=(32, 24), rate=Fraction(2)),
        View(size=(16, 12), rate=Fraction(3), late_seconds=Fraction(1, 50), colours="luma"),
    ]

    def seen() -> list[tuple[int, float, bytes]]:
        with read_views(path, views) as frames:
            return [(index, frame.seconds, frame.pixels.tobytes()) for index, frame in frames]

    skipped = seen()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "can_skip", lambda context: False)
        assert skipped == seen()


@pytest.mark.parametrize("layers", [1, 3])
def test_hevc_is_skipped_where_it_has_one_temporal_layer(layers: int, tmp_path: Path) -> None:
    """In a second layer, frames may refer to those that nothing in the first refers to."""
    options = {
        "preset": "ultrafast",
        "x265-params": f"log-level=none:bframes=4:temporal-layers={layers}",
    }
    path = write_numbered(tmp_path / "video.mp4", 200, codec="libx265", options=options)
    grid = Grid(Fraction(0), Fraction(2))
    assert (len(decoded(path, [grid])) == 200) == (layers > 1)
    skipped = read(path, Fraction(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "can_skip", lambda context: False)
        assert skipped == read(path, Fraction(2))


def test_frames_with_the_same_time_stamp_are_all_decoded(clips: Clips, tmp_path: Path) -> None:
    path, _ = clips.get("pal.mkv")
    with av.open(str(path)) as source, av.open(str(tmp_path / "pairs.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.pts = packet.dts // 80 * 80 + 80  # in pairs, in order of decoding
                packet.stream = stream
                target.mux(packet)
    assert len(decoded(tmp_path / "pairs.mkv", [])) < 250
    rates = [Fraction(2), Fraction(3), Fraction(25, 12), Fraction(7), Fraction(25, 4)]
    skipped = [read(tmp_path / "pairs.mkv", rate) for rate in rates]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "can_skip", lambda context: False)
        assert skipped == [read(tmp_path / "pairs.mkv", rate) for rate in rates]


def test_a_damaged_file_is_read_as_far(clips: Clips, tmp_path: Path) -> None:
    path, _ = clips.get("pal.ts")
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    data[len(data) // 2 : len(data) // 2 + 4000] ^= 0x55
    (tmp_path / "damaged.ts").write_bytes(data.tobytes())
    frames, end, truncated = read(tmp_path / "damaged.ts", Fraction(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "can_skip", lambda context: False)
        times, whole_end, whole_truncated = read(tmp_path / "damaged.ts", Fraction(2))
    assert (len(frames), end, truncated) == (len(times), whole_end, whole_truncated)


@given(
    st.fractions(-5, 5, max_denominator=100),
    RATES,
    st.fractions(-10, 10, max_denominator=100),
    st.fractions(0, 3, max_denominator=100),
)
def test_a_grid_knows_whether_it_has_a_time_between_two(
    first: Fraction, rate: Fraction, start: Fraction, seconds: Fraction
) -> None:
    times = [first + i / rate for i in range(500)]
    end = start + seconds
    grid = Grid(first, rate)
    assert grid.has_time_in(start, end) == any(start <= time <= end for time in times)
    nearly = wanted_by([grid], Fraction(1, 10))
    assert nearly(start, end) == grid.has_time_in(start - Fraction(1, 10), end + Fraction(1, 10))
