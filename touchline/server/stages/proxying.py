"""The proxy: what browsers and models read instead of the upload.

Constant frame rate, H.264 and AAC, a key frame every second, index in front. Its second n is the
upload's second n, counted from the first frame shown.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

from touchline.media.audio import read_audio
from touchline.media.limits import Limits
from touchline.media.video import FrameStream, VideoInfo, probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.server.stages import Report
from touchline.timebase import format_rate

KEYFRAME_SECONDS = 1.0
AUDIO_RATE = 48_000
CRF = 24

_USUAL_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50",
                                "60000/1001", "60")
)  # fmt: skip
_LEAST_RATE = Fraction(10)


def make_proxy(
    report: Report, *, source: str, target: str, height: int, limits: dict[str, Any]
) -> dict[str, Any]:
    """Write the proxy of a video.

    Args:
        height: rows of its picture, at most.

    Raises:
        MediaError: the video cannot be read.
    """
    bounds = Limits(**limits)
    info = probe(source, bounds)
    rate, size = proxy_rate(info.frame_rate), proxy_size(info, height)
    with read_frames(source, rate=rate, size=size, limits=bounds) as frames:
        _write(report, frames, Path(target), size, rate, bounds)
        seconds = frames.end_seconds
        truncated = frames.truncated
    return {
        "width": size[0],
        "height": size[1],
        "frame_rate": format_rate(rate),
        "duration_seconds": round(seconds, 3),
        "bytes": Path(target).stat().st_size,
        "stopped_at_seconds": round(seconds, 3) if truncated else None,
    }


def proxy_rate(rate: Fraction) -> Fraction:
    """A usual rate close to a video's own, halved until browsers keep up with it."""
    while rate > 60:
        rate /= 2
    nearest = min(_USUAL_RATES, key=lambda usual: abs(usual - rate))
    if abs(nearest - rate) <= nearest / 50:
        return nearest
    return max(rate.limit_denominator(1001), _LEAST_RATE)


def proxy_size(info: VideoInfo, height: int) -> tuple[int, int]:
    """Even sides in the shape of the picture, no larger than it is."""
    scale = min(1.0, height / info.height)
    width, rows = (max(2, round(side * scale / 2) * 2) for side in info.size)
    return width, rows


def _write(
    report: Report,
    frames: FrameStream,
    target: Path,
    size: tuple[int, int],
    rate: Fraction,
    limits: Limits,
) -> None:
    info = frames.info
    audio_rate = AUDIO_RATE if info.has_audio else None
    sound = read_audio(info.path, AUDIO_RATE, channels=2, limits=limits) if info.has_audio else None
    heard = 0
    with VideoWriter(
        target, size, rate, audio_rate=audio_rate, crf=CRF, keyframe_seconds=KEYFRAME_SECONDS
    ) as writer:
        for count, frame in enumerate(frames, start=1):
            writer.write(frame.pixels)
            while sound is not None and heard < (count / rate + 1) * AUDIO_RATE:
                samples = next(sound, None)
                if samples is None:
                    sound = None
                    break
                writer.write_audio(samples)
                heard += len(samples)
            if count % 25 == 0 and info.duration_seconds:
                report(min(1.0, float(count / rate) / info.duration_seconds))
    report(1.0)
