"""Opening media files safely: every file is opened here, and unsafe ones are refused here.

A text file named ``.mp4`` can make FFmpeg open other files (playlists, concat scripts), and a file
name can select a protocol (``subfile,,…``). So names are always passed with ``file:``, and both
demuxers and protocols are restricted to a short list.
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
from touchline.media.frame_folders import RATE_FILE, is_frame_folder, read_frame_folder
from touchline.media.indexes import MP4_BOXES, check_index
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.runtime.memory import at_most_more
from touchline.timebase import format_rate, format_seconds

FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "mpeg", "avi", "flv", "mxf")
"""Demuxers that may read a file, by FFmpeg's names."""

_UNINDEXED = ("mpegts", "mpeg")

FORMAT_NAMES = "mp4, mov, mkv, webm, ts, mpg, avi, flv or mxf"

SOUND_FORMATS = {".wav": "wav", ".mp3": "mp3", ".flac": "flac", ".ogg": "ogg", ".aac": "aac"}
"""Demuxers that may read a file of sound alone, by the ending of its name: some of them take any
bytes for sound. ``.m4a`` is an mp4."""

# Metadata that is not UTF-8 must not prevent reading; PyAV 19 does this by default.
_TOLERANT: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)

_MAX_BOXES = 10_000

_OPENING_BYTES = 1 << 30
"""Memory that opening a file may take: the frames of 8K that FFmpeg decodes, and an index."""


