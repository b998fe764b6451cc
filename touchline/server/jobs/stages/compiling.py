"""Playlists as files: the clips of several matches as one video, or as a zip of one for each."""

import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from touchline.errors import InputError
from touchline.reel import Reel
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import JsonReel, StageArguments
from touchline.server.jobs.stages.cutting import FinishArguments, ReelFile, cut_finished


class CompileArguments(StageArguments):
    """The video or the zip to make.

    Attributes:
        reels: one for each clip of the playlist.
        files: names of the files in the zip, one for each reel; none for one video of all.
        sources: the videos, by the names that clips give them.
        suffix: of the videos.
        most_bytes: of all files in the zip together.
    """

    reels: tuple[JsonReel, ...]
    files: tuple[str, ...] = ()
    sources: dict[str, str]
    target: str
    suffix: str
    snap: bool
    finish: FinishArguments = FinishArguments()
    most_bytes: int


def compile_clips(arguments: CompileArguments, progress: Progress) -> ReelFile:
    """Cut the clips of a playlist into one video, or into one each.

    Raises:
        InputError: a clip lies beyond its video, or the files are larger than allowed. MediaError:
            a video cannot be read.
    """
    target = Path(arguments.target)
    if not arguments.files:
        whole = Reel(tuple(clip for reel in arguments.reels for clip in reel))
        cut = [_cut(arguments, whole, target, progress)]
    else:
        cut = list(_zip(arguments, target, progress))
    warnings = dict.fromkeys(warning for reel in cut for warning in reel.warnings)
    seconds = round(sum(reel.seconds for reel in cut), 3)
    return ReelFile(seconds=seconds, bytes=target.stat().st_size, warnings=tuple(warnings))


def _zip(arguments: CompileArguments, target: Path, progress: Progress) -> Iterator[Reel]:
    count = len(arguments.reels)
    piece = target.with_name(f"clip{arguments.suffix}")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for done, (reel, name) in enumerate(zip(arguments.reels, arguments.files, strict=True)):
            yield _cut(arguments, reel, piece, partial(_tell, progress, done, count))
            archive.write(piece, name)
            piece.unlink()
            if target.stat().st_size > arguments.most_bytes:
                raise InputError(
                    f"the clips up to the {done + 1}th of {count} are larger than "
                    f"{arguments.most_bytes / 1e9:.3g} GB",
                    remedy="make files of fewer clips at a time",
                )


def _tell(progress: Progress, done: int, count: int, share: float) -> None:
    progress((done + share) / count)


def _cut(arguments: CompileArguments, reel: Reel, target: Path, progress: Progress) -> Reel:
    videos = {name: Path(path) for name, path in arguments.sources.items()}
    return cut_finished(reel, target, videos, arguments.finish, progress, snap=arguments.snap)
