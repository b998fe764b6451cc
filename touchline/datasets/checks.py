"""Checks of a dataset on disk, and of the predictions for a challenge."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from touchline.datasets.download import published_games
from touchline.datasets.features import FeatureFile
from touchline.datasets.soccernet import LABEL_FILES, split_list
from touchline.errors import InputError, MediaError
from touchline.events import Match
from touchline.features.store import check_features, read_description
from touchline.formats import read
from touchline.formats.games import read_game_list
from touchline.formats.player_boxes import (
    CALIBRATION_FILES,
    PLAYER_BOXES_FILES,
    calibration_name,
    read_calibration,
    read_player_boxes,
)
from touchline.formats.reading import Tree, is_tree, open_tree, parse_json
from touchline.formats.soccernet import game_id
from touchline.labels import LABEL_SETS, LabelSet
from touchline.media.video import probe
from touchline.recordings import RECORDING_TIMES
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds, parse_game_clock, parse_rate

Severity = Literal["error", "warning"]

KICK_OFF_SECONDS = 60.0
"""If the first kick-off of a half is annotated later, its times probably have another origin."""

PAST_END_SECONDS = 2.0
"""How far after the last frame a label may be; published ones are up to two seconds after it."""

SAME_FRAME_SECONDS = 0.5
"""Duration of a frame of the official metric, which keeps one event per class and frame."""

CHALLENGE_FILE = "results_spotting.json"

_READERS: dict[str, Callable[[Path], Sized]] = {
    CALIBRATION_FILES: read_calibration,
    PLAYER_BOXES_FILES: read_player_boxes,
}
"""Readers of calibration and player-box files, by ending of the file name."""

_PUBLISHED_RATES = (
    (r"_25fps_", Fraction(25)),
    (r"_5fps_", Fraction(5)),
    (r"^\d_baidu_soccer_embeddings", Fraction(1)),
    (r"^\d_(ResNET|C3D|I3D)", Fraction(2)),
)
"""Rows a second of published features, by their names."""

_VIDEO = re.compile(r"([1-4])(?:_(\d+p|HQ))?\.(?:mkv|mp4|ts)|(\d+p)\.(?:mkv|mp4)")
_MOST_FINDINGS = 5


@dataclass(frozen=True)
class Finding:
    """One problem.

    Attributes:
        severity: ``error`` if the data or the submission is unusable.
        where: the file or the game.
    """

    severity: Severity
    where: str
    what: str
    remedy: str | None = None


@dataclass
class Report:
    """The result of a check.

    Attributes:
        events: in all label files.
        label_files: the same, by the name of the label file.
    """

    kind: Literal["dataset", "challenge"]
    games: int = 0
    events: int = 0
    findings: list[Finding] = field(default_factory=list)
    label_files: Counter[str] = field(default_factory=Counter)

    @property
    def errors(self) -> int:
        """Number of errors among the findings."""
        return sum(finding.severity == "error" for finding in self.findings)

    def add(self, severity: Severity, where: str, what: str, remedy: str | None = None) -> None:
        """Add a finding."""
        self.findings.append(Finding(severity, where, what, remedy))

    def to_json(self) -> dict[str, Any]:
        """The report as ``--json`` prints it."""
        return {
            "format": "touchline-check",
            "version": 1,
            "kind": self.kind,
            "games": self.games,
            "events": self.events,
            "label_files": dict(self.label_files),
            "errors": self.errors,
            "warnings": len(self.findings) - self.errors,
            "findings": [vars(finding) for finding in self.findings],
        }


def is_challenge(path: str | Path) -> bool:
    """Whether a folder or zip holds predictions rather than a dataset."""
    if not is_tree(path):
        return False
    with open_tree(path) as tree:
        names = {PurePosixPath(name).name for name in tree.names()}
    return CHALLENGE_FILE in names and not names & set(LABEL_FILES.values())


def check_dataset(
    root: str | Path,
    *,
    games: Iterable[str] | None = None,
    label_set: LabelSet | None = None,
    track: Callable[[list[str]], Iterable[str]] = lambda names: names,
) -> Report:
    """Check every game below a folder: missing or unreadable files, wrong labels, shifted times.

    Args:
        games: the expected games.
        label_set: the expected label set; by default that of the label file.
        track: wraps the names of the games to show progress.

    Raises:
        InputError: not a folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError("there is no such folder", where=root, remedy="give the dataset's folder")
    report = Report("dataset")
    with open_tree(root) as tree:
        folders = _games_in(tree)
    for name in track(sorted(folders)):
        report.games += 1
        _check_game(report, root / name, name, folders[name], label_set)
    for missing in sorted(set(games or ()) - set(folders)):
        report.add("error", missing, "the game is missing", "download it")
    if not folders:
        report.add("error", str(root), "there are no games here", "give league/season/game folders")
    return report


