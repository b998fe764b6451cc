"""Datasets on disk: the SoccerNet layout, and plain folders of videos with event files.

SoccerNet: ``<root>/<league>/<season>/<game>/`` contains ``1_224p.mkv``, ``2_224p.mkv`` (or 720p, or
``1.mkv``, or one ``224p.mp4`` for the whole game) and ``Labels-v2.json`` or ``Labels-ball.json``.
Untrimmed recordings, ``1_HQ.mkv``, are halves where ``video.ini`` says where these lie, and so are
folders ``1`` and ``2`` of frames (``000000.jpg``, ...) with ``fps.txt``.
Plain: any ``x.mp4`` with ``x.events.json`` in the same folder. Feature files are in the same
folder as the videos: ``1_<name>.npy``, ``2_<name>.npy``, or ``x_<name>.npy``.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from touchline.errors import FormatError, InputError, LabelError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read
from touchline.formats.games import list_names, read_game_list
from touchline.labels import LABEL_SETS, SOCCERNET_V1, LabelSet, legacy_class
from touchline.media.frame_folders import is_frame_folder
from touchline.recordings import RECORDING_TIMES, half_of_recording
from touchline.splits import names_of_split

LABEL_FILES = {
    "soccernet-v2": "Labels-v2.json",
    "soccernet-ball": "Labels-ball.json",
    "soccernet-v1": "Labels.json",
}
"""The label file of each published set."""

_HALF_VIDEO = re.compile(r"(?P<half>[1-4])(?:_(?P<size>\d+p|HQ))?\.(?:mkv|mp4|ts)")
_HALF_SOUND = re.compile(r"(?P<half>[1-4])(?:_\w+)?\.(?:wav|mp3|m4a)")
_HALF_FRAMES = re.compile(r"(?:half)?(?P<half>[1-4])")
FRAMES = "frames"
"""The size by which a folder of frames is preferred to videos."""
_GAME_VIDEO = re.compile(r"(?P<size>\d+p)\.(?:mkv|mp4)")
_HALF_FILE = re.compile(r"([1-4])(?:_.+)?\.(?:mkv|mp4|npy)")
_PLAIN_VIDEOS = (".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts", ".mxf")
_EVENTS_ENDING = ".events.json"


@dataclass(frozen=True)
class Wanted:
    """The file to read of each half.

    Attributes:
        size: size of the video: its height (``"224p"``), ``"HQ"`` or ``"frames"``.
        features: name of the features, or of another file with its ending, such as
            ``"field_calib_ccbv.json"``; None for a video.
        hears: whether a file of sound alone will do instead of a video.
    """

    size: str = "224p"
    features: str | None = None
    hears: bool = False

    @property
    def ending(self) -> str | None:
        """The part of the file names after the half; None for videos."""
        if self.features is None or self.features.endswith(".json"):
            return self.features
        return f"{self.features}.npy"

    @property
    def example(self) -> str:
        """The expected files in a game's folder, for messages."""
        name = self.ending
        return "1_224p.mkv and 2_224p.mkv" if name is None else f"1_{name} and 2_{name}"

    def numbered(self, file: str) -> tuple[int, bool] | None:
        """The half of a file, and whether another size is preferred; None for other files."""
        if self.features is not None:
            half, _, rest = file.partition("_")
            fits = rest == self.ending and half in ("1", "2", "3", "4")
            return (int(half), False) if fits else None
        if found := _HALF_VIDEO.fullmatch(file):
            return int(found["half"]), (found["size"] or "224p") != self.size
        if found := _HALF_FRAMES.fullmatch(file):
            return int(found["half"]), self.size != FRAMES
        if self.hears and (found := _HALF_SOUND.fullmatch(file)):
            return int(found["half"]), True
        if found := _GAME_VIDEO.fullmatch(file):
            return 1, found["size"] != self.size
        return None

    def beside(self, stem: str, files: Iterable[str]) -> str | None:
        """The file in ``files`` that ``<stem>.events.json`` belongs to."""
        if self.features is not None:
            names = [f"{stem}_{self.ending}"]
        else:
            names = [stem + ending for ending in _PLAIN_VIDEOS]
        return next((name for name in names if name in files), None)


