"""The one way in: every media file is opened here, and refused here if it is not safe to read.

A text file named ``.mp4`` can make FFmpeg open its neighbours (playlists, concat scripts), and a
name can make it open anything (``subfile,,…``). So names are always passed as plain files, and
both the demuxers and the protocols are limited to a short list.
"""

import stat
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from touchline.errors import MediaError
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.timebase import format_seconds

FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "mpeg", "avi", "flv")
"""Demuxers that may read a file, by FFmpeg's names."""

FORMAT_NAMES = "mp4, mov, mkv, webm, ts, mpg, avi or flv"

# Titles that are not UTF-8 are no reason to refuse a file; PyAV 19 knows that by itself.
_TOLERANT: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)

_MAX_BOXES = 10_000
_MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx"}


def open_media(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> InputContainer:
    """Open a video or audio file for reading. The caller closes it.

    Raises:
        MediaError: no such file, not a regular file, empty, of no known kind, cut off before its
            index, or beyond the limits on streams and duration.
    """
    path = Path(path)
    _check_regular_file(path)
    try:
        container = av.open(f"file:{path}", options=_options(limits), **_TOLERANT)
    except (FFmpegError, OSError) as error:
        raise _refusal(path, limits, error) from error
    try:
        _check_limits(container, path, limits)
    except MediaError:
        container.close()
        raise
    return container


def picture_stream(
    container: InputContainer, path: str | Path, limits: Limits = DEFAULT_LIMITS
) -> VideoStream:
    """The stream that a player would show (never a cover picture), its decoder bound to limits.

    Raises:
        MediaError: there is none, its codec is unknown, or its size or rate is beyond the limits.
    """
    best = container.streams.best("video")
    if not has_picture(container) or not isinstance(best, VideoStream):
        raise MediaError("has no picture", where=path, remedy="give a file with a video stream")
    if best.codec_context is None:
        raise MediaError("its codec is unknown", where=path, remedy="convert it to H.264")
    width, height = best.codec_context.width, best.codec_context.height
    if width * height > limits.max_pixels:
        raise MediaError(
            f"frames of {width}x{height} are too large",
            where=path,
            remedy=f"frames of up to {limits.max_pixels} pixels are read",
        )
    rate = exact(best.average_rate)
    if rate is not None and rate > limits.max_rate:
        raise MediaError(
            f"{float(rate):.6g} frames a second are too many",
            where=path,
            remedy=f"up to {limits.max_rate} are read",
        )
    best.codec_context.options = {"max_pixels": str(limits.max_pixels)}
    return best


def has_picture(container: InputContainer) -> bool:
    """Whether there is a video stream other than a cover picture."""
    best = container.streams.best("video")
    return best is not None and not best.disposition & Disposition.attached_pic


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The stream that a player would sound; None where none can be decoded."""
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) and best.codec_context is not None else None


def exact(value: Fraction | None) -> Fraction | None:
    """A rational of PyAV as a fraction; None where it is missing or zero (PyAV 19: 0/0)."""
    if value is None or not value.numerator or not value.denominator:
        return None
    return Fraction(value.numerator, value.denominator)


def _check_regular_file(path: Path) -> None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaError("no such file", where=path) from error
    except (OSError, ValueError) as error:
        raise MediaError("is no usable file name", where=_printable(path)) from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError("is a folder", where=path, remedy="give the name of a file")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("is not a regular file", where=path, remedy="copy it to one first")
    if status.st_size == 0:
        raise MediaError("the file is empty", where=path, remedy="copy it again")


def _printable(path: Path) -> str:
    return repr(str(path)[:100])


def _options(limits: Limits) -> dict[str, str]:
    return {
        "format_whitelist": ",".join(FORMATS),
        "protocol_whitelist": "file",
        "max_pixels": str(limits.max_pixels),
        # One more than allowed, as some demuxers silently leave out those beyond.
        "max_streams": str(limits.max_streams + 1),
        "enable_drefs": "0",
    }


def _refusal(path: Path, limits: Limits, error: Exception) -> MediaError:
    if isinstance(error, PermissionError):
        return MediaError("may not be read", where=path, remedy="check its permissions")
    if isinstance(error, MemoryError):
        return MediaError(
            "asks for too many streams or too much memory",
            where=path,
            remedy=f"up to {limits.max_streams} streams are read",
        )
    if _is_mp4(path):
        if not _has_whole_index(path):
            return MediaError(
                "the file ends before its index: it was cut off or is still being written",
                where=path,
                remedy="copy it again, or wait until it is complete",
            )
        return MediaError("its index is damaged", where=path, remedy="copy or record it again")
    return MediaError(
        "is not a video file of a known kind", where=path, remedy=f"give {FORMAT_NAMES}"
    )


def _is_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] in _MP4_BOXES


def _has_whole_index(path: Path) -> bool:
    """Whether an mp4 file holds its ``moov`` box from the first to the last byte."""
    end = path.stat().st_size
    position = 0
    with path.open("rb") as file:
        for _ in range(_MAX_BOXES):
            file.seek(position)
            header = file.read(16)
            if len(header) < 8:
                return False
            length = int.from_bytes(header[:4], "big")
            if length == 1:
                length = int.from_bytes(header[8:], "big")
            elif length == 0:
                length = end - position
            if header[4:8] == b"moov":
                return position + length <= end
            position += max(length, 8)
    return False


def _check_limits(container: InputContainer, path: Path, limits: Limits) -> None:
    if len(container.streams) > limits.max_streams:
        raise MediaError(
            f"{len(container.streams)} streams are too many",
            where=path,
            remedy=f"up to {limits.max_streams} are read",
        )
    seconds = (container.duration or 0) / 1_000_000
    if seconds > limits.max_duration_seconds:
        raise MediaError(
            f"claims to last {format_seconds(seconds)}",
            where=path,
            remedy=f"up to {format_seconds(limits.max_duration_seconds)} are read",
        )