def check_challenge(
    path: str | Path,
    *,
    games: Iterable[str] | None = None,
    label_set: LabelSet | None = None,
    needs_team: bool = False,
) -> Report:
    """Check predictions as the server of the challenge reads them.

    Args:
        path: ``results_spotting.zip``, or the folder that it is made from.
        games: every game of the split; None skips the check for missing games.
        label_set: the classes of the challenge; by default the published set that fits best.
        needs_team: require teams, for team ball action spotting.

    Raises:
        FormatError: not a readable folder or zip.
    """
    report = Report("challenge")
    with open_tree(path) as tree:
        found = _results_in(report, tree)
        documents = {game: _document(report, tree, name) for game, name in found.items()}
    known = label_set or _best_set(documents.values())
    for game, document in documents.items():
        report.games += 1
        if document is not None:
            _check_predictions(report, found[game], document, known, needs_team)
    for missing in sorted(set(games or ()) - set(found)):
        report.add(
            "error", missing, "the game has no predictions",
            'write a file with "predictions": [] where there are none',
        )  # fmt: skip
    if not found:
        report.add("error", str(path), f"there is no {CHALLENGE_FILE}", "see touchline predict")
    return report


def games_of(path: str | Path) -> list[str]:
    """The games of a game list, or of a folder or zip of labels.

    Raises:
        InputError: none of these.
    """
    path = Path(path)
    if is_tree(path):
        with open_tree(path) as tree:
            return sorted(_games_in(tree))
    if not path.is_file():
        raise InputError("no such list of games", where=path)
    return [game_id(name) for name in read_game_list(path)]


def split_games(path: str | Path, split: str, labels: str | None = None) -> list[str]:
    """The games of a split: from a list at the root of the dataset, else the published ones.

    Args:
        labels: the label set, which selects the published list.

    Raises:
        InputError: there is neither.
    """
    listed = split_list(Path(path), split) if Path(path).is_dir() else None
    names = listed or published_games(split, ball=labels == "soccernet-ball")
    if names is None:
        raise InputError(
            f"the games of split {split!r} are unknown",
            where="--split",
            remedy="pip install SoccerNet, which contains the lists, or give one with --games",
        )
    return [game_id(name) for name in names]


def _games_in(tree: Tree) -> dict[str, list[str]]:
    """File names by folder, for the folders that contain files of a game."""
    folders: dict[str, list[str]] = {}
    for name in tree.names():
        folder, _, file = name.rpartition("/")
        if folder:
            folders.setdefault(folder, []).append(file)
    return {
        folder: files
        for folder, files in folders.items()
        if any(file in LABEL_FILES.values() or _VIDEO.fullmatch(file) for file in files)
    }


def _check_game(
    report: Report, folder: Path, name: str, files: list[str], label_set: LabelSet | None
) -> None:
    durations = _check_videos(report, folder, name, files)
    matches: dict[str, Match] = {}
    labels = [file for file in LABEL_FILES.values() if file in files]
    if not labels:
        report.add(
            "warning", name, "there are no labels", f"expected {LABEL_FILES['soccernet-v2']}"
        )
    for file in labels:
        where = f"{name}/{file}"
        try:
            match = read(folder / file)
        except InputError as error:
            report.add("error", where, error.what, error.remedy)
            continue
        if not isinstance(match, Match):
            continue
        published = next(key for key, value in LABEL_FILES.items() if value == file)
        report.events += len(match.events)
        report.label_files[file] += len(match.events)
        matches[where] = match
        for warning in (w for t in match.timelines for w in t.warnings):
            report.add("warning", where, warning)
        # The official reader maps labels of version 1 to its classes, so no set lists them.
        wanted = label_set or (LABEL_SETS[published] if published != "soccernet-v1" else None)
        _check_labels(report, where, name, match, wanted)
        _check_clock(report, where, match, durations, files)
        _check_annotations(report, where, folder / file)
    features = _check_features(report, folder, name, files)
    for where, match in matches.items():
        _check_ends(report, where, match, features)


