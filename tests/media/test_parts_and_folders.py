"""Halves inside untrimmed recordings, folders of frames, and files of sound alone."""

import os
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import number_of, numbered, write_numbered
from PIL import Image

from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.files import media_files
from touchline.media.video import probe, read_comment, read_frames

INI = """\
[1_HQ.mkv]
start_time_second = 3.9
duration_second = 4.7
[2_HQ.mkv]
start_time_second = 2
"""


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A game of two untrimmed recordings of 10 seconds."""
    folder = tmp_path_factory.mktemp("game")
    write_numbered(folder / "1_HQ.mkv", 250, gop=20, sound=True)
    write_numbered(folder / "2_HQ.mkv", 250, gop=250)
    (folder / "video.ini").write_text(INI)
    return folder


def numbers(path: Path, **options: object) -> list[int]:
    with read_frames(path, **options) as stream:
        return [number_of(frame.pixels) for frame in stream]


def test_a_recording_is_read_as_its_half_in_whole_seconds(game: Path) -> None:
    info = probe(game / "1_HQ.mkv")
    assert info.duration_seconds == pytest.approx(4, abs=0.002)
    with read_frames(game / "1_HQ.mkv") as stream:
        frames = list(stream)
    assert [number_of(frame.pixels) for frame in frames] == list(range(75, 175))
    assert [frame.seconds for frame in frames] == pytest.approx(np.arange(100) / 25, abs=1e-3)
    assert not stream.truncated and stream.end_seconds == pytest.approx(4, abs=0.002)


def test_a_half_without_a_duration_goes_on_to_the_end(game: Path) -> None:
    assert numbers(game / "2_HQ.mkv") == list(range(50, 250))
    assert probe(game / "2_HQ.mkv").duration_seconds == pytest.approx(8, abs=0.05)


@pytest.mark.parametrize("start", [0, Fraction(1, 2), Fraction(5, 2), 3])
def test_seconds_and_grids_count_from_the_start_of_the_half(game: Path, start: Fraction) -> None:
    assert numbers(game / "1_HQ.mkv", start_seconds=start)[0] == 75 + ceil(start * 25)
    first = 75 + int(start * 25)
    grid = numbers(game / "1_HQ.mkv", start_seconds=start, rate=2)
    assert grid == [75 + int(25 * (start + Fraction(i, 2))) for i in range(len(grid))]
    assert grid[0] == first
    assert len(grid) == int((4 - start) * 2)


@pytest.mark.parametrize("start", [0, Fraction(5, 2), 3])
def test_a_half_inside_a_transport_stream(tmp_path: Path, start: Fraction) -> None:
    path = write_numbered(tmp_path / "1_HQ.ts", 250, gop=20)
    (tmp_path / "video.ini").write_text(INI)
    assert numbers(path, start_seconds=start) == list(range(75 + ceil(start * 25), 175))


def test_the_sound_is_that_of_the_half(game: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    whole.write_bytes((game / "1_HQ.mkv").read_bytes())
    all_of_it = np.concatenate(list(read_audio(whole, 8000)))
    half = np.concatenate(list(read_audio(game / "1_HQ.mkv", 8000)))
    assert len(half) == 4 * 8000
    np.testing.assert_allclose(half, all_of_it[3 * 8000 : 7 * 8000], atol=0.02)
    part = np.concatenate(list(read_audio(game / "1_HQ.mkv", 8000, 1, 2)))
    np.testing.assert_allclose(part, half[8000:16000], atol=0.02)


def test_without_times_or_under_another_name_it_is_read_whole(game: Path, tmp_path: Path) -> None:
    for name in ("1_HQ.mkv", "match.mkv"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes((game / "1_HQ.mkv").read_bytes())
        if name == "match.mkv":
            (folder / "video.ini").write_text(INI)
        assert len(numbers(folder / name)) == 250


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1_HQ.mkv]\nstart_time_second = x\n", "could not convert"),
        ("[1_HQ.mkv]\nstart_time_second = -3\n", "start_time_second is '-3'"),
        ("[1_HQ.mkv]\nduration_second = 3\n", "start_time_second is None"),
        ("[1_HQ.mkv]\nstart_time_second = 3\nduration_second = inf\n", "duration_second is 'inf'"),
        ("[2_HQ.mkv]\nstart_time_second = 3\n", "does not state where the half lies in 1_HQ.mkv"),
        ("no section\n", "cannot be read"),
        ("[1_HQ.mkv]\nstart_time_second = 400\n", "ends before its half begins, at 6:40"),
        ("#" * 70_000, "too large"),
    ],
)
def test_broken_times_are_one_line(game: Path, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "1_HQ.mkv").write_bytes((game / "1_HQ.mkv").read_bytes())
    (tmp_path / "video.ini").write_text(text)
    with pytest.raises(MediaError) as error:
        probe(tmp_path / "1_HQ.mkv")
    assert told in str(error.value) and "\n" not in str(error.value)


def write_frames(
    folder: Path, count: int, name: str = "{:06d}.jpg", fps: str | None = None
) -> Path:
    folder.mkdir(parents=True)
    for index in range(count):
        Image.fromarray(numbered(index)).save(folder / name.format(index), quality=95)
    if fps is not None:
        (folder / "fps.txt").write_text(fps)
    return folder


@pytest.mark.parametrize("name", ["{:06d}.jpg", "frame{}.jpg", "100%d {:03d}.png"])
def test_a_folder_of_frames_is_a_video_at_its_own_rate(tmp_path: Path, name: str) -> None:
    folder = write_frames(tmp_path / "50% of it" / "1", 30, name, "2.0833333333333335")
    info = probe(folder)
    assert (info.frame_rate, info.has_audio) == (Fraction(25, 12), False)
    assert info.duration_seconds == pytest.approx(30 * 12 / 25)
    assert numbers(folder) == list(range(30))
    assert numbers(folder, start_seconds=Fraction(12 * 20, 25)) == list(range(20, 30))
    assert numbers(folder, rate=Fraction(25, 24)) == list(range(0, 30, 2))
    assert len(media_files(folder)) == 31
    assert read_comment(folder) is None


def test_a_gap_a_wrong_rate_and_no_frames_are_one_line(tmp_path: Path) -> None:
    gap = write_frames(tmp_path / "gap", 5, fps="25")
    os.utime(gap, (0, 0))
    assert probe(gap).duration_seconds == pytest.approx(5 / 25)
    (gap / "000002.jpg").unlink()
    with pytest.raises(MediaError, match=r"gap: the frame 000002.jpg is missing"):
        probe(gap)
    wrong = write_frames(tmp_path / "wrong", 2, fps="fast")
    with pytest.raises(MediaError, match="does not state the frames a second"):
        probe(wrong)
    with pytest.raises(MediaError, match="holds no frames"):
        probe(write_frames(tmp_path / "none", 0, fps="25"))
    with pytest.raises(MediaError, match=r"is a folder.*fps\.txt"):
        probe(write_frames(tmp_path / "plain", 2))
    broken = write_frames(tmp_path / "broken", 1, fps="25")
    (broken / "000000.jpg").write_bytes(b"not a picture")
    with pytest.raises(MediaError):
        probe(broken)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.mp3", "libmp3lame"),
        ("a.m4a", "aac"),
        ("a.FLAC", "flac"),
        ("1_HQ.wav", "pcm_s16le"),
    ],
)
def test_sound_alone_is_read(tmp_path: Path, name: str, codec: str) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(10 * 16000) / 16000).astype(np.float32) / 2
    path = tmp_path / name
    form = {"FLAC": "flac"}.get(path.suffix[1:])
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=16000)
        stream.layout = "mono"
        for start in range(0, len(tone), 1000):
            block = (tone[None, start : start + 1000] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (tmp_path / "video.ini").write_text(INI)
    expected = 4.0 if name.startswith("1_HQ") else 10.0
    heard = np.concatenate(list(read_audio(path, 16000)))
    assert len(heard) / 16000 == pytest.approx(expected, abs=0.1)
    assert np.abs(heard[8000:-8000]).max() == pytest.approx(0.5, abs=0.05)
    with pytest.raises(MediaError, match="has no picture"):
        probe(path)


def test_text_with_the_ending_of_sound_is_refused(tmp_path: Path) -> None:
    for name in ("a.wav", "a.mp3", "a.flac", "a.ogg", "a.aac"):
        (tmp_path / name).write_text("#EXTM3U\nfile:///etc/passwd\n" * 40)
        with pytest.raises(MediaError):
            list(read_audio(tmp_path / name))
