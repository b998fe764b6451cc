"""The videos that a reel is cut from: found, checked against what the reel says of them, described.

A file that names a video may come from anyone. So a video is opened unasked only inside the folder
of that file, or where its content is the one that the file states.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from touchline.errors import InputError, MediaError
from touchline.formats.base import Media
from touchline.formats.edit_lists import is_named
from touchline.formats.games import half_in_name
from touchline.media.opening import open_media, sound_remark
from touchline.media.sound_track import LAYOUTS
from touchline.media.video import TONE_MAPPED, VideoInfo, probe
from touchline.reel import MATCH, Clip, Reel, SourceVideo, of_video
from touchline.runtime.wording import counted_rate, rate_text
from touchline.timebase import format_seconds, timecode_base
from touchline.zoo.store import sha256_of

VideoPaths = str | Path | Mapping[Any, Path]
"""The video of a match, or several by the keys of ``of_video``."""

_EDIT_RATES = (
    *(Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30)),
    *(Fraction(48), Fraction(50), Fraction(60000, 1001), Fraction(60)),
)
CHANNELS_KEPT = max(LAYOUTS)
"""Channels of sound that a reel keeps; more are mixed down."""

_SAME_SECONDS = 2.0
_SAME_MOMENT_SECONDS = 0.1
_NAMED_VIDEOS = 5
_SAME_SHARE = 0.005


def video_of_clip(clip: Clip, video: VideoPaths) -> Path:
    """The video that a clip is cut from.

    Raises:
        InputError: there is no video for the clip's half.
    """
    if not isinstance(video, Mapping):
        return Path(video)
    found = of_video(clip, video)
    if found is None:
        raise InputError(
            f"the reel shows half {clip.half}, but there is no video of it"
            if clip.half
            else f"the reel shows {clip.video}, but there is no video of that name",
            remedy="give one video per half, in order",
        )
    return Path(found)


def videos_of(events: Path, reel: Reel, given: Sequence[Path]) -> VideoPaths | None:
    """The videos that a reel is cut from: those given, else those that ``events`` leads to.

    Those given are found by their names where these tell every video of the reel, else by order.

    Args:
        events: the file that names them.

    Raises:
        InputError: more videos than the reel is of, or fewer.
    """
    if given:
        return _given_videos(reel, given)
    key = _key_in(reel)
    found = {key(clip): path for clip in reel if (path := _beside(clip, reel, events)) is not None}
    if not found or any(key(clip) not in found for clip in reel):
        return None
    return next(iter(found.values())) if len(found) == 1 else found


def _given_videos(reel: Reel, given: Sequence[Path]) -> VideoPaths:
    named = paths_by_name(((clip.video, clip.half) for clip in reel), given)
    if named is not None and len(named) > 1:
        return named
    halves = sorted({clip.half for clip in reel if clip.half is not None})
    if is_of_matches(reel):
        return _given_in_order(reel, given)
    if halves:
        if len(given) == 1 and len(halves) == 1:
            return given[0]
        if len(given) < max(halves):
            raise InputError(
                f"the reel shows half {max(halves)}, but only {len(given)} given",
                where="--video",
                remedy="repeat --video for each half, in order",
            )
        return dict(enumerate(given, start=1))
    names = list(dict.fromkeys(clip.video for clip in reel))
    if len(names) == 1 and len(given) == 1:
        return given[0]
    if len(names) == 1:
        raise InputError(
            f"the reel is of one video, but {len(given)} were given",
            where="--video",
            remedy="give that one",
        )
    found = {name: [path for path in given if is_named(path, name)] for name in names}
    missing = [name for name, paths in found.items() if not paths]
    if missing:
        raise InputError(
            f"the reel is cut from {len(names)} videos, and none named {missing[0]} is given",
            where="--video",
            remedy=f"repeat --video for each, named as the reel names them: {_calls(missing)}",
        )
    return {name: paths[0] for name, paths in found.items()}


def paths_by_name(
    videos: Iterable[tuple[str, int | None]], given: Sequence[Path]
) -> dict[tuple[str, int | None], Path] | None:
    """The file of each video, by its name or its stem; None unless each has one file of its own.

    Files whose names state their half are not looked for: their order is checked.

    Args:
        videos: name of each, and what tells those of one name apart.
    """
    keys = list(dict.fromkeys(videos))
    if any(half_in_name(path.name) is not None for path in given):
        return None
    for is_one in (is_named, _has_stem):
        paths = [[path for path in given if is_one(path, name)] for name, _ in keys]
        found = {key: own[0] for key, own in zip(keys, paths, strict=True) if len(own) == 1}
        if len(set(found.values())) == len(keys):
            return found
    return None


def _has_stem(path: Path, video: str) -> bool:
    return path.stem.lower() == PurePosixPath(_last_part(video)).stem.lower()


def _given_in_order(reel: Reel, given: Sequence[Path]) -> VideoPaths:
    """The videos of a reel of several matches, in its order."""
    keys = dict.fromkeys((clip.video, clip.half) for clip in reel)
    if len(keys) != len(given):
        raise InputError(
            f"the reel is cut from {len(keys)} videos, but {len(given)} were given",
            where="--video",
            remedy="repeat --video for each, in the order in which the reel shows them",
        )
    return dict(zip(keys, given, strict=True))


def _calls(names: Sequence[str]) -> str:
    """Such as ``TAPE1.mp4, TAPE2.mp4``: files that have the names of videos or tapes."""
    files = [
        name if PurePosixPath(name).suffix else f"{name}.mp4" for name in map(_last_part, names)
    ]
    return ", ".join(files[:_NAMED_VIDEOS]) + ", ..." * (len(files) > _NAMED_VIDEOS)


def _key_in(reel: Reel) -> Callable[[Clip], Any]:
    """What tells the videos of a reel apart: see ``of_video``."""
    if is_of_matches(reel):
        return lambda clip: (clip.video, clip.half)
    return lambda clip: clip.video if clip.half is None else clip.half


def is_of_matches(reel: Reel) -> bool:
    """Whether clips are of several matches, whose halves tell no videos apart."""
    return any(MATCH in clip.extra for clip in reel)


def _last_part(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _beside(clip: Clip, reel: Reel, events: Path) -> Path | None:
    """The video of a clip that the file naming it leads to."""
    folder = events.parent
    known = _known(clip, reel)
    if known is not None and known.path is not None:
        path = folder / known.path
        if path.is_file() and (is_inside(known.path) or _is_the_same(path, known)):
            return path
    names = (clip.video,) if is_inside(clip.video) else ()
    for name in (*names, _last_part(clip.video)):
        try:
            if name and (folder / name).is_file():
                return folder / name
        except (OSError, ValueError):  # a name that no file can have
            continue
    return None


def is_inside(name: str) -> bool:
    """Whether a name leads to a place below the folder in which it is read."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not (path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name))


