"""Indexes that claim more than a file can hold, refused before FFmpeg makes room for the claim.

Of an mp4 file (ISO/IEC 14496-12) the tables of samples are added up: a table may state a count
alone, and chunks, fragments and edits multiply it. Of a Matroska file (RFC 9559) the attachments
and other descriptions are measured, which FFmpeg reads whole and holds several times.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from touchline.errors import MediaError

MAX_SAMPLES = 8_000_000
"""Entries of an index that FFmpeg may build, of some 40 bytes each. Four hours have 720,000 frames
at 50 a second and 675,000 samples of AAC for each sound track."""

MAX_EDITED_SAMPLES = 16_000_000
"""Edits of a track times its samples: FFmpeg may list every sample anew for each edit."""

MAX_ATTACHED_BYTES = 32 << 20
MAX_DESCRIBED_BYTES = 16 << 20
"""Of one description in a Matroska file, such as its tags or its index."""

_MAX_BOXES = 300_000
_MAX_INDEX_BYTES = 256 << 20
_SAMPLES_A_PIECE = 160  # the fewest samples of sound that FFmpeg reads at once
_HEADER = struct.Struct(">I4s")

_PARENTS = {b"trak", b"mdia", b"minf", b"stbl", b"edts", b"traf"}

MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx"}
"""What the first box of an mp4 file may be."""

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT, _CLUSTER, _ATTACHMENTS, _SEEK_HEAD = 0x18538067, 0x1F43B675, 0x1941A469, 0x114D9B74
_SEEK, _SEEK_POSITION = 0x4DBB, 0x53AC
_VOID = 0xEC


def check_index(path: Path) -> None:
    """Refuse a file whose index claims more than it can hold; a damaged one is FFmpeg's to judge.

    Raises:
        MediaError: it claims more.
    """
    status = path.stat()
    _check(path.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _check(path: Path, size: int, changed: int) -> None:
    with path.open("rb") as file:
        beginning = file.read(8)
        if beginning[:4] == _EBML:
            _check_matroska(file, path, size)
        elif beginning[4:].isascii() and beginning[4:].decode("ascii").isprintable():
            # FFmpeg looks for an index behind boxes of any name.
            _check_mp4(file, path, size)


@dataclass
class _Track:
    """What the tables of one track of an mp4 file claim."""

    is_sound: bool = False
    samples: int = 0
    sample_bytes: int = 0
    edits: int = 0
    chunks: int = 0
    runs: list[tuple[int, int]] = field(default_factory=list)
    durations: tuple[int, int] = (0, 0)

    @property
    def is_read_in_chunks(self) -> bool:
        """Whether FFmpeg lists pieces of its chunks, as it does for PCM, and not its samples."""
        return self.is_sound and self.sample_bytes > 0 and self.durations == (1, 1)

    @property
    def chunk_samples(self) -> int:
        """Samples by the table of chunks."""
        ends = [first for first, _ in self.runs[1:]] + [self.chunks + 1]
        pairs = zip(self.runs, ends, strict=False)
        return sum(max(0, end - first) * samples for (first, samples), end in pairs)

    @property
    def entries(self) -> int:
        """Entries of the index that FFmpeg builds of them."""
        if self.is_read_in_chunks:
            return self.chunk_samples // _SAMPLES_A_PIECE + self.chunks
        return self.samples


def _check_mp4(file: BinaryIO, path: Path, size: int) -> None:
    entries = 0
    for kind, begin, end in _top_boxes(file, path, size):
        if kind not in (b"moov", b"moof"):
            continue
        if end - begin > _MAX_INDEX_BYTES:
            raise _too_much(path, f"has an index of {end - begin} bytes")
        file.seek(begin)
        content = file.read(max(0, min(end, size) - begin))
        if kind == b"moof":
            entries += _fragment_entries(content, path)
        else:
            for track in _tracks(content, path):
                entries += track.entries
                if track.edits * track.entries > MAX_EDITED_SAMPLES:
                    raise _too_much(path, f"has {track.edits} edits of {track.entries} samples")
        if entries > MAX_SAMPLES or entries > size:
            raise _too_much(path, f"claims {entries} samples in {size} bytes")


def _too_much(path: Path, what: str) -> MediaError:
    return MediaError(what, where=path, remedy="copy or record it again; no real file is like this")


def _top_boxes(file: BinaryIO, path: Path, size: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, begin, end) of the content of the boxes of a file."""
    position = 0
    for _ in range(_MAX_BOXES):
        if position >= size:
            return
        file.seek(position)
        header = file.read(16)
        if len(header) < _HEADER.size:
            return
        length, kind = _HEADER.unpack_from(header)
        begin = position + _HEADER.size
        if length == 1:
            length, begin = int.from_bytes(header[8:], "big"), position + 16
        end = size if length == 0 else position + max(length, _HEADER.size)
        yield kind, begin, end
        position = end
    raise _too_much(path, f"has more than {_MAX_BOXES} boxes")


