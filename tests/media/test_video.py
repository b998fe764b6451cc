"""Frames come with their true times, upright, and exactly the ones asked for."""

import gc
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import SIZE, Clips, number_of, numbered, write_numbered

from touchline.errors import MediaError
from touchline.media.video import probe, read_frames
from touchline.media.views import View, read_views

Clip = tuple[Path, list[Fraction]]
RATES = [Fraction(2), Fraction(25, 12), Fraction(5), Fraction(25)]


def tolerance(path: Path) -> Fraction:
    """How far the stamps of a file may be rounded."""
    return Fraction(1, 1000) if path.suffix in (".mkv", ".flv") else Fraction(1, 10_000)


def stamps(clip: Clip) -> list[Fraction]:
    """The starts of the frames as the file can say them, and its end."""
    path, times = clip
    if path.suffix in (".mkv", ".flv"):
        return [Fraction(round(time * 1000), 1000) for time in times]
    return times


def on_show(clip: Clip, time: Fraction) -> int:
    starts = stamps(clip)[:-1]
    return max(i for i, start in enumerate(starts) if start <= time + tolerance(clip[0]))


def test_every_frame_comes_once_at_its_time(clip: Clip) -> None:
    path, times = clip
    with read_frames(path) as stream:
        frames = list(stream)
    assert [number_of(frame.pixels) for frame in frames] == list(range(len(times) - 1))
    assert [frame.seconds for frame in frames] == pytest.approx(
        [float(time) for time in times[:-1]], abs=1e-3
    )
    assert not stream.truncated
    assert stream.end_seconds == pytest.approx(float(times[-1]), abs=2e-3)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_grid_gives_the_frame_on_show(clip: Clip, rate: Fraction) -> None:
    path, _ = clip
    end = stamps(clip)[-1] - tolerance(path)
    grid = [i / rate for i in range(int(end * rate) + 1) if i / rate < end]
    with read_frames(path, rate=rate) as stream:
        assert [number_of(frame.pixels) for frame in stream] == [on_show(clip, t) for t in grid]


def test_published_two_frames_a_second_are_every_twelfth_frame(clips: Clips) -> None:
    path, _ = clips.get("pal.mp4")
    with read_frames(path, rate=Fraction(25, 12)) as stream:
        assert [number_of(frame.pixels) for frame in stream] == list(range(0, 400, 12))


@pytest.mark.parametrize("start", [0.3, 1.96, 7.77])
def test_a_range_starts_and_ends_on_the_frame(clip: Clip, start: float) -> None:
    path, _ = clip
    slack = tolerance(path)
    wanted = [i for i, t in enumerate(stamps(clip)[:-1]) if start - slack <= t < start + 1 - slack]
    with read_frames(path, start_seconds=start, end_seconds=start + 1) as stream:
        assert [number_of(frame.pixels) for frame in stream] == wanted
    assert stream.end_seconds == pytest.approx(min(start + 1, float(stamps(clip)[-1])))
    assert not stream.truncated


@pytest.mark.parametrize("start", [Fraction(48, 100), Fraction(7)])
def test_a_grid_may_start_anywhere(clip: Clip, start: Fraction) -> None:
    path, _ = clip
    with read_frames(path, rate=5, start_seconds=start, end_seconds=start + 1) as stream:
        numbers = [number_of(frame.pixels) for frame in stream]
    assert numbers == [on_show(clip, start + Fraction(i, 5)) for i in range(5)]


def test_ranges_that_join_give_every_frame_once(clip: Clip) -> None:
    path, times = clip
    borders = [0, 2.5, 5.004, 7.92, 1000]
    numbers = []
    for start, end in pairwise(borders):
        with read_frames(path, start_seconds=start, end_seconds=end) as stream:
            numbers += [number_of(frame.pixels) for frame in stream]
    assert numbers == list(range(len(times) - 1))


