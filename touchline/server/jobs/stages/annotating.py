"""Annotated videos: events drawn into the picture, in slow motion around them."""

from pathlib import Path

from touchline.editing.annotate import annotate
from touchline.events import Timeline, Video
from touchline.labels import label_set_of
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import JsonEvent, StageArguments
from touchline.server.jobs.stages.cutting import ReelFile
from touchline.thresholds import EVERY_EVENT


class AnnotateArguments(StageArguments):
    """The video to draw into.

    Attributes:
        events: all that are drawn, in times of the video.
        labels: classes of the match, by which events are coloured.
        half: which half the video is, of a match of several.
        slow_factor: how many times slower the moments around events run.
    """

    events: tuple[JsonEvent, ...]
    labels: tuple[str, ...]
    half: int | None
    source: str
    target: str
    slow_factor: int


def annotate_video(arguments: AnnotateArguments, progress: Progress) -> ReelFile:
    """Write the annotated copy of a video.

    Raises:
        InputError: every event is beyond the end. MediaError: the video cannot be read.
    """
    source, target = Path(arguments.source), Path(arguments.target)
    labels = arguments.labels or tuple(dict.fromkeys(e.label for e in arguments.events)) or ("-",)
    timeline = Timeline(
        Video(source.name), arguments.events, labels=label_set_of(labels), half=arguments.half
    )
    seconds = annotate(
        timeline,
        source,
        target,
        min_confidence=EVERY_EVENT,
        slow_factor=arguments.slow_factor,
        progress=progress,
    )
    return ReelFile(seconds=round(seconds, 3), bytes=target.stat().st_size)
