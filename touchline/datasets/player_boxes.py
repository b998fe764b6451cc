"""Streams drawn from the calibration and the player boxes of a half."""

from collections.abc import Callable
from pathlib import Path

from touchline.datasets.features import Stream
from touchline.errors import InputError
from touchline.features.player_graph import GraphStyle, PlayerGraph
from touchline.features.top_view import TopView
from touchline.formats.player_boxes import (
    PLAYER_BOXES_RATE,
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
"""Functions that draw a stream from the two files, by name of the stream."""

_TOLERANCE_SECONDS = 300
"""Largest difference in length between the published files of a half."""


def open_drawn(name: str, folder: Path, prefix: str, steps: int) -> Stream:
    """Open a drawn stream; its rows are drawn when they are read.

    Args:
        name: one of ``DRAWN_STREAMS``.
        folder: folder of the game.
        prefix: prefix of the file names of the half: ``"1"``.
        steps: number of rows: the length of the half's features at this rate.

    Raises:
        FormatError: a file is missing or malformed.
        InputError: an unknown name, or a calibration of a half of another length.
    """
    if name not in DRAWN_STREAMS:
        raise InputError(
            f"there is no stream {name!r}", remedy=f"use one of {', '.join(DRAWN_STREAMS)}"
        )
    path = folder / calibration_name(prefix)
    calibration = read_calibration(path)
    if abs(len(calibration) - steps) / PLAYER_BOXES_RATE > _TOLERANCE_SECONDS:
        raise InputError(
            f"lasts {format_seconds(float(len(calibration) / PLAYER_BOXES_RATE))}, the features "
            f"{format_seconds(float(steps / PLAYER_BOXES_RATE))}",
            where=path,
            remedy="give the files of the same half",
        )
    boxes = read_player_boxes(folder / player_boxes_name(prefix))
    return DRAWN_STREAMS[name](calibration, boxes, steps)