def test_starting_after_the_end_gives_nothing(clips: Clips) -> None:
    path, _ = clips.get("pal.mp4")
    for rate in (None, 2):
        assert list(read_frames(path, start_seconds=500, rate=rate)) == []


def test_probe_says_what_the_file_holds(clip: Clip) -> None:
    path, times = clip
    info = probe(path)
    assert (info.width, info.height, info.rotation) == (*SIZE, 0)
    assert info.duration_seconds == pytest.approx(float(times[-1]), abs=0.5)
    assert info.has_audio == (path.suffix != ".mpg" and not path.stem.startswith("varying"))
    assert info.codec == ("mpeg2video" if path.suffix == ".mpg" else "h264")
    rates = {"ntsc": Fraction(30000, 1001), "fifty": Fraction(50)}
    if path.stem != "varying":
        assert info.frame_rate == rates.get(path.stem, Fraction(25))


@pytest.mark.parametrize("pixel_range", ["tv", "pc"])
def test_luma_is_given_as_it_is_stored(tmp_path: Path, pixel_range: str) -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(16, 236, (48, 66), dtype=np.uint8)
    path = tmp_path / "lossless.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 66, 48, "yuv420p"
        stream.codec_context.color_range = 1 if pixel_range == "tv" else 2
        frame = av.VideoFrame(66, 48, "yuv420p")
        for plane, value in zip(frame.planes, (stored, 128, 128), strict=True):
            lines = np.full((plane.height, plane.line_size), 128, np.uint8)
            lines[:, : plane.width] = value
            plane.update(lines.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    luma = next(read_frames(path, colours="luma"))
    assert luma.pixels.shape == (48, 66, 1)
    assert np.array_equal(luma.pixels[..., 0], stored)
    scaled = next(read_frames(path, colours="luma", size=(33, 24))).pixels
    assert scaled.shape == (24, 33, 1)
    assert abs(float(scaled.mean()) - stored.mean()) < 1
    view = View(size=(66, 48), rate=Fraction(25), colours="luma")
    with read_views(path, [view]) as views:
        assert np.array_equal(next(views)[1].pixels, luma.pixels)


def test_a_view_may_be_late(clips: Clips) -> None:
    path, _ = clips.get("pal.mp4")
    with read_views(path, [View(rate=Fraction(2), late_seconds=Fraction(1, 5))]) as views:
        numbers = [number_of(frame.pixels) for _, frame in views]
    with read_frames(path, rate=2, start_seconds=Fraction(1, 5)) as frames:
        assert numbers == [number_of(frame.pixels) for frame in frames]
    assert numbers[:2] == [5, 17]


def test_frames_are_scaled_to_the_size_asked_for(clips: Clips) -> None:
    path, _ = clips.get("pal.mp4")
    frame = next(read_frames(path, size=(50, 41), start_seconds=2.0))
    assert frame.pixels.shape == (41, 50, 3)
    assert frame.pixels.dtype == np.uint8
    assert number_of(frame.pixels) == 50


@pytest.mark.parametrize(
    ("degrees", "mirrored", "clockwise"),
    [(0, False, 0), (90, False, 270), (180, False, 180), (-90, False, 90), (0, True, 0)],
)
def test_turned_pictures_come_upright(
    tmp_path: Path, degrees: int, mirrored: bool, clockwise: int
) -> None:
    path = write_numbered(
        tmp_path / "turned.mp4",
        3,
        prepare=lambda stream: stream.set_display_rotation(degrees, hflip=mirrored),
    )
    with av.open(str(path)) as container:
        coded = next(container.decode(video=0)).to_ndarray(format="rgb24")
    upright = np.rot90(coded, degrees // 90)
    if mirrored:
        upright = coded[:, ::-1]
    frame = next(read_frames(path))
    info = probe(path)
    assert info.rotation == clockwise
    assert (info.height, info.width) == upright.shape[:2]
    assert frame.pixels.shape == upright.shape
    assert np.abs(frame.pixels.astype(int) - upright).mean() < 3


@pytest.mark.parametrize("size", [(399, 225), (17, 33), (2, 2)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_numbered(tmp_path / "odd.mkv", 2, size=size, pixel_format="yuv444p")
    frame = next(read_frames(path))
    assert frame.pixels.shape == (size[1], size[0], 3)
    assert probe(path).size == size


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p", "yuv444p", "yuvj420p"])
def test_pixel_formats_give_the_same_picture(tmp_path: Path, pixel_format: str) -> None:
    path = write_numbered(tmp_path / "formats.mkv", 3, pixel_format=pixel_format)
    frame = next(read_frames(path))
    assert np.abs(frame.pixels.astype(int) - numbered(0)).mean() < 3


def test_pixels_that_are_not_square_are_widened(tmp_path: Path) -> None:
    def anamorphic(stream: av.video.stream.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    path = write_numbered(tmp_path / "dvd.mp4", 3, size=(88, 72), prepare=anamorphic)
    assert probe(path).size == (128, 72)
    assert next(read_frames(path)).pixels.shape == (72, 128, 3)


@pytest.mark.parametrize("name", ["one.mp4", "one.mkv", "one.ts"])
def test_one_frame(tmp_path: Path, name: str) -> None:
    path = write_numbered(tmp_path / name, 1)
    with read_frames(path, rate=2) as stream:
        assert [number_of(frame.pixels) for frame in stream] == [0]
    assert stream.end_seconds == pytest.approx(0.04, abs=1e-3)


def test_stamps_that_go_back_are_left_out(tmp_path: Path) -> None:
    times = [Fraction(i, 25) for i in (0, 1, 2, 3, 4, 5)]
    path = write_numbered(tmp_path / "a.ts", 6, times=times, options={"bf": "0"})
    doubled = tmp_path / "doubled.ts"
    doubled.write_bytes(path.read_bytes() + path.read_bytes())
    with read_frames(doubled) as stream:
        seconds = [frame.seconds for frame in stream]
    assert seconds == sorted(set(seconds))
    assert len(seconds) >= 6


@pytest.mark.parametrize(
    "arguments",
    [
        {"start_seconds": -1},
        {"start_seconds": 3, "end_seconds": 2},
        {"start_seconds": float("nan")},
        {"start_seconds": 1, "end_seconds": float("inf")},
        {"rate": 0},
        {"size": (0, 10)},
        {"size": (100_000, 100_000)},
    ],
    ids=str,
)
def test_arguments_that_contradict(clips: Clips, arguments: dict) -> None:
    path, _ = clips.get("pal.mp4")
    with pytest.raises(MediaError, match="cannot"):
        read_frames(path, **arguments)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts files through /proc")
def test_files_are_closed_however_reading_ends(clips: Clips) -> None:
    path, _ = clips.get("pal.mp4")
    gc.collect()
    before = open_files()
    with read_frames(path) as stream:
        next(stream)
    list(read_frames(path, rate=1))
    abandoned = read_frames(path)
    next(abandoned)
    del abandoned
    read_frames(path)
    probe(path)
    assert open_files() == before
    assert list(stream) == []


@pytest.mark.slow
def test_real_files(shared: Path) -> None:
    folder = shared / "data" / "video"
    expected = {
        "stadium_1080p30.mp4": (1920, 1080, 30, 30, True),
        "panorama_6500x1000.mp4": (6500, 1000, 25, 74, False),
        "animation_320x240.mp4": (320, 240, 15, 75, True),
    }
    for name, (width, height, rate, count, has_audio) in expected.items():
        info = probe(folder / name)
        assert (info.size, info.frame_rate) == ((width, height), rate)
        assert info.has_audio is has_audio
        with read_frames(folder / name, size=(224, 126)) as stream:
            frames = list(stream)
        assert [frame.seconds for frame in frames] == pytest.approx(
            [i / rate for i in range(count)]
        )
        assert not stream.truncated
        assert stream.end_seconds == pytest.approx(info.duration_seconds)
