"""A simulated half as a video: every frame of the broadcast, drawn and encoded.

A half is encoded in segments of fixed length that know nothing of each other, so that they can
be rendered in any number of processes with the same result.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from touchline.media.segments import container_of, join_segments
from touchline.media.writer import VideoWriter
from touchline.runtime.processes import run_tasks
from touchline.runtime.progress import Progress as Report
from touchline.runtime.temporary import temporary_folder
from touchline.simulator.camera import Camera, Director, Floats, Size
from touchline.simulator.drawing import Box, Painter
from touchline.simulator.motion import Motion, World
from touchline.simulator.overlays import DISSOLVE_SECONDS, WIPE_SECONDS
from touchline.simulator.presentation import CLASSIC, Presentation
from touchline.simulator.production import produce, wipe_spans
from touchline.simulator.script import HalfScript, MatchScript

Pixels = npt.NDArray[np.uint8]

SEGMENT_SECONDS = 60
SOUND_RATE = 48000

_BATCH = 128
_CRF = 25


class Broadcast:
    """What is on air in one half, at any broadcast time.

    Args:
        size: (width, height) of the picture in pixels.
        presentation: how the match is put on air.
    """

    def __init__(
        self,
        script: MatchScript,
        half: HalfScript,
        size: Size = (398, 224),
        presentation: Presentation = CLASSIC,
    ) -> None:
        self.half = half
        self.motion = Motion(script, half)
        self.director = Director(script, half, self.motion, size)
        self.painter = Painter(script, half, size, presentation)
        self._wipes: Sequence[tuple[float, float]] = (
            _wipes(half)
            if presentation.look == "classic"
            else produce(script, presentation).halves[half.number - 1].wipes
        )

    def frames(self, seconds: Iterable[float]) -> Iterator[Pixels]:
        """The frames (height, width, 3) at broadcast times, one by one."""
        for batch in _batches(seconds):
            # A dissolve also shows the coming shot, somewhat before its start.
            views = [self._views(second) for second in batch]
            shown = [(index, second) for second, indices in zip(batch, views, strict=True)
                     for index in indices]  # fmt: skip
            world = self._world(shown)
            row = 0
            for second, indices in zip(batch, views, strict=True):
                pictures = []
                for index in indices:
                    pictures.append(self._picture(index, second, world, row))
                    row += 1
                yield np.asarray(self._compose(second, indices, pictures))

    def clean(self, seconds: Iterable[float]) -> Iterator[Image.Image]:
        """The pictures at broadcast times without grain, dissolves or anything laid over them."""
        for batch in _batches(seconds):
            shown = [(self.director.shot_index(second), second) for second in batch]
            world = self._world(shown)
            for row, (index, second) in enumerate(shown):
                yield self._picture(index, second, world, row)

    def people(self, seconds: Iterable[float]) -> Iterator[tuple[Camera | None, list[Box]]]:
        """The camera on air at broadcast times, and where it sees people; wipes are ignored."""
        for batch in _batches(seconds):
            shown = [(self.director.shot_index(second), second) for second in batch]
            world = self._world(shown)
            for row, (index, second) in enumerate(shown):
                camera = self.director.camera(index, second)
                yield camera, [] if camera is None else self.painter.boxes(camera, world, row)

    def _world(self, shown: Sequence[tuple[int, float]]) -> World:
        return self.motion.at(np.array([self._pitch_seconds(k, second) for k, second in shown]))

    def _pitch_seconds(self, index: int, seconds: float) -> float:
        pitch = self.half.shots[index].pitch_seconds(seconds)
        return min(max(pitch, 0.0), self.half.seconds)

    def _views(self, seconds: float) -> list[int]:
        index = self.director.shot_index(seconds)
        shot = self.half.shots[index]
        dissolving = (
            shot.transition == "smooth"
            and index + 1 < len(self.half.shots)
            and seconds >= shot.end_seconds - DISSOLVE_SECONDS
        )
        return [index, index + 1] if dissolving else [index]

    def _picture(self, index: int, seconds: float, world: World, row: int) -> Image.Image:
        camera = self.director.camera(index, seconds)
        if camera is None:
            return self.painter.off_pitch.frame(index, seconds)
        return self.painter.pitch(self._pitch_seconds(index, seconds), camera, world, row)

    def _compose(
        self, seconds: float, indices: Sequence[int], pictures: Sequence[Image.Image]
    ) -> Image.Image:
        frame, shot = pictures[0], self.half.shots[indices[0]]
        if len(pictures) > 1:
            left = shot.end_seconds - seconds
            frame = Image.blend(frame, pictures[1], min(1.0, 1 - left / DISSOLVE_SECONDS))
        frame = self.painter.finish(frame, seconds, shot.is_replay)
        for start, end in self._wipes:
            if start <= seconds < end:
                self.painter.overlays.wipe(frame, (seconds - start) / (end - start), seconds)
        return frame


def _wipes(half: HalfScript) -> list[tuple[float, float]]:
    """[start, end) of the classic wipes: round the end of shots that end so, else as scripted."""
    spans = wipe_spans(half, WIPE_SECONDS)
    cuts = [(start + end) / 2 for start, end in spans]
    for graphic in half.graphics:
        if graphic.kind == "logo":
            middle = (graphic.start_seconds + graphic.end_seconds) / 2
            if all(abs(middle - cut) > 1.0 for cut in cuts):
                spans.append((graphic.start_seconds, graphic.end_seconds))
    return spans


def _batches(seconds: Iterable[float]) -> Iterator[list[float]]:
    batch: list[float] = []
    for second in seconds:
        batch.append(float(second))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@lru_cache(maxsize=2)
def broadcast_of(
    script: MatchScript, half: HalfScript, size: Size, presentation: Presentation = CLASSIC
) -> Broadcast:
    """The last halves in use: textures and sprites serve all of its segments in a process."""
    return Broadcast(script, half, size, presentation)


def render_frames(
    script: MatchScript,
    half: HalfScript,
    seconds: Iterable[float] | Floats,
    size: Size = (398, 224),
    presentation: Presentation = CLASSIC,
) -> Iterator[Pixels]:
    """The frames uint8 (height, width, 3) of a half at broadcast times, one by one."""
    return Broadcast(script, half, size, presentation).frames(seconds)


def boxes(
    script: MatchScript, half: HalfScript, seconds: Iterable[float], size: Size = (398, 224)
) -> Iterator[tuple[Camera | None, list[Box]]]:
    """The camera and the people in its picture at broadcast times, exactly as drawn.

    The camera is None, and the list empty, where the pitch is not shown.
    """
    return broadcast_of(script, half, size).people(seconds)


def frame_count(half: HalfScript, rate: Fraction) -> int:
    """How many frames of a rate begin within a half."""
    return frames_in(half.seconds, rate)


def frames_in(seconds: float, rate: Fraction) -> int:
    """How many frames of a rate begin within a time."""
    return math.ceil(Fraction(seconds).limit_denominator(10_000) * rate)


class PictureSource(Protocol):
    """What can be drawn at any time; it can be pickled, and its hash is that of its contents."""

    def frames(self, seconds: Iterable[float]) -> Iterator[Pixels]:
        """The frames (height, width, 3) at times, one by one."""
        ...


@dataclass(frozen=True)
class HalfSource:
    """A half as it is on air."""

    script: MatchScript
    half: HalfScript
    size: Size
    presentation: Presentation

    def frames(self, seconds: Iterable[float]) -> Iterator[Pixels]:
        """See ``PictureSource``."""
        return broadcast_of(self.script, self.half, self.size, self.presentation).frames(seconds)


@dataclass(frozen=True)
class _Segment:
    """Frames [first, last) of a source, to be encoded by themselves."""

    source: PictureSource
    size: Size
    rate: Fraction
    first: int
    last: int
    path: Path

    def run(self, report: Report) -> str:
        """Render and encode; reports seconds done."""
        times = [float(k / self.rate) for k in range(self.first, self.last)]
        with VideoWriter(self.path, self.size, self.rate, crf=_CRF, reproducible=True) as writer:
            for done, pixels in enumerate(self.source.frames(times)):
                writer.write(pixels)
                if done % _BATCH == 0:
                    report(float(done / self.rate))
        report(float(len(times) / self.rate))
        return str(self.path)


def render_half(
    script: MatchScript,
    half: HalfScript,
    path: str | Path,
    size: Size = (398, 224),
    rate: Fraction = Fraction(25),
    progress: Report | None = None,
    sound: Iterator[npt.NDArray[np.float32]] | None = None,
    processes: int = 1,
    presentation: Presentation = CLASSIC,
) -> None:
    """Write a half as a video file, H.264 and, given sound, AAC; frame i shows time i / rate.

    Args:
        path: ``.mp4`` or ``.mkv``; appears only when complete.
        progress: called now and then with the seconds rendered; may raise to stop.
        sound: chunks (n,) of samples at 48 kHz from the start of the half.
        processes: how many render at once; the file does not depend on it.
        presentation: how the match is put on air.

    Raises:
        MediaError: the file cannot be written.
    """
    source = HalfSource(script, half, size, presentation)
    render(source, half.seconds, path, size, rate, progress, sound, processes)


def render(
    source: PictureSource,
    seconds: float,
    path: str | Path,
    size: Size,
    rate: Fraction,
    progress: Report | None = None,
    sound: Iterator[npt.NDArray[np.float32]] | None = None,
    processes: int = 1,
) -> None:
    """Write so many seconds of a source as a video file; see ``render_half``."""
    target = Path(path)
    container_of(target)  # a wrong name is better refused before an hour's work than after
    count = frames_in(seconds, rate)
    with temporary_folder(target) as folder:
        pieces = math.ceil(count / rate / SEGMENT_SECONDS)
        starts = [math.ceil(k * SEGMENT_SECONDS * rate) for k in range(pieces)]
        segments = [
            _Segment(source, size, rate, first, last, folder / f"{number:05d}.mp4")
            for number, (first, last) in enumerate(zip(starts, [*starts[1:], count], strict=True))
        ]
        for _ in run_tasks(segments, processes, progress or (lambda _: None)):
            pass
        parts = [(segment.path, segment.first) for segment in segments]
        join_segments(parts, target, rate, sound=sound, sound_rate=SOUND_RATE)