def _is_the_same(path: Path, known: SourceVideo) -> bool:
    """Whether a file has the content that is stated."""
    try:
        return known.sha256 is not None and sha256_of(path) == known.sha256
    except OSError:
        return False


def _known(clip: Clip, reel: Reel) -> SourceVideo | None:
    named = (v for v in reel.videos if (v.name, v.half) == (clip.video, clip.half))
    return next(named, None)


def check_videos(
    reel: Reel,
    videos: VideoPaths,
    audio_track: int | None = None,
    *,
    keeps_hdr: bool = False,
    unstated: Collection[str] = (),
) -> list[str]:
    """Compare the videos with what the reel says of them.

    Args:
        unstated: names of videos that no file states, as they are those of the files of events.

    Returns:
        What differs, one text each: name, length, content; and what is to be known of each video.

    Raises:
        InputError: the video of another half, by its name. MediaError: it cannot be read.
    """
    checked: dict[tuple[str, int | None], Clip] = {}
    for clip in reel:
        checked.setdefault((clip.video, clip.half), clip)
    warnings: list[str] = []
    for clip in checked.values():
        path = video_of_clip(clip, videos)
        _refuse_other_half(clip, path)
        known = _known(clip, reel) or SourceVideo(clip.video, clip.half)
        warnings += _differences(known, path, is_stated=clip.video not in unstated)
    paths = dict.fromkeys(video_of_clip(clip, videos) for clip in checked.values())
    warnings += [
        f"{path.name}: {remark}"
        for path in paths
        for remark in made_remarks(path, audio_track, CHANNELS_KEPT)
        if not (keeps_hdr and remark.endswith(TONE_MAPPED))
    ]
    return warnings


def made_remarks(
    path: Path, audio_track: int | None = None, channels_kept: int = 2
) -> tuple[str, ...]:
    """What is to be known of what is made from a video: its breaks, and what of its sound is heard.

    Raises:
        MediaError: it cannot be read.
    """
    remarks = probe(path).remarks
    with open_media(path) as container:
        heard = sound_remark(container, audio_track, channels_kept)
    return remarks if heard is None else (*remarks, heard)


def _refuse_other_half(clip: Clip, path: Path) -> None:
    wanted = clip.half or half_in_name(clip.video)
    found = half_in_name(path.name)
    if wanted is not None and found is not None and wanted != found:
        raise InputError(
            f"is half {found} by its name, and the events are of half {wanted} ({clip.video})",
            where=path,
            remedy=f"give the video of half {wanted} with --video",
        )


