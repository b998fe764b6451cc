"""Uploads that mean harm: opened by nobody but a bounded process, and nothing else read."""

import os
import socket
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import odd_videos as odd
import pytest
from canary import Canary
from small_videos import cut_off, write_sound_only, write_uneven, write_video

from touchline.errors import MediaError
from touchline.media.video import probe
from touchline.server.jobs.processes import StageFailedError, run_in_child
from touchline.server.jobs.stages.probing import ProbeArguments, probe_uploads
from touchline.server.jobs.stages.proxying import ProxyArguments, make_proxy
from touchline.server.settings import MediaLimits, StageLimits

LIMITS = MediaLimits().to_limits()
BOUNDS = StageLimits(memory_bytes=3 * 1024**3, cpu_seconds=60, wall_seconds=60)
SECRET = b"the neighbour's secret"


class Victim:
    """A server that already holds somebody's video, and a worker for it.

    Nothing that it refuses may have opened the neighbour's video or called the canary's port.
    """

    def __init__(self, client: Any, neighbour: Path) -> None:
        import threading

        from touchline.server.jobs.worker import Worker

        self.client = client
        self.worker = Worker(client.services, threading.Event())
        self.neighbour = self.send(neighbour.read_bytes(), "neighbour.mp4")
        self.canary = Canary(client.services.storage.upload(self.neighbour))

    def send(self, content: bytes, name: str = "match.mp4") -> str:
        answer = self.client.put(f"/v1/uploads/{name}", content=content)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def refuses(self, content: bytes, name: str = "match.mp4") -> str:
        """Send a file and let the worker look at it; the one line by which it is refused."""
        upload = self.send(content, name)
        match = self.client.post("/v1/matches", json={"upload": upload}).json()
        assert self.worker.run_one()
        assert not self.canary.touched()
        answer = self.client.get(f"/v1/matches/{match['id']}").json()
        assert answer["state"] == "failed", answer
        assert "\n" not in answer["problem"] and str(self.client.services.storage.root) not in str(
            answer
        )
        job = self.client.get(f"/v1/jobs/{match['job']}").json()
        assert job["attempts"] == 1 and job["state"] == "failed"
        assert not self.client.services.storage.proxy(match["id"]).exists()
        assert not list((self.client.services.storage.root / "work").iterdir())
        return str(answer["problem"])


@pytest.fixture
def victim(client: Any, small_video: Path) -> Iterator[Victim]:
    victim = Victim(client, small_video)
    with victim.canary:
        yield victim


@pytest.mark.skipif(sys.platform != "linux", reason="files are watched on Linux")
def test_the_canary_tells(small_video: Path) -> None:
    """Else the tests that ask it would prove nothing."""
    with Canary(small_video) as canary:
        assert not canary.touched()
        probe(small_video)
        with socket.create_connection(("127.0.0.1", canary.port)):
            assert canary.touched() == ["a file was opened", "the port was called"]
        assert not canary.touched()


NO_VIDEO = "is not a video file of a known kind"


@pytest.mark.parametrize("how", ["sibling", "relative", "absolute", "http"])
def test_a_concat_script_reads_nobody_elses_upload(victim: Victim, how: str) -> None:
    """The file is opened by its path, as a file of a listed kind, and only so."""
    path = victim.client.services.storage.upload(victim.neighbour)
    target = {
        "sibling": "original.bin",
        "relative": f"../{victim.neighbour}/original.bin",
        "absolute": f"'{path}'",
        "http": f"http://127.0.0.1:{victim.canary.port}/x.mp4",
    }[how]
    script = f"ffconcat version 1.0\noption safe 0\nfile {target}\n"
    assert NO_VIDEO in victim.refuses(script.encode())


def test_an_open_file_object_is_no_way_round(small_video: Path, tmp_path: Path) -> None:
    """Readers take paths only; a file object is no path."""
    script = tmp_path / "a.mp4"
    script.write_text(f"ffconcat version 1.0\nfile {small_video.name}\n")
    with script.open("rb") as file, pytest.raises((TypeError, MediaError)):
        probe(file)  # type: ignore[arg-type]


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT16S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1000"><BaseURL>{}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>"
)


