"""Encoding of the pictures between copied ones, such that one decoder shows both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation, VideoReformatter

from touchline.media.gops import ENCODERS, Coding
from touchline.media.nal_units import parameter_sets_of, picture_units, units_of

KEY_FRAMES_APART_SECONDS = 2

_OPTIONS = {
    "libx264": {"preset": "ultrafast", "crf": "17"},
    "libx265": {"preset": "ultrafast", "crf": "17"},
}
_PROFILES = {
    "Constrained Baseline": "baseline",
    "Baseline": "baseline",
    "Main": "main",
    "High": "high",
    "High 10": "high10",
    "High 4:2:2": "high422",
}

_TOOLS = {"baseline": "8x8dct=0", "main": "8x8dct=0:cabac=1"}
"""What the quickest preset leaves out and the profile of the source has; else transforms of 8x8."""


@dataclass(frozen=True)
class EncodedPicture:
    """A picture as it is written.

    Attributes:
        shown: ticks, of whatever clock the pictures were given with.
        is_key: whether it refers to no other.
        units: without parameter sets.
    """

    shown: int
    is_key: bool
    units: Sequence[bytes]


class BorderEncoder:
    """Encodes pictures as the codec, size, pixel format and colours of a video have them.

    Every run of pictures begins with a key frame and refers only to itself; pictures come out in
    order of showing.

    Args:
        coding: of the copied pictures.
        set_number: number of the parameter sets (H.264 only).

    Raises:
        FFmpegError: the encoder cannot be opened like that.
    """

    def __init__(self, coding: Coding, set_number: int = 0) -> None:
        self._coding = coding
        self._set_number = set_number
        self._encoder = ENCODERS[coding.codec]
        self._reformatter = VideoReformatter()
        opened = self._open()
        opened.open()
        self.sets = tuple(parameter_sets_of(coding.codec, opened.extradata or b""))

    def encode(self, frames: Iterator[av.VideoFrame]) -> Iterator[EncodedPicture]:
        """Encode a run of pictures; their ``pts`` are kept.

        Raises:
            FFmpegError: one cannot be encoded.
        """
        context = self._open()
        for frame in frames:
            yield from self._given(context.encode(self._fitting(frame)))
        yield from self._given(context.encode(None))

    def _given(self, packets: list[av.Packet]) -> Iterator[EncodedPicture]:
        codec = self._coding.codec
        for packet in packets:
            units = picture_units(codec, units_of(bytes(packet), None))
            assert packet.pts is not None
            yield EncodedPicture(packet.pts, packet.is_keyframe, units)

    def _fitting(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The picture in the size and pixel format of the video, its kind left to the encoder."""
        pts, coding = frame.pts, self._coding
        if (frame.width, frame.height) != coding.size or frame.format.name != coding.pixel_format:
            frame = self._reformatter.reformat(
                frame,
                *coding.size,
                format=coding.pixel_format,
                interpolation=Interpolation.BILINEAR,
                threads=1,
            )
        frame.pict_type = 0
        frame.pts, frame.time_base = pts, coding.time_base
        return frame

    def _open(self) -> VideoCodecContext:
        coding = self._coding
        context = av.CodecContext.create(self._encoder, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height = coding.size
        context.pix_fmt = coding.pixel_format
        context.time_base = coding.time_base
        context.framerate = coding.rate
        context.gop_size = max(1, round(KEY_FRAMES_APART_SECONDS * coding.rate))
        context.max_b_frames = 0
        matrix, primaries, transfer, range_ = coding.colours
        context.colorspace, context.color_range = matrix, range_
        context.color_primaries, context.color_trc = primaries, transfer
        if coding.pixel_aspect is not None:
            context.sample_aspect_ratio = coding.pixel_aspect
        context.flags |= Flags.global_header
        context.options = self._options()
        return context

    def _options(self) -> dict[str, str]:
        options = dict(_OPTIONS[self._encoder])
        if self._encoder == "libx264":
            profile = _PROFILES.get(self._coding.profile or "")
            tools = _TOOLS.get(profile or "high", "8x8dct=1")
            options["x264-params"] = f"sps-id={self._set_number}:scenecut=0:bframes=0:{tools}"
            if profile is not None:
                options["profile"] = profile
        if self._encoder == "libx265":
            options["x265-params"] = "bframes=0:scenecut=0:open-gop=0:info=0:log-level=none"
        return options
