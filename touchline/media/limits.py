"""Limits on untrusted media files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper bounds on an untrusted file.

    The defaults admit 8K UHD, panoramas such as 6500x1000 and a match with extra time in one file.

    Attributes:
        max_pixels: width times height of one frame, as coded and as displayed; also enforced
            when the size changes within a file.
        max_duration_seconds: duration, as declared and as measured while reading.
        max_streams: streams in the container, of any kind; broadcasters' MXF has up to 16 of sound.
        max_rate: mean frames a second.
    """

    max_pixels: int = 7680 * 4320
    max_duration_seconds: float = 4 * 3600.0
    max_streams: int = 32
    max_rate: int = 240


DEFAULT_LIMITS = Limits()
