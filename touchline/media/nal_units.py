"""The units that H.264 and HEVC pictures are coded in, as far as copying them needs it.

Sources: ITU-T H.264 (7.3, 7.4) and H.265 (7.3, 7.4); ISO/IEC 14496-15 for the lengths before units
in mp4 and Matroska, where transport streams have start codes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

_START_CODE = b"\0\0\1"
_ANNEX_B = (b"\0\0\1", b"\0\0\0\1")


@dataclass(frozen=True)
class UnitKinds:
    """How the units of one codec are told apart.

    Attributes:
        kind: the type of a unit, by its first bytes.
        parameter_sets: types that describe a sequence or a picture.
        fresh: types of pictures from which decoding can begin, also with other parameter sets.
        delimiters: types that only say where a picture, a sequence or the stream ends.
    """

    kind: Callable[[bytes], int]
    parameter_sets: tuple[int, ...]
    fresh: tuple[int, ...]
    delimiters: tuple[int, ...]


UNIT_KINDS = {
    "h264": UnitKinds(lambda unit: unit[0] & 31, (7, 8), (5,), (9, 10, 11)),
    "hevc": UnitKinds(
        lambda unit: unit[0] >> 1 & 63,
        (32, 33, 34),
        tuple(range(16, 22)),
        (35, 36, 37),
    ),
}

_H264_SPS = 7
_HEVC_SPS = 33
_PROFILES_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_CHROMA_444 = 3

_HEVC_CLEAN_RANDOM_ACCESS = 21
_HEVC_BROKEN_LINK = 17
"""A fresh picture whose leading ones that refer to pictures before it are left out."""


def length_size(codec: str, extradata: bytes) -> int | None:
    """Bytes of the length before each unit, by what the container says; None for start codes."""
    if len(extradata) < 7 or extradata[0] != 1:
        return None
    place = 4 if codec == "h264" else 21
    return (extradata[place] & 3) + 1 if len(extradata) > place else None


def units_of(data: bytes, length_bytes: int | None) -> list[bytes]:
    """The units of a packet, without their lengths or start codes."""
    if length_bytes is None:
        return [unit for unit in _between_start_codes(data) if unit]
    return list(_of_lengths(data, length_bytes))


def _of_lengths(data: bytes, length_bytes: int) -> Iterator[bytes]:
    place = 0
    while place + length_bytes < len(data):
        length = int.from_bytes(data[place : place + length_bytes], "big")
        place += length_bytes
        if length:
            yield data[place : place + length]
        place += length


def _between_start_codes(data: bytes) -> Iterator[bytes]:
    begin = data.find(_START_CODE)
    while begin >= 0:
        end = data.find(_START_CODE, begin + 3)
        # A zero before a start code belongs to it; a unit never ends in one.
        yield data[begin + 3 : end if end >= 0 else None].rstrip(b"\0")
        begin = end


def parameter_sets_of(codec: str, extradata: bytes) -> list[bytes]:
    """The parameter sets that the container states."""
    if extradata.startswith(_ANNEX_B):
        found = units_of(extradata, None)
    elif length_size(codec, extradata) is None:
        return []
    else:
        found = list(_of_avcc(extradata) if codec == "h264" else _of_hvcc(extradata))
    return list(sets_among(codec, [unit for unit in found if unit]))


def _of_avcc(extradata: bytes) -> Iterator[bytes]:
    place = 5
    for mask in (31, 255):
        count = extradata[place] & mask if place < len(extradata) else 0
        place += 1
        for _ in range(count):
            length = int.from_bytes(extradata[place : place + 2], "big")
            yield extradata[place + 2 : place + 2 + length]
            place += 2 + length


def _of_hvcc(extradata: bytes) -> Iterator[bytes]:
    arrays = extradata[22] if len(extradata) > 22 else 0
    place = 23
    for _ in range(arrays):
        count = int.from_bytes(extradata[place + 1 : place + 3], "big")
        place += 3
        for _ in range(count):
            length = int.from_bytes(extradata[place : place + 2], "big")
            yield extradata[place + 2 : place + 2 + length]
            place += 2 + length


def with_start_codes(units: Iterable[bytes]) -> bytes:
    """Units as one block of bytes with start codes."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def starts_afresh(codec: str, units: Sequence[bytes]) -> bool:
    """Whether decoding can begin with a picture: nothing that follows refers to what is before it,
    but the leading pictures that are left out."""
    kinds = UNIT_KINDS[codec]
    return any(kinds.kind(unit) in kinds.fresh for unit in units)


