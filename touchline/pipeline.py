"""Where the stages meet: a video to its timeline, its reel and the files that people take away."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite
from pathlib import Path

from touchline.editing.cuts import snap_to_cuts
from touchline.editing.render import Sources, inside_videos, render_reel, source_of
from touchline.editing.select import DEFAULT_JITTER_SECONDS, select
from touchline.errors import FormatError, InputError
from touchline.events import Match, Timeline
from touchline.formats import read, target_format, write
from touchline.media.video import probe
from touchline.media.writer import SUFFIXES
from touchline.reel import Reel
from touchline.report.page import write_report
from touchline.runtime.progress import Progress
from touchline.spotting.spotter import VideoSpotter
from touchline.spotting.timelines import DEFAULT_THRESHOLD

DEFAULT_REEL_SECONDS = 180.0

THRESHOLD = "threshold"
"""The field of a file of events that tells the confidence below which none were written."""

VIDEO_SUFFIXES = tuple(SUFFIXES)
"""What a reel can be cut into; every other suffix names an edit list."""


@dataclass(frozen=True)
class SpottedVideo:
    """What spotting one video gave, and where it was written."""

    video: Path
    timeline: Timeline
    events_path: Path
    report_path: Path


def refuse_clashes(videos: Sequence[Path], folder: Path | None) -> None:
    """Refuse videos whose results would overwrite each other's.

    Raises:
        InputError: two videos of one name would write into one folder.
    """
    taken: dict[Path, Path] = {}
    for video in videos:
        target = (video.parent if folder is None else folder) / video.stem
        if target in taken and taken[target] != video:
            raise InputError(
                f"has the same name as {taken[target]}: their results would overwrite each other",
                where=video,
                remedy="spot them into different folders with --out",
            )
        taken[target] = video


def spot_video(
    spotter: VideoSpotter,
    video: Path,
    folder: Path | None = None,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    reel_seconds: float | None = DEFAULT_REEL_SECONDS,
    progress: Progress | None = None,
) -> SpottedVideo:
    """Spot a video and write ``<stem>.events.json`` and ``<stem>.report.html``.

    Args:
        folder: where to; beside the video by default. Made if it is not there.
        threshold: events of lower confidence are left out; the file of events says below which.
        reel_seconds: the report marks the reel of this length; None for none.

    Raises:
        MediaError: the video cannot be read. InputError: the folder cannot be written.
    """
    target = video.parent if folder is None else folder
    check_writable(target)
    timeline = spotter.spot(video, threshold=threshold, progress=progress)
    timeline = replace(timeline, extra={**timeline.extra, THRESHOLD: threshold})
    writable_folder(target)
    events_path = target / f"{video.stem}.events.json"
    report_path = target / f"{video.stem}.report.html"
    write(timeline, events_path)
    reel = None if reel_seconds is None else select(timeline, reel_seconds)
    write_report(timeline, report_path, video=video, reel=reel)
    return SpottedVideo(video, timeline, events_path, report_path)


def highlights(timeline: Timeline | Match, seconds: float = DEFAULT_REEL_SECONDS) -> Reel:
    """The reel of a match: the best moments that fit into a length, in match order.

    Raises:
        InputError: the length is too short to show anything.
    """
    return select(timeline, seconds)


def write_reel(
    reel: Reel, path: Path, video: str | Path | Mapping[int, Path] | None = None
) -> None:
    """Cut the reel into a video file, or write the edit list that the suffix names.

    Args:
        video: the file to cut from, or one per half; needed for ``.mp4``, ``.mkv`` and ``.mov``.

    Raises:
        InputError: no video to cut from, or an unknown suffix. MediaError: it cannot be read.
    """
    cut_reel(reel, path, video)


def cut_reel(
    reel: Reel,
    path: Path,
    video: Sources | None,
    *,
    burn_labels: bool = False,
    snap: bool = True,
    aspect: Fraction | None = None,
    rate: Fraction | None = None,
    progress: Progress | None = None,
) -> Reel:
    """As ``write_reel``, with a choice of what is drawn; gives the reel as cut.

    Args:
        aspect: width by height of the picture, of a video file; None for that of ``video``.
        rate: frames a second of the videos, for edit lists that count frames; read off ``video``
            where that is given.

    Raises:
        InputError: no video to cut from, or an unknown suffix. MediaError: it cannot be read.
    """
    if path.suffix.lower() in VIDEO_SUFFIXES:
        if video is None:
            raise InputError(
                "a video to cut from is needed", where=path, remedy="name it with --video VIDEO"
            )
        return render_reel(
            reel,
            path,
            video,
            burn_labels=burn_labels,
            snap=snap,
            aspect=aspect,
            progress=progress,
        )
    _check_suffix(reel, path)
    if video is not None and len(reel):
        reel = inside_videos(reel, video)
        if snap:
            reel = snap_to_cuts(reel, lambda clip: source_of(clip, video))
        rate = probe(source_of(reel.clips[0], video)).frame_rate
    write(reel, path, rate=rate)
    return reel


def _check_suffix(reel: Reel, path: Path) -> None:
    try:
        target_format(reel, path)
    except FormatError as error:
        remedy = f"{error.remedy}; for a video {', '.join(VIDEO_SUFFIXES)}"
        raise InputError(error.what, where=path, remedy=remedy) from error


def reel_of(
    events: Path,
    seconds: float,
    shift_seconds: float = 0.0,
    jitter_seconds: float = DEFAULT_JITTER_SECONDS,
) -> Reel:
    """The reel of an event file; a reel file is taken as it is.

    Raises:
        FormatError: the file cannot be read. InputError: it is of several games, or the length,
        the shift or the jitter will not do.
    """
    if not isfinite(shift_seconds):
        raise InputError(f"a shift of {shift_seconds} s", remedy="give a number of seconds")
    thing = _one_game(events)
    if isinstance(thing, Reel):
        return thing
    return select(thing, seconds, shift_seconds=shift_seconds, jitter_seconds=jitter_seconds)


def timeline_of(events: Path, half: int | None) -> Timeline:
    """The timeline of one video in an event file.

    Raises:
        FormatError: the file cannot be read. InputError: it is of several videos and ``half`` does
        not say which, or of a reel.
    """
    thing = _one_game(events)
    if isinstance(thing, Timeline):
        return thing
    if isinstance(thing, Reel):
        raise InputError("this is a reel", where=events, remedy="give the events of a video")
    if len(thing.timelines) == 1 and half is None:
        return thing.timelines[0]
    found = None if half is None else thing.half(half)
    if found is None:
        halves = ", ".join(str(timeline.half or "?") for timeline in thing.timelines)
        raise InputError(
            f"there is no half {half} here" if half else "these are the events of several videos",
            where=events,
            remedy=f"say which one with --half (there are: {halves or 'none'})",
        )
    return found


def _one_game(events: Path) -> Timeline | Match | Reel:
    thing = read(events)
    if not isinstance(thing, dict):
        return thing
    if len(thing) != 1:
        raise InputError(
            f"these are the events of {len(thing)} games",
            where=events,
            remedy="give the file of one game",
        )
    return next(iter(thing.values()))


def videos_of(events: Path, reel: Reel, given: Sequence[Path]) -> Sources | None:
    """The videos that a reel is cut from: those given, else those lying beside the event file.

    Raises:
        InputError: more videos than the reel is of, or fewer.
    """
    halves = sorted({clip.half for clip in reel if clip.half is not None})
    if len(given) == 1 and len(halves) <= 1:
        return given[0]
    if given:
        if halves and len(given) < max(halves):
            raise InputError(
                f"the reel shows half {max(halves)}, but only {len(given)} given",
                where="--video",
                remedy="repeat --video for each half, in order",
            )
        if not halves:
            raise InputError(
                f"the reel is of one video, but {len(given)} were given",
                where="--video",
                remedy="give that one",
            )
        return dict(enumerate(given, start=1))
    beside = {clip.half: events.parent / clip.video for clip in reel}
    if not beside or not all(path.is_file() for path in beside.values()):
        return None
    if None in beside:
        return beside[None]
    return {half: path for half, path in beside.items() if half is not None}


def check_writable(folder: Path) -> None:
    """Find out whether results can be put into a folder, before hours go into making them.

    Raises:
        InputError: it is a file, lies below one, or may not be written.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise _no_home_for_results(folder, f"{there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _no_home_for_results(folder, "no permission to write")


def writable_folder(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        InputError: it is a file, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_home_for_results(folder, error.strerror or str(error)) from error
    return folder


def _no_home_for_results(folder: Path, why: str) -> InputError:
    return InputError(
        f"cannot hold the results ({why})", where=folder, remedy="name a folder to write into"
    )