@dataclass(frozen=True)
class Half:
    """One video of a game: a half, or the whole game where the game has a single video.

    Attributes:
        path: the video, or its features.
    """

    number: int
    path: Path


@dataclass(frozen=True)
class Game:
    """One game on disk.

    Attributes:
        name: its path below the root with forward slashes, ``league/season/game``.
        folder: folder of its files.
        halves: its videos, or their features, in playing order.
        label_files: label files by name (``Labels-v2.json``; ``events`` for a plain video).
    """

    name: str
    folder: Path
    halves: tuple[Half, ...]
    label_files: Mapping[str, Path]

    def labels(self, label_set: LabelSet | None = None) -> Match | None:
        """Its labels, one timeline per video; None if it has no label file.

        Args:
            label_set: for a published set its own file is read, or the event file of a plain video;
                for another set, or None, any label file, first that of a published set which has
                all its labels. For the classes of SoccerNet-v1, labels
                such as ``y-card`` are converted to these classes.

        Raises:
            FormatError: the file is malformed.
            InputError: the file has events of a half whose video is missing.
        """
        path = self._label_file(label_set)
        if path is None:
            return None
        found = read(path)
        if isinstance(found, Timeline):
            found = Match(self.name, (replace(found, half=self.halves[0].number),))
        if not isinstance(found, Match):
            raise FormatError("not a file of events", where=path)
        shown = {half.number for half in self.halves}
        if lost := sorted({t.half or 1 for t in found.timelines if t.events} - shown):
            raise InputError(
                f"there are labels of half {lost[0]}, but only these files: "
                + ", ".join(half.path.name for half in self.halves),
                where=path,
                remedy=f"add half {lost[0]}",
            )
        timelines = tuple(
            found.half(half.number) or Timeline(Video(half.path.name), half=half.number)
            for half in self.halves
        )
        if _is_legacy(label_set):
            timelines = tuple(_with_legacy_classes(timeline) for timeline in timelines)
        return Match(self.name, timelines, found.extra)

    def _label_file(self, label_set: LabelSet | None) -> Path | None:
        if label_set is not None and label_set.name in LABEL_FILES:
            names = [LABEL_FILES[label_set.name], "events"]
        elif _is_legacy(label_set):
            names = [LABEL_FILES[SOCCERNET_V1.name], "events"]
        else:
            holds = [LABEL_FILES[name] for name in LABEL_FILES if _covers(name, label_set)]
            names = ["events", *holds, *LABEL_FILES.values()]
        return next((self.label_files[name] for name in names if name in self.label_files), None)


def _covers(published: str, labels: LabelSet | None) -> bool:
    """Whether a published label set has all of these labels."""
    return labels is not None and set(labels) <= set(LABEL_SETS[published])


def read_games(
    root: str | Path,
    split: str | None = None,
    *,
    size: str = "224p",
    features: str | None = None,
    hears: bool = False,
) -> list[Game]:
    """Find the games of a dataset, in the order of the split's list or of their names.

    Args:
        root: the folder of the leagues, or a folder of videos with event files.
        split: read only the games in a list at the root (``SoccerNetGamesTrain.json``,
            ``BallTrain.json``, ``train.json`` or ``train.txt``), else those of the folder
            ``root/train``.
        size: preferred size if a half has several videos.
        features: name of the features to read instead of videos; or of another file of each half,
            with its ending ``.json``.
        hears: whether the sound of a half (``1.wav``, ``.mp3`` or ``.m4a``) will do where it has
            no video.

    Raises:
        InputError: no such folder or split, no game in it, or a game without the file of a half.
    """
    root, wanted = Path(root), Wanted(size, features, hears)
    if not root.is_dir():
        raise InputError("there is no such folder", where=root, remedy="give the dataset's folder")
    if split is None:
        games = _games_below(root, wanted)
    elif (listed := split_list(root, split)) is not None:
        games = [find_game(root, split, name, wanted) for name in listed]
    elif (folder := split_folder(root, split)) is not None:
        games = _games_below(folder, wanted)
    else:
        names = ", ".join(list_names(split)[:3])
        raise InputError(
            f"there is no split {split!r}", where=root, remedy=f"add {names} or a folder {split}/"
        )
    if not games:
        raise InputError(
            "there are no games",
            where=root,
            remedy=f"give a folder of league/season/game with {wanted.example} and "
            "Labels-v2.json, or with x.mp4 and x.events.json",
        )
    if features is not None:
        _check_halves(games, wanted)
    return games