def sets_among(codec: str, units: Sequence[bytes]) -> tuple[bytes, ...]:
    """The parameter sets among units."""
    kinds = UNIT_KINDS[codec]
    return tuple(unit for unit in units if kinds.kind(unit) in kinds.parameter_sets)


def picture_units(codec: str, units: Sequence[bytes]) -> list[bytes]:
    """The units of a picture, without parameter sets and delimiters."""
    kinds = UNIT_KINDS[codec]
    left_out = (*kinds.parameter_sets, *kinds.delimiters)
    return [unit for unit in units if kinds.kind(unit) not in left_out]


def as_first_picture(codec: str, units: Sequence[bytes]) -> list[bytes]:
    """A fresh picture as the first one after other pictures.

    An HEVC picture of clean random access continues a sequence; as a broken link it begins one.
    """
    kinds = UNIT_KINDS[codec]
    if codec != "hevc":
        return list(units)
    return [
        bytes([unit[0] & 0x81 | _HEVC_BROKEN_LINK << 1]) + unit[1:]
        if kinds.kind(unit) == _HEVC_CLEAN_RANDOM_ACCESS
        else unit
        for unit in units
    ]


def set_number(unit: bytes) -> int:
    """The number (seq_parameter_set_id or pic_parameter_set_id) of an H.264 parameter set."""
    return _Bits(unit, 32 if unit[0] & 31 == _H264_SPS else 8).number()


def marks_unreferenced(codec: str, sets: Sequence[bytes]) -> bool:
    """Whether each picture of a stream is one packet, and the marks that none refers to it hold
    for all: H.264 without fields, HEVC with one temporal layer. False where it cannot be told."""
    try:
        if codec == "h264":
            described = [has_fields(unit) for unit in sets if unit[0] & 31 == _H264_SPS]
        else:
            described = [(unit[2] >> 1 & 7) > 0 for unit in sets if unit[0] >> 1 == _HEVC_SPS]
    except (ValueError, IndexError):
        return False
    return bool(described) and not any(described)


def has_fields(unit: bytes) -> bool:
    """Whether pictures of an H.264 sequence may be coded as fields (not frame_mbs_only_flag).

    Raises:
        ValueError: the sequence parameter set ends early, or has its own scaling lists.
    """
    bits = _Bits(unit, 32)
    bits.number()
    if unit[1] in _PROFILES_WITH_CHROMA:
        if bits.number() == _CHROMA_444:
            bits.take(1)
        bits.number()
        bits.number()
        bits.take(1)
        if bits.take(1):
            raise ValueError("a parameter set with scaling lists")
    bits.number()
    order = bits.number()
    if order == 0:
        bits.number()
    elif order == 1:
        bits.take(1)
        bits.number()
        bits.number()
        for _ in range(bits.number()):
            bits.number()
    bits.number()
    bits.take(1)
    bits.number()
    bits.number()
    return not bits.take(1)


def unescaped(unit: bytes) -> bytes:
    """A unit without the bytes that keep start codes out of it."""
    return unit.replace(b"\0\0\3", b"\0\0")


class _Bits:
    """Reads a unit bit by bit."""

    def __init__(self, unit: bytes, place: int) -> None:
        self._data = unescaped(unit)
        self._place = place

    def take(self, count: int) -> int:
        """The next bits, the first one the most significant."""
        value = 0
        for place in range(self._place, self._place + count):
            if place // 8 >= len(self._data):
                raise ValueError("a parameter set ends early")
            value = value << 1 | self._data[place // 8] >> (7 - place % 8) & 1
        self._place += count
        return value

    def number(self) -> int:
        """The next number in Exp-Golomb code; of a signed one, the code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros | self.take(zeros)) - 1
