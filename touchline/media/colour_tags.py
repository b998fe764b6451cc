"""What pictures say of their colours, and what counts where they say nothing.

Numbers are those of ITU-T H.273. A player takes untagged pictures for BT.709 where they are larger
than PAL, else for BT.601; libswscale takes them all for BT.601.
"""

import av

BT709 = 1
BT601 = 6
BT2020 = 9
_UNSPECIFIED = 2
_KNOWN_MATRICES = (1, 4, 5, 6, 7, 8, 9, 10)
_PAL = (1024, 576)
"""Greatest width and height of a picture that counts as standard definition."""


def is_yuv(frame: av.VideoFrame) -> bool:
    """Whether a picture has luma and chroma, and so a matrix."""
    return not frame.format.is_rgb and len(frame.format.components) >= 3


def drop_unknown_matrix(frame: av.VideoFrame) -> None:
    """Take a matrix that no standard defines for none: libswscale refuses the picture otherwise."""
    if is_yuv(frame) and int(frame.colorspace) not in _KNOWN_MATRICES:
        frame.colorspace = _UNSPECIFIED


def state_matrix(frame: av.VideoFrame) -> None:
    """Give an untagged picture the matrix that players take it for, by its size."""
    if is_yuv(frame) and int(frame.colorspace) not in _KNOWN_MATRICES:
        is_large = frame.width > _PAL[0] or frame.height > _PAL[1]
        frame.colorspace = BT709 if is_large else BT601


def has_wide_primaries(frame: av.VideoFrame) -> bool:
    """Whether the colours of a picture of ordinary range reach beyond BT.709 (BT.2020)."""
    return int(frame.color_primaries) == BT2020
