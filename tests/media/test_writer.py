"""Files that are written play everywhere, last as long as asked, and are whole or absent."""

import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import number_of, numbered

from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.video import probe, read_frames
from touchline.media.writer import VideoWriter

SIZE = (128, 96)


def tone(seconds: float, rate: int = 48000) -> np.ndarray:
    return (np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate) / 2).astype(
        np.float32
    )


def write(path: Path, count: int = 50, rate: Fraction | int = 25, **options: object) -> Path:
    with VideoWriter(path, SIZE, rate, **options) as writer:
        for index in range(count):
            writer.write(numbered(index, SIZE))
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize(
    "rate", [Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(25, 2)]
)
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    path = write(tmp_path / f"out{suffix}", 60, rate)
    with read_frames(path) as stream:
        frames = list(stream)
    assert [number_of(frame.pixels) for frame in frames] == list(range(60))
    assert [f.seconds for f in frames] == pytest.approx(
        [float(i / rate) for i in range(60)], abs=1e-3
    )
    assert stream.end_seconds == pytest.approx(float(60 / rate), abs=1e-3)
    assert probe(path).frame_rate == rate
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("height", [96, 720])
def test_colours_survive(tmp_path: Path, height: int) -> None:
    colours = [(200, 30, 40), (20, 200, 50), (10, 20, 220), (255, 255, 255), (0, 0, 0)]
    path = tmp_path / "colours.mp4"
    with VideoWriter(path, (128, height), 25, crf=10) as writer:
        for colour in colours:
            writer.write(np.full((height, 128, 3), colour, np.uint8))
    for frame, colour in zip(read_frames(path), colours, strict=True):
        assert np.abs(frame.pixels.reshape(-1, 3).mean(axis=0) - colour).max() < 4


def test_browsers_can_play_it(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, (1280, 720), 25, audio_rate=48000) as writer:
        for index in range(5):
            writer.write(numbered(index, (1280, 720)))
        writer.write_audio(tone(0.2))
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert video.codec_context.profile == "High"
        assert (video.colorspace, video.color_range) == (1, 1)
        assert (audio.codec_context.name, audio.rate) == ("aac", 48000)
        assert audio.codec_context.layout.name == "stereo"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_odd_sides_are_padded_with_their_last_pixels(tmp_path: Path) -> None:
    pixels = np.zeros((225, 399, 3), np.uint8)
    pixels[:, -40:] = pixels[-40:] = 250
    path = tmp_path / "odd.mp4"
    with VideoWriter(path, (399, 225), 25, crf=10) as writer:
        writer.write(pixels)
    read = next(read_frames(path)).pixels
    assert read.shape == (226, 400, 3)
    assert np.abs(read[:225, :399].astype(int) - pixels).mean() < 2
    assert read[:, -1].mean() > 240


def test_key_frames_come_as_often_as_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", 100, keyframe_seconds=0.5)
    with av.open(str(path)) as container:
        keys = [p.pts * p.time_base for p in container.demux(video=0) if p.is_keyframe and p.size]
    assert max(b - a for a, b in pairwise(keys)) <= Fraction(12, 25)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("order", ["sound first", "picture first", "together"])
def test_sound_lies_under_its_picture(tmp_path: Path, suffix: str, order: str) -> None:
    """A click at 1.0 s of 2 s comes back at 1.0 s, and sound lasts as long as the picture."""
    click = np.zeros(48000 * 2, np.float32)
    click[48000:48100] = 0.8
    path = tmp_path / f"out{suffix}"
    with VideoWriter(path, SIZE, 25, audio_rate=48000) as writer:
        if order == "sound first":
            writer.write_audio(click)
        for index in range(50):
            writer.write(numbered(index, SIZE))
            if order == "together":
                writer.write_audio(click[index * 1920 : (index + 1) * 1920])
        if order == "picture first":
            writer.write_audio(click)
    sound = np.concatenate(list(read_audio(path, 48000)))
    assert abs(int(np.abs(sound).argmax()) - 48050) < 100
    assert len(sound) == pytest.approx(96000, abs=1024)
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(2_000_000, abs=25_000)


def test_short_sound_is_filled_and_long_sound_cut(tmp_path: Path) -> None:
    for name, seconds in (("short", 0.5), ("long", 5.0)):
        path = tmp_path / f"{name}.mp4"
        with VideoWriter(path, SIZE, 25, audio_rate=16000) as writer:
            writer.write_audio(tone(seconds, 16000))
            for index in range(50):
                writer.write(numbered(index, SIZE))
        sound = np.concatenate(list(read_audio(path, 16000)))
        assert len(sound) == pytest.approx(32000, abs=1024)
        assert (np.abs(sound[20000:31000]).max() > 0.1) == (name == "long")
        assert probe(path).duration_seconds == pytest.approx(2.0)


def test_stereo_keeps_its_sides(tmp_path: Path) -> None:
    sides = np.stack([tone(1), np.zeros(48000, np.float32)], axis=1)
    path = tmp_path / "out.mp4"
    with VideoWriter(path, SIZE, 25, audio_rate=48000) as writer:
        for index in range(25):
            writer.write(numbered(index, SIZE))
        writer.write_audio(sides)
    read = np.concatenate(list(read_audio(path, 48000, channels=2)))
    assert np.abs(read[10000:40000, 0]).max() > 0.4
    assert np.abs(read[10000:40000, 1]).max() < 0.05


def test_an_error_leaves_nothing_and_spares_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("before")
    with pytest.raises(KeyError), VideoWriter(path, SIZE, 25) as writer:
        writer.write(numbered(0, SIZE))
        raise KeyError
    with pytest.raises(MediaError, match="no frame"), VideoWriter(path, SIZE, 25):
        pass
    with pytest.raises(MediaError, match="shape"), VideoWriter(path, SIZE, 25) as writer:
        writer.write(numbered(0, (64, 64)))
    with pytest.raises(MediaError, match="without audio"), VideoWriter(path, SIZE, 25) as writer:
        writer.write_audio(tone(1))
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    write(path)
    assert probe(path).duration_seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("out.gif", {}, "end the name in"),
        ("out", {}, "end the name in"),
        ("no/such/out.mp4", {}, "no folder"),
        ("out.mp4", {"size": (0, 10)}, "0x10"),
        ("out.mp4", {"size": (100_000, 10)}, "100000x10"),
        ("out.mp4", {"rate": 0}, "frames a second"),
        ("out.mp4", {"audio_rate": 12345}, "12345"),
        ("out.mp4", {"preset": "warp"}, "warp"),
        ("out.mp4", {"crf": 99}, "99"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, options: dict, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        VideoWriter(tmp_path / name, **({"size": SIZE, "rate": Fraction(25)} | options))
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
import numpy as np
from touchline.errors import MediaError
from touchline.media.writer import VideoWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], (320, 240), 25) as writer:
        for _ in range(int(sys.argv[2])):
            writer.write(noise.integers(0, 255, (240, 320, 3), dtype=np.uint8))
except MediaError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of a file")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("count", [3, 200])
def test_a_full_disk(tmp_path: Path, suffix: str, count: int) -> None:
    path = tmp_path / f"out{suffix}"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(count)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "cannot be written" in done.stdout
    assert "free space" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
