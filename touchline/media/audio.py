"""Reading audio on the clock of the video: sample n is heard n/rate seconds after the start."""

import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from touchline.errors import MediaError
from touchline.media.clocks import clock_of
from touchline.media.decoding import (
    SEEK_BACK_SECONDS,
    PictureSource,
    StreamDecoder,
    believed_seconds,
    exact_range,
    seek,
)
from touchline.media.files import media_files
from touchline.media.halves import part_of
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.opening import audio_stream, exact, has_video, open_media
from touchline.media.sound_track import LAYOUTS

LARGEST_SHIFT_SECONDS = 0.01
"""Largest deviation of audio from its time stamps that counts as jitter."""

_MAX_RATE = 192_000
_SILENCE_BLOCK = 100_000
_RESAMPLED_AT_ONCE = 1 << 14
"""Samples; frames hold about a thousand, and each call costs more than its samples."""
_INT16_SCALE = 32768

Samples = NDArray[np.float32]


def read_audio(
    path: str | Path,
    rate: int = 16000,
    start_seconds: float | Fraction = 0.0,
    end_seconds: float | Fraction | None = None,
    *,
    channels: int = 1,
    track: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Samples]:
    """Read the audio of a video in contiguous blocks, in constant memory.

    Sample n is heard n/rate seconds after ``start_seconds``, which counts from the first frame
    shown (from the first sample if there is no video stream), or from the start of the half in an
    untrimmed recording (see ``touchline.media.halves``). Gaps are filled with silence, also
    between the first frame and the first sample; where time stamps overlap, samples are dropped.

    Args:
        path: file to read.
        rate: sampling rate of the result, in Hz.
        start_seconds: where to start.
        end_seconds: where to end; None for the end of the audio. Audio that ends earlier is not
            padded.
        channels: 1 for the mean of all channels, as float32 (n,); 2 for stereo, (n, 2); 6 for 5.1,
            (n, 6).
        track: number of the sound track, from 1; None for the one that a player plays.
        limits: bounds on what is read.

    Raises:
        MediaError: the file cannot be opened or has no such audio, or the arguments are out
            of range.
    """
    if not 1 <= rate <= _MAX_RATE or channels not in (1, *LAYOUTS):
        raise MediaError(
            f"cannot read sound at {rate} samples a second in {channels} channels",
            where=path,
            remedy=f"1 to {_MAX_RATE} samples, 1, 2 or 6 channels",
        )
    start, end = exact_range(path, start_seconds, end_seconds)
    origin, length = _range(path, limits, track)
    last = length if end is None else min(end, length)
    count = round((last - start) * rate)
    blocks = _first(count, _read(path, limits, origin + start, rate, track, max(channels, 2)))
    return (_mix(block, channels) for block in blocks)


def heard_channels(path: str | Path, track: int | None = None) -> int:
    """Channels of the sound that a player plays, or of a track counted from 1; 0 without sound.

    Raises:
        MediaError: the file cannot be opened.
    """
    with open_media(path) as container:
        stream = audio_stream(container, track)
        return 0 if stream is None else stream.codec_context.channels


