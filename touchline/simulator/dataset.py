"""A synthetic dataset in the SoccerNet layout, every modality rendered from the same scripts.

Game i of a seed is the same whatever the number of games, and the same settings give the same
labels to the byte. A game is made in a folder beside its place and moved there when complete, so
whatever is found under its name is whole.
"""

import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import touchline
from touchline.errors import InputError
from touchline.formats import write
from touchline.formats.player_boxes import (
    calibration_document,
    calibration_name,
    player_boxes_document,
    player_boxes_name,
)
from touchline.runtime.atomic import write_text
from touchline.runtime.locks import locked_folder
from touchline.runtime.processes import available_cores, run_tasks
from touchline.runtime.progress import Progress as Report
from touchline.simulator import truth
from touchline.simulator.audio import Samples, render_audio
from touchline.simulator.author import write_script
from touchline.simulator.broadcast_truth import broadcast_document
from touchline.simulator.match_video import MatchSource, match_sound, stretches_of
from touchline.simulator.presentation import Presentation
from touchline.simulator.production import produce
from touchline.simulator.recording import Stretch, half_recording
from touchline.simulator.script import HalfScript, MatchScript
from touchline.simulator.video import SOUND_RATE, render, render_half
from touchline.timebase import format_rate

MODALITIES = ("video", "audio", "labels", "boxes", "calibration", "transcript", "broadcast")
"""What can be rendered. Audio is the sound of the video, and there is none without it; broadcast is
the truth about score bug, replays and graphics, and the classic look has none."""

SPLITS = ("Train", "Valid", "Test")
"""The lists of games that a split makes, as ``SoccerNetGames<split>.json``."""

RECORDINGS = ("halves", "match")
"""What a video holds: a half, or all of the match with the studio before, between and after."""

SCRIPT_FILE = "script.json"
MAX_MINUTES = 60.0
MAX_RATE = 60
SIZE_RANGE = (64, 4096)

WHOLE = 0
"""Stands for the recording of a match where a half's number is asked for."""

_UNFINISHED = ".unfinished"

MinutesProgress = Callable[[float, float], None]
"""Called with the minutes of match rendered so far, and those to be rendered in all."""


@dataclass(frozen=True)
class Settings:
    """What decides a simulated game, beside its index.

    Attributes:
        seed: seeds the whole dataset.
        minutes: length of each half.
        size: (width, height) of the video.
        rate: frames a second of the video; a low one gives the frames that a model of that
            rate reads, without rendering the others.
        modalities: members of ``MODALITIES``.
        presentation: how the matches are put on air.
        recording: a member of ``RECORDINGS``.

    Raises:
        InputError: a value out of range, or audio without video.
    """

    seed: int
    minutes: float = 45.0
    halves: int = 2
    size: tuple[int, int] = (398, 224)
    rate: Fraction = Fraction(25)
    modalities: tuple[str, ...] = MODALITIES
    presentation: Presentation = field(default_factory=Presentation)
    recording: str = "halves"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"the seed {self.seed} is negative", where="seed", remedy="0 or more")
        if not 0 < self.minutes <= MAX_MINUTES:
            raise InputError(
                f"a half of {self.minutes:g} minutes cannot be simulated",
                where="minutes",
                remedy=f"more than 0, at most {MAX_MINUTES:g}",
            )
        if self.halves not in (1, 2):
            raise InputError(f"{self.halves} halves", where="halves", remedy="1 or 2")
        low, high = SIZE_RANGE
        if not all(low <= side <= high for side in self.size):
            width, height = self.size
            raise InputError(
                f"a picture of {width}x{height}", where="size", remedy=f"{low} to {high} each way"
            )
        if not 0 < self.rate <= MAX_RATE:
            raise InputError(
                f"{float(self.rate):g} frames a second", where="frame rate", remedy=f"to {MAX_RATE}"
            )
        _check_modalities(self.modalities)
        if self.recording not in RECORDINGS:
            raise InputError(
                f"unknown recording {self.recording!r}",
                where="recording",
                remedy=f"choose {' or '.join(RECORDINGS)}",
            )
        if self.recording == "match" and self.presentation.look == "classic":
            raise InputError(
                "the classic look records halves only", where="recording", remedy="halves"
            )
        if "broadcast" in self.modalities and self.presentation.look == "classic":
            raise InputError(
                "the classic look has no truth about its broadcast",
                where="modalities",
                remedy="leave out broadcast, or take the broadcast look",
            )

    @property
    def parts(self) -> tuple[int, ...]:
        """The units of work that a game is made of: its halves, and 0 for its one recording."""
        halves = tuple(range(1, self.halves + 1))
        return (WHOLE, *halves) if self.recording == "match" else halves

    def part_minutes(self, index: int, part: int) -> float:
        """Length of what a unit of work renders."""
        if part != WHOLE:
            return self.minutes
        return stretches_of(self.script(index), self.presentation)[-1].end / 60

    def script(self, index: int) -> MatchScript:
        """The script of game ``index``."""
        return write_script(self.game_seed(index), minutes=self.minutes, halves=self.halves)

    def game_seed(self, index: int) -> int:
        """The seed of game ``index``, within what a JSON number holds exactly."""
        state = np.random.SeedSequence((self.seed, index)).generate_state(1, np.uint64)
        return int(state[0]) >> 11

    def document(self, index: int) -> dict[str, Any]:
        """``script.json`` of game ``index``: all that it takes to make the game again."""
        return {
            "format": "touchline-simulation",
            "version": 1,
            "touchline": touchline.__version__,
            "seed": self.seed,
            "game": index,
            "script_seed": self.game_seed(index),
            "minutes": self.minutes,
            "halves": self.halves,
            "size": list(self.size),
            "frame_rate": format_rate(self.rate),
            "modalities": [name for name in MODALITIES if name in self.modalities],
            "look": self.presentation.look,
            "bugs": self.presentation.bugs,
            "wipes": self.presentation.wipes,
            "recording": self.recording,
        }


