"""Annotated videos: events drawn into the picture, with slow motion around them."""

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from touchline.colours import class_colour
from touchline.editing.overlay import Style, draw_labels
from touchline.editing.render import refuse_overwriting
from touchline.editing.sound import AUDIO_RATE
from touchline.errors import InputError
from touchline.events import Event, Timeline
from touchline.labels import label_set_of
from touchline.match_state import event_title
from touchline.media.audio import read_audio
from touchline.media.video import VideoInfo, probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.runtime.progress import Progress
from touchline.scores import FloatArray
from touchline.thresholds import SHOWN_AT_FIRST, Thresholds

SHOWN_BEFORE_SECONDS = 0.2
SHOWN_AFTER_SECONDS = 2.0


def annotate(
    timeline: Timeline,
    video: str | Path,
    path: str | Path,
    *,
    min_confidence: Thresholds = SHOWN_AT_FIRST,
    slow_factor: int = 3,
    slow_reach_seconds: float = 0.4,
    deinterlace: bool = True,
    audio_track: int | None = None,
    comment: str | None = None,
    progress: Progress | None = None,
) -> float:
    """Write a copy of the video with labels and confidences, in slow motion around events.

    A label has the match clock and the score where its event does, and a bar as long as its
    confidence.

    Frame rate and size are those of the video. The sound is stretched with the picture, so the two
    stay in step.

    Args:
        min_confidence: events below are ignored.
        slow_factor: each frame near an event is repeated this many times; 1 for no slow motion.
        slow_reach_seconds: largest distance of such a frame from an event.
        deinterlace: fill in the lines of interlaced pictures.
        audio_track: number of the sound track, from 1; None for the one that a player plays.
        comment: a text stored in the file's metadata.
        progress: called with the fraction done, 0 to 1.

    Returns:
        Duration of the written video, in seconds.

    Raises:
        InputError: a slow factor outside 1 to 20, a class without events, events beyond the end of
            the video, or an output that would overwrite the video. MediaError: a file cannot be
            read or written.
    """
    if not 1 <= slow_factor <= 20:
        raise InputError(f"a slow motion of {slow_factor} times", remedy="use 1 to 20")
    info = probe(video)
    refuse_overwriting(Path(path), [info.path])
    min_confidence.refuse_unknown([*(timeline.labels or ()), *(e.label for e in timeline)])
    events = [event for event in timeline if min_confidence.keep(event)]
    moments = [event.seconds for event in events]
    if moments and moments[0] >= info.duration_seconds:
        raise InputError(
            f"every event is beyond the end ({info.duration_seconds:.1f} s)",
            where=video,
            remedy="check that the events belong to this video",
        )
    labels = timeline.labels or label_set_of(
        tuple(dict.fromkeys(e.label for e in events)) or ("-",)
    )
    sound = _SoundPerFrame(info, audio_track) if info.has_audio else None
    written = 0
    with (
        read_frames(
            video, rate=info.frame_rate, colours="shown", deinterlace=deinterlace
        ) as frames,
        VideoWriter(
            path,
            (info.width, info.height),
            info.frame_rate,
            audio_rate=AUDIO_RATE if sound else None,
            comment=comment,
        ) as writer,
    ):
        for index, frame in enumerate(frames):
            captions = dict.fromkeys(
                (
                    _caption(event, timeline.half),
                    Style(class_colour(labels, event.label), event.confidence),
                )
                for event in _near(events, moments, frame.seconds)
            )
            pixels = draw_labels(frame.pixels, list(captions))
            repeats = slow_factor if _is_near(moments, frame.seconds, slow_reach_seconds) else 1
            for _ in range(repeats):
                writer.write(pixels)
            if sound is not None:
                writer.write_audio(sound.of(index, repeats))
            written += repeats
            if progress is not None:
                progress(min(frame.seconds / max(info.duration_seconds, 1e-9), 1.0))
    return float(written / info.frame_rate)


def _caption(event: Event, half: int | None) -> str:
    """Such as ``Goal (2H 63:10, 1-0) 95%``."""
    return f"{event_title(event, half)} {event.confidence:.0%}"


def _near(events: list[Event], moments: list[float], seconds: float) -> list[Event]:
    first = bisect_left(moments, seconds - SHOWN_AFTER_SECONDS)
    last = bisect_left(moments, seconds + SHOWN_BEFORE_SECONDS)
    return events[first:last]


def _is_near(moments: list[float], seconds: float, reach_seconds: float) -> bool:
    place = bisect_left(moments, seconds - reach_seconds)
    return place < len(moments) and moments[place] <= seconds + reach_seconds


class _SoundPerFrame:
    """The audio of each frame, read sequentially."""

    def __init__(self, info: VideoInfo, track: int | None) -> None:
        self._rate = AUDIO_RATE / info.frame_rate
        self._chunks: Iterator[FloatArray] = iter(read_audio(info.path, AUDIO_RATE, track=track))
        self._buffer = np.zeros(0, np.float32)
        self._start = 0

    def of(self, index: int, repeats: int) -> FloatArray:
        """The audio of frame ``index``, stretched to ``repeats`` frames; silence after its end."""
        first, last = int(index * self._rate), int((index + 1) * self._rate)
        while self._start + len(self._buffer) < last:
            chunk = next(self._chunks, None)
            if chunk is None:
                chunk = np.zeros(last - self._start - len(self._buffer), np.float32)
            self._buffer = np.concatenate([self._buffer, chunk])
        piece = self._buffer[first - self._start : last - self._start]
        self._buffer = self._buffer[last - self._start :]
        self._start = last
        if repeats == 1:
            return piece
        places = np.linspace(0, len(piece), len(piece) * repeats, endpoint=False)
        return np.interp(places, np.arange(len(piece)), piece).astype(np.float32)
