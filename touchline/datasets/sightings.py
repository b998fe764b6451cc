"""Streams that are drawn from the calibration and the player boxes of a half."""

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from touchline.datasets.features import Array, Stream
from touchline.errors import InputError
from touchline.features.player_graph import PlayerGraph
from touchline.features.top_view import TopView
from touchline.formats.sightings import (
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
}
"""How each is made of the two files, by the name that networks ask for it."""

_TOLERANCE_SECONDS = 300
"""Published files of a half differ a little in length; by more they are of different halves."""


class DrawnStream:
    """A stream that reads its two files when it is first asked for a row: a ``Stream``.

    What stays in memory is compact; rows are drawn each time.

    Args:
        name: one of ``DRAWN_STREAMS``.
        folder: the game's.
        half: which half of it.
        steps: rows, as many as the features of the half have at this rate.

    Raises:
        InputError: an unknown name, or one of the files is not there.
    """

    rate: Fraction = SIGHTINGS_RATE

    def __init__(self, name: str, folder: Path, half: int, steps: int) -> None:
        if name not in DRAWN_STREAMS:
            raise InputError(
                f"there is no stream {name!r}", remedy=f"known are {', '.join(DRAWN_STREAMS)}"
            )
        self.name = name
        self.steps = steps
        self.calibration_path = folder / calibration_name(half)
        self.boxes_path = folder / player_boxes_name(half)
        for path in (self.calibration_path, self.boxes_path):
            if not path.is_file():
                raise InputError(
                    "no such file",
                    where=path,
                    remedy=f"the stream {name} is drawn from it; "
                    "see touchline dataset download, or touchline simulate",
                )

    def read(self, first: int, count: int) -> Array:
        """See ``Stream``.

        Raises:
            FormatError: a file is malformed.
            InputError: the calibration is of a half of another length.
        """
        return self._drawn.read(first, count)

    def everything(self) -> Array:
        """See ``Stream``; raises as ``read``."""
        return self._drawn.everything()

    def check_finite(self) -> None:
        """Read both files; raises as ``read``."""
        _ = self._drawn

    @cached_property
    def _drawn(self) -> Stream:
        calibration = read_calibration(self.calibration_path)
        difference = abs(len(calibration) - self.steps) / self.rate
        if difference > _TOLERANCE_SECONDS:
            raise InputError(
                f"tells of {format_seconds(float(len(calibration) / self.rate))}, the features of "
                f"{format_seconds(float(self.steps / self.rate))}",
                where=self.calibration_path,
                remedy="give the files of the same half",
            )
        boxes = read_player_boxes(self.boxes_path)
        return DRAWN_STREAMS[self.name](calibration, boxes, self.steps)
