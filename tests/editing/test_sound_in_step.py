"""The sound of a reel is within 20 ms of its picture, whatever the video is: flashes and beeps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from touchline.editing.finish import PLAIN, Finish
from touchline.editing.render import render_reel
from touchline.reel import Clip, Reel

APART_SECONDS = 0.02
SIZE = (160, 96)
RATE = 48_000
SECONDS = 4
FLASHES = (0.6, 1.8, 3.4)
SPANS = ((0.31, 2.213), (2.98, 3.9))
"""Their starts lie between two pictures."""


@dataclass(frozen=True)
class Kind:
    """How a video is coded; pictures begin at ``times`` or at a steady rate."""

    name: str
    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=dict)
    audio: str = "aac"
    layout: str = "stereo"
    rate: Fraction = Fraction(25)
    times: Callable[[int], Fraction] | None = None
    pixels: str = "yuv420p"
    prepare: Callable[[av.VideoStream], None] = lambda stream: None
    finish: Finish = PLAIN


def _interlaced(stream: av.VideoStream) -> None:
    stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct


def _uneven(index: int) -> Fraction:
    return Fraction(index // 3 * 10 + index % 3 * 3, 90)  # three pictures in 111 ms


def _turned_and_stretched(stream: av.VideoStream) -> None:
    stream.set_display_rotation(90)
    stream.codec_context.sample_aspect_ratio = Fraction(16, 11)


ENCODE = Finish("encode")
B_FRAMES = {"bf": "2", "g": "25"}
HDR = {"x265-params": "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"}
KINDS = [
    Kind("copied.mp4", options=B_FRAMES),
    Kind("copied.ts", options=B_FRAMES),
    Kind("copied-6-channels.mkv", options=B_FRAMES, audio="ac3", layout="5.1"),
    Kind("copied-uneven.mp4", options=B_FRAMES, times=_uneven),
    Kind("encoded-23.976.mp4", rate=Fraction(24000, 1001), finish=ENCODE),
    Kind("encoded-uneven.mp4", options=B_FRAMES, times=_uneven, finish=ENCODE),
    Kind("encoded-turned-and-stretched.mp4", prepare=_turned_and_stretched, finish=ENCODE),
    Kind("encoded-50i.mp4", prepare=_interlaced),
    Kind("encoded.mxf", "mpeg2video", {"b": "3000000"}, "pcm_s16le"),
    Kind("encoded-6-channels.mp4", layout="5.1", finish=Finish("encode", loudness=-20.0)),
    Kind("one-key.mp4", options={"g": "1000"}),
]
HDR_KINDS = [
    Kind("copied-hdr.mp4", "libx265", HDR, pixels="yuv420p10le", finish=Finish(keep_hdr=True)),
    Kind("encoded-hdr.mp4", "libx265", HDR, pixels="yuv420p10le"),
]


def write_flashes(path: Path, kind: Kind) -> Path:
    """White pictures and a tone, both from the picture on that begins at or after each flash."""
    starts = [Fraction(index) / kind.rate for index in range(int(SECONDS * kind.rate))]
    if kind.times is not None:
        starts = [kind.times(index) for index in range(int(SECONDS * 27))]
    begins = [next(start for start in starts if start >= flash) for flash in FLASHES]
    time = np.arange(SECONDS * RATE) / RATE
    loud = sum((time >= float(begin)) & (time < float(begin) + 0.12) for begin in begins)
    tone = (0.8 * loud * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    with av.open(str(path), "w") as file:
        video = file.add_stream(kind.codec, rate=kind.rate, options=_options(kind))
        video.width, video.height, video.pix_fmt = *SIZE, kind.pixels
        tick = 1 / kind.rate if kind.times is None else Fraction(1, 90)
        video.codec_context.time_base = tick
        kind.prepare(video)
        sound = file.add_stream(kind.audio, rate=RATE, layout=kind.layout)
        for start in starts:
            lit = any(0 <= start - begin < Fraction(12, 100) for begin in begins)
            pixels = np.full((SIZE[1], SIZE[0], 3), 235 if lit else 40, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(start / tick), tick
            file.mux(video.encode(frame))
        for place in range(0, len(tone) - len(tone) % 1920, 1920):
            file.mux(sound.encode(_block(tone[place : place + 1920], place, kind)))
        for stream in (video, sound):
            file.mux(stream.encode(None))
    return path


def _options(kind: Kind) -> dict[str, str]:
    speed = {} if kind.codec == "mpeg2video" else {"preset": "ultrafast"}
    return {**speed, **kind.options}


def _block(tone: np.ndarray, place: int, kind: Kind) -> av.AudioFrame:
    channels = 6 if kind.layout == "5.1" else 2
    if kind.audio.startswith("pcm"):
        samples = np.repeat((tone * 32767).astype(np.int16)[None], channels, 0)
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T.reshape(1, -1)), "s16", kind.layout
        )
    else:
        samples = np.ascontiguousarray(np.repeat(tone[None], channels, 0))
        block = av.AudioFrame.from_ndarray(samples, "fltp", kind.layout)
    block.sample_rate, block.pts, block.time_base = RATE, place, Fraction(1, RATE)
    return block


def flashes(path: Path) -> list[float]:
    """When a file turns white, as a player shows it."""
    with av.open(str(path)) as file:
        shown = [
            (float(frame.time), float(frame.reformat(32, 32, "gray").to_ndarray().mean()))
            for frame in file.decode(video=0)
        ]
    return _rises([time for time, _ in shown], [level > 130 for _, level in shown])


def beeps(path: Path) -> list[float]:
    """When a file begins to sound, as a player plays it."""
    times: list[np.ndarray] = []
    levels: list[np.ndarray] = []
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            samples = np.abs(frame.to_ndarray().reshape(-1, frame.samples)).max(axis=0)
            levels.append(samples if samples.dtype.kind == "f" else samples / 32768)
            times.append(float(frame.time) + np.arange(frame.samples) / frame.sample_rate)
    # Silence of a millisecond lies in every period of the tone.
    level = np.lib.stride_tricks.sliding_window_view(np.concatenate(levels), 480).max(axis=1)
    return _rises(list(np.concatenate(times)[479:]), list(level > 0.25 * level.max()))


def _rises(times: list[float], states: list[bool]) -> list[float]:
    changes = zip(times[1:], states, states[1:], strict=False)
    return [time for time, before, after in changes if after and not before]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_sound_is_in_step_with_the_picture(kind: Kind, tmp_path: Path):
    check(kind, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", HDR_KINDS, ids=lambda kind: kind.name)
def test_sound_is_in_step_with_pictures_of_high_dynamic_range(kind: Kind, tmp_path: Path):
    check(kind, tmp_path)


def check(kind: Kind, folder: Path) -> None:
    source = write_flashes(folder / kind.name, kind)
    reel = Reel(tuple(Clip(kind.name, start, end) for start, end in SPANS))
    out = folder / "reel.mp4"
    made = render_reel(reel, out, source, snap=False, finish=kind.finish)
    assert bool(made.warnings) == (not kind.name.startswith("copied") and kind.finish == PLAIN)
    seen, heard = flashes(out), beeps(out)
    assert len(seen) == len(heard) == len(FLASHES)
    assert np.abs(np.array(heard) - seen).max() <= APART_SECONDS