def find_videos(root: str | Path, *, size: str = "224p") -> list[Path]:
    """All videos below a folder, with or without labels; one video per half.

    Args:
        size: preferred size if a half has several videos.

    Raises:
        InputError: no such folder.
    """
    if not Path(root).is_dir():
        raise InputError("there is no such folder", where=root)
    found: list[Path] = []
    for folder, files in _walk(Path(root)):
        halves = _halves(folder, files, Wanted(size))
        found += [half.path for half in halves]
        found += [
            folder / file
            for file in sorted(files)
            if _is_plain_video(folder / file) and not _is_half(file, files, Wanted(size))
        ]
    return found


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders below a root with the names of their files, folders of frames among these."""
    for name, below, files in os.walk(root):
        folder = Path(name)
        frames = [sub for sub in sorted(below) if is_frame_folder(folder / sub)]
        below[:] = sorted(set(below) - set(frames))
        yield folder, [*files, *frames]


def _is_plain_video(path: Path) -> bool:
    return path.name.lower().endswith(_PLAIN_VIDEOS) or is_frame_folder(path)


def _is_half(file: str, files: Iterable[str], wanted: Wanted) -> bool:
    """Whether a file is a half; an untrimmed recording is one if ``video.ini`` is beside it."""
    untrimmed = half_of_recording(file) is not None and RECORDING_TIMES not in files
    return wanted.numbered(file) is not None and not untrimmed


def _check_halves(games: Iterable[Game], wanted: Wanted) -> None:
    """Check that no game lacks a half if any game has two.

    Raises:
        InputError: a half is missing.
    """
    numbers = {game.folder: {half.number for half in game.halves} for game in games}
    if not any({1, 2} <= halves for halves in numbers.values()):
        return
    for folder, halves in numbers.items():
        if lost := {1, 2} - halves:
            raise InputError(
                f"half {min(lost)} of this game has no features {wanted.features}",
                where=folder,
                remedy=f"add {wanted.example}",
            )


def check_labels(
    matches: Iterable[Match], label_set: LabelSet, *, ignore_unknown: bool = False
) -> Counter[str]:
    """Count the events whose label is not in the set, by label.

    Raises:
        LabelError: there are such events and ``ignore_unknown`` is false; the message counts them
            and names the first game.
    """
    outside = [
        (match.name, event.label)
        for match in matches
        for event in match.events
        if event.label not in label_set
    ]
    unknown = Counter(label for _, label in outside)
    if unknown and not ignore_unknown:
        shown = ", ".join(f"{label!r} ({count})" for label, count in unknown.most_common(5))
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        count = unknown.total()
        events = "1 event has a label" if count == 1 else f"{count} events have labels"
        raise LabelError(
            f"{events} outside {label_set.name}: {shown}{more}",
            where=outside[0][0],
            remedy="choose another label set, or set data.ignore_unknown_labels=true",
        )
    return unknown


def _is_legacy(label_set: LabelSet | None) -> bool:
    return label_set is not None and set(label_set) == set(SOCCERNET_V1)


def _with_legacy_classes(timeline: Timeline) -> Timeline:
    return timeline.with_events(
        replace(event, label=legacy_class(event.label) or event.label) for event in timeline
    )


def known_events(timeline: Timeline, label_set: LabelSet) -> tuple[Event, ...]:
    """The events of a timeline whose label is in the set."""
    return tuple(event for event in timeline if event.label in label_set)


def split_list(root: Path, split: str) -> list[str] | None:
    """The games of a split by a list at the root; None if there is no list.

    Raises:
        FormatError: the list is malformed.
    """
    for name in list_names(split):
        path = root / name
        if path.is_file():
            return read_game_list(path)
    return None


def find_game(root: Path, split: str, name: str, wanted: Wanted) -> Game:
    """A game of a split by its name, ``league/season/game``.

    Raises:
        FormatError: the name leads out of the dataset.
        InputError: the game is missing, or lacks the file of a half.
    """
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        raise FormatError(f"the path {name!r} leads out of the dataset", where=root)
    for base in (root, *(root / alias for alias in names_of_split(split))):
        folder = base / inside
        if folder.is_dir():
            games = _games_in(folder, name, _file_names(folder), wanted)
            if len(games) == 1:
                return replace(games[0], name=name)
        elif folder.parent.is_dir():
            files = _file_names(folder.parent)
            beside = _games_in(folder.parent, str(inside.parent), files, wanted)
            found = next((game for game in beside if game.name == name), None)
            if found is not None:
                return found
    raise InputError(
        f"game {name!r} of split {split!r} is missing",
        where=root,
        remedy="download it, or remove it from the list",
    )


def split_folder(root: Path, split: str) -> Path | None:
    """The folder of a split's games, such as ``root/test``; None if there is none."""
    folders = (root / name for name in names_of_split(split))
    return next((folder for folder in folders if folder.is_dir()), None)


