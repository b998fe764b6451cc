"""Streams that are drawn from the calibration and the player boxes of a half."""

from collections.abc import Callable
from pathlib import Path

from touchline.datasets.features import Stream
from touchline.errors import InputError
from touchline.features.player_graph import GraphStyle, PlayerGraph
from touchline.features.top_view import TopView
from touchline.formats.player_boxes import (
    SIGHTINGS_RATE,
    Calibration,
    PlayerBoxes,
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)
from touchline.timebase import format_seconds

Draw = Callable[[Calibration, PlayerBoxes, int], Stream]

DRAWN_STREAMS: dict[str, Draw] = {
    "top_view": lambda calibration, boxes, steps: TopView(calibration, boxes, steps=steps),
    "graph": lambda calibration, boxes, steps: PlayerGraph(calibration, boxes, steps=steps),
    "certain_graph": lambda calibration, boxes, steps: PlayerGraph(
        calibration, boxes, GraphStyle(certainty=True), steps=steps
    ),
}
"""How each is made of the two files, by the name that networks ask for it."""

_TOLERANCE_SECONDS = 300
"""Published files of a half differ a little in length; by more they are of different halves."""


def open_drawn(name: str, folder: Path, prefix: str, steps: int) -> Stream:
    """A stream of which little stays in memory: each row is drawn when it is read.

    Args:
        name: one of ``DRAWN_STREAMS``.
        folder: the game's.
        prefix: how the names of the half's files begin: ``"1"``.
        steps: rows, as many as the features of the half have at this rate.

    Raises:
        FormatError: a file is missing or malformed.
        InputError: an unknown name, or a calibration of a half of another length.
    """
    if name not in DRAWN_STREAMS:
        raise InputError(
            f"there is no stream {name!r}", remedy=f"known are {', '.join(DRAWN_STREAMS)}"
        )
    path = folder / calibration_name(prefix)
    calibration = read_calibration(path)
    if abs(len(calibration) - steps) / SIGHTINGS_RATE > _TOLERANCE_SECONDS:
        raise InputError(
            f"tells of {format_seconds(float(len(calibration) / SIGHTINGS_RATE))}, the features "
            f"of {format_seconds(float(steps / SIGHTINGS_RATE))}",
            where=path,
            remedy="give the files of the same half",
        )
    boxes = read_player_boxes(folder / player_boxes_name(prefix))
    return DRAWN_STREAMS[name](calibration, boxes, steps)
