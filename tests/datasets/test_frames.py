"""The frame cache shows what decoding shows."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from small_videos import write_video

from touchline.datasets.frames import CachedFrames, DecodedFrames, FrameGrid, open_frames
from touchline.errors import ConfigError, MediaError

GRID = FrameGrid(Fraction(25, 12), 48, 32)


@pytest.fixture(scope="module")
def match(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "match.mp4", 150, sound=False)


def opened(video, folder, cache="always", budget=10**9):
    (frames,) = open_frames([video], GRID, cache=cache, folder=folder, budget_bytes=budget)
    return frames


def test_the_cache_equals_straight_decoding(match, tmp_path):
    cached, decoded = opened(match, tmp_path), opened(match, tmp_path, "never")
    assert isinstance(cached, CachedFrames) and isinstance(decoded, DecodedFrames)
    assert cached.num_frames == decoded.num_frames == 13
    for start, count in ((0, 13), (4, 5), (12, 1)):
        pixels = cached.read(start, count)
        assert pixels.shape == (count, 32, 48, 3)
        np.testing.assert_array_equal(pixels, decoded.read(start, count))


def test_a_cache_is_used_again_until_the_video_changes(match, tmp_path):
    video = tmp_path / "match.mp4"
    video.write_bytes(match.read_bytes())
    first = opened(video, tmp_path / "cache").path
    assert opened(video, tmp_path / "cache").path == first
    video.unlink()
    write_video(video, 75, sound=False)
    again = opened(video, tmp_path / "cache")
    assert again.path != first and again.num_frames == 7


def test_worker_processes_get_the_path_and_not_the_pixels(match, tmp_path):
    frames = opened(match, tmp_path)
    frames.read(0, 1)
    sent = pickle.dumps(frames)
    assert len(sent) < 2000
    np.testing.assert_array_equal(pickle.loads(sent).read(3, 2), frames.read(3, 2))


def test_without_room_the_videos_are_decoded_or_the_run_stops(match, tmp_path):
    assert isinstance(opened(match, tmp_path, "auto", budget=1000), DecodedFrames)
    with pytest.raises(ConfigError, match=r"data\.cache_gigabytes"):
        opened(match, tmp_path, "always", budget=1000)


def test_a_broken_video_leaves_no_cache(tmp_path):
    video = tmp_path / "x.mp4"
    video.write_text("not a video")
    with pytest.raises(MediaError, match=r"x\.mp4"):
        opened(video, tmp_path / "cache")
    assert list(tmp_path.glob("cache/*")) == []
