"""Reels as videos, cut from the upload itself."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from touchline.editing.finish import Finish
from touchline.editing.framing import parse_aspect
from touchline.editing.sources import VideoPaths
from touchline.errors import InputError
from touchline.events import SCORE_BUG
from touchline.match_state import clip_word
from touchline.media.encoders import AUTO
from touchline.reel import Cut, Reel
from touchline.runtime.progress import Progress
from touchline.server.finishing import in_api
from touchline.server.jobs.stages.base import JsonReel, StageArguments, StageResult


class FinishArguments(StageArguments):
    """How a video is finished, as ``Finishing`` has it, with files in place of assets.

    Attributes:
        score_bug: where that of the video stands, as shares of the picture, if it is known.
    """

    labels: bool = False
    titles: bool = False
    scoreboard: bool = False
    teams: tuple[str, str] | None = None
    logo: str | None = None
    outro: str | None = None
    outro_picture: str | None = None
    music: str | None = None
    lufs: float | None = None
    aspect: str | None = None
    cut: Cut = "auto"
    keep_hdr: bool = False
    deinterlace: bool = True
    audio_track: int | None = None
    encoder: str = AUTO
    score_bug: tuple[float, float, float, float] | None = None

    @property
    def names(self) -> dict[str, str]:
        """What messages call its files, by their paths."""
        files = (self.logo, self.outro_picture, self.music)
        return {path: Path(path).name for path in files if path is not None}

    def to_finish(self) -> Finish:
        """What is drawn, heard and copied."""
        return Finish(
            self.cut,
            self.keep_hdr,
            self.lufs,
            _path(self.music),
            self.titles,
            self.scoreboard,
            teams=self.teams,
            logo=_path(self.logo),
            outro=self.outro if self.outro_picture is None else Path(self.outro_picture),
            encoder=self.encoder,
        )


class CutArguments(StageArguments):
    """The video to cut.

    Attributes:
        sources: the videos; one for each of ``halves``, by which clips name them, if there are any.
        target: its suffix says which kind of video is written; of ``each``, that of a zip.
        each: the suffix of the videos, one for each clip, in a zip; None for one video of all.
    """

    reel: JsonReel
    sources: tuple[str, ...]
    halves: tuple[int, ...] = ()
    target: str
    each: str | None = None
    snap: bool
    finish: FinishArguments = FinishArguments()


class ReelFile(StageResult):
    """Length of the reel, size of its file, and what a person should know of it."""

    seconds: float
    bytes: int
    warnings: tuple[str, ...] = ()


def cut_reel(arguments: CutArguments, progress: Progress) -> ReelFile:
    """Cut a reel into a video, or into one for each clip.

    Raises:
        InputError: the reel is empty, or lies beyond the video. MediaError: it cannot be read.
    """
    reel, target = arguments.reel, Path(arguments.target)
    _refuse_empty(reel)
    if arguments.each is None:
        return _file_of(_cut(arguments, reel, target, progress), arguments.target)
    done = 0.0
    cut: list[Reel] = []

    def write_clip(clip: Reel, path: Path) -> None:
        nonlocal done
        share, before = clip.seconds / reel.seconds, done
        cut.append(_cut(arguments, clip, path, lambda part: progress(before + share * part)))
        done += share

    write_each(reel, target, arguments.each, write_clip)
    warnings = dict.fromkeys(warning for one in cut for warning in one.warnings)
    clips = tuple(clip for one in cut for clip in one)
    made = replace(reel, clips=clips, warnings=tuple(warnings))
    return _file_of(made, arguments.target)


def write_each(
    reel: Reel, target: Path, suffix: str, write_clip: Callable[[Reel, Path], object]
) -> None:
    """Write a file for each clip, as ``01-goal.mp4``, into one zip.

    Args:
        suffix: of the files.
        write_clip: writes the reel of one clip into a file, which is removed afterwards.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, clip in _clips(reel):
            path = target.with_name(f"clip-{name}{suffix}")
            try:
                write_clip(clip, path)
                archive.write(path, f"{name}{suffix}")
            finally:
                path.unlink(missing_ok=True)


def _clips(reel: Reel) -> Iterator[tuple[str, Reel]]:
    for number, clip in enumerate(reel, start=1):
        yield f"{number:02d}-{clip_word(clip)}", replace(reel, clips=(clip,))


def _cut(arguments: CutArguments, reel: Reel, target: Path, progress: Progress) -> Reel:
    paths = tuple(map(Path, arguments.sources))
    video = dict(zip(arguments.halves, paths, strict=True)) if arguments.halves else paths[0]
    return cut_finished(reel, target, video, arguments.finish, progress, snap=arguments.snap)


def cut_finished(
    reel: Reel,
    target: Path,
    video: VideoPaths,
    asked: FinishArguments,
    progress: Progress,
    *,
    snap: bool,
) -> Reel:
    """Cut a reel into one video with a finish; gives it as it was cut.

    Raises:
        InputError: a clip lies beyond the video. MediaError: it cannot be read.
    """
    from touchline import pipeline  # edit lists do without what it imports
    from touchline.editing.graphics import Graphics

    finish, track = asked.to_finish(), asked.audio_track
    if asked.score_bug is not None:
        reel = replace(reel, extra={**reel.extra, SCORE_BUG: asked.score_bug})
    try:
        remarks = Graphics.of(reel, finish, labels=asked.labels).remarks(reel)
        made = pipeline.cut_reel(
            replace(reel, warnings=(*reel.warnings, *remarks)),
            target,
            video,
            burn_labels=asked.labels,
            snap=snap,
            aspect=None if asked.aspect is None else parse_aspect(asked.aspect),
            deinterlace=asked.deinterlace,
            audio_track=track,
            finish=finish,
            progress=progress,
        )
    except InputError as error:
        raise _error_in_api(error) from error
    return replace(made, warnings=tuple(map(in_api, made.warnings)))


def _error_in_api(error: InputError) -> InputError:
    """The error with the options' names in the API; its place stays apart, to be named."""
    remedy = None if error.remedy is None else in_api(error.remedy)
    where = None if error.where is None else in_api(error.where)
    return InputError(in_api(error.what), where=where, remedy=remedy)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _refuse_empty(reel: Reel) -> None:
    if not len(reel):
        raise InputError("the reel is empty", remedy="choose from more events")


def _file_of(reel: Reel, target: str) -> ReelFile:
    return ReelFile(
        seconds=round(reel.seconds, 3),
        bytes=Path(target).stat().st_size,
        warnings=reel.warnings,
    )