def _games_below(root: Path, wanted: Wanted) -> list[Game]:
    games = []
    for folder, files in _walk(root):
        games += _games_in(folder, folder.relative_to(root).as_posix(), files, wanted)
    return games


def _file_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file() or is_frame_folder(path)]


def _games_in(folder: Path, name: str, files: Iterable[str], wanted: Wanted) -> list[Game]:
    """The game in a folder, or the plain videos in it as one game each."""
    files = sorted(files)
    halves = _halves(folder, files, wanted)
    labels = {file: folder / file for file in files if file in LABEL_FILES.values()}
    there = {int(found[1]) for file in files if (found := _HALF_FILE.fullmatch(file))}
    missing = there - {half.number for half in halves}
    if (labels and not halves) or (wanted.features is not None and missing):
        lost = f"half {min(missing)} of this game" if halves else "this game"
        what = "video" if wanted.features is None else f"features {wanted.features}"
        untrimmed = next((file for file in files if half_of_recording(file) is not None), None)
        remedy = f"add {wanted.example}"
        if untrimmed is not None and wanted.features is None:
            remedy += f", or {RECORDING_TIMES}, which states where the half lies in {untrimmed}"
        raise InputError(f"{lost} has no {what}", where=folder, remedy=remedy)
    if halves:
        label = folder.name if name == "." else name
        return [Game(label, folder, halves, labels)]
    return _plain_games(folder, "" if name == "." else f"{name}/", files, wanted)


def _halves(folder: Path, files: Sequence[str], wanted: Wanted) -> tuple[Half, ...]:
    candidates: dict[int, list[tuple[bool, str]]] = {}
    for file in files:
        if _is_half(file, files, wanted) and (found := wanted.numbered(file)):
            half, is_second_choice = found
            candidates.setdefault(half, []).append((is_second_choice, file))
    return tuple(
        Half(half, folder / min(names, key=_preference)[1])
        for half, names in sorted(candidates.items())
    )


def _preference(candidate: tuple[bool, str]) -> tuple[bool, bool, str]:
    """What sorts the files of a half: the wanted size, other videos, frames or sound alone."""
    is_second_choice, file = candidate
    return is_second_choice, _HALF_VIDEO.fullmatch(file) is None, file


def _plain_games(folder: Path, prefix: str, files: Sequence[str], wanted: Wanted) -> list[Game]:
    present = set(files)
    games = []
    for file in files:
        if not file.endswith(_EVENTS_ENDING):
            continue
        stem = file.removesuffix(_EVENTS_ENDING)
        beside = wanted.beside(stem, present)
        if beside is None:
            kind = "video" if wanted.features is None else "feature file"
            example = f"{stem}.mp4" if wanted.features is None else f"{stem}_{wanted.features}.npy"
            raise InputError(
                f"there is no {kind} for these events",
                where=folder / file,
                remedy=f"add {example}",
            )
        half = Half(1, folder / beside)
        games.append(Game(prefix + stem, folder, (half,), {"events": folder / file}))
    return games
