"""Small videos made on the spot, for tests of what users meet."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from touchline.media.writer import VideoWriter

SIZE = (96, 64)
RATE = Fraction(25)
AUDIO_RATE = 48_000


def picture(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(height, width, 3) a pattern that moves, over a grey that tells frames apart."""
    width, height = size
    wave = 60 * np.sin((np.arange(width) + 3 * index) / 9)
    grey = np.broadcast_to(90 + index % 100 + wave, (height, width))
    return np.repeat(grey[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)


def write_video(
    path: Path,
    frames: int,
    *,
    size: tuple[int, int] = SIZE,
    rate: Fraction | int = RATE,
    sound: bool = True,
) -> Path:
    """A video of constant rate, its index at the front and a key frame every second."""
    audio_rate = AUDIO_RATE if sound else None
    with VideoWriter(path, size, rate, audio_rate=audio_rate, keyframe_seconds=1) as writer:
        for index in range(frames):
            writer.write(picture(index, size))
        if sound:
            time = np.arange(int(frames * AUDIO_RATE / rate)) / AUDIO_RATE
            writer.write_audio((0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32))
    return path


def write_uneven(path: Path, times: Sequence[Fraction]) -> Path:
    """A video whose frames begin at the given seconds."""
    unit = Fraction(1, 90_000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = unit
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts, frame.time_base = round(time / unit), unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_timecode(path: Path, target: Path, timecode: str) -> Path:
    """A copy of a video, as a .mov or .mp4, whose first frame has a timecode."""
    with av.open(str(path)) as given, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        stream.metadata["timecode"] = timecode
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    return target


def first_second(path: Path, target: Path) -> Path:
    """The first second of a video, its packets as they are."""
    with av.open(str(path)) as source, av.open(str(target), "w") as out:
        copies = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.dts * packet.time_base < 1:
                packet.stream = copies[packet.stream_index]
                out.mux(packet)
    return target


def write_sound_only(path: Path) -> Path:
    """An mp4 file without a picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=AUDIO_RATE, layout="mono")
        for start in range(0, AUDIO_RATE, 1024):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            block.sample_rate, block.pts = AUDIO_RATE, start
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    return path


def cut_off(path: Path, target: Path, share: float) -> Path:
    """The first part of a file."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target
