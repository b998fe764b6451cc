"""Videos that are odd, and files that only claim to be videos, made on the spot."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from small_videos import picture

SIZE = (96, 64)


def encode(
    path: Path,
    frames: int = 50,
    *,
    size: tuple[int, int] = SIZE,
    codec: str = "libx264",
    rate: Fraction = Fraction(25),
    pix_fmt: str = "yuv420p",
    first_pts: int = 0,
    streams: int = 1,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """A video of these properties; silent."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        made = []
        for _ in range(streams):
            stream = container.add_stream(
                codec, rate=rate, options={"preset": "ultrafast"} | (options or {})
            )
            stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
            stream.codec_context.time_base = 1 / rate
            made.append(stream)
        for index in range(frames):
            for stream in made:
                frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24")
                frame.pts, frame.time_base = first_pts + index, 1 / rate
                container.mux(stream.encode(frame))
        for stream in made:
            container.mux(stream.encode(None))
    return path


def one_noisy_frame(path: Path, size: tuple[int, int]) -> Path:
    """A single frame of this size: a bomb if the size is large."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        plane = np.zeros((size[1] * 3 // 2, size[0]), np.uint8)
        frame = av.VideoFrame.from_ndarray(plane, format="yuv420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def jumping_size(path: Path) -> Path:
    """A transport stream that declares a small picture and jumps to a huge one."""
    small, large = path.with_suffix(".s.ts"), path.with_suffix(".l.ts")
    encode(small, 30)
    encode(large, 3, size=(4800, 2700))
    path.write_bytes(small.read_bytes() + large.read_bytes())
    small.unlink()
    large.unlink()
    return path


def many_streams(path: Path, count: int = 1000) -> Path:
    """A Matroska file that lists a thousand streams."""

    def element(name: str, content: bytes) -> bytes:
        return bytes.fromhex(name) + (len(content) | 1 << 56).to_bytes(8, "big") + content

    def track(number: int) -> bytes:
        sound = element("b5", struct.pack(">f", 8000.0)) + element("9f", b"\x01")
        facts = element("d7", number.to_bytes(2, "big")) + element(
            "73c5", number.to_bytes(2, "big")
        )
        kind = element("83", b"\x02") + element("86", b"A_PCM/INT/LIT")
        return element("ae", facts + kind + element("e1", sound))

    tracks = b"".join(track(number) for number in range(1, count + 1))
    head = element("1a45dfa3", element("4282", b"matroska"))
    info = element("1549a966", element("2ad7b1", (10**6).to_bytes(4, "big")))
    block = element("a3", b"\x81\0\0\x80" + bytes(160))
    cluster = element("1f43b675", element("e7", b"\0") + block)
    path.write_bytes(head + element("18538067", info + element("1654ae6b", tracks) + cluster))
    return path


def with_attachment(path: Path, megabytes: int = 100) -> Path:
    """A Matroska file with a large attachment, a font by its name."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        container.add_attachment("evil.ttf", "application/x-truetype-font", bytes(megabytes << 20))
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(picture(index, SIZE), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def claiming_duration(source: Path, target: Path, seconds: int) -> Path:
    """An mp4 file whose header says that it lasts this long."""
    data = bytearray(source.read_bytes())
    place = data.find(b"mvhd") + 4
    (scale,) = struct.unpack_from(">I", data, place + 12)
    struct.pack_into(">I", data, place + 16, seconds * scale)
    target.write_bytes(data)
    return target


def referring(source: Path, target: Path, name: str) -> Path:
    """A movie (index last) whose samples lie in a neighbouring file: by a QuickTime alias."""
    movie = source.read_bytes()
    inside = b"\0\0\0\x0curl \0\0\0\1"
    neighbour = f"/x/{name}".encode()
    alias = bytes(10 + 1 + 27 + 12 + 1 + 63 + 16) + b"\0\1\0\1" + bytes(16)
    alias += (2).to_bytes(2, "big") + len(neighbour).to_bytes(2, "big") + neighbour
    alias = b"alis\0\0\0\0" + alias + bytes(len(neighbour) % 2) + b"\xff\xff\0\0"
    entry = (len(alias) + 4).to_bytes(4, "big") + alias
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = (movie.index(box) if box == b"dref" else movie.rindex(box)) - 4
        size = int.from_bytes(movie[at : at + 4], "big") + len(entry) - len(inside)
        movie = movie[:at] + size.to_bytes(4, "big") + movie[at + 4 :]
    movie = movie.replace(inside, entry)
    start = movie.index(b"mdat") + 4
    length = int.from_bytes(movie[start - 8 : start - 4], "big") - 8
    target.write_bytes(movie[:start] + bytes(length) + movie[start + length :])
    return target


def turned(source: Path, target: Path) -> Path:
    """The same mp4 with a matrix that turns it by 90 degrees."""
    data = bytearray(source.read_bytes())
    matrix = data.find(b"tkhd") + 4 + 40
    one = 0x10000
    struct.pack_into(">9i", data, matrix, 0, one, 0, -one, 0, 0, 64 * one, 0, 0x40000000)
    target.write_bytes(data)
    return target


def flipped(source: bytes, rng: np.random.Generator, bits: int = 64) -> bytes:
    """The same bytes with some bits turned over."""
    data = np.frombuffer(source, np.uint8).copy()
    places = rng.integers(0, len(data), bits)
    data[places] ^= (1 << rng.integers(0, 8, bits)).astype(np.uint8)
    return data.tobytes()
