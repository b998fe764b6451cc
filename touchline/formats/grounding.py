"""Replay grounding files: ``Labels-cameras.json``, and predicted replays (``Replays``)."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from touchline.errors import FormatError
from touchline.formats.columns import game_files
from touchline.formats.reading import is_tree, open_tree, parse_json, read_bytes
from touchline.replays import CameraShot, GroundedReplay
from touchline.runtime.atomic import write_text

T = TypeVar("T")

SHOT_FILE = "Labels-cameras.json"
REPLAY_FILES = ("results_grounding.json", "Detection-replays.json")

_BAD_VALUE = (KeyError, TypeError, ValueError, OverflowError, IndexError, AttributeError)


def read_shots(path: str | Path) -> dict[str, list[CameraShot]]:
    """The camera shots of every game in a file, folder tree or zip, in file order.

    Raises:
        FormatError: no such file, or invalid times or links.
    """
    return _read(Path(path), (SHOT_FILE,), "annotations", _shot)


def read_replays(path: str | Path) -> dict[str, list[GroundedReplay]]:
    """The predicted replays of every game in a file, folder tree or zip, in file order.

    Raises:
        FormatError: no such file, or invalid times or scores.
    """
    return _read(Path(path), REPLAY_FILES, "Replays", _replay)


def write_replays(replays: Sequence[GroundedReplay], path: str | Path, *, game: str = "") -> None:
    """Write the predicted replays of a game in the layout that the evaluator reads.

    Args:
        replays: in any order.
        path: ``results_grounding.json`` in the game's folder.
        game: league, season and match, for information; the evaluator does not read it.
    """
    write_text(Path(path), replays_document(replays, game))


def replays_document(replays: Sequence[GroundedReplay], game: str = "") -> str:
    """The text of a prediction file; arguments as ``write_replays``."""
    records = [
        {
            "half": replay.half,
            "start": replay.start_seconds,
            "end": replay.end_seconds,
            "detection": [
                {"time": time, "score": score}
                for time, score in zip(replay.times, replay.scores, strict=True)
            ],
        }
        for replay in replays
    ]
    document = {"UrlLocal:": game, "Replays": records}  # the colon is in the published files
    return json.dumps(document, indent=1) + "\n"


def _read(
    path: Path, names: tuple[str, ...], key: str, read: Callable[[Any], T]
) -> dict[str, list[T]]:
    if not is_tree(path):
        return {path.stem: _items(parse_json(read_bytes(path), path), key, read, str(path))}
    with open_tree(path) as tree:
        present = {name.rsplit("/", 1)[-1] for name in tree.names()}
        wanted = next((name for name in names if name in present), names[0])
        return {
            game: _items(parse_json(tree.read(name), tree.where(name)), key, read, tree.where(name))
            for game, name in game_files(tree, wanted).items()
        }


def _items(document: Any, key: str, read: Callable[[Any], T], where: str) -> list[T]:
    records = document.get(key) if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise FormatError(f'has no list "{key}"', where=where)
    items = []
    for row, record in enumerate(records):
        try:
            items.append(read(record))
        except _BAD_VALUE as error:
            raise FormatError(
                f"{key}[{row}] cannot be read: {error}",
                where=where,
                remedy="times are MM:SS, or seconds in predictions",
            ) from error
    return items


def _shot(record: Any) -> CameraShot:
    seconds, half = _clock_seconds(record["gameTime"]), _half(record["gameTime"])
    is_replay = record.get("replay") == "replay"
    link = record.get("link")
    if not isinstance(link, dict):  # the challenge files hold an empty text
        return CameraShot(seconds, half=half, is_replay=is_replay)
    action = int(link["half"]), link["label"], _clock_seconds(link["time"])
    return CameraShot(seconds, *action, half=half, is_replay=is_replay)


def _half(text: str) -> int | None:
    """The half at the start of a game time."""
    return int(text[0]) if text[:1].isdecimal() else None


def _replay(record: Any) -> GroundedReplay:
    detections = record["detection"]
    return GroundedReplay(
        int(record["half"]),
        int(record["end"]),
        tuple(float(detection["time"]) for detection in detections),
        tuple(float(detection["score"]) for detection in detections),
    )


def _clock_seconds(text: str) -> int:
    """Seconds of ``MM:SS`` at the end of a text."""
    return 60 * int(text[-5:-3]) + int(text[-2:])