@pytest.mark.parametrize("form", [PLAYLIST, DASH], ids=["m3u8", "mpd"])
@pytest.mark.parametrize(
    "target", ["../{0}/original.bin", "{1}", "http://127.0.0.1:{2}/a.ts", "file://{1}"]
)
def test_playlists_lead_nowhere(victim: Victim, form: str, target: str) -> None:
    """HLS and DASH, relative, absolute and over the network."""
    path = victim.client.services.storage.upload(victim.neighbour)
    text = form.format(target.format(victim.neighbour, path, victim.canary.port))
    assert NO_VIDEO in victim.refuses(text.encode(), "match.ts")


def test_a_session_description_opens_no_port(victim: Victim) -> None:
    """FFmpeg would listen where an SDP file says; it is refused as no video."""
    sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\n"
    assert NO_VIDEO in victim.refuses(sdp.encode())


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
        "Only words.\n" * 100,
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
        "[00:01.00]la la\n",
    ],
    ids=["srt", "txt", "svg", "lrc"],
)
def test_texts_are_no_videos(victim: Victim, text: str) -> None:
    """Subtitles, plain text and pictures of text are refused as no videos."""
    assert NO_VIDEO in victim.refuses(text.encode())


def test_an_external_reference_is_not_followed(victim: Victim, tmp_path: Path) -> None:
    """The samples of the upload itself are zeros; the neighbour's are not looked at."""
    neighbour = odd.encode(tmp_path / "neighbour.mov")
    path = odd.referring(neighbour, tmp_path / "ref.mov", "neighbour.mov")
    assert "no frame could be decoded" in victim.refuses(path.read_bytes(), "ref.mov")


def test_a_thousand_streams(victim: Victim, tmp_path: Path) -> None:
    """A file of three such streams is read for what it is, one of a thousand is not."""
    few = odd.many_streams(tmp_path / "few.mkv", 3)
    assert "has no picture" in victim.refuses(few.read_bytes(), "few.mkv")
    many = odd.many_streams(tmp_path / "many.mkv")
    assert "streams are too many" in victim.refuses(many.read_bytes(), "many.mkv")


@pytest.mark.parametrize("size", [(8192, 8192), (16384, 16)])
def test_pictures_that_are_too_large(victim: Victim, tmp_path: Path, size: tuple[int, int]) -> None:
    """8192 squared is refused by its size; a long thin one by how little there is."""
    path = odd.one_noisy_frame(tmp_path / "bomb.mp4", size)
    if size == (8192, 8192):
        assert "too large" in victim.refuses(path.read_bytes())
    else:
        assert look(path)["width"] == 16384


def look(path: Path) -> dict[str, Any]:
    """What a bounded process says of a file."""
    folder = path.parent / "scratch"
    arguments = ProbeArguments(sources=(str(path),), limits=LIMITS)
    result = run_in_child(probe_uploads, arguments, BOUNDS, 60, folder, lambda share: None)
    return result.videos[0].model_dump()


def test_a_size_that_jumps_ends_the_reading(tmp_path: Path) -> None:
    """What came before the jump is kept, and the proxy says that it was cut."""
    path = odd.jumping_size(tmp_path / "jump.ts")
    made = proxied(path)
    assert made["width"] == 96 and made["duration_seconds"] < 2


def test_ten_hours_in_two_frames(victim: Victim, tmp_path: Path) -> None:
    """The longest duration holds for what the stamps of a short file claim."""
    path = write_uneven(tmp_path / "long.mkv", [Fraction(0), Fraction(1), Fraction(36_000)])
    assert "claims to last 10:00:00" in victim.refuses(path.read_bytes())


def test_a_header_that_claims_ten_hours_is_not_believed(small_video: Path, tmp_path: Path) -> None:
    """What the file holds counts, not what its header claims."""
    path = odd.claiming_duration(small_video, tmp_path / "lie.mp4", 36_000)
    try:
        assert look(path)["duration_seconds"] == 4.0
    except StageFailedError as error:
        assert "claims to last" in str(error)


