"""Mp4 files of a few boxes (ISO/IEC 14496-12), for what their tables may claim."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 96, 54
_DATA_AT = 32  # where the media begins: behind 24 bytes of ftyp and 8 of mdat
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return words(8 + len(content)) + kind + content


def full_box(kind: bytes, *parts: bytes) -> bytes:
    """A box with version and flags, both 0."""
    return box(kind, words(0), *parts)


def pictures(count: int = 3) -> list[bytes]:
    """Single-coloured JPEG pictures."""
    made = []
    for index in range(count):
        file = io.BytesIO()
        Image.new("RGB", (WIDTH, HEIGHT), (60 * index % 256,) * 3).save(file, "JPEG", quality=30)
        made.append(file.getvalue())
    return made


def picture_entry() -> bytes:
    sides = struct.pack(">HH", WIDTH, HEIGHT)
    return box(b"jpeg", bytes(6), b"\0\1", bytes(16), sides, words(0x480000, 0x480000, 0),
               b"\0\1", bytes(32), b"\0\x18\xff\xff")  # fmt: skip


def sound_entry() -> bytes:
    return box(
        b"sowt", bytes(6), b"\0\1", bytes(8), struct.pack(">HHHHI", 2, 16, 0, 0, 48000 << 16)
    )


def track(
    *,
    sizes: Sequence[int],
    durations: Sequence[tuple[int, int]],
    claimed: int | None = None,
    size_of_all: int = 0,
    scale: int = 25,
    sound: bool = False,
    chunks: Sequence[int] = (_DATA_AT,),
    samples_a_chunk: int | None = None,
    edits: Sequence[tuple[int, int]] = (),
) -> bytes:
    """A track whose samples lie in one chunk.

    Args:
        sizes: bytes of each sample; none where ``size_of_all`` holds for ``claimed`` samples.
        durations: (samples, ticks) runs.
        edits: (milliseconds, first tick).
    """
    count = len(sizes) if claimed is None else claimed
    seconds = sum(samples * ticks for samples, ticks in durations) % (1 << 32)
    listed = b"".join(struct.pack(">IiI", *edit, 0x10000) for edit in edits)
    tables = box(
        b"stbl",
        full_box(b"stsd", words(1), sound_entry() if sound else picture_entry()),
        full_box(b"stts", words(len(durations)), *(words(*run) for run in durations)),
        full_box(b"stsc", words(1, 1, count if samples_a_chunk is None else samples_a_chunk, 1)),
        full_box(b"stsz", words(size_of_all, count, *sizes)),
        full_box(b"stco", words(len(chunks), *chunks)),
    )
    media = box(
        b"mdia",
        full_box(b"mdhd", words(0, 0, scale, seconds, 0)),
        full_box(b"hdlr", words(0), b"soun" if sound else b"vide", bytes(12), b"\0"),
        box(b"minf", full_box(b"dinf"), tables),
    )
    header = box(b"tkhd", words(7, 0, 0, 1, 0, 1000), bytes(16), _MATRIX,
                 words(WIDTH << 16, HEIGHT << 16))  # fmt: skip
    return box(b"trak", header, box(b"edts", full_box(b"elst", words(len(edits)), listed)), media)


def fragment(samples: int) -> bytes:
    """A fragment of so many samples, all of the usual size."""
    run = box(b"traf", box(b"tfhd", words(0x20000, 1)), full_box(b"trun", words(samples)))
    return box(b"moof", full_box(b"mfhd", words(1)), run)


def write_mp4(path: Path, *tracks: bytes, media: bytes = bytes(200), behind: bytes = b"") -> Path:
    """A file of these tracks, its media at the front."""
    head = full_box(b"mvhd", words(0, 0, 1000, 30_000, 0x10000), b"\1\0", bytes(10), _MATRIX,
                    bytes(24), words(2))  # fmt: skip
    expected = box(b"mvex", full_box(b"trex", words(1, 1, 1, 1, 0))) if behind else b""
    path.write_bytes(
        box(b"ftyp", b"isom", words(512), b"isommp41")
        + box(b"mdat", media)
        + box(b"moov", head, *tracks, expected)
        + behind
    )
    return path


def three_pictures(path: Path, durations: Sequence[tuple[int, int]], scale: int = 25) -> Path:
    """Three pictures, shown for as long as the table of durations says."""
    images = pictures()
    told = track(sizes=[len(image) for image in images], durations=durations, scale=scale)
    return write_mp4(path, told, media=b"".join(images))
