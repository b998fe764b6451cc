"""The encoder of a reel is one that works here, by trial; what was asked for in vain is said."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from touchline.editing.finish import Finish
from touchline.editing.render import render_reel
from touchline.errors import InputError, MediaError
from touchline.media import encoders
from touchline.media.encoders import Encoder, chosen_encoder, parse_encoder
from touchline.media.video import probe
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel

SIZE = (160, 96)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "match.mp4"
    with VideoWriter(path, SIZE, 25) as writer:
        for index in range(40):
            writer.write(np.full((SIZE[1], SIZE[0], 3), 3 * index, np.uint8))
    return path


@pytest.fixture
def devices(monkeypatch) -> Iterator[dict[str, Encoder]]:
    """A computer whose first device fails and whose second one, x264 in truth, works."""
    table = {
        "h264_nvenc": Encoder("h264_nvenc", "h264", {"preset": "none such"}),
        "h264_qsv": Encoder("libx264", "h264", {"preset": "ultrafast"}),
        "libx265": encoders.ENCODERS["libx265"],
    }
    monkeypatch.setattr(encoders, "ENCODERS", table)
    trial = encoders.trial
    trial.cache_clear()
    yield table
    trial.cache_clear()


def cut(video: Path, encoder: str) -> tuple[Path, tuple[str, ...]]:
    out = video.parent / "reel.mp4"
    reel = Reel((Clip("match.mp4", 0.2, 1.0),))
    made = render_reel(reel, out, video, snap=False, finish=Finish("encode", encoder=encoder))
    assert probe(out).duration_seconds == pytest.approx(0.8, abs=0.01)
    return out, made.warnings


def test_the_first_device_that_passes_a_trial_is_taken_and_remembered(devices, monkeypatch):
    tried: list[str] = []
    round_trip = encoders._round_trip
    monkeypatch.setattr(
        encoders, "_round_trip", lambda e, size: tried.append(e.name) or round_trip(e, size)
    )
    devices["libx264"] = devices["h264_qsv"]
    devices["h264_qsv"] = Encoder("h264_qsv", "h264")
    for _ in range(2):
        chosen, remark = chosen_encoder("auto", SIZE)
        assert (chosen, remark) == (devices["libx264"], None)
        assert chosen.is_hardware  # as the table says, not x264 for want of a device
    assert len(tried) == len(set(tried))


@pytest.mark.parametrize("name", ["h264_nvenc", "h264_vaapi", "hevc_amf"])
def test_an_encoder_that_cannot_is_replaced_and_it_is_said(video, name):
    if encoders.trial(name, SIZE) is None:
        pytest.skip("this computer has such a device")
    out, warnings = cut(video, name)
    assert len(warnings) == 1 and warnings[0].startswith(f"{name} cannot encode here (")
    assert warnings[0].endswith("libx264 is used")
    assert probe(out).codec == "h264"


def test_a_device_that_fails_at_work_is_replaced_too(video, devices, monkeypatch):
    write = VideoWriter.write

    def fail(self, pixels):
        if self._encoder.is_hardware and self.frames_written == 5:
            self._discard()
            raise MediaError("the device is lost", where=self.path)
        write(self, pixels)

    monkeypatch.setattr(VideoWriter, "write", fail)
    monkeypatch.setattr(encoders, "trial", lambda name, size: None)
    devices["h264_nvenc"] = devices["h264_qsv"]
    _, warnings = cut(video, "auto")
    assert "the device is lost; libx264 is used" in warnings[0]


def test_hevc_is_written_where_it_is_named(video):
    out, warnings = cut(video, "libx265")
    assert warnings == ()
    with av.open(str(out)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.codec_tag) == ("hevc", "hvc1")


def test_what_is_no_encoder_is_refused():
    assert parse_encoder("software") == "software"
    with pytest.raises(InputError, match=r"--encoder: 'h265' is no encoder; give .*hevc_nvenc"):
        parse_encoder("h265")