@dataclass(frozen=True)
class SimulatedDataset:
    """What ``simulate`` left on disk.

    Attributes:
        games: ``league/season/game`` of each game, by index.
        kept: how many were there already.
        splits: games by split; empty where none was asked for.
    """

    root: Path
    games: tuple[str, ...]
    kept: int
    splits: Mapping[str, tuple[str, ...]]


def simulate(
    out: str | Path,
    *,
    games: int,
    seed: int,
    minutes: float = 45.0,
    halves: int = 2,
    size: tuple[int, int] = (398, 224),
    rate: Fraction = Fraction(25),
    modalities: Sequence[str] | None = None,
    splits: Sequence[float] | None = None,
    jobs: int | None = None,
    progress: MinutesProgress | None = None,
    presentation: Presentation | None = None,
    recording: str = "halves",
) -> SimulatedDataset:
    """Render ``games`` games into a folder; keep those that are there already.

    Args:
        out: the dataset's root; new, empty, or holding games of the same settings.
        seed, minutes, halves, size, rate, modalities, presentation, recording: see ``Settings``;
            by default the broadcast look, and every modality that the look has.
        splits: shares of train, valid and test; writes ``SoccerNetGames<split>.json``.
        jobs: processes to use; all cores if None.

    Raises:
        InputError: numbers out of range, or a folder that holds something else or cannot be
            written.
    """
    root = Path(out)
    presentation = presentation or Presentation()
    if modalities is None:
        modalities = modalities_of(presentation)
    settings = Settings(
        seed, minutes, halves, size, Fraction(rate), tuple(modalities), presentation, recording
    )
    _check_counts(games, jobs)
    shares = None if splits is None else _check_splits(splits)
    try:
        if root.is_file():
            raise InputError("is a file", where=root, remedy="name a folder for the dataset")
        root.mkdir(parents=True, exist_ok=True)
        with locked_folder(root):
            names = _finished_games(root, settings)
            missing = [index for index in range(games) if index not in names]
            kept = games - len(missing)
            names |= _render_games(root, settings, missing, jobs or available_cores(), progress)
            ordered = tuple(names[index] for index in range(games))
            parts = {} if shares is None else _write_splits(root, ordered, shares)
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror or error})", where=error.filename or root
        ) from error
    return SimulatedDataset(root, ordered, kept, parts)


def modalities_of(presentation: Presentation) -> tuple[str, ...]:
    """Every modality that a look has."""
    classic = presentation.look == "classic"
    return tuple(name for name in MODALITIES if not (classic and name == "broadcast"))


def video_name(half: int, size: tuple[int, int]) -> str:
    """File name of a half's video, ``1_224p.mkv``, or that of a match: ``match_224p.mkv``."""
    return f"{_part_name(half)}_{size[1]}p.mkv"


