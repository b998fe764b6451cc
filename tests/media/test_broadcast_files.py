"""Files as broadcasters have them: MXF, several sound tracks, more than two channels."""

from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import number_of, numbered

from touchline.editing.render import render_reel
from touchline.editing.sources import made_remarks
from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.video import probe, read_frames
from touchline.reel import Clip, Reel

SIZE = (720, 576)


def write_mxf(path: Path, tracks: int, seconds: int = 2) -> Path:
    """4:2:2 MPEG-2 with mono tracks of a steady level: the first of 0.05, the second of 0.1."""
    with av.open(str(path), "w") as file:
        video = file.add_stream("mpeg2video", rate=25, options={"b": "5000000"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv422p"
        sound = [file.add_stream("pcm_s16le", rate=48000, layout="mono") for _ in range(tracks)]
        for index in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(numbered(index, SIZE), format="rgb24")
            frame.pts = index
            file.mux(video.encode(frame))
            for number, track in enumerate(sound, 1):
                level = np.full((1, 1920), number * 1638, np.int16)
                block = av.AudioFrame.from_ndarray(level, format="s16", layout="mono")
                block.sample_rate, block.pts = 48000, index * 1920
                file.mux(track.encode(block))
        for stream in (video, *sound):
            file.mux(stream.encode(None))
    return path


def test_mxf_is_read_to_the_frame(tmp_path: Path) -> None:
    path = write_mxf(tmp_path / "match.mxf", 1)
    info = probe(path)
    assert (info.size, info.duration_seconds, info.codec) == (SIZE, 2.0, "mpeg2video")
    assert info.sound_remark is None
    with read_frames(path) as frames:
        assert [number_of(frame.pixels) for frame in frames] == list(range(50))
    with read_frames(path, start_seconds=1.2, end_seconds=1.24) as frames:
        assert [number_of(frame.pixels) for frame in frames] == [30]


def test_as_many_tracks_as_a_broadcaster_has(tmp_path: Path) -> None:
    path = write_mxf(tmp_path / "match.mxf", 16)
    assert probe(path).sound_remark == "sound: track 1 of 16 is heard"
    samples = np.concatenate(list(read_audio(path, 48000)))
    assert len(samples) == 96000
    assert samples[1000:90000] == pytest.approx(0.05, abs=0.005)


def test_surround_sound_is_said_to_be_mixed_down(tmp_path: Path) -> None:
    path = tmp_path / "surround.mkv"
    with av.open(str(path), "w") as file:
        video = file.add_stream("mpeg4", rate=25, width=64, height=64)
        sound = file.add_stream("pcm_s16le", rate=48000, layout="5.1")
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts = index
            file.mux(video.encode(frame))
            level = np.full((1, 1920 * 6), 3277, np.int16)
            block = av.AudioFrame.from_ndarray(level, format="s16", layout="5.1")
            block.sample_rate, block.pts = 48000, index * 1920
            file.mux(sound.encode(block))
        for stream in (video, sound):
            file.mux(stream.encode(None))
    assert probe(path).sound_remark == "sound: 6 channels are mixed down"


def test_another_sound_track_is_heard_where_asked(tmp_path: Path) -> None:
    path = write_mxf(tmp_path / "match.mxf", 4)
    samples = np.concatenate(list(read_audio(path, 48000, track=3)))
    assert samples[1000:90000] == pytest.approx(0.15, abs=0.005)
    reel = tmp_path / "reel.mp4"
    render_reel(Reel((Clip(path.name, 0.0, 1.6),)), reel, path, snap=False, audio_track=4)
    heard = np.concatenate(list(read_audio(reel, 48000, 0.2, 1.2)))
    assert heard.mean() == pytest.approx(0.2, abs=0.02)
    assert made_remarks(path, 4) == ("sound: track 4 of 4 is heard",)
    with pytest.raises(MediaError, match="no sound track 5"):
        read_audio(path, track=5)
