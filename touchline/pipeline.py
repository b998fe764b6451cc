"""Where the stages meet: a video to its timeline, its reel and the files that people take away."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any

from touchline.broadcast.result import Broadcast, write_broadcast
from touchline.editing.cuts import snap_to_cuts
from touchline.editing.doubts import doubts_of_transcripts, events_beyond
from touchline.editing.finish import PLAIN, Finish
from touchline.editing.hand_framing import with_framing
from touchline.editing.render import inside_videos, refuse_empty, render_reel
from touchline.editing.select import (
    DEFAULT_JITTER_SECONDS,
    NO_TRANSCRIPTS,
    select,
    selector_of,
)
from touchline.editing.sources import (
    VideoPaths,
    edit_rate,
    media_of_reel,
    video_of_clip,
    with_videos,
)
from touchline.editing.wishes import NO_WISHES, Wishes, chosen_with, wanted
from touchline.errors import FormatError, InputError
from touchline.events import SCORE_BUG, TEAMS, Match, Timeline
from touchline.formats import read, target_format, write
from touchline.formats.base import Media
from touchline.formats.choosing import of_half
from touchline.formats.comparing import timelines_of
from touchline.formats.provenance import with_checksum
from touchline.match_state import as_box, teams_in
from touchline.media.video import probe
from touchline.media.writer import SUFFIXES
from touchline.reel import Reel, Selection
from touchline.report.page import write_report
from touchline.runtime.atomic import together
from touchline.runtime.progress import Progress
from touchline.spotting.auto_spotter import AutoSpotter, is_broadcast_alone
from touchline.spotting.spotter import VideoSpotter
from touchline.spotting.timelines import DEFAULT_THRESHOLD
from touchline.transcripts import Transcripts

DEFAULT_REEL_SECONDS = 180.0

VIDEO_SUFFIXES = tuple(SUFFIXES)
"""What a reel can be cut into; every other suffix names an edit list."""

EVENTS_ENDING = ".events.json"
REPORT_ENDING = ".report.html"
BROADCAST_ENDING = ".broadcast.json"

_REEL_FORMAT = "touchline-reel"
_COUNTING_FORMATS = ("edl", "fcpxml", "otio")

_THRESHOLD = "threshold"
_PART = "part"


@dataclass(frozen=True)
class SpotOptions:
    """How a video is spotted; the file of events records it.

    Attributes:
        threshold: events of lower confidence are left out (field ``threshold``).
        start_seconds, end_seconds: the part of the video that is read, None for its end; times of
            events stay those of the whole video (field ``part``, unless it is the whole video).
    """

    threshold: float = DEFAULT_THRESHOLD
    start_seconds: float = 0.0
    end_seconds: float | None = None

    def fit(self, timeline: Timeline) -> bool:
        """Whether a timeline that was read back was made with these options."""
        recorded = {name: timeline.extra.get(name) for name in (_THRESHOLD, _PART)}
        return recorded == {_THRESHOLD: self.threshold, _PART: self._part}

    def recorded(self, timeline: Timeline) -> Timeline:
        """The timeline with these options in it."""
        options: dict[str, Any] = {_THRESHOLD: self.threshold}
        if self._part is not None:
            options[_PART] = self._part
        return replace(timeline, extra={**timeline.extra, **options})

    @property
    def _part(self) -> dict[str, float | None] | None:
        if not self.start_seconds and self.end_seconds is None:
            return None
        return {"start": self.start_seconds, "end": self.end_seconds}


DEFAULT_OPTIONS = SpotOptions()


@dataclass(frozen=True)
class SpottedVideo:
    """What spotting one video gave, and where it was written.

    Attributes:
        broadcast_path: None where the model does not read the broadcast.
    """

    video: Path
    timeline: Timeline
    events_path: Path
    report_path: Path
    broadcast_path: Path | None = None


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


def events_path(video: Path, folder: Path) -> Path:
    """Where the events of a video go."""
    return folder / f"{video.stem}{EVENTS_ENDING}"


def report_path(video: Path, folder: Path) -> Path:
    """Where the report of a video goes."""
    return folder / f"{video.stem}{REPORT_ENDING}"


def broadcast_path(video: Path, folder: Path) -> Path:
    """Where what the broadcast of a video says goes."""
    return folder / f"{video.stem}{BROADCAST_ENDING}"


def spot_video(
    spotter: VideoSpotter,
    video: Path,
    folder: Path | None = None,
    options: SpotOptions = DEFAULT_OPTIONS,
    *,
    reel_seconds: float | None = DEFAULT_REEL_SECONDS,
    progress: Progress | None = None,
) -> SpottedVideo:
    """Spot a video and write ``<stem>.events.json`` and ``<stem>.report.html``.

    A model that reads the broadcast writes ``<stem>.broadcast.json``, too.

    Args:
        folder: where to; beside the video by default. Made if it is not there.
        reel_seconds: the report marks the reel of this length; None for none.

    Raises:
        MediaError: the video cannot be read. InputError: the folder cannot be written.
        ConfigError: a part of a video, for a model that reads whole videos.
    """
    target = video.parent if folder is None else folder
    check_writable(target)
    timeline, broadcast = _watch(spotter, video, options, progress)
    writable_folder(target)
    events, report = events_path(video, target), report_path(video, target)
    reel = None if reel_seconds is None else select(timeline, reel_seconds)
    broadcast_file = None if broadcast is None else broadcast_path(video, target)
    with together():
        if broadcast is not None and broadcast_file is not None:
            write_broadcast(broadcast, broadcast_file)
        write_report(timeline, report, video=video, reel=reel)
        write(with_checksum(options.recorded(timeline)), events)
    return SpottedVideo(video, timeline, events, report, broadcast_file)


def _watch(
    spotter: VideoSpotter, video: Path, options: SpotOptions, progress: Progress | None
) -> tuple[Timeline, Broadcast | None]:
    wanted: dict[str, Any] = {
        "threshold": options.threshold,
        "start_seconds": options.start_seconds,
        "end_seconds": options.end_seconds,
        "progress": progress,
    }
    if isinstance(spotter, AutoSpotter):
        watched = spotter.watch(video, **wanted)
        return watched.timeline, watched.broadcast
    return spotter.spot(video, **wanted), None


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
    video: VideoPaths | None,
    *,
    burn_labels: bool = False,
    snap: bool = True,
    aspect: Fraction | None = None,
    rate: Fraction | None = None,
    deinterlace: bool = True,
    audio_track: int | None = None,
    finish: Finish = PLAIN,
    comment: str | None = None,
    progress: Progress | None = None,
) -> Reel:
    """As ``write_reel``, with a choice of what is drawn; gives the reel as cut.

    Args:
        aspect: width by height of the picture, of a video file; None for that of ``video``. A reel
            file says where the window lies, to be corrected by hand.
        rate: frames a second, for edit lists that count frames; None for that of ``video``.
        deinterlace: fill in the lines of interlaced pictures, in a video file.
        audio_track: number of its sound track, from 1; None for the one that a player plays.
        finish: how a video file is made.
        comment: a text that a video file carries with it.

    Raises:
        InputError: an empty reel, no video to cut from, or an unknown suffix. MediaError: it cannot
            be read.
    """
    refuse_empty(reel)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        if video is None:
            names = list(dict.fromkeys(clip.video for clip in reel))
            each = "it" if len(names) == 1 else "each, a file of that name,"
            raise InputError(
                "a video to cut from is needed",
                where=path,
                remedy=f"name {each} with --video VIDEO (the reel is of {', '.join(names)[:200]})",
            )
        return render_reel(
            reel,
            path,
            video,
            burn_labels=burn_labels,
            snap=snap,
            aspect=aspect,
            deinterlace=deinterlace,
            audio_track=audio_track,
            finish=finish,
            comment=comment,
            progress=progress,
        )
    _check_suffix(reel, path)
    if video is None:
        write(reel, path, rate=rate)
        return reel
    reel = inside_videos(reel, video)
    if snap:
        reel = snap_to_cuts(reel, lambda clip: video_of_clip(clip, video))
    if target_format(reel, path) == _REEL_FORMAT:
        if aspect is not None:
            reel = with_framing(reel, video)
        reel = with_videos(reel, video, path.parent)
    counted, remark = edit_rate(probe(video_of_clip(reel.clips[0], video)))
    if rate is None and remark is not None and target_format(reel, path) in _COUNTING_FORMATS:
        reel = replace(reel, warnings=(*reel.warnings, remark))
    write(reel, path, rate=rate or counted, video=media_of_reel(reel, video))
    return reel


def _check_suffix(reel: Reel, path: Path) -> None:
    try:
        target_format(reel, path)
    except FormatError as error:
        remedy = f"{error.remedy}; for a video {', '.join(VIDEO_SUFFIXES)}"
        raise InputError(error.what, where=path, remedy=remedy) from error


def chosen_reel(
    thing: Timeline | Match | Reel,
    seconds: float,
    shift_seconds: float = 0.0,
    jitter_seconds: float = DEFAULT_JITTER_SECONDS,
    wishes: Wishes = NO_WISHES,
    selection: Selection = "learned",
    transcripts: Transcripts = NO_TRANSCRIPTS,
) -> Reel:
    """The reel of events; a reel is taken as it is. It warns of what cannot be used.

    Raises:
        InputError: the length, the shift or the jitter is out of range, or there is nothing to
            show.
    """
    if not isfinite(shift_seconds):
        raise InputError(f"a shift of {shift_seconds} s", remedy="give a number of seconds")
    if isinstance(thing, Reel):
        refuse_empty(thing)
        return thing
    own = wanted(thing, wishes)
    selector = selector_of(
        thing,
        shift_seconds=shift_seconds,
        jitter_seconds=jitter_seconds,
        selection=selection,
        transcripts=transcripts,
        wants=wishes.wants,
    )
    reel = chosen_with(own, seconds, wishes, selector.reel, shift_seconds)
    hidden = bool(thing.events) and not own.events
    refuse_empty(reel, "the wishes leave no event: ask for less" if hidden else _more_events(thing))
    timelines = timelines_of(thing)
    remarks = [*events_beyond(timelines), *doubts_of_transcripts(timelines, transcripts)]
    reel = replace(reel, warnings=(*reel.warnings, *remarks))
    return replace(reel, extra=_of_broadcast(timelines))


def _of_broadcast(timelines: Sequence[Timeline]) -> dict[str, Any]:
    """What a reel keeps of the broadcast: the teams, and where its score bug stands."""
    known: dict[str, Callable[[Mapping[str, Any]], object]] = {
        TEAMS: teams_in,
        SCORE_BUG: lambda fields: as_box(fields.get(SCORE_BUG)),
    }
    return {
        name: timeline.extra[name]
        for name, read in known.items()
        for timeline in reversed(timelines)
        if read(timeline.extra) is not None
    }


def _more_events(thing: Timeline | Match) -> str:
    """What would give events to show, by what found those that there are."""
    if any(event.status == "rejected" for event in thing.events):
        return "accept some of the rejected events"
    timelines = timelines_of(thing)
    producers = [timeline.model for timeline in timelines if timeline.model is not None]
    if not producers:
        return "give a file with events"
    if all(map(is_broadcast_alone, producers)):
        return "the broadcast shows none; spot with a network: --model soccer --pull"
    return "spot with a lower --threshold, or with another model"


def timeline_of(events: Path, half: int | None) -> Timeline:
    """The timeline of one video in an event file.

    Raises:
        FormatError: the file cannot be read. InputError: it is of several videos and ``half`` does
        not say which, or of a reel.
    """
    thing = read_one_game(events)
    if isinstance(thing, Timeline):
        return thing if half is None else of_half(thing, half, events)
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


def read_one_game(
    events: Path, rate: Fraction | None = None, media: Sequence[Media] = ()
) -> Timeline | Match | Reel:
    """What a file of events or a reel file holds.

    Args:
        rate, media: frame rate and videos of an edit list that does not state them.

    Raises:
        FormatError: it cannot be read. InputError: it is of several games.
    """
    thing = read(events, rate=rate, media=media)
    if not isinstance(thing, dict):
        return thing
    if len(thing) != 1:
        raise InputError(
            f"these are the events of {len(thing)} games",
            where=events,
            remedy="give the file of one game",
        )
    return next(iter(thing.values()))


def check_writable(folder: Path) -> None:
    """Find out whether results can be put into a folder, before hours go into making them.

    Raises:
        InputError: it is a file, lies below one, or may not be written.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise _unusable_folder(folder, f"{there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _unusable_folder(folder, "no permission to write")


def writable_folder(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        InputError: it is a file, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable_folder(folder, error.strerror or str(error)) from error
    return folder


def _unusable_folder(folder: Path, why: str) -> InputError:
    return InputError(
        f"cannot hold the results ({why})", where=folder, remedy="name a folder to write into"
    )
