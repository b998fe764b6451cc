"""Which frames and which pixels the published features were made of."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from small_videos import write_video

from touchline.errors import MediaError
from touchline.features.resnet import (
    SIDE,
    crop_published,
    published_start,
    resize_and_crop_published,
    resize_published,
)
from touchline.media.video import read_frames
from touchline.timebase import parse_rate


def published_frames(source_rate: Fraction, rate: Fraction, count: int) -> list[int]:
    ratio = source_rate / rate
    return [k for k in range(count) if (k + 1) % ratio < 1]


def test_the_frames_are_those_of_the_published_grabber(shared: Path, tmp_path):
    cases = json.loads((shared / "data/parity/frame_sampling.json").read_text())["opencv"]
    for case in cases:
        rate, source = Fraction(case["feature_fps"]), parse_rate(case["source_fps"])
        count = case["source_frames"]
        video = write_video(tmp_path / "numbered.mkv", count, rate=source, sound=False)
        start = published_start(source, rate)
        with read_frames(video, rate=rate, start_seconds=start) as stream:
            found = [round(frame.seconds * source) for frame in stream]
        if case["start"] is not None:
            first = source * Fraction(case["start"])
            last = first + source * Fraction(case["duration"])
            found = [frame for frame in found if first <= frame + 1 <= last]
        assert found == case["selected"]


@pytest.mark.parametrize("source", ["24", "25", "30", "50", "60"])
@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_the_rule_holds_for_other_rates(source, suffix, tmp_path):
    rate, count = Fraction(source), 150
    video = write_video(tmp_path / f"v.{suffix}", count, rate=rate, sound=False)
    for wanted in (Fraction(1), Fraction(2), Fraction(5)):
        start = published_start(rate, wanted)
        with read_frames(video, rate=wanted, start_seconds=start) as stream:
            found = [round(frame.seconds * rate) for frame in stream]
        assert found == published_frames(rate, wanted, count)


def test_a_picture_of_224_rows_loses_columns_and_nothing_else():
    pixels = np.random.default_rng(0).integers(0, 255, (224, 398, 3), np.uint8)
    np.testing.assert_array_equal(crop_published(pixels), pixels[:, 87:311])


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (640, 360), (796, 448), (700, 300)])
def test_other_pictures_are_scaled_as_opencv_does(size):
    cv2 = needs("cv2")
    width, height = size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (height, width, 3), np.uint8)
    scaled_width = int(width * (SIDE / height))
    scaled = cv2.resize(pixels, (scaled_width, SIDE), interpolation=cv2.INTER_AREA)
    left = int((scaled_width - SIDE) / 2)
    difference = crop_published(pixels).astype(int) - scaled[:, left : left + SIDE]
    assert np.abs(difference).max() <= 1 and (difference != 0).mean() < 1e-3


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (398, 224), (100, 80), (224, 224)])
def test_the_other_published_transforms_are_as_opencv_does_them(size):
    cv2 = needs("cv2")
    width, height = size
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    squeezed = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    difference = resize_published(pixels).astype(int) - squeezed
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 0.02  # OpenCV rounds the weights to 11 bits
    scaled_width = int(width * (256 / height))
    scaled = cv2.resize(pixels, (scaled_width, 256), interpolation=cv2.INTER_AREA)
    left = int((scaled_width - SIDE) / 2)
    difference = resize_and_crop_published(pixels).astype(int)
    difference -= scaled[16:240, left : left + SIDE]
    assert np.abs(difference).max() <= 1
    # Enlarging, OpenCV rounds the weights to 11 bits.
    assert (difference != 0).mean() < (2e-3 if height > 256 else 0.15)


def test_small_pictures_are_enlarged_and_narrow_ones_refused():
    assert crop_published(np.full((64, 96, 3), 77, np.uint8)).shape == (SIDE, SIDE, 3)
    assert (crop_published(np.full((64, 96, 3), 77, np.uint8)) == 77).all()
    with pytest.raises(MediaError, match="too narrow"):
        crop_published(np.zeros((400, 224, 3), np.uint8))