def _range(path: str | Path, limits: Limits, number: int | None) -> tuple[Fraction, Fraction]:
    """See ``_measured_range``; a file that is read clip by clip is opened once for this."""
    files = media_files(Path(path)) if Path(path).exists() else []
    contents = tuple((f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.exists())
    return _measured_range(Path(path).absolute(), contents, limits, number)


@lru_cache(maxsize=64)
def _measured_range(
    path: Path, contents: tuple[tuple[int, int], ...], limits: Limits, number: int | None
) -> tuple[Fraction, Fraction]:
    """Second 0 on the file's own clock, the first frame shown or without video the first sample;
    and how many seconds from there may be read."""
    longest = Fraction(limits.max_duration_seconds)
    with open_media(path, limits) as container:
        stream = _audio_stream(container, path, number)
        if not has_video(container):
            first = next(StreamDecoder(container, stream, stream.decode).frames(), None)
            beginning = Fraction(0) if first is None else _stamp(first) or Fraction(0)
            part = part_of(path)
            if part is None:
                return beginning, longest
            return beginning + part.start_seconds, Fraction(part.seconds or longest)
    with PictureSource(path, limits, threads=1) as source:
        start = source.first.start
        return start, longest if source.last is None else source.last - start


def _audio_stream(container: InputContainer, path: str | Path, number: int | None) -> AudioStream:
    stream = audio_stream(container, number)
    if stream is None and container.streams.audio and number is not None:
        raise MediaError(
            f"has no sound track {number}",
            where=path,
            remedy=f"give a number from 1 to {len(container.streams.audio)}",
        )
    if stream is None:
        raise MediaError("has no sound", where=path, remedy="give a file with sound")
    return stream


def _read(
    path: str | Path, limits: Limits, start: Fraction, rate: int, number: int | None, most: int
) -> Generator[Samples, None, None]:
    """Blocks (n, 1 or ``most``) from ``start`` on the file's own clock, placed by their time
    stamps."""
    track = _Track(start, rate, most, believed_seconds(path))
    with ExitStack() as stack:
        for frame in _frames_from(start, path, limits, number, stack):
            if track.is_far(frame):
                break
            yield from track.add(frame)
        yield from track.finish()


def _frames_from(
    start: Fraction, path: str | Path, limits: Limits, number: int | None, stack: ExitStack
) -> Iterator[AudioFrame]:
    """Audio frames from ``start`` or earlier; ``stack`` closes the file."""
    container = stack.enter_context(open_media(path, limits))
    clock = clock_of(container, path, limits)
    stream = _audio_stream(container, path, number)
    beginning = (stream.start_time or 0) * (exact(stream.time_base) or 0)
    for back in SEEK_BACK_SECONDS[1:]:
        if start - back <= beginning or not seek(container, stream, start - back, clock):
            break
        frames = StreamDecoder(container, stream, stream.decode, clock=clock).frames()
        landed = next(frames, None)
        stamp = None if landed is None else _stamp(landed)
        if landed is not None and stamp is not None and stamp <= start:
            return chain([landed], frames)
    container = stack.enter_context(open_media(path, limits))
    stream = _audio_stream(container, path, number)
    return StreamDecoder(container, stream, stream.decode, clock=clock).frames()


def _stamp(frame: AudioFrame) -> Fraction | None:
    time_base = exact(frame.time_base)
    return None if frame.pts is None or time_base is None else frame.pts * time_base


class _Track:
    """Audio resampled run by run, each run placed by its first time stamp.

    A run is audio without a gap, an overlap or a change of format. Mono stays mono; all else comes
    out in ``most`` channels.
    """

    def __init__(self, start: Fraction, rate: int, most: int, longest_gap: Fraction | None) -> None:
        self._most = most
        self._longest_gap = math.inf if longest_gap is None else float(longest_gap)
        self._start = start
        self._rate = rate
        self._written = 0
        self._surplus = 0
        self._run_start = start
        self._run_samples = 0
        self._run_rate = 1
        self._input: tuple[str, str, int] | None = None
        self._channels = 1
        self._waiting = AudioFifo()
        self._resampler = AudioResampler()

    def is_far(self, frame: AudioFrame) -> bool:
        """Whether a frame lies behind more silence than the file is believed to have."""
        return self._late_seconds(frame) > self._longest_gap

    def add(self, frame: AudioFrame) -> Iterator[Samples]:
        """Add one decoded frame; yields the samples that are ready."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._input or abs(self._late_seconds(frame)) > LARGEST_SHIFT_SECONDS:
            stamp = _stamp(frame)
            if stamp is None:
                stamp = self._run_start + Fraction(self._run_samples, self._run_rate)
            yield from self.finish()
            yield from self._begin(kind, stamp)
        self._run_samples += frame.samples
        frame.pts = None
        self._waiting.write(frame)
        if self._waiting.samples >= _RESAMPLED_AT_ONCE:
            yield from self._resample_waiting()

    def _late_seconds(self, frame: AudioFrame) -> float:
        """By how much a frame begins after the end of the last one; 0 without a time stamp."""
        if frame.time is None:
            return 0
        return frame.time - float(self._run_start) - self._run_samples / self._run_rate

    def finish(self) -> Iterator[Samples]:
        """Yield the samples that wait, and those that the resampler still holds."""
        if self._input is not None:
            yield from self._resample_waiting()
            yield from self._place(self._resampler.resample(None))

    def _resample_waiting(self) -> Iterator[Samples]:
        if (frame := self._waiting.read()) is not None:
            yield from self._place(self._resampler.resample(frame))

    def _begin(self, kind: tuple[str, str, int], stamp: Fraction) -> Iterator[Samples]:
        layout = AudioLayout(kind[1])
        self._input = kind
        self._waiting = AudioFifo()
        self._run_start, self._run_samples, self._run_rate = stamp, 0, kind[2]
        self._channels = 1 if layout.nb_channels == 1 else self._most
        # Mixing down, only conversion to integers makes swresample do so without overflow.
        self._resampler = AudioResampler(
            format="s16p" if layout.nb_channels > self._channels else "fltp",
            layout=layout if layout.nb_channels == self._channels else LAYOUTS[self._channels],
            rate=self._rate,
        )
        missing = round((stamp - self._start) * self._rate) - self._written
        self._surplus = max(0, -missing)
        while missing > 0:
            silence = np.zeros((min(missing, _SILENCE_BLOCK), self._channels), np.float32)
            missing -= len(silence)
            self._written += len(silence)
            yield silence

    def _place(self, frames: Iterable[AudioFrame | None]) -> Iterator[Samples]:
        for frame in frames:
            if frame is None:
                continue
            scale = _INT16_SCALE if frame.format.name == "s16p" else 1
            samples = np.asarray(frame.to_ndarray().T, dtype=np.float32) / np.float32(scale)
            dropped = min(self._surplus, len(samples))
            self._surplus -= dropped
            if dropped < len(samples):
                self._written += len(samples) - dropped
                yield samples[dropped:]


def _first(count: int, blocks: Iterable[Samples]) -> Iterator[Samples]:
    """The first ``count`` samples of the blocks."""
    for block in blocks:
        if count <= 0:
            return
        yield block[:count]
        count -= len(block)


def _mix(block: Samples, channels: int) -> Samples:
    """(n, 1 or channels) samples as (n,) for one channel, else (n, channels)."""
    if channels == 1:
        return block.mean(axis=1, dtype=np.float32)
    if block.shape[1] == channels:
        return np.ascontiguousarray(block)
    mixed = np.zeros((len(block), channels), np.float32)
    mixed[:, :2] = block  # one channel is heard from both sides
    return mixed
