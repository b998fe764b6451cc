"""SoccerNet label and prediction files as columns, read exactly as the official evaluator does.

Fields that the evaluator accepts are read in the same way, quirks included. Where it would crash,
a FormatError names the place and the expected value. Other formats are read by
``formats.read_matches``.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from touchline.columns import MAX_MILLISECONDS, EventColumns, columns_of
from touchline.errors import FormatError
from touchline.formats import read_matches
from touchline.formats.reading import (
    DEFAULT_LIMITS,
    Limits,
    Tree,
    is_tree,
    open_tree,
    parse_json,
    read_bytes,
)
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V1, SOCCERNET_V2, LabelSet, label_set_of

Role = Literal["labels", "predictions"]

LABEL_FILES = {
    "Labels-v2.json": SOCCERNET_V2,
    "Labels-ball.json": SOCCERNET_BALL,
    "Labels.json": SOCCERNET_V1,
}
"""The label file of each published set, in order of preference."""

PREDICTION_FILE = "results_spotting.json"

_LISTS = {"labels": "annotations", "predictions": "predictions"}
_BAD_VALUE = (KeyError, TypeError, ValueError, OverflowError, IndexError)
_NOT_TYPED = (msgspec.MsgspecError, RecursionError, *_BAD_VALUE)


def read_columns(
    path: str | Path,
    role: Role,
    label_set: LabelSet,
    *,
    file_name: str | None = None,
    games: Iterable[str] | None = None,
    teams: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> dict[str, EventColumns]:
    """The labels or predictions of every game in a file, folder tree or zip, by game.

    A game is identified by the last three folders of its path, ``league/season/game``; a single
    file by its stem.

    Args:
        path: a JSON file, or a tree ``league/season/game/<file>`` as a folder or zip.
        role: whether its files hold ``annotations`` or ``predictions``.
        label_set: the classes; it determines which fields the official evaluator reads.
        file_name: the file of each game; by default the published one for ``role`` and
            ``label_set``, else the only JSON file of each folder.
        games: read only these, where the tree has them.
        teams: read the teams too.

    Raises:
        FormatError: no such file in the tree, a repeated game, or a file that the official
            evaluator cannot read.
    """
    path = Path(path)
    if not is_tree(path):
        content = read_bytes(path, limits)
        return {path.stem: _columns_of_file(content, role, label_set, path, teams)}
    wanted = None if games is None else frozenset(games)
    with open_tree(path, limits) as tree:
        files = game_files(tree, file_name or _default_name(tree, role, label_set))
        return {
            game: _columns_of_file(tree.read(name), role, label_set, tree.where(name), teams)
            for game, name in files.items()
            if wanted is None or game in wanted
        }


def game_files(tree: Tree, file_name: str | None) -> dict[str, str]:
    """The path of each game's file in a tree, by game.

    Args:
        file_name: name of the file; None takes the only JSON file of each folder.

    Raises:
        FormatError: no such file, two files of one game, or several JSON files in one folder.
    """
    files: dict[str, str] = {}
    for name in tree.names():
        path = PurePosixPath(name)
        if path.name != file_name if file_name else path.suffix != ".json":
            continue
        game = "/".join(path.parent.parts[-3:]) or path.stem
        if game in files:
            raise FormatError(
                f"game {game!r} occurs twice: {files[game]} and {name}",
                where=tree.path,
                remedy="name the file to read" if file_name is None else "keep one of the two",
            )
        files[game] = name
    if not files:
        raise FormatError(
            f"holds no {file_name or 'JSON file'}",
            where=tree.path,
            remedy="the layout is league/season/game/<file>; name the file if it is another",
        )
    return files


def read_events(
    path: str | Path,
    role: Role,
    label_set: LabelSet,
    *,
    file_name: str | None = None,
    games: Iterable[str] | None = None,
    teams: bool = False,
) -> dict[str, EventColumns]:
    """As ``read_columns``, for any event format: other formats are read by ``read_matches``.

    Raises:
        FormatError: as ``read_columns`` and ``read_matches``.
    """
    if file_name or is_soccernet(path, role):
        return read_columns(path, role, label_set, file_name=file_name, games=games, teams=teams)
    wanted = None if games is None else frozenset(games)
    return {
        game: columns_of(match)
        for game, match in read_matches(path).items()
        if wanted is None or game in wanted
    }


def guess_label_set(path: str | Path) -> LabelSet:
    """The label set of label files: by the name of the file, else by the labels in it.

    Raises:
        FormatError: as ``read_matches``; also files without any event.
    """
    path = Path(path)
    if is_tree(path):
        with open_tree(path) as tree:
            present = {PurePosixPath(name).name for name in tree.names()}
    else:
        present = {path.name}
    for name, labels in LABEL_FILES.items():
        if name in present:
            return labels
    matches = read_matches(path).values()
    declared = [timeline.labels for match in matches for timeline in match.timelines]
    known = next((labels for labels in declared if labels in LABEL_FILES.values()), None)
    occurring = sorted({event.label for match in matches for event in match.events})
    if known is None and not occurring:
        raise FormatError("holds no events", where=path, remedy="name the classes (--label-set)")
    return known or label_set_of(tuple(occurring))


def is_soccernet(path: str | Path, role: Role) -> bool:
    """Whether a path holds files that the official evaluator reads in this role.

    Raises:
        FormatError: a single JSON file that cannot be read.
    """
    path = Path(path)
    if is_tree(path):
        with open_tree(path) as tree:
            present = {PurePosixPath(name).name for name in tree.names()}
        return bool(present & (LABEL_FILES.keys() if role == "labels" else {PREDICTION_FILE}))
    if path.suffix != ".json" or path.name.endswith(".events.json"):
        return False
    return is_spotting_document(parse_json(read_bytes(path), path), role)


def _default_name(tree: Tree, role: Role, label_set: LabelSet) -> str | None:
    """The published name of a role's file if the tree has it, else None."""
    present = {PurePosixPath(name).name for name in tree.names()}
    if role == "predictions":
        return PREDICTION_FILE if PREDICTION_FILE in present else None
    fitting = [name for name, labels in LABEL_FILES.items() if labels == label_set]
    return next((name for name in [*fitting, *LABEL_FILES] if name in present), None)