def _check_features(
    report: Report, folder: Path, name: str, files: list[str]
) -> list[tuple[int, FeatureFile]]:
    """Check that feature, calibration and player-box files can be read and are consistent.

    Returns:
        The feature files of known rate that can be read, each with its half.
    """
    entries: dict[str, dict[str, int]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    features: list[tuple[int, FeatureFile]] = []
    for file in sorted(files):
        half, _, kind = file.partition("_")
        try:
            if file.endswith(".npy"):
                rate = _rate_of(folder / file)
                opened = FeatureFile(folder / file, rate or Fraction(1))
                if rate is not None and half.isdecimal():
                    features.append((int(half), opened))
                check_features(folder / file)
                opened.check_finite()
                shape = shapes.setdefault(kind, opened.row_shape)
                if opened.row_shape != shape:
                    report.add(
                        "error", f"{name}/{file}",
                        f"rows of shape {opened.row_shape}, those of the other half {shape}",
                        "extract both halves in the same way",
                    )  # fmt: skip
            elif kind in _READERS:
                entries.setdefault(half, {})[kind] = len(_READERS[kind](folder / file))
        except InputError as error:
            place = error.where or file
            report.add("error", f"{name}/{Path(str(place)).name}", error.what, error.remedy)
    for half, found in entries.items():
        boxes, calibrated = (found.get(kind) for kind in (PLAYER_BOXES_FILES, CALIBRATION_FILES))
        if boxes is not None and calibrated is not None and boxes > calibrated:
            report.add(
                "warning", f"{name}/{calibration_name(half)}",
                f"has {calibrated} entries, the player boxes of the same half {boxes}",
                "boxes without a calibration are not used",
            )  # fmt: skip
    return features


def _rate_of(path: Path) -> Fraction | None:
    """Rows a second of a feature file: by its description, else by its published name."""
    described = read_description(path)
    if described is not None:
        return parse_rate(described.identity.rate)
    return next((rate for name, rate in _PUBLISHED_RATES if re.search(name, path.stem)), None)


def _check_ends(
    report: Report, where: str, match: Match, features: list[tuple[int, FeatureFile]]
) -> None:
    """Report labels that lie after the last row of features."""
    for half, file in features:
        timeline = match.half(half)
        end = float(file.steps / file.rate)
        late = [e.seconds for e in timeline or () if e.seconds > end + PAST_END_SECONDS]
        if late:
            report.add(
                "warning", where,
                f"{counted(len(late), 'event')} of half {half} after the end of "
                f"{file.path.name} ({file.steps} rows, {format_seconds(end)}), the last at "
                f"{format_seconds(max(late))}",
                "check that features and labels are of the same game",
            )  # fmt: skip


def _check_videos(
    report: Report, folder: Path, name: str, files: list[str]
) -> dict[int, float | None]:
    """Durations of the trimmed videos by half; None where one cannot be read."""
    durations: dict[int, float | None] = {}
    numbered: set[int] = set()
    for file in sorted(files):
        found = _VIDEO.fullmatch(file)
        if found is None:
            continue
        half = int(found[1] or 1)
        numbered |= {half} if found[1] else set()
        try:
            seconds: float | None = probe(folder / file).duration_seconds
        except MediaError as error:
            report.add("error", f"{name}/{file}", error.what, error.remedy)
            seconds = None
        # Without its times an untrimmed recording has another time origin.
        if found[2] != "HQ" or RECORDING_TIMES in files:
            durations[half] = seconds if durations.get(half) is None else durations[half]
    if len(numbered) == 1 and numbered < {1, 2}:
        missing = 3 - min(numbered)
        report.add("warning", name, f"half {missing} has no video", f"add {missing}_224p.mkv")
    return durations


def _check_labels(
    report: Report, where: str, name: str, match: Match, label_set: LabelSet | None
) -> None:
    if label_set is not None:
        unknown = Counter(e.label for e in match.events if e.label not in label_set)
        for label, count in unknown.most_common(_MOST_FINDINGS):
            report.add(
                "warning", where, f"{counted(count, 'event')} with the label {label!r}",
                f"{label_set.name} has no such class: evaluators skip them",
            )  # fmt: skip
    url = game_id(str(match.extra.get("UrlLocal") or ""))
    if url and game_id(name).rpartition("/")[2] != url.rpartition("/")[2]:
        report.add("error", where, f"these are the labels of {url!r}", "move them to that game")
    twice = sum(
        later.seconds - earlier.seconds < SAME_FRAME_SECONDS
        for timeline in match.timelines
        for earlier, later in _neighbours(timeline.events)
    )
    if twice:
        report.add(
            "warning", where,
            f"{counted(twice, 'repetition')} of an event of the same class within half a second",
            "the official metric counts only one of them",
        )  # fmt: skip
    score = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", str(match.extra.get("gameScore") or ""))
    goals = sum(event.label == "Goal" for event in match.events)
    if score and label_set is not None and "Goal" in label_set:
        expected = int(score[1]) + int(score[2])
        if goals != expected:
            report.add(
                "warning", where,
                f"{counted(goals, 'labelled goal')}, and the score is {score[0].strip()}",
                "check for missing, repeated or disallowed goals",
            )  # fmt: skip


def _neighbours(events: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Pairs of successive events of one class."""
    last: dict[str, Any] = {}
    for event in events:
        if event.label in last:
            yield last[event.label], event
        last[event.label] = event


def _check_clock(
    report: Report,
    where: str,
    match: Match,
    durations: dict[int, float | None],
    files: list[str],
) -> None:
    for timeline in match.timelines:
        half = timeline.half or 1
        if half not in (1, 2):
            report.add("warning", where, f"half {half}: evaluators read halves 1 and 2 only")
        if durations and half not in durations:
            report.add("error", where, f"there are labels of half {half}, but no video of it")
        if early := [event for event in timeline if event.seconds < 0]:
            before = counted(len(early), "event")
            report.add("error", where, f"half {half}: {before} before the video")
        duration = durations.get(half)
        if duration is not None:
            late = [e for e in timeline if e.seconds > duration + PAST_END_SECONDS]
            if late:
                report.add(
                    "error", where,
                    f"half {half}: {counted(len(late), 'event')} up to "
                    f"{late[-1].seconds - duration:.1f} s after the end of the video",
                    "the labels may have another time origin, or the video is truncated",
                )  # fmt: skip
        kick_offs = [event.seconds for event in timeline if event.label == "Kick-off"]
        if (
            kick_offs
            and kick_offs[0] > KICK_OFF_SECONDS
            and not _goal_before(match, half, kick_offs)
        ):
            recording = "video.ini" in files
            report.add(
                "warning", where,
                f"half {half}: the first kick-off is at {kick_offs[0]:.1f} s, not near 0",
                "the labels seem to count from the start of the recording"
                + ("; subtract start_time_second of video.ini" if recording else ""),
            )  # fmt: skip


def _goal_before(match: Match, half: int, kick_offs: list[float]) -> bool:
    """Whether the first labelled kick-off follows a goal, so that of the half is not labelled."""
    timeline = match.half(half)
    return timeline is not None and any(
        event.label == "Goal" and event.seconds < kick_offs[0] for event in timeline
    )


def _check_annotations(report: Report, where: str, path: Path) -> None:
    """Check that the two times of each annotation agree."""
    annotations = parse_json(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), path)["annotations"]
    apart = 0
    for annotation in annotations:
        if annotation.get("position") is None or annotation.get("gameTime") is None:
            continue
        _, seconds = parse_game_clock(annotation["gameTime"])
        apart += abs(int(annotation["position"]) / 1000 - seconds) >= 2
    if apart:
        report.add(
            "warning", where,
            f"{counted(apart, 'annotation')} with a position and a gameTime that differ",
            "evaluators use the position",
        )  # fmt: skip


def _results_in(report: Report, tree: Tree) -> dict[str, str]:
    """Result files by game; adds findings for files that the server does not read."""
    found: dict[str, str] = {}
    others: list[str] = []
    for name in tree.names():
        parts = PurePosixPath(name).parts
        if parts[-1] != CHALLENGE_FILE:
            if parts[-1].lower().endswith(".json"):
                others.append(name)
        elif len(parts) == 4:
            found["/".join(parts[:3])] = name
        elif len(parts) > 4:
            report.add(
                "error", name, f"there is a folder {parts[0]!r} around the leagues",
                "create the archive from inside that folder",
            )  # fmt: skip
            found["/".join(parts[-4:-1])] = name
        else:
            report.add("error", name, "not in league/season/game", "keep the folders of the games")
    for name in others[:_MOST_FINDINGS]:
        report.add(
            "error", name, "the server reads no file of this name", f"rename it {CHALLENGE_FILE}"
        )
    if len(others) > _MOST_FINDINGS:
        more = len(others) - _MOST_FINDINGS
        report.add("error", str(tree.path), f"{more} more JSON files have other names")
    return found


def _document(report: Report, tree: Tree, name: str) -> list[Any] | None:
    try:
        document = parse_json(tree.read(name).removeprefix(b"\xef\xbb\xbf"), tree.where(name))
    except InputError as error:
        report.add("error", name, error.what, error.remedy)
        return None
    predictions = document.get("predictions") if isinstance(document, dict) else None
    if not isinstance(predictions, list):
        report.add("error", name, "there is no list 'predictions'")
        return None
    return predictions


def _best_set(documents: Iterable[list[Any] | None]) -> LabelSet:
    """The published set that contains most of the labels."""
    labels = Counter(
        label
        for document in documents
        for item in document or ()
        if isinstance(item, dict) and isinstance(label := item.get("label"), str)
    )
    return max(
        (LABEL_SETS["soccernet-v2"], LABEL_SETS["soccernet-ball"], LABEL_SETS["soccernet-v1"]),
        key=lambda known: sum(count for label, count in labels.items() if label in known),
    )


def _check_predictions(
    report: Report, name: str, predictions: list[Any], label_set: LabelSet, needs_team: bool
) -> None:
    report.events += len(predictions)
    faults: Counter[str] = Counter()
    first: dict[str, int] = {}
    severities: dict[str, Severity] = {}
    for number, item in enumerate(predictions):
        for severity, what in _faults(item, label_set, needs_team):
            faults[what] += 1
            first.setdefault(what, number)
            severities[what] = severity
    for what, count in faults.most_common(_MOST_FINDINGS * 2):
        place = f"{name}: predictions[{first[what]}]"
        more = f" (and {count - 1} more like it)" if count > 1 else ""
        report.add(severities[what], place, what + more)


def _faults(item: Any, label_set: LabelSet, needs_team: bool) -> Iterator[tuple[Severity, str]]:
    """The problems of one prediction: an error where the server's reader fails."""
    if not isinstance(item, dict):
        yield "error", "not an object"
        return
    label = item.get("label")
    if label not in label_set.labels:
        stops = label_set.name == "soccernet-v1" or needs_team
        yield (
            ("error" if stops else "warning"),
            f"the label {label!r:.60} is not in {label_set.name}",
        )
    position = _as_integer(item.get("position"))
    if position is None:
        yield "error", "position is not a whole number of milliseconds"
    elif position < 0:
        yield "error", "position is negative, which counts from the end of the half"
    elif position > 7_200_000:
        yield "warning", "position is after 120 minutes, where the half is cut"
    half = _as_integer(item.get("half"))
    if half is None:
        yield "error", "half is not a number"
    elif half not in (1, 2):
        yield "error", "half is neither 1 nor 2: the prediction is ignored"
    confidence = _as_number(item.get("confidence"))
    if confidence is None:
        yield "error", "confidence is not a number"
    elif not 0 <= confidence <= 1:
        yield "error", "confidence is outside 0 to 1"
    if needs_team and item.get("team") not in ("left", "right"):
        yield "error", "team is neither 'left' nor 'right'"


def _as_integer(value: Any) -> int | None:
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _as_number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