def open_media(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> InputContainer:
    """Open a video or audio file, or a folder of frames, for reading; the caller closes it.

    Raises:
        MediaError: no such file, not a regular file, empty, of an unknown container format,
            truncated before its index, or beyond the limits on streams and duration; a folder
            without frames or with a gap in them.
    """
    path = Path(path)
    try:
        if is_frame_folder(path):
            container = _open_frames(path, limits)
        else:
            _check_regular_file(path)
            check_index(path)
            options = _options(limits, SOUND_FORMATS.get(path.suffix.lower()))
            with at_most_more(_OPENING_BYTES):
                container = av.open(f"file:{path}", options=options, **_TOLERANT)
    except (FFmpegError, OSError, MemoryError) as error:
        raise _refusal(path, limits, error) from error
    try:
        _check_limits(container, path, limits)
    except MediaError:
        container.close()
        raise
    return container


def video_stream(
    container: InputContainer, path: str | Path, limits: Limits = DEFAULT_LIMITS
) -> VideoStream:
    """The video stream that a player shows (never cover art), with limits set on its decoder.

    Raises:
        MediaError: there is none, its codec is unknown, or its size or rate is beyond the limits.
    """
    best = container.streams.best("video")
    if not has_video(container) or not isinstance(best, VideoStream):
        raise MediaError("has no picture", where=path, remedy="give a file with a video stream")
    if best.codec_context is None:
        raise MediaError("unknown video codec", where=path, remedy="convert it to H.264")
    width, height = best.codec_context.width, best.codec_context.height
    if width * height > limits.max_pixels:
        raise MediaError(
            f"frames of {width}x{height} are too large",
            where=path,
            remedy=f"up to {limits.max_pixels} pixels are read",
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


def has_video(container: InputContainer) -> bool:
    """Whether there is a video stream other than cover art."""
    best = container.streams.best("video")
    return best is not None and not best.disposition & Disposition.attached_pic


def audio_stream(container: InputContainer, track: int | None = None) -> AudioStream | None:
    """The audio stream that a player plays, or the one of a number counted from 1; None if none
    can be decoded."""
    tracks = container.streams.audio
    if track is None:
        best = container.streams.best("audio")
    else:
        best = tracks[track - 1] if 1 <= track <= len(tracks) else None
    return best if isinstance(best, AudioStream) and best.codec_context is not None else None


def sound_remark(container: InputContainer, track: int | None = None, kept: int = 2) -> str | None:
    """What is heard of a file that has several tracks, or more channels than are kept, in words;
    else None.

    Raises:
        MediaError: a track is asked for, and the file has no sound.
    """
    best = audio_stream(container, track)
    tracks = container.streams.audio
    if track is not None and not tracks:
        raise MediaError(
            f"has no sound, and track {track} is asked for",
            where=container.name.removeprefix("file:"),
            remedy="leave out --audio-track",
        )
    if best is None:
        return None
    parts = []
    if len(tracks) > 1:
        parts.append(f"track {tracks.index(best) + 1} of {len(tracks)} is heard")
    if best.codec_context.channels > kept:
        parts.append(f"{best.codec_context.channels} channels are mixed down")
    return f"sound: {', '.join(parts)}" if parts else None


def is_unindexed(container: InputContainer) -> bool:
    """Whether a file is a stream that nothing describes as a whole: the duration that it states is
    only the difference of two of its time stamps."""
    return container.format.name in _UNINDEXED


def exact(value: Fraction | None) -> Fraction | None:
    """A rational of PyAV as a fraction; None if it is missing or zero (PyAV 19: 0/0)."""
    if value is None or not value.numerator or not value.denominator:
        return None
    return Fraction(value.numerator, value.denominator)


def _open_frames(path: Path, limits: Limits) -> InputContainer:
    folder = read_frame_folder(path)
    beginning = str(path).replace("%", "%%")
    options = _options(limits, None) | {
        "format_whitelist": "image2",
        "pattern_type": "sequence",
        "framerate": format_rate(folder.rate),
        "start_number": str(folder.first),
    }
    return av.open(f"file:{beginning}/{folder.pattern}", format="image2", options=options)


def _check_regular_file(path: Path) -> None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaError("no such file", where=path) from error
    except (OSError, ValueError) as error:
        raise MediaError("not a usable file name", where=_printable(path)) from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(
            "is a folder",
            where=path,
            remedy=f"give the name of a file, or of a folder of frames with {RATE_FILE}",
        )
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("is not a regular file", where=path, remedy="copy it to one first")
    if status.st_size == 0:
        raise MediaError("the file is empty", where=path, remedy="copy it again")


def _printable(path: Path) -> str:
    return repr(str(path)[:100])


def _options(limits: Limits, further: str | None) -> dict[str, str]:
    return {
        "format_whitelist": ",".join(FORMATS if further is None else (*FORMATS, further)),
        "protocol_whitelist": "file",
        "max_pixels": str(limits.max_pixels),
        # One more than allowed, because some demuxers silently drop streams beyond the limit.
        "max_streams": str(limits.max_streams + 1),
        "enable_drefs": "0",
    }


def _refusal(path: Path, limits: Limits, error: Exception) -> MediaError:
    if isinstance(error, PermissionError):
        return MediaError("permission denied", where=path, remedy="check its permissions")
    if isinstance(error, MemoryError):
        return MediaError(
            "cannot be opened in the memory that there is",
            where=path,
            remedy=f"a whole file of up to {limits.max_streams} streams needs little: copy it "
            "again, or free memory",
        )
    if _is_mp4(path):
        if not _has_whole_index(path):
            return MediaError(
                "the file ends before its index: it is truncated or still being written",
                where=path,
                remedy="copy it again, or wait until it is complete",
            )
        return MediaError("the index is damaged", where=path, remedy="copy or record it again")
    return MediaError(
        "is not a video file of a known kind", where=path, remedy=f"give {FORMAT_NAMES}"
    )


def _is_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] in MP4_BOXES


def _has_whole_index(path: Path) -> bool:
    """Whether an mp4 file has a complete ``moov`` box."""
    end = path.stat().st_size
    position = 0
    with path.open("rb") as file:
        for _ in range(_MAX_BOXES):
            if position >= end:
                return False
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
    seconds = 0 if is_unindexed(container) else (container.duration or 0) / 1_000_000
    if seconds > limits.max_duration_seconds:
        raise MediaError(
            f"claims to last {format_seconds(seconds)}",
            where=path,
            remedy=f"up to {format_seconds(limits.max_duration_seconds)} are read",
        )
