"""What is not a plain video file within limits is refused in one line, and opens nothing else."""

import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import Clips, number_of, write_numbered

from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.limits import Limits
from touchline.media.opening import open_media
from touchline.media.video import probe, read_frames

SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\n"
DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
 mediaPresentationDuration="PT16S"><Period><AdaptationSet mimeType="video/mp4"><Representation
 id="1" bandwidth="1000"><BaseURL>neighbour.mp4</BaseURL></Representation></AdaptationSet>
 </Period></MPD>"""
TEXTS = {
    "concat": "ffconcat version 1.0\nfile neighbour.mp4\n",
    "concat_unsafe": "ffconcat version 1.0\noption safe 0\nfile '/etc/passwd'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nneighbour.ts\n#EXT-X-ENDLIST\n",
    "dash": DASH,
    "sdp": SDP,
    "srt": "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
    "lrc": "[00:01.00]la la\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    "prose": "Not a video at all.\n" * 50,
}


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ts", ".mkv"])
@pytest.mark.parametrize("kind", TEXTS)
def test_text_is_no_video_and_leads_nowhere(
    kind: str, suffix: str, clips: Clips, tmp_path: Path
) -> None:
    for neighbour in ("pal.mp4", "pal.ts"):
        (tmp_path / f"neighbour{Path(neighbour).suffix}").write_bytes(
            clips.get(neighbour)[0].read_bytes()
        )
    path = tmp_path / f"upload{suffix}"
    path.write_text(TEXTS[kind])
    for read in (probe, read_frames, read_audio):
        with pytest.raises(MediaError) as caught:
            read(path)
        assert "is not a video file of a known kind" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_playlist_does_open_its_neighbour_without_the_guard(clips: Clips, tmp_path: Path) -> None:
    """The attack works on an unguarded opening, so the test above is worth something."""
    (tmp_path / "neighbour.mp4").write_bytes(clips.get("pal.mp4")[0].read_bytes())
    path = tmp_path / "upload.mp4"
    path.write_text(TEXTS["concat"])
    with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
        assert container.streams.video


@pytest.mark.parametrize(
    "name",
    [
        "subfile,,start,0,end,0,,:pal.mp4",
        "concat:pal.mp4|pal.mp4",
        "async:pal.mp4",
        "cache:pal.mp4",
        "http://127.0.0.1:9/pal.mp4",
        "file:pal.mp4",
        "pipe:0",
        "-i",
        "-",
        "",
        "no such file.mp4",
        "x" * 5000,
        "nul\0.mp4",
        "pal.mp4/inside.mp4",
    ],
    ids=range(14),
)
def test_names_are_only_names(name: str, clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clips.get("pal.mp4")[0].parent)
    with pytest.raises(MediaError) as caught:
        probe(name)
    assert len(str(caught.value)) < 5200 and "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not allow")
@pytest.mark.parametrize(
    "name", ["-i", "concat:a|b.mp4", "a\nb.mp4", "%2e%2e.mp4", "فيلم.mp4", "c,d:e.mp4", "'x\".mp4"]
)
def test_files_of_odd_names_are_read(
    name: str, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(clips.get("pal.mp4")[0].read_bytes())
    assert number_of(next(read_frames(name, start_seconds=0.2)).pixels) == 5
    assert next(read_audio(name)).size


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    cases = [(tmp_path / "x.mp4", "no such file"), (tmp_path, "folder"), (empty, "empty")]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        cases.append((tmp_path / "pipe.mp4", "not a regular file"))
        cases.append((Path("/dev/zero"), "not a regular file"))
    for path, message in cases:
        with pytest.raises(MediaError, match=message) as caught:
            probe(path)
        assert str(path) in str(caught.value)


def test_noise_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(np.random.default_rng(1).bytes(200_000))
    with pytest.raises(MediaError):
        probe(path)


def referring_movie(movie: bytes, name: str) -> bytes:
    """A movie (index last) whose samples are in the neighbouring file ``name``: QuickTime alias."""
    inside = b"\0\0\0\x0curl \0\0\0\1"
    path = f"/x/{name}".encode()
    alias = bytes(10 + 1 + 27 + 12 + 1 + 63 + 16) + b"\0\1\0\1" + bytes(16)
    alias += (2).to_bytes(2, "big") + len(path).to_bytes(2, "big") + path + bytes(len(path) % 2)
    alias = b"alis\0\0\0\0" + alias + b"\xff\xff\0\0"
    entry = (len(alias) + 4).to_bytes(4, "big") + alias
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = movie.rindex(box) - 4 if box != b"dref" else movie.index(box) - 4
        size = int.from_bytes(movie[at : at + 4], "big") + len(entry) - len(inside)
        movie = movie[:at] + size.to_bytes(4, "big") + movie[at + 4 :]
    assert movie.count(inside) == 1
    return movie.replace(inside, entry)


def test_an_external_reference_of_a_movie_is_not_followed(tmp_path: Path) -> None:
    neighbour = write_numbered(tmp_path / "neighbour.mov", 10)
    movie = referring_movie(neighbour.read_bytes(), "neighbour.mov")
    start = movie.index(b"mdat") + 4
    length = int.from_bytes(movie[start - 8 : start - 4], "big") - 8
    path = tmp_path / "upload.mov"
    path.write_bytes(movie[:start] + bytes(length) + movie[start + length :])
    with av.open(str(path), options={"enable_drefs": "1"}) as container:
        assert number_of(next(container.decode(video=0)).to_ndarray(format="rgb24")) == 0
    with pytest.raises(MediaError, match="no frame could be decoded"):
        read_frames(path)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(max_pixels=100 * 100), "too large"),
        (Limits(max_duration_seconds=10), "lasts|last"),
        (Limits(max_streams=1), "streams"),
        (Limits(max_rate=20), "too many"),
    ],
    ids=["pixels", "duration", "streams", "rate"],
)
def test_limits(clips: Clips, limits: Limits, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        probe(clips.get("pal.mp4")[0], limits)


def test_wide_panoramas_are_within_the_limits(shared: Path) -> None:
    frame = next(read_frames(shared / "data" / "video" / "panorama_6500x1000.mp4"))
    assert frame.pixels.shape == (1000, 6500, 3)


def test_a_file_of_many_streams(tmp_path: Path) -> None:
    path = tmp_path / "many.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25, width=32, height=32) for _ in range(60)]
        for stream in streams:
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts = 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="streams"):
        probe(path)


def test_a_size_that_jumps_beyond_the_limit_ends_the_reading(tmp_path: Path) -> None:
    small = write_numbered(tmp_path / "small.ts", 50, size=(128, 96))
    large = write_numbered(tmp_path / "large.ts", 50, size=(1280, 720))
    path = tmp_path / "jump.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with read_frames(path, limits=Limits(max_pixels=320 * 240)) as stream:
        shapes = {frame.pixels.shape for frame in stream}
    assert shapes == {(96, 128, 3)}
    with read_frames(path) as stream:
        assert {frame.pixels.shape for frame in stream} == {(96, 128, 3)}


def test_sound_without_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for read in (probe, read_frames):
        with pytest.raises(MediaError, match="has no picture"):
            read(path)
    assert sum(map(len, read_audio(path, 48000))) >= 1024


def test_a_title_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "title.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Sao Paulo"
        stream = container.add_stream("mpeg4", rate=25, width=32, height=32)
        container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"Sao Paulo", b"S\xe3o Paulo"))
    assert probe(path).size == (32, 32)


def test_nothing_is_said_on_stderr(clips: Clips, capfd: pytest.CaptureFixture[str]) -> None:
    data = clips.get("pal.mp4")[0].read_bytes()
    path = clips.folder / "torn.mp4"
    path.write_bytes(data[: len(data) // 2] + bytes(500) + data[len(data) // 2 + 500 :])
    list(read_frames(path))
    assert capfd.readouterr().err == ""


def test_the_guarded_opening_reads_what_it_says(clips: Clips) -> None:
    with open_media(clips.get("pal.mkv")[0]) as container:
        assert len(container.streams) == 2
