"""The proxy: what browsers and models read instead of the upload.

Constant frame rate, H.264 and AAC, a key frame every second, index in front. Its second n is the
upload's second n, counted from the first frame shown; of several uploads, one after the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from touchline.media.audio import read_audio
from touchline.media.limits import Limits
from touchline.media.segments import join_segments
from touchline.media.video import FrameStream, VideoInfo, probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult
from touchline.server.jobs.stages.probing import naming_video
from touchline.timebase import format_rate

KEYFRAME_SECONDS = 1.0
AUDIO_RATE = 48_000
CRF = 24

_USUAL_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50",
                                "60000/1001", "60")
)  # fmt: skip
_LEAST_RATE = Fraction(10)


class ProxyArguments(StageArguments):
    """The uploads of a match in order, and the file to write.

    Attributes:
        height: rows of its picture, at most.
    """

    sources: tuple[str, ...]
    target: str
    height: int
    limits: Limits


class ProxyPart(BaseModel):
    """One video in the proxy.

    Attributes:
        start_seconds, duration_seconds: the stretch of the proxy that it takes up.
        stopped_at_seconds: how far it could be read, where it is damaged; else None.
        remarks: what is to be known of its times, picture and sound, one line each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    start_seconds: float
    duration_seconds: float
    stopped_at_seconds: float | None
    remarks: tuple[str, ...] = ()


class ProxyFacts(StageResult):
    """The proxy's file; ``frame_rate`` is a fraction such as ``"25/1"``."""

    width: int
    height: int
    frame_rate: str
    duration_seconds: float
    bytes: int


class ProxyResult(ProxyFacts):
    """The proxy, and one entry for each source."""

    videos: tuple[ProxyPart, ...]


def make_proxy(arguments: ProxyArguments, progress: Progress) -> ProxyResult:
    """Write the proxy of a match: of its one video, or of its halves, one after the other.

    Size and rate are those of the first video; each further video begins with a key frame.

    Raises:
        MediaError: a video cannot be read.
    """
    sources, target, limits = arguments.sources, Path(arguments.target), arguments.limits
    infos = [probe(source, limits) for source in sources]
    rate = proxy_rate(infos[0].frame_rate)
    size = proxy_size(infos[0], arguments.height)
    plan = _Plan(rate, size, limits, any(info.has_audio for info in infos))
    if len(sources) == 1:
        parts = [_encode(progress, sources[0], target, plan, sound=True)]
    else:
        parts = _encode_and_join(progress, sources, target, plan)
    starts = [sum(part.frames for part in parts[:i]) / rate for i in range(len(parts))]
    return ProxyResult(
        width=size[0],
        height=size[1],
        frame_rate=format_rate(rate),
        duration_seconds=round(float(starts[-1]) + parts[-1].seconds, 3),
        bytes=target.stat().st_size,
        videos=tuple(
            ProxyPart(
                start_seconds=float(start),
                duration_seconds=round(
                    part.seconds if part is parts[-1] else float(part.frames / rate), 3
                ),
                stopped_at_seconds=round(part.seconds, 3) if part.truncated else None,
                remarks=(*info.remarks, *filter(None, [info.sound_remark])),
            )
            for part, start, info in zip(parts, starts, infos, strict=True)
        ),
    )


@dataclass(frozen=True)
class _Plan:
    """The form that all videos of a match are converted to."""

    rate: Fraction
    size: tuple[int, int]
    limits: Limits
    has_audio: bool


@dataclass(frozen=True)
class _Part:
    """One video in the proxy's form."""

    path: Path
    frames: int
    seconds: float  # how far the video itself was read
    truncated: bool


def _encode_and_join(
    progress: Progress, sources: Sequence[str], target: Path, plan: _Plan
) -> list[_Part]:
    parts = []
    for number, source in enumerate(sources):

        def share(done: float, number: int = number) -> None:
            progress((number + done) / len(sources))

        path = target.with_name(f"part-{number}{target.suffix}")
        with naming_video(number + 1, len(sources)):
            parts.append(_encode(share, source, path, plan, sound=False))
    firsts = [sum(part.frames for part in parts[:i]) for i in range(len(parts))]
    join_segments(
        [(part.path, first) for part, first in zip(parts, firsts, strict=True)],
        target,
        plan.rate,
        sound=_sound_of(sources, parts, plan) if plan.has_audio else None,
        sound_rate=AUDIO_RATE,
    )
    for part in parts:
        part.path.unlink()
    return parts


def _sound_of(
    sources: Sequence[str], parts: list[_Part], plan: _Plan
) -> Iterator[npt.NDArray[np.float32]]:
    """The sound of all videos, (n, 2), each exactly as long as its picture."""
    frames = sent = 0
    for source, part in zip(sources, parts, strict=True):
        frames += part.frames
        due = round(frames / plan.rate * AUDIO_RATE)
        if probe(source, plan.limits).has_audio:
            for block in read_audio(source, AUDIO_RATE, channels=2, limits=plan.limits):
                if sent == due:
                    break
                yield block[: due - sent]
                sent += len(block[: due - sent])
        while sent < due:
            silence = np.zeros((min(due - sent, AUDIO_RATE), 2), np.float32)
            yield silence
            sent += len(silence)


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


def _encode(progress: Progress, source: str, target: Path, plan: _Plan, *, sound: bool) -> _Part:
    """Convert a video to the proxy's form, with its own sound if `sound`."""
    with read_frames(
        source, rate=plan.rate, size=plan.size, deinterlace=True, limits=plan.limits
    ) as frames:
        count = _write(progress, frames, target, plan, sound=sound and frames.info.has_audio)
        return _Part(target, count, frames.end_seconds, frames.truncated)


def _write(
    progress: Progress, frames: FrameStream, target: Path, plan: _Plan, *, sound: bool
) -> int:
    info = frames.info
    samples = read_audio(info.path, AUDIO_RATE, channels=2, limits=plan.limits) if sound else None
    heard = 0
    with VideoWriter(
        target,
        plan.size,
        plan.rate,
        audio_rate=AUDIO_RATE if sound else None,
        crf=CRF,
        keyframe_seconds=KEYFRAME_SECONDS,
    ) as writer:
        for count, frame in enumerate(frames, start=1):
            writer.write(frame.pixels)
            while samples is not None and heard < (count / plan.rate + 1) * AUDIO_RATE:
                block = next(samples, None)
                if block is None:
                    samples = None
                    break
                writer.write_audio(block)
                heard += len(block)
            if count % 25 == 0 and info.duration_seconds:
                progress(min(1.0, float(count / plan.rate) / info.duration_seconds))
    progress(1.0)
    return writer.frames_written
