"""Damaged files are read as far as they go, say so, and never hang."""

from pathlib import Path

import numpy as np
import pytest
from numbered_clips import Clips, number_of

from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.video import FrameStream, probe, read_frames


def read_all(path: Path) -> tuple[FrameStream, list[int], list[float]]:
    with read_frames(path) as stream:
        frames = [(number_of(frame.pixels), frame.seconds) for frame in stream]
    return stream, [number for number, _ in frames], [seconds for _, seconds in frames]


@pytest.mark.parametrize("tenths", range(1, 10))
@pytest.mark.parametrize("name", ["fast.mp4", "pal.mkv", "pal.ts", "pal.avi", "pal.mp4"])
def test_a_file_that_was_cut_off(name: str, tenths: int, clips: Clips, tmp_path: Path) -> None:
    data = clips.get(name)[0].read_bytes()
    path = tmp_path / f"cut{Path(name).suffix}"
    path.write_bytes(data[: len(data) * tenths // 10])
    if name == "pal.mp4":
        with pytest.raises(MediaError, match="ends before its index"):
            probe(path)
        return
    stream, numbers, seconds = read_all(path)
    whole = len(numbers) - 8  # near the cut, frames wait for others that are missing
    assert numbers[:whole] == list(range(whole))
    assert seconds[:whole] == pytest.approx([i / 25 for i in range(whole)], abs=2e-3)
    assert seconds == sorted(seconds)
    assert stream.end_seconds == pytest.approx(seconds[-1] + 0.04, abs=2e-3)
    if name in ("fast.mp4", "pal.mkv"):  # the others do not say how long they should be
        assert stream.truncated == (stream.end_seconds < 15)
    if probe(path).has_audio:
        for block in read_audio(path):
            assert len(block)


def test_a_cut_file_read_up_to_a_time_before_the_cut(clips: Clips, tmp_path: Path) -> None:
    data = clips.get("fast.mp4")[0].read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) // 2])
    with read_frames(path, start_seconds=3, end_seconds=4) as stream:
        assert [number_of(frame.pixels) for frame in stream] == list(range(75, 100))
    assert not stream.truncated
    with read_frames(path, start_seconds=15) as stream:
        assert list(stream) == []
    assert stream.truncated


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("name", ["fast.mp4", "pal.mkv", "pal.ts"])
def test_flipped_bits(name: str, seed: int, clips: Clips, tmp_path: Path) -> None:
    """Whatever bits flip, reading ends: with frames in order of time, or with one clear line."""
    random = np.random.default_rng(seed)
    data = np.frombuffer(clips.get(name)[0].read_bytes(), np.uint8).copy()
    places = random.integers(0, 4000 if seed % 3 == 0 else len(data), size=1 + seed * 4)
    data[places] ^= (1 << random.integers(0, 8, size=len(places))).astype(np.uint8)
    path = tmp_path / f"flipped{Path(name).suffix}"
    path.write_bytes(data.tobytes())
    try:
        with read_frames(path, size=(64, 48), rate=5) as stream:
            frames = [next(stream)]
            frames += [f for f in stream if f.seconds != frames[-1].seconds]
    except MediaError as error:
        assert "\n" not in str(error)
        return
    seconds = [frame.seconds for frame in frames]
    assert seconds == sorted(seconds)
    try:
        for block in read_audio(path, end_seconds=60):
            assert block.dtype == np.float32
    except MediaError as error:
        assert "\n" not in str(error)


def test_a_hole_in_the_middle_is_passed_over(clips: Clips, tmp_path: Path) -> None:
    data = clips.get("dense.ts")[0].read_bytes()
    middle = len(data) // 2 // 188 * 188
    path = tmp_path / "hole.ts"
    path.write_bytes(data[:middle] + data[middle + 188 * 40 :])
    _, numbers, seconds = read_all(path)
    assert numbers[:100] == list(range(100))
    assert numbers[-50:] == list(range(350, 400))
    assert seconds[-1] == pytest.approx(399 / 25, abs=1e-3)


def test_a_file_of_which_no_frame_can_be_decoded(clips: Clips, tmp_path: Path) -> None:
    data = clips.get("fast.mp4")[0].read_bytes()
    start = data.index(b"mdat") + 4
    path = tmp_path / "blank.mp4"
    path.write_bytes(data[:start] + bytes(len(data) - start))
    for read in (probe, read_frames):
        with pytest.raises(MediaError, match="no frame could be decoded"):
            read(path)
