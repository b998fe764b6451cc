"""What a recipe trains and validates on: games from disk, their events put on frames."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from touchline.datasets.clips import LabelledVideo
from touchline.datasets.frames import FrameGrid, open_frames
from touchline.datasets.soccernet import Game, check_labels, known_events, read_games
from touchline.datasets.targets import label_frames
from touchline.errors import InputError
from touchline.events import Match
from touchline.labels import LABEL_SETS, LabelSet, label_set_of
from touchline.runtime.wording import counted
from touchline.timebase import parse_rate
from touchline.training.config import DataOptions
from touchline.training.validate import ValidationVideo

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainingData:
    """Everything that a run reads.

    Attributes:
        labels: the classes, in the order of the network's outputs.
        training: videos that clips are drawn from.
        validation: whole videos that epochs are scored on; may be empty.
    """

    labels: LabelSet
    training: tuple[LabelledVideo, ...]
    validation: tuple[ValidationVideo, ...]


def load_data(options: DataOptions, say: Say = lambda text: None) -> TrainingData:
    """Find the games of both splits, check their labels and open their frames.

    Args:
        say: called with remarks, such as how many events lie beyond the end of their video.

    Raises:
        InputError: no games, a game without video or labels, or a video that cannot be read.
        LabelError: labels outside the set.
    """
    given = label_set_from(options.labels)
    training = labelled(games_of(options.root, options.train, size=options.video), given)
    validation: list[tuple[Game, Match]] = []
    if options.validation is not None:
        games = read_games(options.root, options.validation, size=options.video)
        validation = labelled(games, given)
    labels = given or labels_of([match for _, match in training])
    unknown = check_labels(
        [match for _, match in (*training, *validation)],
        labels,
        ignore_unknown=options.ignore_unknown_labels,
    )
    if unknown:
        left_out = f"{counted(unknown.total(), 'event')} of {counted(len(unknown), 'label')}"
        say(f"left out {left_out} outside {labels.name}")
    return _open(options, labels, training, validation, say)


def label_set_from(labels: str | Sequence[str]) -> LabelSet | None:
    """The label set that a recipe names or lists; None for ``auto``."""
    if isinstance(labels, str):
        return LABEL_SETS.get(labels)
    known = label_set_of(tuple(labels))
    return known if known.labels == tuple(labels) else LabelSet("custom", tuple(labels))


def cache_folder(options: DataOptions) -> Path:
    """Where decoded frames are kept."""
    if options.cache_folder is not None:
        return Path(options.cache_folder).expanduser()
    home = os.environ.get("TOUCHLINE_HOME")
    if home:
        return Path(home) / "frames"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "touchline" / "frames"
    base = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "touchline" / "frames"


def games_of(
    root: str,
    split: str | tuple[str, ...] | None,
    *,
    size: str = "224p",
    features: str | None = None,
) -> list[Game]:
    """The games of one or several splits.

    Raises:
        InputError: see ``read_games``; or a game that is in two of the splits.
    """
    splits = split if isinstance(split, tuple) else (split,)
    games = [
        game for name in splits for game in read_games(root, name, size=size, features=features)
    ]
    folders = Counter(game.folder for game in games if "events" not in game.label_files)
    if twice := [folder for folder, count in folders.items() if count > 1]:
        raise InputError("this game is in two of the splits", where=twice[0])
    return games


def labelled(games: Sequence[Game], labels: LabelSet | None) -> list[tuple[Game, Match]]:
    """Games with their labels.

    Raises:
        InputError: a game has none.
    """
    pairs = []
    for game in games:
        match = game.labels(labels)
        if match is None:
            raise InputError(
                "this game has no labels"
                + (f" of the set {labels.name}" if labels is not None else ""),
                where=game.folder,
                remedy="add them, or choose another set with data.labels",
            )
        pairs.append((game, match))
    return pairs


def labels_of(matches: Sequence[Match]) -> LabelSet:
    """The labels that occur, sorted."""
    found = sorted({event.label for match in matches for event in match.events})
    return LabelSet("custom", tuple(found))


def _say_decoded(say: Say, done: int, total: int) -> None:
    if done == total or done % max(1, total // 10) == 0:
        say(f"decoded {done} of {counted(total, 'video')} into the cache")


def _open(
    options: DataOptions,
    labels: LabelSet,
    training: Sequence[tuple[Game, Match]],
    validation: Sequence[tuple[Game, Match]],
    say: Say,
) -> TrainingData:
    rate = parse_rate(options.rate)
    games = (*training, *validation)
    paths = [half.path for game, _ in games for half in game.halves]
    frames = iter(
        open_frames(
            paths,
            FrameGrid(rate, options.width, options.height),
            cache=options.cache,
            folder=cache_folder(options),
            budget_bytes=int(options.cache_gigabytes * 1e9),
            progress=lambda done, total: _say_decoded(say, done, total),
        )
    )
    clips, beyond = [], 0
    for game, match in training:
        for half, timeline in zip(game.halves, match.timelines, strict=True):
            video = next(frames)
            everything = label_frames(known_events(timeline, labels), labels, rate)
            inside = everything.within(video.num_frames)
            beyond += len(everything) - len(inside)
            clips.append(LabelledVideo(f"{game.name}/{half.number}", video, inside))
    if beyond:
        events = counted(beyond, "training event")
        say(f"left out {events} beyond the ends of their videos")
    whole = [
        ValidationVideo(game.name, half.number, next(frames), timeline)
        for game, match in validation
        for half, timeline in zip(game.halves, match.timelines, strict=True)
    ]
    return TrainingData(labels, tuple(clips), tuple(whole))
