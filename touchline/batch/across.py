"""One reel out of several matches."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from touchline.batch.reels import ReelOptions, ReelTask, is_reel_file
from touchline.editing.across import ToldMatch, chosen_across, told_apart
from touchline.editing.render import refuse_empty
from touchline.editing.sources import VideoPaths, paths_by_name, video_of_clip
from touchline.errors import InputError
from touchline.events import Match, Timeline
from touchline.formats.comparing import timelines_of
from touchline.pipeline import EVENTS_ENDING, VIDEO_SUFFIXES
from touchline.reel import Clip, Reel, Share


@dataclass(frozen=True)
class AcrossTask(ReelTask):
    """The reel of several matches.

    Attributes:
        matches: the task of each match alone, which reads its files and finds its videos.
        share: how they share the length.
        videos: those given, of all matches in their order.
    """

    matches: tuple[ReelTask, ...] = ()
    share: Share = "worth"

    @property
    def made_with(self) -> tuple[object, ...]:
        """See ``ReelTask``."""
        return (*super().made_with, self.share)

    @property
    def said_files(self) -> list[Path]:
        """See ``ReelTask``."""
        return [file for match in self.matches for file in match.said_files]

    def unstated_videos(self, chosen: Reel) -> set[str]:
        """See ``ReelTask``."""
        if isinstance(self.events, Reel):
            return set()
        return {name for match in self.matches for name in match.unstated_videos(chosen)}

    def choose(self) -> tuple[Timeline | Match | Reel, Reel]:
        """See ``ReelTask``; what is read is a match of all videos, named apart."""
        if isinstance(self.events, Reel):
            return super().choose()
        options = self.options
        reel = chosen_across(
            self._told,
            options.seconds,
            self.share,
            options.wishes,
            shift_seconds=options.shift_seconds,
            jitter_seconds=options.jitter_seconds,
            selection=options.selection,
        )
        refuse_empty(reel)
        timelines = (t for match in self._apart for t in timelines_of(match.content))
        return Match(self.name, tuple(timelines)), reel

    def sources_of(self, chosen: Reel) -> VideoPaths | None:
        """See ``ReelTask``."""
        found: dict[tuple[str, int | None], Path] = {}
        missing: list[tuple[str, str]] = []
        for match, clips in zip(self._with_videos(), self._clips_of_matches(chosen), strict=True):
            if not clips:
                continue
            paths = match.sources_of(replace(chosen, clips=tuple(own for own, _ in clips)))
            if paths is None:
                missing.append((match.name, clips[0][0].video))
                continue
            found |= {(c.video, c.half): video_of_clip(own, paths) for own, c in clips}
        if missing and (found or self.output.suffix.lower() in VIDEO_SUFFIXES):
            events, video = missing[0]
            raise InputError(
                f"its video {video} is not beside it",
                where=events,
                remedy="name the videos of all matches with --video, in the order of the events",
            )
        return found or None

    def _clips_of_matches(self, chosen: Reel) -> Iterator[list[tuple[Clip, Clip]]]:
        """For each match its clips: as its own files name the video, and as the reel does."""
        for told, apart in zip(self._told, self._apart, strict=True):
            pairs = zip(timelines_of(told.content), timelines_of(apart.content), strict=True)
            names = {(b.video.name, b.half): a.video.name for a, b in pairs}
            yield [
                (replace(clip, video=names[clip.video, clip.half], extra={}), clip)
                for clip in chosen
                if (clip.video, clip.half) in names
            ]

    @cached_property
    def _told(self) -> list[ToldMatch]:
        told = [_told(task) for task in self.matches]
        for better in (_folder_name, _file_name):
            names = Counter(match.name for match in told)
            named = [
                match if names[match.name] == 1 else replace(match, name=better(task, match.name))
                for match, task in zip(told, self.matches, strict=True)
            ]
            if len({match.name for match in named}) > len(names):
                told = named
        return told

    @cached_property
    def _apart(self) -> list[ToldMatch]:
        return told_apart(self._told)

    def _with_videos(self) -> list[ReelTask]:
        """The tasks of the matches with the videos given for each."""
        if not self.videos:
            return list(self.matches)
        counts = [len(timelines_of(match.content)) for match in self._told]
        if len(self.videos) != sum(counts):
            raise InputError(
                f"the matches have {sum(counts)} videos, and {len(self.videos)} are given",
                where="--video",
                remedy="repeat --video for each video of each match, in the order of the events",
            )
        told = (t for match in self._told for t in timelines_of(match.content))
        named = paths_by_name(((t.video.name, n) for n, t in enumerate(told)), self.videos)
        left = iter(self.videos if named is None else named.values())
        return [
            replace(match, videos=tuple(next(left) for _ in range(count)))
            for match, count in zip(self.matches, counts, strict=True)
        ]


def _told(task: ReelTask) -> ToldMatch:
    thing = task.read()
    if isinstance(thing, Reel):
        raise InputError(
            "is a reel, its clips are chosen",
            where=task.name,
            remedy="give the events that it was made of",
        )
    name = thing.name if isinstance(thing, Match) else Path(thing.video.name).stem
    return ToldMatch(name, thing, task.transcripts_of(thing))


def _folder_name(task: ReelTask, name: str) -> str:
    """A name that tells matches apart whose videos have one name: that of their folder."""
    return task.folders[0].absolute().name or name


def _file_name(task: ReelTask, name: str) -> str:
    """The same for matches in one folder: that of their files."""
    return Path(task.name).name.removesuffix(EVENTS_ENDING) or name


def _refuse_again(matches: Sequence[ReelTask]) -> None:
    """Refuse a file of events that is given twice."""
    seen = set()
    for match in matches:
        for path in match.events if isinstance(match.events, tuple) else ():
            if path.resolve() in seen:
                raise InputError("is given twice", where=path, remedy="give each match once")
            seen.add(path.resolve())


def plan_across(
    matches: Sequence[ReelTask],
    output: Path,
    options: ReelOptions,
    share: Share,
    *,
    videos: Sequence[Path] = (),
    overwrite: bool = False,
) -> list[ReelTask]:
    """The task of one reel out of several matches.

    Args:
        matches: the tasks of their own reels.
        videos: of all matches, in their order; by default those beside the events.
    """
    _refuse_again(matches)
    note = output if is_reel_file(output) else None
    folders = tuple(dict.fromkeys(folder for match in matches for folder in match.folders))
    return [
        AcrossTask(
            *(str(output), (), tuple(videos), folders, output, note, options, overwrite),
            matches=tuple(matches),
            share=share,
        )
    ]
