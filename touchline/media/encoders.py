"""Which encoder writes H.264 or HEVC: one of the hardware where a trial shows that it works.

FFmpeg lists the encoders that it was built with, not those that this computer has a device for, so
a few pictures are encoded and decoded again before one is chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from touchline.errors import InputError

AUTO, SOFTWARE = "auto", "software"

_QUALITY = "23"
_TRIAL_PICTURES = 5
_FORMATS = ("yuv420p", "nv12")
"""Pixel formats of 4:2:0 with 8 bits that pictures can be given in, the preferred first."""


@dataclass(frozen=True)
class Encoder:
    """An encoder of FFmpeg.

    Attributes:
        name: FFmpeg's.
        codec: ``h264`` or ``hevc``.
        options: for a quality like that of x264 at a constant rate factor of 23.
        is_hardware: whether it runs on a device of the computer.
    """

    name: str
    codec: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_hardware: bool = True

    @property
    def pixel_format(self) -> str:
        """The format in which it takes pictures; the first of ours where it states none."""
        stated = {one.name for one in av.Codec(self.name, "w").video_formats or ()}
        return next((name for name in _FORMATS if name in stated), _FORMATS[0])


_DEVICES: Mapping[str, Mapping[str, str]] = {
    "nvenc": {"preset": "p5", "rc": "vbr", "cq": _QUALITY, "b": "0"},
    "videotoolbox": {"q": "60", "allow_sw": "0"},
    "qsv": {"preset": "veryfast", "global_quality": _QUALITY},
    "vaapi": {"rc_mode": "CQP", "qp": _QUALITY},
    "amf": {"rc": "cqp", "qp_i": _QUALITY, "qp_p": _QUALITY},
}
"""The kinds of hardware encoders, in the order in which they are tried."""

X264 = Encoder("libx264", "h264", is_hardware=False)
ENCODERS: Mapping[str, Encoder] = {
    **{f"h264_{kind}": Encoder(f"h264_{kind}", "h264", how) for kind, how in _DEVICES.items()},
    **{f"hevc_{kind}": Encoder(f"hevc_{kind}", "hevc", how) for kind, how in _DEVICES.items()},
    "libx264": X264,
    "libx265": Encoder(
        "libx265", "hevc", {"x265-params": "log-level=none", "crf": "25"}, is_hardware=False
    ),
}
"""The encoders that can be named; those of H.264 on a device are tried in this order."""


def parse_encoder(text: str) -> str:
    """``auto``, ``software`` or the name of an encoder.

    Raises:
        InputError: anything else.
    """
    if text in (AUTO, SOFTWARE, *ENCODERS):
        return text
    raise InputError(
        f"{text!r} is no encoder",
        where="--encoder",
        remedy=f"give {AUTO}, {SOFTWARE} or one of {', '.join(ENCODERS)}",
    )


def chosen_encoder(wanted: str, size: tuple[int, int]) -> tuple[Encoder, str | None]:
    """The encoder for pictures of a (width, height), and a remark where it is not the one named.

    ``auto`` takes the first one of H.264 on a device that passes the trial, else x264.

    Args:
        wanted: as ``parse_encoder`` gives it.
    """
    if wanted == AUTO:
        able = (e for e in ENCODERS.values() if e.is_hardware and e.codec == "h264")
        return next((one for one in able if trial(one.name, size) is None), X264), None
    if wanted == SOFTWARE:
        return X264, None
    why = trial(wanted, size)
    if why is None:
        return ENCODERS[wanted], None
    return X264, f"{wanted} cannot encode here ({why}); {X264.name} is used"


@cache
def trial(name: str, size: tuple[int, int]) -> str | None:
    """Why an encoder cannot encode pictures of a size here; None where it can.

    A few pictures are encoded and decoded; the answer is remembered.
    """
    if name not in av.codecs_available:
        return "this build of FFmpeg does not have it"
    encoder = ENCODERS[name]
    try:
        shown = _round_trip(encoder, size)
    except (FFmpegError, OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None if shown == _TRIAL_PICTURES else f"{shown} of {_TRIAL_PICTURES} pictures come back"


def _round_trip(encoder: Encoder, size: tuple[int, int]) -> int:
    context = av.CodecContext.create(encoder.name, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = encoder.pixel_format
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.options = dict(encoder.options)
    packets = []
    for number in range(_TRIAL_PICTURES):
        pixels = np.full((size[1], size[0], 3), 40 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame = frame.reformat(format=encoder.pixel_format)
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    decoder = av.CodecContext.create(encoder.codec, "r")
    assert isinstance(decoder, VideoCodecContext)
    return sum(len(decoder.decode(packet)) for packet in [*packets, None])
