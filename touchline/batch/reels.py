"""The reels of one game or of many."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from touchline.batch.executor import Share
from touchline.batch.provenance import (
    MADE_OF,
    checksum,
    comment_of,
    recorded,
    refuse_unknown,
)
from touchline.batch.summary import Outcome, Status
from touchline.editing.certain import with_certain
from touchline.editing.finish import PLAIN, Finish
from touchline.editing.fonts import label_remarks
from touchline.editing.graphics import Graphics
from touchline.editing.hand_framing import FRAMING
from touchline.editing.render import refuse_empty, refuse_overwriting
from touchline.editing.select import DEFAULT_JITTER_SECONDS
from touchline.editing.sources import (
    VideoPaths,
    check_videos,
    edit_rate,
    ends_beyond,
    is_inside,
    media_of_video,
    video_of_clip,
    videos_of,
    with_videos,
)
from touchline.editing.wishes import NO_WISHES, Wishes
from touchline.errors import FormatError, InputError
from touchline.events import Match, Timeline
from touchline.formats import read_matches, read_reel, write
from touchline.formats.captions import CHAPTERS_SUFFIX, count_chapters
from touchline.formats.choosing import above, labels_in, match_of, of_half
from touchline.formats.comparing import events_in, timelines_of
from touchline.formats.provenance import with_checksum
from touchline.formats.transcripts import in_folder, read_transcripts
from touchline.media.video import probe
from touchline.pipeline import (
    DEFAULT_REEL_SECONDS,
    EVENTS_ENDING,
    VIDEO_SUFFIXES,
    check_writable,
    chosen_reel,
    cut_reel,
    read_one_game,
    writable_folder,
)
from touchline.reel import AFTER_THE, BEFORE_THE, Reel, Selection
from touchline.runtime.progress import Progress
from touchline.runtime.temporary import remove_temporary, temporary_folder
from touchline.thresholds import EVERY_EVENT, Thresholds
from touchline.transcripts import Transcripts

REEL_ENDING = ".reel.json"
_LOWER = "give a lower --min-confidence"
_TIMECODE_LISTS = (".edl", ".otio")


@dataclass(frozen=True)
class ReelOptions:
    """How reels are made.

    Attributes:
        seconds: greatest length.
        labels: whether what happens is written into the picture.
        snap: whether clips begin and end at camera cuts within reach; None for those that are
            chosen here, not those of a reel file.
        rate: frames a second, for edit lists without a video.
        aspect: width by height of the picture, if not that of the video.
        half: only this half of a match.
        min_confidence: events of lower confidence are left out.
        deinterlace: whether the lines of interlaced pictures are filled in.
        audio_track: number of the sound track, from 1; None for the one that a player plays.
        finish: how a video file is made.
        wishes: what it must and must not show.
        selection: learned, or plain.
    """

    seconds: float = DEFAULT_REEL_SECONDS
    labels: bool = False
    snap: bool | None = None
    shift_seconds: float = 0.0
    jitter_seconds: float = DEFAULT_JITTER_SECONDS
    rate: Fraction | None = None
    aspect: Fraction | None = None
    half: int | None = None
    min_confidence: Thresholds = EVERY_EVENT
    deinterlace: bool = True
    audio_track: int | None = None
    finish: Finish = PLAIN
    wishes: Wishes = NO_WISHES
    selection: Selection = "learned"


@dataclass(frozen=True)
class ReelEvidence:
    """What tells more of a match than its events do.

    Attributes:
        transcripts: files of what was said, one for each half, or their folder.
        goals: events that are certain; a file, or what was read.
        is_of_videos: whether the transcripts were made of the videos given, in their order.
    """

    transcripts: tuple[Path, ...] = ()
    goals: Path | Match | None = None
    is_of_videos: bool = False

    @property
    def said_files(self) -> list[Path]:
        """Every file of the transcripts."""
        return [
            file
            for path in self.transcripts
            for file in (in_folder(path).values() if path.is_dir() else [path])
            if file.is_file()
        ]


NO_EVIDENCE = ReelEvidence()


@dataclass(frozen=True)
class ReelTask:
    """The reel of one game.

    Attributes:
        name: the file of events, or the game.
        events: files of events, one for each half, or a reel file; or what was read, or why it
            could not be.
        videos: those given, one or one per half.
        folders: where they may lie otherwise.
        output: a video or an edit list.
        note: the reel file beside it that says what is in it and what it was made of.
        choosing: the options given on how clips are chosen, as the user spells them.
    """

    name: str
    events: tuple[Path, ...] | Match | Reel | FormatError
    videos: tuple[Path, ...]
    folders: tuple[Path, ...]
    output: Path
    note: Path | None
    options: ReelOptions
    overwrite: bool = False
    choosing: tuple[str, ...] = ()
    evidence: ReelEvidence = NO_EVIDENCE

    def run(self, progress: Progress) -> Outcome:
        """Choose and cut, unless it was done."""
        try:
            outcome = self._run(progress)
        except InputError as error:
            outcome = self.failed(str(error))
        progress(1.0)
        return outcome

    def failed(self, reason: str) -> Outcome:
        """See ``OutcomeTask``."""
        named = isinstance(self.events, tuple) or self.name in reason
        return Outcome(self.name, "failed", reason=reason if named else f"{self.name}: {reason}")

    def clear(self) -> None:
        """See ``FileTask``."""
        for path in self._files():
            remove_temporary(path)

    def with_share(self, share: Share) -> "ReelTask":
        """The same task: codecs choose their threads themselves."""
        return self

    def release(self) -> None:
        """Nothing is shared."""

    @property
    def made_with(self) -> tuple[object, ...]:
        """The settings that make a reel another one."""
        return (self.output.suffix, self.options)

    @property
    def said_files(self) -> list[Path]:
        """Every file of what was said."""
        return self.evidence.said_files

    def unstated_videos(self, chosen: Reel) -> set[str]:
        """Names of videos in a reel that are only those of the files or games of the events."""
        if isinstance(self.events, tuple):
            return {path.stem for path in self.events}
        return set() if isinstance(self.events, Reel) else {clip.video for clip in chosen}

    def choose(self) -> tuple[Timeline | Match | Reel, Reel]:
        """What is read, and the clips that are chosen of it.

        Raises:
            InputError: it cannot be read, or there is nothing to show.
        """
        options = self.options
        thing = self.read()
        self._refuse_one_video_of_two(thing)
        if isinstance(thing, Reel) and self.choosing:
            raise InputError(
                f"is a reel, its clips are chosen: {', '.join(self.choosing)} would change nothing",
                where=self.name,
                remedy="leave that out, or give the events that it was made of",
            )
        chosen = chosen_reel(
            thing,
            options.seconds,
            options.shift_seconds,
            options.jitter_seconds,
            options.wishes,
            selection=options.selection,
            transcripts=self.transcripts_of(thing),
        )
        if options.min_confidence:
            chosen = _that_show_events(chosen)
            refuse_empty(chosen, _LOWER)
        return thing, chosen

    def _run(self, progress: Progress) -> Outcome:
        options = self.options
        thing, chosen = self.choose()
        videos = self.sources_of(chosen)
        refuse_overwriting(self.output, [*_files_of(videos), *options.finish.files])
        warnings = [*warnings_of(thing), *chosen.warnings]
        if videos is not None:
            keeps_hdr = options.finish.keep_hdr
            warnings += check_videos(
                *(chosen, videos, options.audio_track),
                keeps_hdr=keeps_hdr,
                unstated=self.unstated_videos(chosen),
            )
            pinned = {pin.end_seconds for pin in options.wishes.pins}
            stated = (c for c in chosen if isinstance(thing, Reel) or c.end_seconds in pinned)
            warnings += ends_beyond(stated, videos)
            warnings += Graphics.of(chosen, options.finish, labels=options.labels).remarks(chosen)
        warnings += label_remarks(self._drawn(chosen))
        is_video = self.output.suffix.lower() in VIDEO_SUFFIXES
        if is_video and options.aspect is None and any(FRAMING in clip.extra for clip in chosen):
            warnings.append(f"its {FRAMING} is for another shape: --aspect follows it")
        chosen = replace(chosen, warnings=tuple(dict.fromkeys(warnings)))
        snap = not isinstance(thing, Reel) if options.snap is None else options.snap
        made_of = checksum(
            thing if isinstance(thing, Reel) else timelines_of(thing),
            (
                *_files_of(videos),
                *filter(Path.exists, options.finish.files),
                *self.said_files,
            ),
            self.made_with,
        )
        if self.output.exists() and not self.overwrite:
            before = recorded(self.output, self.note)
            is_same = before == made_of and all(path.exists() for path in self._files())
            if is_same or (before is None and self._would_be_the_same(chosen, videos, snap)):
                return self._kept(chosen)
            if before is None:
                raise refuse_unknown(self.output)
        if self.note is not None:
            writable_folder(self.output.parent)
        made = self._cut(chosen, self.output, videos, made_of, progress, snap)
        if self.note is not None:
            noted = replace(made, extra={**made.extra, MADE_OF: made_of})
            if videos is not None:
                noted = with_videos(noted, videos, self.note.parent)
            write(with_checksum(noted), self.note)
        return self._outcome("made", made)

    def read(self) -> Timeline | Match | Reel:
        """What its files hold: the half, the confidence and the certain events that are asked for.

        Raises:
            InputError: it cannot be read, or no event is of the confidence.
        """
        if isinstance(self.events, FormatError):
            raise self.events
        if isinstance(self.events, Match | Reel):
            thing: Timeline | Match | Reel = self.events
        else:
            refuse_overwriting(self.output, self.events)
            read = [self._read_file(path) for path in self.events]
            thing = read[0] if len(read) == 1 else match_of(self.events, read)
            self.options.min_confidence.refuse_unknown(labels_in(thing))
        if self.options.half is not None:
            thing = of_half(thing, self.options.half, self.name)
        confident = above(thing, self.options.min_confidence)
        _refuse_none_confident(thing, confident)
        if self.evidence.goals is None or isinstance(confident, Reel):
            return confident
        return with_certain(confident, *self._certain(self.evidence.goals))

    def _certain(self, goals: Path | Match) -> tuple[Timeline | Match, str]:
        if isinstance(goals, Match):
            return goals, f"--goals, {goals.name}"
        with _named("--goals"):
            certain = read_one_game(goals)
            if isinstance(certain, Reel):
                raise InputError("is a reel", where=goals, remedy="give a file of events")
        return certain, f"--goals, {goals}"

    def transcripts_of(self, thing: Timeline | Match | Reel) -> Transcripts:
        """What was said, by half.

        Raises:
            InputError: a transcript cannot be read.
        """
        if not self.evidence.transcripts or isinstance(thing, Reel):
            return {}
        halves = [timeline.half for timeline in timelines_of(thing)]
        with _named("--transcript"):
            return read_transcripts(self.evidence.transcripts, halves)

    def _read_file(self, path: Path) -> Timeline | Match | Reel:
        if path.suffix.lower() not in _TIMECODE_LISTS:
            return read_one_game(path, self.options.rate)
        if not self.videos:
            return self._read_list(path)
        rate = self.options.rate or edit_rate(probe(self.videos[0]))[0]
        return read_one_game(path, rate, [media_of_video(video) for video in self.videos])

    def _read_list(self, path: Path) -> Timeline | Match | Reel:
        """An edit list; where the videos beside it have a timecode, its times begin there."""
        thing = read_one_game(path, self.options.rate)
        beside = videos_of(path, thing, []) if isinstance(thing, Reel) else None
        media = [media_of_video(video) for video in _files_of(beside)]
        return read_one_game(path, self.options.rate, media) if media else thing

    def _refuse_one_video_of_two(self, thing: Timeline | Match | Reel) -> None:
        """Refuse one video for events of several halves, whichever of them the reel shows."""
        if not isinstance(thing, Match) or len(self.videos) != 1:
            return
        halves = [str(timeline.half) for timeline in thing.timelines if len(timeline)]
        if len(halves) > 1:
            raise InputError(
                f"the events are of halves {' and '.join(halves)}, and one video is given",
                where="--video",
                remedy="repeat --video for each half, in order, or choose one with --half",
            )

    def _drawn(self, chosen: Reel) -> Iterator[str]:
        """The texts that are drawn into the picture."""
        options, finish = self.options, self.options.finish
        if options.labels:
            yield from (event.label for event in events_in(chosen))
        if options.labels or finish.titles:
            yield from (clip.title or "" for clip in chosen)
        if finish.scoreboard:
            yield from finish.teams or ()
        if isinstance(finish.outro, str):
            yield finish.outro

    def sources_of(self, chosen: Reel) -> VideoPaths | None:
        """The videos to cut from; None for an edit list that does without.

        Raises:
            InputError: those given do not suffice, or one lies outside of the folder.
        """
        if self.videos:
            found = videos_of(self.folders[0] / "events", chosen, self.videos)
            self._refuse_transcripts_of_others(chosen, found)
            return found
        for folder in self.folders:
            if (found := videos_of(folder / "events", chosen, [])) is not None:
                return found
        elsewhere = [clip.video for clip in chosen if not is_inside(clip.video)]
        elsewhere += [v.path for v in chosen.videos if v.path and not is_inside(v.path)]
        if elsewhere and self.output.suffix.lower() in VIDEO_SUFFIXES:
            raise InputError(
                f"names the video {elsewhere[0]}, outside of its folder",
                where=self.name,
                remedy=f"if it is to be cut: --video {elsewhere[0]}",
            )
        return None

    def _refuse_transcripts_of_others(self, chosen: Reel, found: VideoPaths | None) -> None:
        """Refuse videos transcribed in an order that is not that of the halves."""
        if not self.evidence.is_of_videos or not isinstance(found, Mapping):
            return
        in_order = dict(enumerate(self.videos, start=1))
        if any(c.half and in_order.get(c.half) != video_of_clip(c, found) for c in chosen):
            raise InputError(
                "the videos are not in the order of the halves",
                where="--transcribe",
                remedy="give --video of the first half first",
            )

    def _cut(
        self,
        chosen: Reel,
        output: Path,
        videos: VideoPaths | None,
        made_of: str,
        progress: Progress,
        snap: bool,
    ) -> Reel:
        options = self.options
        return cut_reel(
            chosen,
            output,
            videos,
            burn_labels=options.labels,
            snap=snap,
            rate=options.rate,
            aspect=options.aspect,
            deinterlace=options.deinterlace,
            audio_track=options.audio_track,
            finish=options.finish,
            comment=comment_of(made_of),
            progress=progress,
        )

    def _would_be_the_same(self, chosen: Reel, videos: VideoPaths | None, snap: bool) -> bool:
        """Whether an edit list that cannot say what it was made of is the one to be written."""
        if self.output.suffix.lower() in VIDEO_SUFFIXES or self.note == self.output:
            return False
        with temporary_folder() as folder:
            again = folder / self.output.name
            try:
                self._cut(chosen, again, videos, "", lambda share: None, snap)
            except InputError:
                return False
            return again.read_bytes() == self.output.read_bytes()

    def _kept(self, chosen: Reel) -> Outcome:
        """The outcome of what is there, as it was cut: inside the videos, at camera cuts."""
        if self.note is not None:
            there = read_reel(self.note)
            return self._outcome("kept", replace(there, warnings=chosen.warnings))
        return self._outcome("kept", chosen)

    def _outcome(self, status: Status, reel: Reel) -> Outcome:
        files = tuple(map(str, self._files()))
        is_video = self.output.suffix.lower() in VIDEO_SUFFIXES
        is_chapters = self.output.suffix.lower() == CHAPTERS_SUFFIX
        chapters = count_chapters(self.output) if is_chapters else None
        return Outcome(
            self.name,
            status,
            files,
            warnings=reel.warnings,
            clips=len(reel),
            chapters=chapters,
            seconds=probe(self.output).duration_seconds if is_video else reel.seconds,
        )

    def _files(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(filter(None, (self.output, self.note))))


@contextmanager
def _named(option: str) -> Iterator[None]:
    """Have the errors of a file say which option named it."""
    try:
        yield
    except InputError as error:
        where = option if error.where is None else f"{option}, {error.where}"
        raise InputError(error.what, where=where, remedy=error.remedy) from error


def warnings_of(thing: Timeline | Match | Reel) -> list[str]:
    """What a reader of events must know; a reel carries its own."""
    return [warning for timeline in timelines_of(thing) for warning in timeline.warnings]


def _refuse_none_confident(
    thing: Timeline | Match | Reel, confident: Timeline | Match | Reel
) -> None:
    """Refuse a least confidence that no event has."""
    highest = max((event.confidence for event in events_in(thing)), default=None)
    is_empty = not len(confident) if isinstance(confident, Reel) else not [*events_in(confident)]
    if highest is not None and is_empty:
        raise InputError(
            f"no event has the least confidence: the highest is {highest:.3g}",
            where="--min-confidence",
            remedy=_LOWER,
        )


def _that_show_events(reel: Reel) -> Reel:
    """A reel without the clips of before and after an event that is in none of them."""
    clips = (clip for clip in reel if not (clip.title or "").startswith((AFTER_THE, BEFORE_THE)))
    return replace(reel, clips=tuple(clips))


def _files_of(videos: VideoPaths | None) -> list[Path]:
    """The videos that are there; one that is missing is reported when it is cut."""
    if videos is None:
        return []
    paths = videos.values() if isinstance(videos, Mapping) else [Path(videos)]
    return [path for path in paths if path.exists()]


def plan_reel(
    events: Sequence[Path],
    output: Path,
    options: ReelOptions,
    *,
    videos: Sequence[Path] = (),
    evidence: ReelEvidence = NO_EVIDENCE,
    overwrite: bool = False,
    choosing: tuple[str, ...] = (),
) -> list[ReelTask]:
    """The task of a file of events or a reel file, or of the files of the halves of a match.

    Args:
        output: the reel's file. A reel file records what it was made of in itself.
        videos: to cut from, one or one per half; by default those beside the events.
        choosing: see ``ReelTask``.
        evidence: what tells more than the events.
    """
    note = output if is_reel_file(output) else None
    folders = tuple(dict.fromkeys(path.parent for path in events))
    name, files = str(events[0]), tuple(events)
    task = ReelTask(
        *(name, files, tuple(videos), folders, output, note, options, overwrite, choosing),
        evidence=evidence,
    )
    return [task]


def plan_reels(
    events: Path,
    out: Path,
    suffix: str,
    options: ReelOptions,
    *,
    videos: Path | None = None,
    transcripts: Path | None = None,
    goals: Path | None = None,
    overwrite: bool = False,
) -> list[ReelTask]:
    """The tasks of a folder of events: one reel for each game in it, of all its halves.

    Args:
        events: a folder of ``*.events.json``, or of predictions in another format.
        out: the reels' folder: ``<league>/<season>/<game>.mp4``, or ``<stem>.mp4``, and
            ``.reel.json`` beside it.
        suffix: of the reels.
        videos: the folder in which the videos lie as the events do; by default that of the events.
        transcripts: the folder in which each game has its folder of transcripts; a game without
            one does without.
        goals: the certain events of all games, a folder tree or a zip.

    Raises:
        FormatError: the folder holds no events, or in several formats.
    """
    is_own = any(events.rglob(f"*{EVENTS_ENDING}"))
    broken: dict[str, FormatError] = {}
    games: dict[str, Match | FormatError] = {
        **read_matches(events, "touchline" if is_own else None, broken=broken)
    }
    games |= broken
    check_writable(out)
    root = videos or events
    ending = REEL_ENDING if suffix == ".json" else suffix
    certain = read_matches(goals) if goals is not None else {}
    if goals is not None and (missing := sorted(set(games) - set(certain))):
        raise InputError(f"has no events of {missing[0]}", where=goals)
    return [
        ReelTask(
            name,
            games[name],
            (),
            (root / name, (root / name).parent, root),
            out / f"{name}{ending}",
            out / f"{name}{REEL_ENDING}",
            options,
            overwrite,
            evidence=ReelEvidence(_folder_of(transcripts, name), certain.get(name)),
        )
        for name in sorted(games)
    ]


def _folder_of(transcripts: Path | None, game: str) -> tuple[Path, ...]:
    is_there = transcripts is not None and (transcripts / game).is_dir()
    return (transcripts / game,) if transcripts is not None and is_there else ()


def is_reel_file(path: Path) -> bool:
    """Whether an output is a reel file, which records what it was made of in itself."""
    return path.suffix.lower() == ".json" and not path.name.endswith(EVENTS_ENDING)
