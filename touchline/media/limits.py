"""What a media file may ask of us before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper bounds on a file from outside.

    The defaults pass 8K UHD, panoramas such as 6500x1000 and a match with extra time in one file.

    Attributes:
        max_pixels: width times height of one frame, as coded and as displayed; also enforced
            when the size changes in the middle of a file.
        max_duration_seconds: duration, as declared and as found while reading.
        max_streams: streams in the container, of every kind.
        max_rate: mean frames a second.
    """

    max_pixels: int = 7680 * 4320
    max_duration_seconds: float = 4 * 3600.0
    max_streams: int = 16
    max_rate: int = 240


DEFAULT_LIMITS = Limits()
