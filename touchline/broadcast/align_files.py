"""A file of events and one or several recordings: the events on the recordings' time, as files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from touchline.broadcast.alignment import Alignment, align
from touchline.broadcast.alignment_report import AlignmentReport
from touchline.broadcast.feed import Feed, feed_of
from touchline.broadcast.match_clock import kick_off_remarks, kicked_off, only_half
from touchline.broadcast.ocr import is_installed
from touchline.broadcast.reading import read_recording
from touchline.broadcast.result import Broadcast, read_broadcast
from touchline.errors import InputError
from touchline.events import Match, Timeline
from touchline.formats import read
from touchline.media.video import VideoInfo, probe

SUFFIX = ".broadcast.json"


@dataclass(frozen=True)
class AlignedFiles:
    """A feed on the time of its recordings.

    Attributes:
        content: the timeline of one recording; the match of several, a half each.
        reports: of each recording.
        sources: what each recording's clock was taken from, for people.
    """

    content: Timeline | Match
    reports: tuple[AlignmentReport, ...]
    sources: tuple[str, ...]


def align_files(
    feed: str | Path,
    videos: Sequence[str | Path],
    *,
    format: str | None = None,
    broadcasts: Sequence[str | Path] = (),
    half: int | None = None,
    kick_offs: Mapping[int, float] | None = None,
    check_score: bool = True,
    threads: int | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> AlignedFiles:
    """Put the events of a feed on the time of a recording, or of several that are a half each.

    What a recording says is taken from ``broadcasts``, else from ``<stem>.broadcast.json`` beside
    it, else it is read. With ``kick_offs`` it is not read, and such a file serves for all but the
    clock.

    Args:
        feed: a file in any format that says half and match clock, or a provider's folder.
        videos: in playing order.
        format: of the feed.
        broadcasts: files of what each video says.
        half: which half a single video is, where it holds one alone.
        kick_offs: seconds in the video by half; negative where it starts after the kick-off.
        check_score: refuse a feed whose goals the score contradicts.
        threads: processor threads for reading a recording.
        progress: called with the seconds read and the length.

    Raises:
        InputError: the feed has no match clock or is of another match; the recording cannot be
            read, or has no clock.
    """
    noted = feed_of(read(feed, format), feed)
    if broadcasts and len(broadcasts) != len(videos):
        raise InputError(
            f"{len(broadcasts)} broadcast files for {len(videos)} videos",
            remedy="give one for each, in the same order",
        )
    halves = [half] if len(videos) == 1 else list(range(1, len(videos) + 1))
    done = []
    sources = []
    for place, (video, number) in enumerate(zip(map(Path, videos), halves, strict=True)):
        given = Path(broadcasts[place]) if broadcasts else None
        said = _said(video, given, number, kick_offs, threads, progress)
        done.append(_aligned(noted, said, number, check_score))
        sources.append(said.source)
    timelines = tuple(one.timeline for one in done)
    content = timelines[0] if len(timelines) == 1 else Match(Path(feed).stem, timelines)
    return AlignedFiles(content, tuple(one.report for one in done), tuple(sources))


@dataclass(frozen=True)
class _Said:
    """What a recording says, what that was taken from, and what a person should know of it."""

    broadcast: Broadcast
    source: str
    info: VideoInfo
    remarks: tuple[str, ...] = ()


def _aligned(feed: Feed, known: _Said, half: int | None, check_score: bool) -> Alignment:
    said = known.broadcast
    feed = replace(feed, warnings=(*feed.warnings, *known.remarks))
    if half is not None:
        said = only_half(said, half)
        feed = _only_half_of(feed, half, said.video_name)
    try:
        done = align(feed, said, frame_rate=known.info.frame_rate, check_score=check_score)
    except InputError as error:
        if not known.remarks:
            raise
        told = "; ".join(known.remarks)
        raise InputError(error.what, where=error.where, remedy=told) from error
    if half is None:
        return done
    events = [replace(event, half=None) for event in done.timeline]
    return replace(done, timeline=replace(done.timeline.with_events(events), half=half))


def _only_half_of(feed: Feed, half: int, video_name: str) -> Feed:
    if events := feed.of_half(half):
        return replace(feed, events=events)
    noted = " and ".join(map(str, sorted({one.half for one in feed.events})))
    raise InputError(
        f"the feed has no event of half {half}", where=video_name, remedy=f"it has half {noted}"
    )


def _said(
    video: Path,
    given: Path | None,
    half: int | None,
    kick_offs: Mapping[int, float] | None,
    threads: int | None,
    progress: Callable[[float, float], None] | None,
) -> _Said:
    info = probe(video)
    beside = video.with_name(video.stem + SUFFIX)
    path = given or (beside if beside.is_file() else None)
    if not kick_offs:
        if path is not None:
            return _Said(read_broadcast(path), str(path), info)
        if not is_installed():
            raise InputError(
                "the clock in the picture cannot be read here", where=video,
                remedy="install it with: pip install 'touchline[broadcast]'; or give the "
                "kick-offs: --kick-off 5:12 --second-half 1:02:30",
            )  # fmt: skip
        said = read_recording(video, threads=threads, progress=progress)
        return _Said(said, "the picture", info)
    wanted = {k: v for k, v in kick_offs.items() if half in (None, k)}
    if not wanted:
        raise InputError(f"no kick-off is given for half {half}", where=video)
    said = kicked_off(wanted, video.name, info.duration_seconds)
    if path is None:
        return _Said(said, "the kick-offs given", info)
    shown = read_broadcast(path)
    clocks = shown
    if half is not None and len(shown.halves or ()) == 1:
        clocks = only_half(shown, half)  # a clock that starts anew at 0:00
    remarks = kick_off_remarks(wanted, clocks)
    said = replace(shown, halves=said.halves, readings=None)
    return _Said(said, "the kick-offs given", info, tuple(remarks))
