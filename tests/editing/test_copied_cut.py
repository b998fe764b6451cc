"""A reel copies the pictures of its video where it can, and says why where it cannot."""

from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from touchline.editing.finish import Finish
from touchline.editing.render import render_reel
from touchline.errors import InputError
from touchline.events import Event
from touchline.reel import Clip, Reel

SIZE = (160, 96)
RATE = Fraction(25)
FRAMES = 190
BITS = 8
SPANS = ((0.52, 3.3), (4.4, 7.0))
SHOWN = [*range(13, 83), *range(110, 175)]


@cache
def picture(index: int) -> np.ndarray:
    """(height, width, 3) a texture that moves, below the bits of its number."""
    width, height = SIZE
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    grey = 120 + 50 * np.sin((x + 3 * index) / 7) + 40 * np.cos((y - index) / 5)
    pixels = np.repeat(grey[..., None], 3, 2).clip(0, 255).astype(np.uint8)
    for bit in range(BITS):
        pixels[:20, bit * width // BITS : (bit + 1) * width // BITS] = (
            220 if index >> bit & 1 else 30
        )
    return pixels


def write_coded(
    path: Path, codec: str = "libx264", times: list[int] | None = None, **options: str
) -> Path:
    """A video with a key frame every second, coded as the options say."""
    pixel_format = options.pop("pix_fmt", "yuv420p")
    interlaced = options.pop("interlaced", None)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options={"preset": "ultrafast", **options})
        stream.width, stream.height, stream.pix_fmt = *SIZE, pixel_format
        context = stream.codec_context
        context.gop_size, context.time_base = int(options.get("g", "25")), Fraction(1, 100)
        if interlaced:
            context.flags |= av.codec.context.Flags.interlaced_dct
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts = 4 * index if times is None else times[index]
            frame.time_base = Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def shown(path: Path) -> list[tuple[float, np.ndarray]]:
    """The times and luma of the pictures that a file shows."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            if "10" in frame.format.name:
                luma = (luma.view("<u2") >> 2).astype(np.uint8)
            found.append((float(frame.time), luma[: frame.height, : frame.width].copy()))
    return found


def number(luma: np.ndarray) -> int:
    width = luma.shape[1]
    columns = (luma[5:15, b * width // BITS + 5 : (b + 1) * width // BITS - 5] for b in range(BITS))
    return sum(1 << bit for bit, column in enumerate(columns) if column.mean() > 125)


def reel_of(path: Path, *spans: tuple[float, float], **details) -> Reel:
    return Reel(tuple(Clip(path.name, a, b, **details) for a, b in spans))


def equal_pictures(source: Path, made: Path) -> int:
    """How many pictures of a reel are those of its source to the bit; the others look the same."""
    pictures = [luma for _, luma in shown(source)]
    exact = 0
    for _, luma in shown(made):
        apart = np.abs(luma.astype(int) - pictures[number(luma)])
        assert apart.mean() < 2.5
        exact += not apart.any()
    return exact


CODINGS = {
    "h264-b-frames.mp4": ("libx264", {"bf": "3", "b-pyramid": "normal"}, 80),
    "h264-baseline.mp4": ("libx264", {"profile": "baseline"}, 80),
    "h264.ts": ("libx264", {"bf": "2"}, 80),
    "h264.mkv": ("libx264", {"bf": "2"}, 80),
    "h264-10-bit.mp4": ("libx264", {"pix_fmt": "yuv420p10le"}, 80),
    "hevc-open.mp4": ("libx265", {"x265-params": "log-level=none:bframes=3:open-gop=1"}, 70),
    "hevc.ts": ("libx265", {"x265-params": "log-level=none:bframes=3:open-gop=0"}, 70),
}


@pytest.mark.parametrize("name", CODINGS)
def test_copied_and_encoded_pictures_are_those_of_the_source(tmp_path, name):
    codec, options, copied = CODINGS[name]
    source = write_coded(tmp_path / name, codec, **options)
    out = tmp_path / f"reel{source.suffix if source.suffix != '.ts' else '.mov'}"
    made = render_reel(reel_of(source, *SPANS), out, source, snap=False, finish=Finish("copy"))
    assert made.warnings == ()
    pictures = shown(out)
    assert [number(luma) for _, luma in pictures] == SHOWN
    assert equal_pictures(source, out) >= copied
    assert [time for time, _ in pictures] == pytest.approx(
        [i / 25 for i in range(len(SHOWN))], abs=2e-3
    )


def test_times_of_a_variable_rate_are_kept(tmp_path):
    times = list(np.cumsum([3 if i % 3 else 6 for i in range(FRAMES)]))
    source = write_coded(tmp_path / "uneven.mp4", times=[int(time - times[0]) for time in times])
    out = tmp_path / "reel.mp4"
    render_reel(reel_of(source, (0.5, 3.5), (5.0, 7.0)), out, source, snap=False)
    given = dict(enumerate(time for time, _ in shown(source)))
    pictures = [(time, number(luma)) for time, luma in shown(out)]
    runs = [(a, b) for a, b in pairwise(pictures) if b[1] == a[1] + 1]
    assert len(runs) == len(pictures) - 2
    for (time, index), (later, next_index) in runs:
        assert later - time == pytest.approx(given[next_index] - given[index], abs=1e-3)


def test_only_pictures_that_are_drawn_on_are_encoded(tmp_path):
    source = write_coded(tmp_path / "long.mp4")
    reel = reel_of(source, (0.0, 8.0), events=(Event(1.5, "Goal"),))
    out = tmp_path / "reel.mp4"
    render_reel(reel, out, source, snap=False, burn_labels=True, finish=Finish("copy"))
    pairs = zip(shown(source), shown(out), strict=True)
    apart = [np.abs(a.astype(int) - b).max() for (_, a), (_, b) in pairs]
    assert min(apart[13:112]) > 40  # the caption
    assert max(apart[125:]) == 0


REFUSED = {
    "interlaced.mp4": ({"interlaced": "1"}, "it is interlaced"),
    "open.mp4": ({"x264-params": "open-gop=1:bframes=2"}, "open groups"),
    "one-key.mp4": ({"g": "1000"}, "too few key frames"),
    "444.mp4": ({"pix_fmt": "yuv444p"}, "its pictures are yuv444p"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_copied_is_encoded_and_says_why(tmp_path, name):
    options, why = REFUSED[name]
    source = write_coded(tmp_path / name, **options)
    out = tmp_path / "reel.mp4"
    reel = reel_of(source, (0.52, 3.3))
    with pytest.raises(InputError, match=f"{name}: its pictures cannot be copied: .*{why}"):
        render_reel(reel, out, source, snap=False, finish=Finish("copy"))
    assert not out.exists()
    made = render_reel(reel, out, source, snap=False)
    assert len(made.warnings) == 1 and why in made.warnings[0]
    assert len(shown(out)) == (139 if name == "interlaced.mp4" else 70)  # 50 fields a second


def test_two_videos_coded_alike_are_copied_into_one_file(tmp_path):
    """Their parameter sets share a number and differ, so each stretch carries its own."""
    first = write_coded(tmp_path / "1.mp4", bf="2", refs="1")
    second = write_coded(tmp_path / "2.mp4", bf="2", refs="3", preset="medium")
    reel = Reel((Clip("1", *SPANS[0], half=1), Clip("2", *SPANS[1], half=2)))
    out = tmp_path / "reel.mp4"
    render_reel(reel, out, {1: first, 2: second}, snap=False, finish=Finish("copy"))
    assert [number(luma) for _, luma in shown(out)] == SHOWN


def test_a_recording_of_two_encoders_is_copied_with_the_parameter_sets_of_each(tmp_path):
    parts = [
        write_coded(tmp_path / "1.ts", bf="0", refs="1"),
        write_coded(tmp_path / "2.ts", bf="0", refs="3", preset="medium"),
    ]
    source = tmp_path / "both.ts"
    with av.open(str(source), "w") as both:
        stream, length = None, round(FRAMES / RATE * 90_000)
        for place, part in enumerate(parts):
            with av.open(str(part)) as container:
                stream = stream or both.add_stream_from_template(container.streams.video[0])
                for packet in container.demux(video=0):
                    if packet.size:
                        packet.pts, packet.dts = (
                            t + place * length for t in (packet.pts, packet.dts)
                        )
                        packet.stream = stream
                        both.mux(packet)
    out = tmp_path / "reel.mp4"
    made = render_reel(reel_of(source, (5.4, 10.0)), out, source, snap=False, finish=Finish("copy"))
    assert made.warnings == ()
    assert [number(luma) for _, luma in shown(out)] == [*range(135, 190), *range(60)]


def test_where_an_encoder_refuses_all_is_encoded_anew_and_it_is_said(tmp_path, monkeypatch):
    def refuse(self, frames):
        raise av.error.ArgumentError(22, "refused")

    monkeypatch.setattr("touchline.media.border_encoder.BorderEncoder.encode", refuse)
    source = write_coded(tmp_path / "long.mp4")
    out = tmp_path / "reel.mp4"
    made = render_reel(reel_of(source, (0.52, 5.3)), out, source, snap=False)
    assert "cannot be cut by copying" in made.warnings[0]
    assert len(shown(out)) == 120


def test_a_caption_does_not_hide_why_pictures_are_not_copied(tmp_path):
    source = write_coded(tmp_path / "open.mp4", **{"x264-params": "open-gop=1:bframes=2"})
    reel = reel_of(source, (0.5, 7.0), events=(Event(1.5, "Goal"),))
    made = render_reel(reel, tmp_path / "reel.mp4", source, snap=False, burn_labels=True)
    assert "open groups" in made.warnings[0]
