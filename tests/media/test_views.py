"""Several views from one decoding: each is what reading for it alone would give."""

from fractions import Fraction

import numpy as np
import pytest
from numbered_clips import Clips, number_of

from touchline.errors import MediaError
from touchline.media.video import read_frames
from touchline.media.views import View, read_views

RATED = View(rate=Fraction(2))
EVERY = View(size=(64, 48))
THUMBNAIL = View(size=(16, 12), colours="yuv")


def test_views_are_what_reading_for_each_alone_gives(clip):
    path, _ = clip
    views = [RATED, EVERY]
    found: list[list] = [[], []]
    with read_views(path, views) as stream:
        for index, frame in stream:
            found[index].append(frame)
    alone = [list(read_frames(path, rate=2)), list(read_frames(path, size=(64, 48)))]
    for mine, others in zip(found, alone, strict=True):
        assert [frame.seconds for frame in mine] == [frame.seconds for frame in others]
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(mine, others, strict=True))


def test_a_thumbnail_shows_the_picture_upright(clip):
    path, _ = clip
    view = View(size=(32, 24), colours="yuv")
    with read_views(path, [view, View()]) as stream:
        frames = list(stream)
    small = [frame for index, frame in frames if index == 0]
    full = [frame for index, frame in frames if index == 1]
    assert [frame.seconds for frame in small] == [frame.seconds for frame in full]
    for thumbnail, frame in zip(small, full, strict=True):
        assert thumbnail.pixels.shape == (24, 32, 3)
        luma = np.repeat(thumbnail.pixels[..., :1], 3, axis=2)
        assert number_of(luma) == number_of(frame.pixels)
        assert np.abs(thumbnail.pixels[..., 1:].astype(int) - 128).max() <= 8  # grey


def test_frames_too_close_to_each_other_are_left_out(clips: Clips):
    path, starts = clips.get("pal.mp4")
    with read_views(path, [View(size=(16, 12), densest=Fraction(10))]) as stream:
        times = [frame.seconds for _, frame in stream]
    assert np.diff(times).min() >= 0.1 - 1e-6
    assert len(times) > len(starts) / 4


def test_a_part_gives_the_frames_of_that_part(clips: Clips):
    path, _ = clips.get("pal.mp4")
    with read_views(path, [THUMBNAIL], start_seconds=1, end_seconds=2) as stream:
        times = [frame.seconds for _, frame in stream]
    with read_frames(path, size=(16, 12), start_seconds=1, end_seconds=2) as frames:
        assert times == [frame.seconds for frame in frames]


@pytest.mark.parametrize(
    "view", [View(size=(0, 4)), View(rate=Fraction(0)), View(size=(1 << 20, 4))]
)
def test_what_cannot_be_shown_is_refused(clips: Clips, view: View):
    path, _ = clips.get("pal.mp4")
    with pytest.raises(MediaError):
        read_views(path, [view])