def _boxes(content: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """(kind, content) of the boxes in one, and of those in its parents of tables; a parent comes
    before its boxes."""
    waiting = [memoryview(content)]
    for _ in range(_MAX_BOXES):
        if not waiting:
            return
        view = waiting.pop()
        if len(view) < _HEADER.size:
            continue
        length, kind = _HEADER.unpack_from(view)
        begin = _HEADER.size
        if length == 1 and len(view) >= 16:
            length, begin = int.from_bytes(view[8:16], "big"), 16
        elif length == 0:
            length = len(view)
        end = max(length, begin)
        waiting.append(view[end:])
        yield kind, bytes(view[begin:end]) if kind not in _PARENTS else b""
        if kind in _PARENTS:
            waiting.append(view[begin:end])
    if waiting:
        raise _too_much(path, f"has more than {_MAX_BOXES} boxes")


def _tracks(content: bytes, path: Path) -> list[_Track]:
    tracks: list[_Track] = []
    for kind, data in _boxes(content, path):
        if kind == b"trak":
            tracks.append(_Track())
        elif kind == b"cmov":
            raise MediaError("has a compressed index", where=path, remedy="convert it to mp4")
        elif tracks and kind in _TABLES:
            _TABLES[kind](tracks[-1], data)
    return tracks


def _word(data: bytes, at: int) -> int:
    """The number of 32 bits at a byte; 0 behind the end."""
    return int.from_bytes(data[at : at + 4], "big") if at + 4 <= len(data) else 0


def _handler(track: _Track, data: bytes) -> None:
    track.is_sound = data[8:12] == b"soun"


def _sizes(track: _Track, data: bytes) -> None:
    track.sample_bytes, track.samples = _word(data, 4), _word(data, 8)


def _short_sizes(track: _Track, data: bytes) -> None:
    track.sample_bytes, track.samples = 0, _word(data, 8)


def _durations(track: _Track, data: bytes) -> None:
    track.durations = _word(data, 4), _word(data, 12)


def _chunks(track: _Track, data: bytes) -> None:
    track.chunks = min(_word(data, 4), len(data) // 4)


def _chunk_runs(track: _Track, data: bytes) -> None:
    count = min(_word(data, 4), (len(data) - 8) // 12)
    track.runs = [(_word(data, 8 + 12 * n), _word(data, 12 + 12 * n)) for n in range(count)]


def _edits(track: _Track, data: bytes) -> None:
    track.edits = _word(data, 4)


_TABLES: dict[bytes, Callable[[_Track, bytes], None]] = {
    b"hdlr": _handler,
    b"stsz": _sizes,
    b"stz2": _short_sizes,
    b"stts": _durations,
    b"stco": _chunks,
    b"co64": _chunks,
    b"stsc": _chunk_runs,
    b"elst": _edits,
}


def _fragment_entries(content: bytes, path: Path) -> int:
    return sum(_word(data, 4) for kind, data in _boxes(content, path) if kind == b"trun")


def _check_matroska(file: BinaryIO, path: Path, size: int) -> None:
    for kind, length in _descriptions(file, path, size):
        most = MAX_ATTACHED_BYTES if kind == _ATTACHMENTS else MAX_DESCRIBED_BYTES
        if length > most:
            what = "attachments" if kind == _ATTACHMENTS else "descriptions"
            raise MediaError(
                f"has {length >> 20} MiB of {what}",
                where=path,
                remedy=f"copy it without them; up to {most >> 20} MiB are read",
            )


def _descriptions(file: BinaryIO, path: Path, size: int) -> Iterator[tuple[int, int]]:
    """(identifier, bytes) of what a segment holds beside its clusters, and of what it points to."""
    waiting, seen, segment = [0], set[int](), 0
    for _ in range(_MAX_BOXES):
        if not waiting:
            return
        position = waiting.pop()
        if position in seen or position >= size:
            continue
        seen.add(position)
        file.seek(position)
        kind, begin, length = _element(file)
        if kind is None or (length is None and kind != _SEGMENT):
            continue  # a cluster of unknown size: what lies behind it is known by pointers alone
        if kind == _SEGMENT:
            segment = begin
            waiting.append(begin)
            continue
        assert length is not None
        waiting.append(begin + length)
        if kind == _SEEK_HEAD:
            file.seek(begin)
            waiting += [segment + at for at in _pointers(file.read(min(length, 1 << 20)))]
        if kind not in (_CLUSTER, _VOID):
            yield kind, min(length, size - begin)
    if waiting:
        raise _too_much(path, f"has more than {_MAX_BOXES} elements")


def _element(file: BinaryIO) -> tuple[int | None, int, int | None]:
    """Identifier, beginning and length of the content of the element here; the length is None where
    it is not stated."""
    head = file.read(12)
    identifier, used = _number(head, keep_marker=True)
    length, more = _number(head[used:], keep_marker=False)
    if not used or not more:
        return None, 0, None
    unknown = length == (1 << 7 * more) - 1
    return identifier, file.tell() - len(head) + used + more, None if unknown else length


def _number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """A number of variable length, and how many bytes it takes; 0 where there is none."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    if len(data) < length:
        return 0, 0
    value = int.from_bytes(data[:length], "big")
    return value if keep_marker else value & ((1 << 7 * length) - 1), length


def _pointers(content: bytes) -> Iterator[int]:
    """Where the elements lie that a list of pointers names, from the beginning of the segment."""
    for identifier, seek in _children(content):
        if identifier == _SEEK:
            found = dict(_children(seek))
            if _SEEK_POSITION in found:
                yield int.from_bytes(found[_SEEK_POSITION], "big")


def _children(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(content):
        identifier, used = _number(content[position : position + 8], keep_marker=True)
        position += used
        length, more = _number(content[position : position + 8], keep_marker=False)
        if not used or not more:
            return
        position += more
        yield identifier, content[position : position + length]
        position += length
