"""Joining and cutting files without re-encoding the video."""

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
import numpy.typing as npt

from touchline.errors import MediaError
from touchline.media.sound_track import SoundTrack
from touchline.media.writer import SUFFIXES, container_options
from touchline.runtime.atomic import atomic_write

Samples = npt.NDArray[np.float32]


def join_segments(
    segments: Sequence[tuple[Path, int]],
    path: str | Path,
    rate: Fraction,
    *,
    sound: Iterable[Samples] | None = None,
    sound_rate: int = 48000,
) -> None:
    """Join the video of files that ``VideoWriter`` wrote with the same settings, in order.

    Decoding gives exactly the frames of the segments. The file appears only when complete.

    Args:
        segments: each file with the number of its first frame in the result.
        path: file to write (.mp4, .m4v, .mov or .mkv).
        rate: frame rate of all segments, exact.
        sound: blocks of samples from the first frame on, (n,) mono or (n, 2) stereo.

    Raises:
        MediaError: the suffix is not supported, or a file cannot be read or written.
    """
    target = Path(path)
    container_format = container_of(target)
    options = container_options(container_format)
    try:
        with (
            atomic_write(target) as unfinished,
            av.open(f"file:{unfinished}", "w", format=container_format, options=options) as out,
        ):
            with av.open(f"file:{segments[0][0]}") as first:
                video = out.add_stream_from_template(first.streams.video[0])
            video.time_base = 1 / rate
            audio = None if sound is None else _Sound(SoundTrack(out, sound_rate), sound)
            for packet in _packets(segments, rate):
                packet.stream = video
                if audio is not None:
                    audio.mux_until(float((packet.dts or 0) / rate))
                out.mux(packet)
            if audio is not None:
                audio.finish()
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"cannot be joined ({error})", where=target) from error


def cut_segment(
    source: str | Path, path: str | Path, start_seconds: float, end_seconds: float = math.inf
) -> None:
    """Copy a segment of a file that ``VideoWriter`` wrote, video and audio.

    The file appears only when complete.

    Args:
        start_seconds: time of the key frame at which the segment begins, to half a frame.
        end_seconds: the segment ends before this time.

    Raises:
        MediaError: the suffix is not supported, or a file cannot be read or written.
    """
    target = Path(path)
    container_format = container_of(target)
    try:
        with (
            atomic_write(target) as unfinished,
            av.open(f"file:{source}") as given,
            av.open(f"file:{unfinished}", "w", format=container_format) as out,
        ):
            streams = {s.index: out.add_stream_from_template(s) for s in given.streams}
            given.seek(round(start_seconds * av.time_base), backward=True)
            over: set[int] = set()
            for packet in given.demux():
                if packet.pts is None or packet.dts is None or packet.time_base is None:
                    continue
                if packet.dts * packet.time_base >= end_seconds:
                    over.add(packet.stream.index)
                    if len(over) == len(streams):
                        break
                half_a_frame = packet.time_base * (packet.duration or 0) / 2
                middle = float(packet.pts * packet.time_base + half_a_frame)
                if start_seconds <= middle < end_seconds:
                    shift = round(start_seconds / packet.time_base)
                    packet.pts -= shift
                    packet.dts -= shift
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"cannot be cut ({error})", where=target) from error


def cut_stretch(
    source: str | Path, path: str | Path, start_seconds: float, end_seconds: float
) -> None:
    """Copy a stretch of a file that ``VideoWriter`` wrote, from the key frame at or before it.

    Raises:
        MediaError: as `cut_segment`.
    """
    try:
        with av.open(f"file:{source}") as given:
            video = given.streams.video[0]
            given.seek(round(start_seconds * av.time_base), backward=True)
            first = next(packet for packet in given.demux(video) if packet.pts is not None)
            key_seconds = float((first.pts or 0) * (video.time_base or 0))
    except (av.error.FFmpegError, OSError, StopIteration) as error:
        raise MediaError(f"cannot be cut ({error})", where=source) from error
    cut_segment(source, path, key_seconds, end_seconds)


def container_of(path: Path) -> str:
    """The container format for a path's suffix.

    Raises:
        MediaError: the suffix is not supported, or the folder does not exist.
    """
    container_format = SUFFIXES.get(path.suffix.lower())
    if container_format is None:
        raise MediaError(
            f"cannot write a {path.suffix or 'nameless'} file",
            where=path,
            remedy=f"end the name in {', '.join(SUFFIXES)}",
        )
    if not path.parent.is_dir():
        raise MediaError(f"there is no folder {path.parent}", where=path, remedy="create it first")
    return container_format


def _packets(segments: Sequence[tuple[Path, int]], rate: Fraction) -> Iterator[av.Packet]:
    """The video packets in decoding order, with times in frames of the result."""
    for path, first_frame in segments:
        with av.open(f"file:{path}") as source:
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is None or packet.pts is None:  # the flush at the end
                    continue
                scale = Fraction(packet.time_base or 1) * rate
                packet.pts = round(packet.pts * scale) + first_frame
                packet.dts = round(packet.dts * scale) + first_frame
                packet.duration = 1
                packet.time_base = 1 / rate
                yield packet


class _Sound:
    """Feeds a track in step with the video, so that little is buffered."""

    def __init__(self, track: SoundTrack, blocks: Iterable[Samples]) -> None:
        self._track, self._blocks = track, iter(blocks)
        self._samples = 0

    def mux_until(self, seconds: float) -> None:
        """Encode blocks until the sound reaches a time."""
        while self._samples < seconds * self._track.rate and self._add_block():
            self._track.encode_until(self._samples)

    def finish(self) -> None:
        """Encode the remaining blocks."""
        while self._add_block():
            pass
        self._track.finish(self._samples)

    def _add_block(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._track.add(block)
        self._samples += len(block)
        return True
