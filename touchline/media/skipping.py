"""Frames that need not be decoded: nothing refers to them, and no wanted time shows them.

At 2 frames a second of 25, about half the frames of a usual H.264 file are such, and its decoding
takes half as long; the frames that are taken are the same to the bit. Where packets are lost, what
the decoder makes up for them may differ, and where time stamps run backwards, so may the choice.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from touchline.media.nal_units import UNIT_KINDS, marks_unreferenced, parameter_sets_of

WINDOW_PACKETS = 32
"""Twice the most by which H.264 and HEVC may change the order of frames: the frame shown after
another one is among so many packets before and after it."""


@dataclass(frozen=True)
class Grid:
    """Times ``first_seconds`` + i / ``rate`` for i from 0."""

    first_seconds: Fraction
    rate: Fraction

    def has_time_in(self, start: Fraction, end: Fraction) -> bool:
        """Whether one of the times lies in [start, end]."""
        steps = max(0, math.ceil((start - self.first_seconds) * self.rate))
        return self.first_seconds + steps / self.rate <= end


IsWanted = Callable[[Fraction, Fraction], bool]
"""Whether the frame that is on show between two times of the file's own clock is wanted."""


def wanted_by(grids: Sequence[Grid], tolerance: Fraction) -> IsWanted:
    """Wants what is on show at a time of any of the grids, or nearly."""

    def is_wanted(start: Fraction, end: Fraction) -> bool:
        return any(grid.has_time_in(start - tolerance, end + tolerance) for grid in grids)

    return is_wanted


def can_skip(context: VideoCodecContext) -> bool:
    """Whether frames that the file marks as referred to by none are so."""
    codec = context.name
    if codec not in UNIT_KINDS or not context.extradata:
        return False
    return marks_unreferenced(codec, parameter_sets_of(codec, context.extradata))


def skipping(
    packets: Iterator[Packet | None],
    context: VideoCodecContext,
    wanted: Callable[[], IsWanted | None],
) -> Iterator[Packet | None]:
    """Hands packets out in their order, the decoder set to skip what is not wanted of each.

    A frame is on show until the next one in order of time begins, which is looked for among the
    packets around it. Where one of these lacks a time stamp or two have the same, and at the end of
    the file, none is skipped.

    Args:
        packets: of one stream; None flushes the decoder.
        context: of the stream's decoder.
        wanted: what is wanted from now on; None for all, at once.
    """
    behind: deque[Packet] = deque(maxlen=WINDOW_PACKETS)
    ahead: deque[Packet] = deque()
    for packet in packets:
        if packet is None:
            break
        ahead.append(packet)
        while ahead and ((is_wanted := wanted()) is None or len(ahead) > WINDOW_PACKETS):
            now = ahead.popleft()
            skips = is_wanted is not None and not _is_wanted(now, [*behind, *ahead], is_wanted)
            context.skip_frame = "NONREF" if skips else "DEFAULT"
            behind.append(now)
            yield now
    context.skip_frame = "DEFAULT"
    yield from ahead
    yield None


def _is_wanted(packet: Packet, around: Sequence[Packet], wanted: IsWanted) -> bool:
    stamps = {one.pts for one in around}
    start, time_base = packet.pts, packet.time_base
    is_clear = None not in stamps and len(stamps) == len(around) and start not in stamps
    if start is None or time_base is None or not is_clear:
        return True
    until = min((stamp for stamp in stamps if stamp is not None and stamp > start), default=None)
    return until is None or wanted(start * time_base, until * time_base)
