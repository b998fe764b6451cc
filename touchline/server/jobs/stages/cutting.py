"""Reels as files: cut from the upload itself, or written as edit lists that name it."""

from pathlib import Path

from touchline.editing.framing import parse_aspect
from touchline.editing.sources import edit_rate
from touchline.errors import InputError
from touchline.formats import write
from touchline.media.video import probe
from touchline.reel import Reel
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import JsonReel, StageArguments, StageResult


class CutArguments(StageArguments):
    """The video to cut.

    Attributes:
        sources: the videos; one for each of ``halves``, by which clips name them, if there are any.
        target: its suffix says which kind of video is written.
        aspect: shape of the picture, such as "9:16"; None for that of the video.
    """

    reel: JsonReel
    sources: tuple[str, ...]
    halves: tuple[int, ...] = ()
    target: str
    burn_labels: bool
    snap: bool
    aspect: str | None = None


class EditListArguments(StageArguments):
    """The edit list to write, in one of the formats that hold reels."""

    reel: JsonReel
    sources: tuple[str, ...]
    target: str
    format: str


class ReelFile(StageResult):
    """Length of the reel and size of its file."""

    seconds: float
    bytes: int


def cut_reel(arguments: CutArguments, progress: Progress) -> ReelFile:
    """Cut a reel into a video.

    Raises:
        InputError: the reel is empty, or lies beyond the video. MediaError: it cannot be read.
    """
    from touchline import pipeline  # edit lists do without what it imports

    _refuse_empty(arguments.reel)
    sources = tuple(map(Path, arguments.sources))
    made = pipeline.cut_reel(
        arguments.reel,
        Path(arguments.target),
        dict(zip(arguments.halves, sources, strict=True)) if arguments.halves else sources[0],
        burn_labels=arguments.burn_labels,
        snap=arguments.snap,
        aspect=None if arguments.aspect is None else parse_aspect(arguments.aspect),
        progress=progress,
    )
    return _file_of(made, arguments.target)


def write_edit_list(arguments: EditListArguments, progress: Progress) -> ReelFile:
    """Write a reel as an edit list.

    Raises:
        InputError: the format cannot hold it. MediaError: the video cannot be read.
    """
    _refuse_empty(arguments.reel)
    rate, _ = edit_rate(probe(arguments.sources[0]))
    write(arguments.reel, arguments.target, arguments.format, rate=rate)
    progress(1.0)
    return _file_of(arguments.reel, arguments.target)


def _refuse_empty(reel: Reel) -> None:
    if not len(reel):
        raise InputError("the reel is empty", remedy="choose from more events")


def _file_of(reel: Reel, target: str) -> ReelFile:
    return ReelFile(seconds=round(reel.seconds, 3), bytes=Path(target).stat().st_size)