def test_stamps_beyond_all_bounds_are_refused(victim: Victim, tmp_path: Path) -> None:
    """A first stamp at 111 hours, in a container that counts them as duration."""
    path = odd.encode(tmp_path / "huge.mkv", first_pts=10**7)
    assert "claims to last" in victim.refuses(path.read_bytes(), "huge.mkv")


def test_a_thousand_frames_a_second(victim: Victim, tmp_path: Path) -> None:
    """The highest frame rate is a limit of its own."""
    path = odd.encode(tmp_path / "fast.mkv", 100, rate=Fraction(1000))
    assert "frames a second are too many" in victim.refuses(path.read_bytes(), "fast.mkv")


def proxied(path: Path) -> dict[str, Any]:
    target = path.with_name("proxy.mp4")
    arguments = ProxyArguments(sources=(str(path),), target=str(target), height=720, limits=LIMITS)
    made = make_proxy(arguments, lambda share: None).model_dump()
    info = probe(target)
    assert info.codec == "h264" and info.width % 2 == info.height % 2 == 0
    assert abs(info.duration_seconds - made["duration_seconds"]) < 0.1
    return made | made["videos"][0]


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("negative.mkv", 2.0), ("offset.ts", 2.0), ("hevc10.mp4", 2.0),
        ("interlaced.mp4", 2.0), ("ntsc.mp4", 50 * 1001 / 30000), ("two.mkv", 2.0),
        ("silent.mp4", 2.0), ("avi.avi", 2.0), ("webm.webm", 2.0), ("odd.mkv", 2.0),
    ],
)  # fmt: skip
def test_odd_videos_become_plain_proxies(tmp_path: Path, name: str, seconds: float) -> None:
    """Stamps below zero and far above, start offsets, interlacing, 10 bits and so on."""
    options: dict[str, dict[str, Any]] = {
        "negative.mkv": {"first_pts": -10},
        "offset.ts": {"first_pts": 2535},
        "hevc10.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le",
                       "options": {"x265-params": "log-level=none"}},
        "interlaced.mp4": {"options": {"x264-params": "interlaced=1"}},
        "ntsc.mp4": {"rate": Fraction(30000, 1001)},
        "two.mkv": {"streams": 2},
        "avi.avi": {"codec": "mpeg4"},
        "webm.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "preset": ""}},
        "odd.mkv": {"size": (98, 66)},
    }  # fmt: skip
    made = proxied(odd.encode(tmp_path / name, **options.get(name, {})))
    assert made["duration_seconds"] == pytest.approx(seconds, abs=0.05)
    assert made["stopped_at_seconds"] is None


def test_a_variable_rate_becomes_a_constant_one(tmp_path: Path) -> None:
    """The clock is that of the frames' stamps, not of their count."""
    times = [Fraction(i, 50) for i in range(50)] + [1 + Fraction(i, 10) for i in range(10)]
    path = write_uneven(tmp_path / "uneven.mp4", times)
    made = proxied(path)
    assert made["duration_seconds"] == pytest.approx(2.0, abs=0.15)


def test_a_turned_video_comes_upright(small_video: Path, tmp_path: Path) -> None:
    """Rotation is applied: to the size that is shown, and to the proxy."""
    path = odd.turned(small_video, tmp_path / "turned.mp4")
    info = look(path)
    assert info["rotation"] in (90, 270) and (info["width"], info["height"]) == (64, 96)
    assert (proxied(path)["width"], proxied(path)["height"]) == (64, 96)


def test_an_edit_list_that_cuts_the_beginning(tmp_path: Path) -> None:
    """B-frames make mp4 files whose first frames an edit list hides."""
    options = {"preset": "fast", "bf": "3"}
    made = proxied(odd.encode(tmp_path / "edited.mp4", options=options))
    assert made["duration_seconds"] == pytest.approx(2.0, abs=0.05)