def is_spotting_document(document: Any, role: Role) -> bool:
    """Whether a JSON value looks like a SoccerNet file of this role."""
    return isinstance(document, dict) and isinstance(document.get(_LISTS[role]), list)


def _columns_of_file(
    content: bytes, role: Role, label_set: LabelSet, where: str | Path, teams: bool
) -> EventColumns:
    read_typed = _typed_predictions if role == "predictions" else _typed_annotations
    columns = None if teams else read_typed(content, str(where))
    if columns is not None:
        return columns
    return columns_of_document(parse_json(content, where), role, label_set, where, teams=teams)


class _Annotation(msgspec.Struct, gc=False):
    label: str
    gameTime: str  # noqa: N815 (the name in the file)
    position: str | int
    visibility: str = ""


class _Annotations(msgspec.Struct, gc=False):
    annotations: list[_Annotation]


class _Prediction(msgspec.Struct, gc=False):
    label: str
    half: str | int
    position: str | int
    confidence: float


class _Predictions(msgspec.Struct, gc=False):
    predictions: list[_Prediction]


_ANNOTATIONS = msgspec.json.Decoder(_Annotations)
_PREDICTIONS = msgspec.json.Decoder(_Predictions, strict=False)
"""Reads textual confidences as Python does. It accepts more texts as whole numbers than Python, so
halves and positions are kept as they are in the file."""


def _typed_predictions(content: bytes, where: str) -> EventColumns | None:
    """The columns of a well-formed file; None for any other.

    Typed decoding skips the fields that no metric uses, which are most of a file.
    """
    try:
        found = _PREDICTIONS.decode(content).predictions
        half_of = {half: int(half) for half in {record.half for record in found}}
        return EventColumns(
            tuple([record.label for record in found]),
            np.array([half_of[record.half] for record in found], np.int64),
            np.array([int(record.position) for record in found], np.int64),
            np.array([record.confidence for record in found], np.float64),
            np.ones(len(found), bool),
            source=where,
        )
    except _NOT_TYPED:
        return None


def _typed_annotations(content: bytes, where: str) -> EventColumns | None:
    """As ``_typed_predictions``, for labels."""
    try:
        found = _ANNOTATIONS.decode(content).annotations
        return EventColumns(
            tuple([record.label for record in found]),
            np.array([_clock_of(record.gameTime)[0] for record in found], np.int64),
            np.array([int(record.position) for record in found], np.int64),
            np.ones(len(found)),
            np.array([record.visibility != "not shown" for record in found], bool),
            source=where,
        )
    except _NOT_TYPED:
        return None


def columns_of_document(
    document: Any,
    role: Role,
    label_set: LabelSet,
    where: str | Path,
    *,
    teams: bool = False,
) -> EventColumns:
    """The columns of one parsed file.

    Args:
        teams: read the teams too.

    Raises:
        FormatError: a field that the official evaluator cannot read; names its place.
    """
    if not is_spotting_document(document, role):
        raise FormatError(
            f'has no list "{_LISTS[role]}"',
            where=where,
            remedy=f"SoccerNet {role} are an object that holds one",
        )
    records = document[_LISTS[role]]
    if role == "labels":
        columns = _read_annotations(records, str(where))
    else:
        columns = _read_predictions(records, label_set, str(where))
    return replace(columns, teams=_teams(records)) if teams else columns


def _read_annotations(records: list[Any], where: str) -> EventColumns:
    labels = _labels(records, "annotations", where)
    clocks = _field(records, _clock, _Place(where, "annotations", "gameTime", 'like "1 - 07:41"'))
    positions = _field(
        records, _position, _Place(where, "annotations", "position", "whole milliseconds")
    )
    milliseconds = [
        1000 * clock[1] if position is None else position
        for clock, position in zip(clocks, positions, strict=True)
    ]
    hidden = [record.get("visibility") == "not shown" for record in records]
    return EventColumns(
        labels,
        _whole([clock[0] for clock in clocks]),
        _whole(milliseconds),
        np.ones(len(records)),
        ~np.array(hidden, bool),
        source=where,
    )


