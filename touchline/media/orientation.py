"""Rotating and mirroring coded pictures as the display matrix of a file requires."""

from dataclasses import dataclass
from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """One of the eight orientations of a picture: transposed first, then flipped.

    Attributes:
        transpose: exchange rows and columns.
        flip_rows: then flip vertically.
        flip_columns: then flip horizontally.
    """

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """Read the display matrix of a frame; angles are rounded to quarter turns."""
        side_data = cast(SideDataContainer, frame.side_data)
        matrix = side_data.get(Type.DISPLAYMATRIX)
        if matrix is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(matrix), dtype=np.int32, count=5).tolist()
        # Coded (x, y) is displayed at (a·x + c·y, b·x + d·y), y pointing down.
        if abs(b) > abs(a):
            return cls(transpose=True, flip_rows=b < 0, flip_columns=c < 0)
        return cls(flip_rows=d < 0, flip_columns=a < 0)

    @property
    def clockwise_degrees(self) -> int:
        """The rotation for display: 0, 90, 180 or 270; 0 for a mirrored picture."""
        turns = {
            (True, False, True): 90,
            (False, True, True): 180,
            (True, True, False): 270,
        }
        return turns.get((self.transpose, self.flip_rows, self.flip_columns), 0)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Convert a coded (width, height) to the displayed one, or back."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Coded pixels (H, W, C) as displayed; a contiguous array."""
        if self.transpose:
            pixels = pixels.transpose(1, 0, 2)
        if self.flip_rows:
            pixels = pixels[::-1]
        if self.flip_columns:
            pixels = pixels[:, ::-1]
        return np.ascontiguousarray(pixels)