def _part_name(part: int) -> str:
    return "match" if part == WHOLE else str(part)


def _check_counts(games: int, jobs: int | None) -> None:
    if games < 1:
        raise InputError(f"{games} games", where="games", remedy="ask for 1 or more")
    if jobs is not None and jobs < 1:
        raise InputError(f"{jobs} jobs", where="jobs", remedy="ask for 1 or more")


def _check_modalities(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in MODALITIES]
    if unknown or not names:
        raise InputError(
            f"unknown modality {unknown[0]!r}" if unknown else "nothing to render",
            where="modalities",
            remedy=f"choose from {', '.join(MODALITIES)}",
        )
    if "audio" in names and "video" not in names:
        raise InputError(
            "audio without video",
            where="modalities",
            remedy="add video: the sound is part of its file",
        )


def _check_splits(shares: Sequence[float]) -> tuple[float, ...]:
    right = len(shares) == len(SPLITS) and all(share >= 0 for share in shares)
    if not right or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise InputError(
            f"the split {','.join(f'{share:g}' for share in shares)} does not add up",
            where="split",
            remedy="give three shares that make 1, such as 0.6,0.2,0.2",
        )
    return tuple(shares)


def _finished_games(root: Path, settings: Settings) -> dict[int, str]:
    """Names by index of the games that lie in a dataset already."""
    found = {}
    for path in sorted(root.glob(f"*/*/*/{SCRIPT_FILE}")):
        index = _check_game(path, settings)
        found[index] = path.parent.relative_to(root).as_posix()
    foreign = [entry.name for entry in root.iterdir() if entry.name != _UNFINISHED]
    if foreign and not found:
        raise InputError(
            f"holds other things ({sorted(foreign)[0]})",
            where=root,
            remedy="name a new or empty folder",
        )
    return found


def _check_game(path: Path, settings: Settings) -> int:
    """Index of a finished game; refuses one that other settings have made."""
    try:
        document = json.loads(path.read_text("utf-8"))
        index = int(document["game"])
        expected = settings.document(index)
        differing = [key for key in expected if document.get(key) != expected[key]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "is not the script of a simulated game", where=path, remedy="name another folder"
        ) from error
    if differing:
        key = differing[0]
        raise InputError(
            f"was made with {key} {document.get(key)}, not {expected[key]}",
            where=path.parent,
            remedy="give the same settings, or name a new folder",
        )
    return index


