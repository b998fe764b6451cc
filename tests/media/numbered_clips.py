"""Videos whose frames carry their own number, in the shapes that files come in."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CELLS = (3, 4)
CELL = 32
SIZE = (CELLS[1] * CELL, CELLS[0] * CELL)


def numbered(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture that shows ``index`` as twelve black or white cells, most significant first."""
    bits = np.array([index >> shift & 1 for shift in range(11, -1, -1)]).reshape(CELLS)
    rows = np.arange(size[1]) * CELLS[0] // size[1]
    columns = np.arange(size[0]) * CELLS[1] // size[0]
    grey = (bits[rows][:, columns] * 220 + 16).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def number_of(pixels: np.ndarray) -> int:
    """The number that a picture shows."""
    height, width = pixels.shape[:2]
    cells = pixels.reshape(height, width, 3)
    index = 0
    for row in range(CELLS[0]):
        for column in range(CELLS[1]):
            y, x = (2 * row + 1) * height // 6, (2 * column + 1) * width // 8
            index = index << 1 | int(cells[y - 2 : y + 3, x - 2 : x + 3].mean() > 127)
    return index


def write_numbered(
    path: Path,
    count: int,
    rate: Fraction | int = 25,
    *,
    times: Sequence[Fraction] | None = None,
    size: tuple[int, int] = SIZE,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    gop: int = 250,
    sound: bool = False,
    pixel_format: str = "yuv420p",
    prepare: Callable[[av.video.stream.VideoStream], None] | None = None,
    first: int = 0,
) -> Path:
    """Encode ``count`` frames numbered from ``first`` on, at ``times`` or at a constant rate."""
    rate = Fraction(rate)
    unit = Fraction(1, 90000) if times else 1 / rate
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {"preset": "veryfast"})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = unit
        stream.codec_context.gop_size = gop
        if prepare:
            prepare(stream)
        if sound:
            audio = container.add_stream("aac", rate=48000, layout="mono")
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(first + index, size), format="rgb24")
            frame.pts = round(times[index] / unit) if times else index
            frame.time_base = unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound:
            seconds = float(count / rate)
            wave = np.sin(2 * np.pi * 440 * np.arange(round(48000 * seconds)) / 48000) / 2
            for start in range(0, len(wave), 1024):
                block = av.AudioFrame.from_ndarray(
                    wave[None, start : start + 1024].astype(np.float32), "fltp", "mono"
                )
                block.sample_rate, block.pts = 48000, start
                block.time_base = Fraction(1, 48000)
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))
    return path


CONTAINER_OPTIONS = {
    "offset": {"output_ts_offset": "101.4"},
    "fast": {"movflags": "+faststart"},
}


class Clips:
    """Numbered videos of the test session, made once each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, tuple[Path, list[Fraction]]] = {}

    def get(self, name: str) -> tuple[Path, list[Fraction]]:
        """A file, and the second at which each of its frames begins; plus its end."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> tuple[Path, list[Fraction]]:
        kind, _, suffix = name.rpartition(".")
        path = self.folder / name
        if kind == "varying":
            steps = [Fraction(1, 25), Fraction(2, 25)] * 80
            times = [sum(steps[:i], Fraction(0)) for i in range(len(steps))]
            write_numbered(path, len(times), 25, times=times, gop=60)
            return path, [*times, times[-1] + Fraction(1, 25)]
        rates = {"ntsc": Fraction(30000, 1001), "fifty": Fraction(50), "offset": Fraction(25)}
        rate = rates.get(kind, Fraction(25))
        options = {"preset": "veryfast", "bf": "3", "b-adapt": "0"}
        if kind == "open":
            options["x264-params"] = "open-gop=1:keyint=40:min-keyint=40:scenecut=0"
        codec = "mpeg2video" if suffix == "mpg" else "libx264"
        container_options = CONTAINER_OPTIONS.get(kind, {})
        write_numbered(
            path,
            400,
            rate,
            codec=codec,
            options={} if suffix == "mpg" else options,
            container_options=container_options,
            gop=25 if kind == "dense" else 250,
            sound=suffix != "mpg",
        )
        return path, [i / rate for i in range(401)]


NAMES = [
    "pal.mp4",
    "pal.mkv",
    "pal.ts",
    "pal.avi",
    "pal.mpg",
    "pal.flv",
    "pal.mov",
    "ntsc.mp4",
    "ntsc.mkv",
    "ntsc.ts",
    "fifty.mp4",
    "varying.mkv",
    "varying.mp4",
    "offset.ts",
    "open.mp4",
    "open.mkv",
]