def _differences(known: SourceVideo, path: Path, *, is_stated: bool) -> Iterator[str]:
    name = _last_part(known.name)
    is_file_name = re.search(r"\.[A-Za-z]\w{1,4}$", name) is not None
    # Names without an ending that come with a half are made of its number or its game.
    is_stem = not is_file_name and is_stated and known.half is None
    is_other = name != path.name if is_file_name else is_stem and not is_named(path, name)
    if is_other and half_in_name(name) is None:
        yield f"the events name the video {name}, and {path.name} is cut"
    if known.duration_seconds is not None:
        seconds = probe(path).duration_seconds
        differs = abs(seconds - known.duration_seconds)
        if differs > max(_SAME_SECONDS, _SAME_SHARE * known.duration_seconds):
            yield (
                f"{path.name} is {format_seconds(seconds, 1)} long, and the video of the events "
                f"is {format_seconds(known.duration_seconds, 1)}: it may not be the one"
            )
            return
    if known.sha256 is not None and path.is_file() and not _is_the_same(path, known):
        yield f"{path.name} is not the file that the reel was made from: its content differs"


def ends_beyond(clips: Iterable[Clip], videos: VideoPaths) -> list[str]:
    """What to say of clips that end beyond the end of their videos, where they are cut.

    Raises:
        MediaError: a video cannot be read.
    """
    said = []
    for clip in clips:
        path = video_of_clip(clip, videos)
        length = probe(path).duration_seconds
        if clip.end_seconds > length + _SAME_MOMENT_SECONDS:
            said.append(
                f"the clip {format_seconds(clip.start_seconds)}-{format_seconds(clip.end_seconds)} "
                f"is shown up to the end of {path.name} ({format_seconds(length, 1)})"
            )
    return said


def with_videos(reel: Reel, videos: VideoPaths, folder: Path) -> Reel:
    """The reel with where its videos lie, as seen from a folder, and what is in them.

    Raises:
        MediaError: one cannot be read.
    """
    found: dict[tuple[str, int | None], SourceVideo] = {}
    for clip in reel:
        key = (clip.video, clip.half)
        if key not in found:
            found[key] = _described(clip, video_of_clip(clip, videos), folder)
    return replace(reel, videos=tuple(found.values()))


def _described(clip: Clip, path: Path, folder: Path) -> SourceVideo:
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise MediaError(f"cannot be read: {error.strerror}", where=path) from error
    try:
        place = os.path.relpath(path.absolute(), folder.absolute())
    except ValueError:  # another drive
        place = str(path.absolute())
    seconds = round(probe(path).duration_seconds, 6)
    return SourceVideo(clip.video, clip.half, seconds, place.replace(os.sep, "/"), digest)


def media_of_video(path: Path) -> Media:
    """What edit lists say of a video.

    Raises:
        MediaError: it cannot be read.
    """
    info = probe(path)
    return Media(path.absolute(), info.timecode, info.duration_seconds, info.has_audio, info.size)


def media_of_reel(reel: Reel, videos: VideoPaths) -> dict[tuple[str, int | None], Media]:
    """What edit lists say of the videos of a reel.

    Raises:
        MediaError: one cannot be read.
    """
    paths = {(clip.video, clip.half): video_of_clip(clip, videos) for clip in reel}
    described = {path: media_of_video(path) for path in dict.fromkeys(paths.values())}
    return {key: described[path] for key, path in paths.items()}


def listed_rate(frame_rate: Fraction, nominal_rate: Fraction | None = None) -> Fraction:
    """The rate at which edit lists count a video of a frame rate: its own where timecode has it."""
    try:
        timecode_base(frame_rate)
        return frame_rate
    except InputError:
        pass
    enough = (rate for rate in _EDIT_RATES if rate >= frame_rate * Fraction(999, 1000))
    return nominal_rate if nominal_rate in _EDIT_RATES else next(enough, _EDIT_RATES[-1])


def edit_rate(info: VideoInfo) -> tuple[Fraction, str | None]:
    """The rate at which edit lists count a video, and a remark where that is not its own.

    A video of variable rate is counted at the lowest rate in use that is not below its mean.
    """
    rate = listed_rate(info.frame_rate, info.nominal_rate)
    if rate == info.frame_rate:
        return rate, None
    return rate, (
        f"{info.path.name} has no constant frame rate ({rate_text(info.frame_rate)} on average); "
        f"the list counts {counted_rate(rate, 'frame')}: --rate gives another"
    )