def _read_predictions(records: list[Any], label_set: LabelSet, where: str) -> EventColumns:
    try:
        labels, halves, milliseconds, confidences = _plain_predictions(records)
    except _BAD_VALUE:
        labels, halves, milliseconds, confidences = _odd_predictions(records, label_set, where)
    return EventColumns(
        labels,
        _whole(halves),
        _whole(milliseconds),
        np.array(confidences, np.float64),
        np.ones(len(records), bool),
        source=where,
    )


_PredictionLists = tuple[tuple[str, ...], list[int], list[int], list[float]]


def _plain_predictions(records: list[Any]) -> _PredictionLists:
    """Labels, halves, milliseconds and confidences of a well-formed file.

    Raises:
        One of ``_BAD_VALUE``: a field is missing or of the wrong type.
    """
    labels = [record["label"] for record in records]
    if not set(map(type, labels)) <= {str}:
        raise TypeError
    halves = [record["half"] for record in records]
    half_of = {half: int(half) for half in set(halves)}
    return (
        tuple(labels),
        [half_of[half] for half in halves],
        [int(record["position"]) for record in records],
        [float(record["confidence"]) for record in records],
    )


def _odd_predictions(records: list[Any], label_set: LabelSet, where: str) -> _PredictionLists:
    """As ``_plain_predictions``, field by field, with the values the official evaluator accepts."""
    labels = _labels(records, "predictions", where)
    halves = _field(records, _half, _Place(where, "predictions", "half", "1 or 2"))
    milliseconds = _field(
        records, _milliseconds, _Place(where, "predictions", "position", "whole milliseconds")
    )
    # It reads the confidence of the events that it keeps, and of no others.
    known = frozenset(label_set)
    looked_at = [
        record if label in known and half in (1, 2) else {"confidence": 0}
        for record, label, half in zip(records, labels, halves, strict=True)
    ]
    confidences = _field(
        looked_at, _confidence, _Place(where, "predictions", "confidence", "a number")
    )
    return labels, halves, milliseconds, confidences


class _Place:
    """The place of a field and its expected value, for error messages."""

    def __init__(self, where: str, rows: str, name: str, expected: str) -> None:
        self.where, self.rows, self.name, self.expected = where, rows, name, expected

    def error(self, row: int, record: Any) -> FormatError:
        if not isinstance(record, dict):
            fact = f"{self.rows}[{row}] is not an object"
        elif self.name not in record:
            fact = f'{self.rows}[{row}] has no "{self.name}"'
        else:
            fact = f'"{self.name}" of {self.rows}[{row}] is {record[self.name]!r:.60}'
        return FormatError(fact, where=self.where, remedy=f"it should be {self.expected}")


def _field(records: list[Any], read: Callable[[Any], Any], place: _Place) -> list[Any]:
    """One field of every record.

    Raises:
        FormatError: it is missing or invalid in a record; names the first.
    """
    try:
        return [read(record) for record in records]
    except _BAD_VALUE:
        for row, record in enumerate(records):
            try:
                read(record)
            except _BAD_VALUE:
                raise place.error(row, record) from None
        raise


def _labels(records: list[Any], rows: str, where: str) -> tuple[str, ...]:
    labels = _field(records, _label, _Place(where, rows, "label", "the name of a class"))
    return tuple(labels)


def _label(record: dict[str, Any]) -> str:
    label = record["label"]
    if isinstance(label, str):
        return label
    if isinstance(label, dict | list):
        raise TypeError
    return str(label)  # a number or null is an unknown class for the official evaluator


def _clock(record: dict[str, Any]) -> tuple[int, int]:
    """Half and seconds of a gameTime: the first character, two of minutes, two of seconds."""
    text = record["gameTime"]
    if not isinstance(text, str):
        raise TypeError
    return _clock_of(text)


def _clock_of(text: str) -> tuple[int, int]:
    return int(text[0]), 60 * int(text[-5:-3]) + int(text[-2:])


def _position(record: dict[str, Any]) -> int | None:
    return int(record["position"]) if "position" in record else None


def _milliseconds(record: dict[str, Any]) -> int:
    return int(record["position"])


def _half(record: dict[str, Any]) -> int:
    return int(record["half"])


def _confidence(record: dict[str, Any]) -> float:
    confidence = record["confidence"]
    return float("nan") if confidence is None else float(confidence)


def _teams(records: list[dict[str, Any]]) -> tuple[str | None, ...]:
    return tuple(
        team if isinstance(team, str) else None
        for team in (record.get("team") for record in records)
    )


def _whole(values: list[int]) -> npt.NDArray[np.int64]:
    try:
        return np.array(values, np.int64)
    except OverflowError:
        bound = MAX_MILLISECONDS
        return np.array([min(max(value, -bound), bound) for value in values], np.int64)
