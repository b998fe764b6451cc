"""Recordings in pieces: time stamps that start anew or jump within one file."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import number_of, write_numbered

from touchline.editing.render import render_reel
from touchline.errors import MediaError
from touchline.events import Event
from touchline.media.audio import read_audio
from touchline.media.limits import Limits
from touchline.media.video import probe, read_frames
from touchline.media.views import View, read_views
from touchline.reel import Clip, Reel

PIECE = 100
FRAME = 1 / 25


def pieces(
    folder: Path, suffix: str, offsets: list[float], sound: bool = False, gop: int = 25
) -> Path:
    """Pieces of 4 seconds, one behind the other, each with the time stamps of its own start."""
    codec = "mpeg2video" if suffix == ".mpg" else "libx264"
    options = {"b": "2000000"} if suffix == ".mpg" else {"preset": "veryfast", "bf": "3"}
    whole = folder / f"pieces{suffix}"
    with whole.open("wb") as file:
        for number, offset in enumerate(offsets):
            piece = write_numbered(
                folder / f"piece{number}{suffix}",
                PIECE,
                codec=codec,
                options=options,
                container_options={"output_ts_offset": str(offset)},
                gop=gop,
                sound=sound,
                first=number * PIECE,
            )
            file.write(piece.read_bytes())
    return whole


@pytest.mark.parametrize(
    ("suffix", "offsets"),
    [
        (".ts", [0.0, 0.0]),
        (".ts", [0.0, 100.0]),
        (".ts", [60_000.0, 10.0, 50_000.0]),
        (".ts", [50.0, 48.0]),
        (".mpg", [0.0, 0.0]),
        (".mpg", [20.0, 500.0]),
    ],
)
def test_pictures_count_on_over_a_break(suffix: str, offsets: list[float], tmp_path: Path) -> None:
    path = pieces(tmp_path, suffix, offsets)
    count = PIECE * len(offsets)
    with read_frames(path) as stream:
        frames = list(stream)
    assert [number_of(frame.pixels) for frame in frames] == list(range(count))
    assert [frame.seconds for frame in frames] == pytest.approx(np.arange(count) / 25)
    assert not stream.truncated
    info = probe(path)
    assert info.duration_seconds == pytest.approx(count / 25)
    assert len(info.remarks) == 1
    assert "time stamps start again or jump" in info.remarks[0]
    assert "at 0:04.0" in info.remarks[0]


@pytest.mark.parametrize("gop", [25, 1])
@pytest.mark.parametrize("start", [1.0, 3.96, 4.0, 6.52, 11.96])
def test_any_moment_is_found_behind_a_break(start: float, gop: int, tmp_path: Path) -> None:
    path = pieces(tmp_path, ".ts", [30.0, 30.0, 1000.0], gop=gop)
    with read_frames(path, start_seconds=start, end_seconds=start + FRAME) as frames:
        assert [number_of(frame.pixels) for frame in frames] == [round(start * 25)]
    with read_views(path, [View()], start_seconds=start, end_seconds=start + FRAME) as views:
        assert [number_of(frame.pixels) for _, frame in views] == [round(start * 25)]


def test_sound_counts_on_with_the_picture(tmp_path: Path) -> None:
    path = pieces(tmp_path, ".ts", [0.0, 0.0, 300.0], sound=True)
    whole = np.concatenate(list(read_audio(path, 8000)))
    assert len(whole) / 8000 == pytest.approx(12, abs=0.1)
    loud = np.abs(whole[: 11 * 8000]).reshape(-1, 800).max(axis=1) > 0.1
    assert loud.all()
    part = np.concatenate(list(read_audio(path, 8000, 9.0, 10.0)))
    assert part == pytest.approx(whole[9 * 8000 : 10 * 8000], abs=0.05)


def with_second_sound(source: Path, target: Path) -> Path:
    """A copy of a video whose sound is there as two tracks."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        picture = made.add_stream_from_template(given.streams.video[0])
        tracks = [made.add_stream_from_template(given.streams.audio[0]) for _ in range(2)]
        for packet in given.demux():
            for stream in [picture] if packet.stream.type == "video" else tracks:
                if packet.dts is not None:
                    copy = av.Packet(bytes(packet))
                    copy.pts, copy.dts = packet.pts, packet.dts
                    copy.time_base, copy.stream = packet.time_base, stream
                    copy.is_keyframe = packet.is_keyframe
                    made.mux(copy)
    return target


def test_every_sound_track_counts_on(tmp_path: Path) -> None:
    one = write_numbered(tmp_path / "one.ts", PIECE, gop=25, sound=True)
    two = with_second_sound(one, tmp_path / "two.ts")
    path = tmp_path / "broken.ts"
    path.write_bytes(two.read_bytes() * 2)
    first, second = (np.concatenate(list(read_audio(path, 8000, track=n))) for n in (1, 2))
    assert len(first) / 8000 == pytest.approx(8, abs=0.1)
    assert second == pytest.approx(first, abs=0.01)


def test_a_reel_is_cut_behind_a_break(tmp_path: Path) -> None:
    path = pieces(tmp_path, ".ts", [7200.0, 0.0])
    clip = Clip(path.name, 5.0, 6.0, events=(Event(5.5, "Goal"),))
    render_reel(Reel((clip,)), tmp_path / "reel.mp4", path, snap=False)
    with read_frames(tmp_path / "reel.mp4") as frames:
        assert [number_of(frame.pixels) for frame in frames] == list(range(125, 150))


def test_a_gap_of_a_few_seconds_keeps_its_time_and_is_said(tmp_path: Path) -> None:
    path = pieces(tmp_path, ".ts", [0.0, 9.0])
    info = probe(path)
    assert info.duration_seconds == pytest.approx(13, abs=0.1)
    (remark,) = info.remarks
    assert re.search(r"lacks about (4\.9|5\.0) s at 0:04\.0", remark)
    both = pieces(tmp_path, ".ts", [30.0, 36.0, 0.0, 7.0])
    broken, gaps = probe(both).remarks
    assert "broken at 0:10.0" in broken
    assert re.search(r"lacks about (1\.9|2\.0) s at 0:04\.0, and has 1 gap more", gaps)


def test_a_recording_without_a_break_is_left_alone(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "whole.ts", 50)
    assert probe(path).remarks == ()


def test_a_recording_in_pieces_has_the_limits_of_every_other(tmp_path: Path) -> None:
    path = pieces(tmp_path, ".ts", [0.0, 70_000.0])
    assert probe(path, Limits(max_duration_seconds=9)).duration_seconds == pytest.approx(8)
    with pytest.raises(MediaError, match="lasts 0:08"):
        probe(path, Limits(max_duration_seconds=7))


def test_a_break_in_the_rate_of_fields(tmp_path: Path) -> None:
    """The picture behind the break keeps its own distance: 50 a second after 25."""
    slow = write_numbered(tmp_path / "slow.ts", 50, 25)
    fast = write_numbered(tmp_path / "fast.ts", 100, Fraction(50), first=50)
    path = tmp_path / "both.ts"
    path.write_bytes(slow.read_bytes() + fast.read_bytes())
    with read_frames(path) as frames:
        assert [number_of(frame.pixels) for frame in frames] == list(range(150))