def _render_games(
    root: Path,
    settings: Settings,
    indices: Sequence[int],
    jobs: int,
    progress: MinutesProgress | None,
) -> dict[int, str]:
    """Render games into ``_UNFINISHED`` and move each into place when its halves are done."""
    workshop = root / _UNFINISHED
    if workshop.exists():  # of a run that was killed
        shutil.rmtree(workshop)
    if not indices:
        return {}
    workshop.mkdir(parents=True)
    processes = max(1, jobs // (len(indices) * len(settings.parts)))
    units = [
        Unit(settings, index, half, workshop / f"game-{index:05d}", processes)
        for index in indices
        for half in settings.parts
    ]
    names: dict[int, str] = {}
    parts_done = dict.fromkeys(indices, 0)
    total = sum(settings.part_minutes(unit.index, unit.half) for unit in units)

    def tell(seconds: float) -> None:
        if progress is not None:
            progress(min(total, seconds / 60), total)

    try:
        with closing(run_tasks(units, min(jobs, len(units)), tell)) as done:
            for number, name in done:
                unit = units[number]
                parts_done[unit.index] += 1
                if parts_done[unit.index] == len(settings.parts):
                    _move_into_place(unit.folder, root / name)
                    names[unit.index] = name
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return names


def _move_into_place(folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        raise InputError(
            "two games of this seed have the same name", where=place, remedy="use another seed"
        )
    folder.rename(place)


@dataclass(frozen=True)
class Unit:
    """The share of work that one process does at a time: one half, or a match's recording."""

    settings: Settings
    index: int
    half: int
    folder: Path
    processes: int

    def run(self, report: Report) -> str:
        """Write the files of this half, and with the first half those of the game.

        Args:
            report: called with the seconds of the half that are done; may raise to stop.

        Returns:
            the game's name.
        """
        script = self.settings.script(self.index)
        report(0.0)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.half == 1:
            self._write_game(script)
        if self.half == WHOLE:
            self._write_match(script, report)
        else:
            self._write_half(script, report)
        return script.name

    def _write_game(self, script: MatchScript) -> None:
        self._write(SCRIPT_FILE, self.settings.document(self.index), indent=4)
        if "labels" in self.settings.modalities:
            write(truth.action_labels(script), self.folder / "Labels-v2.json")
            write(truth.ball_labels(script), self.folder / "Labels-ball.json")
            write(truth.camera_labels(script), self.folder / "Labels-cameras.json")

    def _write_half(self, script: MatchScript, report: Report) -> None:
        half = script.halves[self.half - 1]
        wanted = self.settings.modalities
        if "transcript" in wanted:
            self._write(f"{self.half}_asr.json", truth.transcript(half))
        if "boxes" in wanted or "calibration" in wanted:
            self._write_sightings(script, half, report)
        apart = self.settings.recording == "halves"
        if "broadcast" in wanted and apart:
            self._write_broadcast(script, half_recording(half))
        if "video" in wanted and apart:
            render_half(
                script,
                half,
                self.folder / video_name(self.half, self.settings.size),
                size=self.settings.size,
                rate=self.settings.rate,
                progress=report,
                sound=self._sound(script, half) if "audio" in wanted else None,
                processes=self.processes,
                presentation=self.settings.presentation,
            )
        report(half.seconds)

    def _sound(self, script: MatchScript, half: HalfScript) -> Iterator[Samples]:
        return render_audio(script, half, presentation=self.settings.presentation)

    def _write_match(self, script: MatchScript, report: Report) -> None:
        """The one recording of a match, with the truth about it."""
        settings = self.settings
        stretches = stretches_of(script, settings.presentation)
        if "broadcast" in settings.modalities:
            self._write_broadcast(script, stretches)
        if "labels" in settings.modalities:
            name = video_name(WHOLE, settings.size)
            events = truth.recorded_events(script, stretches, name, settings.rate)
            write(events, self.folder / "match.events.json")
        if "video" in settings.modalities:
            audible = "audio" in settings.modalities
            render(
                MatchSource(script, settings.size, settings.presentation),
                stretches[-1].end,
                self.folder / video_name(WHOLE, settings.size),
                settings.size,
                settings.rate,
                report,
                match_sound(script, settings.presentation, SOUND_RATE) if audible else None,
                self.processes,
            )
        report(stretches[-1].end)

    def _write_broadcast(self, script: MatchScript, stretches: Sequence[Stretch]) -> None:
        settings = self.settings
        document = broadcast_document(
            script,
            produce(script, settings.presentation),
            stretches,
            video_name(self.half, settings.size),
            settings.size,
        )
        self._write(f"{_part_name(self.half)}_broadcast.json", document)

    def _write_sightings(self, script: MatchScript, half: HalfScript, report: Report) -> None:
        sightings = truth.Sightings(half, self.settings.size)
        video_follows = "video" in self.settings.modalities
        for seconds in sightings.gather(script):
            report(0.0 if video_follows else seconds)
        if "boxes" in self.settings.modalities:
            people = player_boxes_document(sightings.player_boxes())
            self._write(player_boxes_name(self.half), people)
        if "calibration" in self.settings.modalities:
            places = calibration_document(sightings.calibration())
            self._write(calibration_name(self.half), places)

    def _write(self, name: str, document: Any, indent: int | None = None) -> None:
        separators = None if indent else (",", ":")
        text = json.dumps(document, indent=indent, separators=separators, allow_nan=False)
        (self.folder / name).write_text(text + "\n", "utf-8")


def _write_splits(
    root: Path, games: Sequence[str], shares: Sequence[float]
) -> dict[str, tuple[str, ...]]:
    """Write the list of each split, ``{league: {season: [game]}}``; returns games by split."""
    parts = {}
    ends = [round(len(games) * sum(shares[: n + 1])) for n in range(len(shares))]
    for split, begin, end in zip(SPLITS, [0, *ends], ends, strict=False):
        parts[split.lower()] = tuple(games[begin:end])
        listing: dict[str, dict[str, list[str]]] = {}
        for name in games[begin:end]:
            league, season, game = name.split("/")
            listing.setdefault(league, {}).setdefault(season, []).append(game)
        write_text(root / f"SoccerNetGames{split}.json", json.dumps(listing, indent=4) + "\n")
    return parts