def test_sound_alone_is_no_match(victim: Victim, tmp_path: Path) -> None:
    """A file without a picture is refused."""
    path = write_sound_only(tmp_path / "sound.mp4")
    assert "has no picture" in victim.refuses(path.read_bytes())


@pytest.mark.parametrize("tenths", range(10))
def test_files_cut_off_at_every_tenth(tmp_path: Path, tenths: int) -> None:
    """A Matroska file gives what there is of it; nothing hangs, nothing crashes."""
    whole = write_video(tmp_path / "whole.mkv", 100)
    part = cut_off(whole, tmp_path / "part.mkv", tenths / 10)
    try:
        made = proxied(part)
    except MediaError as error:
        assert tenths < 2, error
    else:
        assert made["duration_seconds"] <= 4.01


@pytest.mark.slow
def test_damaged_files_harm_nobody(client: Any, small_video: Path, tmp_path: Path) -> None:
    """Bit flips and cuts under memory and time limits: a worker's child may die, the
    server must not, and every file ends in one line or in facts."""
    count = int(os.environ.get("TOUCHLINE_FUZZ", "40"))
    rng = np.random.default_rng(7)
    sources = [small_video.read_bytes()] + [
        odd.encode(tmp_path / name, 40, **more).read_bytes()
        for name, more in (("a.mkv", {}), ("a.ts", {}), ("a.avi", {"codec": "mpeg4"}))
    ]
    ended = {"facts": 0, "refused": 0, "died": 0}
    for number in range(count):
        data = sources[number % len(sources)]
        data = odd.flipped(data, rng) if number % 3 else data[: rng.integers(1, len(data))]
        path = tmp_path / "damaged.bin"
        path.write_bytes(data)
        try:
            look(path)
            ended["facts"] += 1
        except StageFailedError as error:
            assert "\n" not in str(error)
            ended["died" if error.again else "refused"] += 1
    assert sum(ended.values()) == count and ended["facts"] and ended["refused"]
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize("name", ["features.npz", "features.npy", "weights.pt", "weights.pkl"])
def test_arrays_and_weights_are_not_taken(client: Any, name: str) -> None:
    """The server takes videos; features and weights have no way in."""
    assert client.put(f"/v1/uploads/{name}", content=b"x").status_code == 415


def test_arrays_under_another_name_are_no_videos(victim: Victim, tmp_path: Path) -> None:
    """A zip bomb, and arrays of objects, with lying headers, with not-a-number."""
    bomb = tmp_path / "bomb.npz"
    np.savez_compressed(bomb, features=np.zeros((3000, 1000)))
    arrays = [bomb]
    for name, array in (
        ("objects", np.array([{}], object)),
        ("nan", np.full((5, 5), np.nan)),
        ("empty", np.zeros((0, 512))),
    ):
        np.save(tmp_path / name, array, allow_pickle=True)
        arrays.append(tmp_path / f"{name}.npy")
    for path in arrays:
        assert NO_VIDEO in victim.refuses(path.read_bytes())


def test_a_large_attachment_does_no_harm(tmp_path: Path) -> None:
    """A font of 100 MB inside a Matroska file stays unread or within the limits."""
    if not hasattr(av_output(), "add_attachment"):
        pytest.skip("this PyAV writes no attachments")
    path = odd.with_attachment(tmp_path / "attached.mkv")
    try:
        assert look(path)["width"] == 96
    except StageFailedError as error:
        assert not error.again


def av_output() -> Any:
    import av.container

    return av.container.OutputContainer


def test_markup_in_a_videos_title_goes_nowhere(victim: Victim) -> None:
    """A name full of markup is text in JSON, never part of a page."""
    upload = victim.client.put(
        "/v1/uploads/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E.mp4", content=b"x"
    )
    assert upload.headers["Content-Type"] == "application/json"
    match = victim.client.post("/v1/matches", json={"upload": upload.json()["id"]})
    assert match.json()["title"].startswith("<img")
    assert "default-src 'none'" in match.headers["Content-Security-Policy"]
