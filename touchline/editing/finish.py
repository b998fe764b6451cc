"""How a reel is finished: copied or encoded, its sound, what is drawn."""

from dataclasses import dataclass
from typing import Literal, get_args

Cut = Literal["auto", "copy", "encode"]
CUTS: tuple[Cut, ...] = get_args(Cut)


@dataclass(frozen=True)
class Finish:
    """How the file of a reel is made.

    Attributes:
        cut: ``auto`` copies the pictures of the video as they are coded wherever it can and encodes
            only those around them; ``copy`` refuses where that cannot be; ``encode`` encodes all.
        keep_hdr: leave pictures of high dynamic range as they are; by default they are
            tone-mapped to BT.709.
    """

    cut: Cut = "auto"
    keep_hdr: bool = False


PLAIN = Finish()
"""Pictures copied where they can be, nothing added."""
