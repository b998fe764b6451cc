"""The proxy: what browsers and models read instead of the upload.

Constant frame rate, H.264 and AAC, a key frame every second, index in front. Its second n is the
upload's second n, counted from the first frame shown; of several uploads, one after the other.

Its pictures are written in segments, each a file that is kept once it is whole: a later attempt
goes on after the last of them. In the end they are joined, with the sound.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from touchline.media.audio import read_audio
from touchline.media.limits import Limits
from touchline.media.segments import join_segments
from touchline.media.video import Frame, VideoInfo, probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.runtime.atomic import write_text
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult
from touchline.timebase import format_rate
from touchline.zoo.store import sha256_of

KEYFRAME_SECONDS = 1.0
AUDIO_RATE = 48_000
CRF = 24
SEGMENT_SECONDS = 60

_USUAL_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50",
                                "60000/1001", "60")
)  # fmt: skip
_LEAST_RATE = Fraction(10)


class ProxyArguments(StageArguments):
    """The uploads of a match in order, and the file to write.

    Attributes:
        height: rows of its picture, at most.
        segments: folder whose files outlast an attempt; None keeps none.
    """

    sources: tuple[str, ...]
    target: str
    segments: str | None = None
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
    with _folder_for_segments(arguments) as folder:
        parts = [
            _encode(_share_of(progress, number, len(sources)), source, folder / str(number), plan)
            for number, source in enumerate(sources)
        ]
        _join(sources, parts, target, plan)
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

    @property
    def segment_frames(self) -> int:
        """Frames of a whole segment."""
        return round(SEGMENT_SECONDS * self.rate)

    @property
    def text(self) -> str:
        """What tells segments of this form from those of another."""
        return f"{self.rate} {self.size[0]}x{self.size[1]} crf {CRF}"


class _Segment(BaseModel):
    """A segment that is whole, as the file beside it says.

    Attributes:
        frames: pictures in it.
        sha256: of its file; empty for no pictures.
        end_seconds: how far the video was read, of its last segment; else None.
        truncated: the video is damaged after that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan: str
    frames: int
    sha256: str
    end_seconds: float | None = None
    truncated: bool = False


@dataclass(frozen=True)
class _Part:
    """One video in the proxy's form."""

    paths: tuple[tuple[Path, int], ...]  # each segment, and its frames
    seconds: float  # how far the video itself was read
    truncated: bool

    @property
    def frames(self) -> int:
        return sum(count for _, count in self.paths)


@contextmanager
def _folder_for_segments(arguments: ProxyArguments) -> Iterator[Path]:
    if arguments.segments is None:
        with TemporaryDirectory() as temporary:
            yield Path(temporary)
        return
    folder = Path(arguments.segments)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def _share_of(progress: Progress, number: int, count: int) -> Progress:
    return lambda done: progress((number + done) / count)


def _join(sources: Sequence[str], parts: Sequence[_Part], target: Path, plan: _Plan) -> None:
    segments, first = [], 0
    for part in parts:
        for path, frames in part.paths:
            segments.append((path, first))
            first += frames
    sound = _sound_of(sources, parts, plan) if plan.has_audio else None
    join_segments(segments, target, plan.rate, sound=sound, sound_rate=AUDIO_RATE)


def _sound_of(
    sources: Sequence[str], parts: Sequence[_Part], plan: _Plan
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


def _encode(progress: Progress, source: str, place: Path, plan: _Plan) -> _Part:
    """Convert the pictures of a video to the proxy's form, after the segments that are there.

    Args:
        place: path of its segments, without their numbers.
    """
    kept = list(_kept_segments(place, plan))
    if not kept or kept[-1].end_seconds is None:
        kept += _encode_rest(progress, source, place, plan, kept)
    progress(1.0)
    last = kept[-1]
    paths = [(_segment(place, n), one.frames) for n, one in enumerate(kept) if one.frames]
    return _Part(tuple(paths), last.end_seconds or 0.0, last.truncated)


def _encode_rest(
    progress: Progress, source: str, place: Path, plan: _Plan, kept: Sequence[_Segment]
) -> list[_Segment]:
    first = sum(one.frames for one in kept)
    before = min(first, round(plan.rate))  # deinterlacing looks at the frames before
    made = []
    with read_frames(
        source,
        rate=plan.rate,
        size=plan.size,
        start_seconds=(first - before) / plan.rate,
        colours="shown",
        deinterlace=True,
        limits=plan.limits,
    ) as frames:
        pictures = _reported(islice(frames, before, None), first, frames.info, plan, progress)
        for number in count(len(kept)):
            written = _write_segment(pictures, _segment(place, number), plan)
            is_last = written < plan.segment_frames
            end = (frames.end_seconds, frames.truncated) if is_last else (None, False)
            made.append(_note_segment(place, number, plan, written, *end))
            if is_last:
                return made
    raise AssertionError("the numbers of segments do not end")


def _reported(
    frames: Iterator[Frame], first: int, info: VideoInfo, plan: _Plan, progress: Progress
) -> Iterator[Frame]:
    for number, frame in enumerate(frames, start=first):
        yield frame
        if number % 25 == 0 and info.duration_seconds:
            progress(min(1.0, float(number / plan.rate) / info.duration_seconds))


def _write_segment(pictures: Iterator[Frame], path: Path, plan: _Plan) -> int:
    """Write up to so many pictures as a segment has; their number."""
    first = next(pictures, None)
    if first is None:
        return 0
    with VideoWriter(
        path, plan.size, plan.rate, crf=CRF, keyframe_seconds=KEYFRAME_SECONDS
    ) as writer:
        for frame in chain([first], islice(pictures, plan.segment_frames - 1)):
            writer.write(frame.pixels)
    return writer.frames_written


def _segment(place: Path, number: int) -> Path:
    return place.with_name(f"{place.name}-{number:05d}.mp4")


def _note_of(segment: Path) -> Path:
    return segment.with_suffix(".json")


def _note_segment(
    place: Path, number: int, plan: _Plan, frames: int, end_seconds: float | None, truncated: bool
) -> _Segment:
    """Put down that a segment is whole."""
    path = _segment(place, number)
    note = _Segment(
        plan=plan.text,
        frames=frames,
        sha256=sha256_of(path) if frames else "",
        end_seconds=end_seconds,
        truncated=truncated,
    )
    write_text(_note_of(path), note.model_dump_json())
    return note


def _kept_segments(place: Path, plan: _Plan) -> Iterator[_Segment]:
    """The segments from the first on that an earlier attempt has finished and that are whole."""
    for number in count():
        path = _segment(place, number)
        try:
            note = _Segment.model_validate_json(_note_of(path).read_bytes())
            if note.plan != plan.text or (note.frames and sha256_of(path) != note.sha256):
                return
        except (OSError, ValidationError):
            return
        yield note
        if note.end_seconds is not None:
            return
