"""Interlaced pictures: two fields of different times in one picture."""

from pathlib import Path

import av
import numpy as np
import pytest

from touchline.editing.annotate import annotate
from touchline.editing.render import render_reel
from touchline.events import Event, Timeline, Video
from touchline.media.video import probe, read_frames
from touchline.reel import Clip, Reel

SIZE = (192, 144)
COUNT = 50


def field_of(half_frame: int) -> np.ndarray:
    """A bright bar that moves 4 pixels in every field, before a dark ground."""
    picture = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    left = half_frame * 4 % (SIZE[0] - 24)
    picture[:, left : left + 24] = 220
    return picture


def write_pictures(path: Path, interlaced: bool) -> Path:
    options = {"preset": "veryfast", "crf": "10"}
    if interlaced:
        options["x264-params"] = "interlaced=1"
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=25, options=options)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        for index in range(COUNT):
            pixels = field_of(2 * index)
            if interlaced:
                # The lower field is first: what libx264 says of frames that do not say it.
                pixels[0::2] = field_of(2 * index + 1)[0::2]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = index
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
    return path


@pytest.fixture(scope="module")
def interlaced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("interlaced") / "pal.mp4", interlaced=True)


def combing(path: Path, *, deinterlace: bool = False) -> tuple[float, int]:
    """How much neighbouring lines differ, in grey levels, and the number of pictures."""
    with read_frames(path, deinterlace=deinterlace) as frames:
        pictures = [frame.pixels[..., 1].astype(float) for frame in frames]
    inner = pictures[2:-2]
    return float(np.mean([np.abs(np.diff(picture, axis=0)).mean() for picture in inner])), len(
        pictures
    )


def test_the_lines_of_fields_are_filled_in(interlaced: Path) -> None:
    combed, before = combing(interlaced)
    smooth, after = combing(interlaced, deinterlace=True)
    assert before == after == COUNT
    assert smooth < combed / 4


def test_times_and_places_stay_those_of_the_file(interlaced: Path) -> None:
    with read_frames(interlaced) as frames:
        times = [frame.seconds for frame in frames]
    with read_frames(interlaced, deinterlace=True) as frames:
        filled = list(frames)
    assert [frame.seconds for frame in filled] == times
    for start in (0.0, 1.0, 1.96):
        with read_frames(
            interlaced, start_seconds=start, end_seconds=start + 0.04, deinterlace=True
        ) as frames:
            (frame,) = frames
        # The next picture, which the last one of a range lacks, is some 15 grey levels away.
        whole = filled[round(start * 25)].pixels.astype(int)
        assert np.abs(frame.pixels - whole).mean() < 6


def test_progressive_pictures_are_not_touched(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "progressive.mp4", interlaced=False)
    with read_frames(path) as plain, read_frames(path, deinterlace=True) as filled:
        for one, other in zip(plain, filled, strict=True):
            assert np.array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize("deinterlace", [True, False])
def test_reels_and_annotated_videos(deinterlace: bool, interlaced: Path, tmp_path: Path) -> None:
    event = Event(1.0, "Goal")
    reel, drawn = tmp_path / "reel.mp4", tmp_path / "drawn.mp4"
    clip = Clip(interlaced.name, 0.2, 1.8, events=(event,))
    render_reel(Reel((clip,)), reel, interlaced, snap=False, deinterlace=deinterlace)
    timeline = Timeline(Video(interlaced.name), ())
    annotate(timeline, interlaced, drawn, deinterlace=deinterlace)
    combed, _ = combing(interlaced)
    for made in (reel, drawn):
        assert (combing(made)[0] < combed / 3) == deinterlace


def test_each_field_is_a_picture_of_its_own_in_a_reel(interlaced: Path, tmp_path: Path) -> None:
    with read_frames(interlaced, deinterlace="fields") as frames:
        fields = list(frames)
    assert [frame.seconds for frame in fields] == pytest.approx([k / 50 for k in range(2 * COUNT)])
    places = [int(np.argmax(frame.pixels[70, :, 1] > 130)) for frame in fields[10:40]]
    assert set(np.diff(places)) <= {3, 4, 5}  # the bar goes on in every field
    reel = tmp_path / "reel.mp4"
    render_reel(Reel((Clip(interlaced.name, 0.2, 1.8),)), reel, interlaced, snap=False)
    assert probe(reel).frame_rate == 50
    with read_frames(reel) as frames:
        assert len(list(frames)) == 80
