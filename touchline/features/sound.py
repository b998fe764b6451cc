"""Audio extractors without a network: log-mel, and statistics of spectra."""

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from touchline.errors import ConfigError, MediaError
from touchline.features.extractor import Extraction, Rows, Write
from touchline.features.sound_statistics import FRAMES_PER_ROW, SoundStatistics
from touchline.features.spectra import (
    FRAME_RATE,
    FRAME_SAMPLES,
    HOP_SAMPLES,
    SAMPLE_RATE,
    Floats,
    frames_of,
    log_mel,
)
from touchline.media.audio import read_audio
from touchline.media.video import probe
from touchline.runtime.prefetch import prefetched
from touchline.runtime.progress import Progress
from touchline.timebase import format_rate
from touchline.zoo.identity import FeatureIdentity

_BLOCKS_AHEAD = 64
_LOG_MEL_AT_ONCE = 30 * FRAME_RATE
_STATISTICS_AT_ONCE = 60 * FRAMES_PER_ROW


def describe_sound(
    source: Path,
    frames_at_once: int,
    describe: Callable[[Floats], Rows],
    write: Write,
    progress: Progress,
    *,
    frame_samples: int = FRAME_SAMPLES,
    silence_before: int = 0,
    silence_after: int = 0,
) -> None:
    """Run a function over the audio frames of a video; decoding and function run in parallel.

    Args:
        describe: turns (n, ``frame_samples``) frames into rows of features.
        frame_samples, silence_before, silence_after: see ``frames_of``.

    Raises:
        MediaError: the file has no audio, or cannot be read.
    """
    seconds = _duration(source)
    done = 0
    blocks = read_audio(source, SAMPLE_RATE)
    with prefetched(blocks, _BLOCKS_AHEAD) as ahead:
        for frames in frames_of(
            ahead,
            frames_at_once,
            frame_samples=frame_samples,
            silence_before=silence_before,
            silence_after=silence_after,
        ):
            rows = describe(frames)
            if len(rows):
                write(rows)
            done += len(frames)
            progress(min(done / FRAME_RATE / seconds, 1.0) if seconds else 0.0)
    progress(1.0)


def _duration(source: Path) -> float | None:
    with suppress(MediaError):  # an audio file
        return probe(source).duration_seconds
    return None


def check_rate(name: str, rate: Fraction | None, own: Fraction) -> None:
    """Check that a rate is the extractor's own, or None.

    Raises:
        ConfigError: another rate.
    """
    if rate is not None and rate != own:
        raise ConfigError(
            f"{name} has {own} rows a second, not {rate}",
            remedy="leave --rate out",
        )


class LogMel:
    """Log-mel spectrogram for VGGish, 64 bands, 100 rows a second: an ``Extractor``."""

    suffix = "log_mel"
    engine = "numpy"

    def __init__(self, rate: Fraction | None = None) -> None:
        check_rate("log-mel", rate, Fraction(FRAME_RATE))
        self.identity = FeatureIdentity(name="log-mel", rate=format_rate(Fraction(FRAME_RATE)))

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        describe_sound(source, _LOG_MEL_AT_ONCE, log_mel, write, progress)
        return Extraction(first_seconds=FRAME_SAMPLES / SAMPLE_RATE / 2)

    def close(self) -> None:
        """See ``Extractor``."""


class SpectrumStatistics:
    """31 statistics of the spectra of each half second: an ``Extractor``."""

    suffix = "FFT"
    engine = "numpy"
    rate = Fraction(FRAME_RATE, FRAMES_PER_ROW)

    def __init__(self, rate: Fraction | None = None) -> None:
        check_rate("fft", rate, self.rate)
        self.identity = FeatureIdentity(name="fft", rate=format_rate(self.rate))

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        describe_sound(
            source,
            _STATISTICS_AT_ONCE,
            SoundStatistics(),
            write,
            progress,
            silence_after=FRAME_SAMPLES - HOP_SAMPLES,
        )
        return Extraction(first_seconds=float(1 / self.rate / 2))

    def close(self) -> None:
        """See ``Extractor``."""
