"""Writing video: H.264 and AAC in mp4 or Matroska files that browsers play."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from touchline.errors import MediaError
from touchline.media.encoders import X264, Encoder
from touchline.media.sound_track import AUDIO_RATES, LAYOUTS, SoundTrack
from touchline.runtime.temporary import TemporaryFile

SUFFIXES = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""The container format by file suffix."""

PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)

_HD_HEIGHT = 720
_MAX_SIDE = 16384

# (matrix, primaries, transfer, range) as ITU-T H.273 and FFmpeg number them.
_BT709 = (1, 1, 1, int(ColorRange.MPEG))
_BT601 = (6, 6, 6, int(ColorRange.MPEG))

MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
}
"""The matrices that pictures are converted with, by their number in ITU-T H.273."""


def container_options(container_format: str) -> dict[str, str]:
    """How a container is written: MP4 and MOV with their index at the front, for streaming."""
    return {} if container_format == "matroska" else {"movflags": "+faststart"}


class VideoWriter:
    """Writes frames, and optionally audio, into one file that appears only when complete.

    The video is H.264 by default, 4:2:0, at a constant rate: frame i is shown at i/rate. 4:2:0
    needs even sides, so an odd side is padded by repeating its last pixel row or column. The audio
    is AAC, stereo or 5.1; it starts with the first frame and is cut or padded with silence to end
    with the last one. Audio may be written ahead of the video and is then held in memory.

    Use as a context manager. The file is written next to ``path`` under a temporary name and
    renamed when the block ends without an error; otherwise it is removed.

    Args:
        path: file to write (.mp4, .m4v, .mov or .mkv); an existing one is replaced.
        size: (width, height) of the frames.
        rate: frame rate, exact.
        audio_rate: sampling rate of the audio in Hz; None for a silent file.
        audio_channels: 2, or 6 for 5.1.
        crf: constant rate factor of x264, 0 (lossless) to 51.
        preset: speed preset of x264.
        keyframe_seconds: longest time between key frames, which limits the precision of seeking.
        threads: threads of the encoder; None for the encoder's default.
        reproducible: the same frames always give the same file. This needs a single thread and
            disables x264's macroblock tree, whose AVX-512 code gives varying results.
        comment: a text stored in the file's metadata; see ``media.video.read_comment``.
        colours: (matrix, primaries, transfer, range) as ITU-T H.273 and FFmpeg number them; None
            for BT.709 from 720 rows on, else BT.601.
        encoder: of the pictures; ``crf`` and ``preset`` are those of x264 alone.

    Raises:
        MediaError: the suffix, size, rate or folder is not supported; or, while writing, the disk
            is full or frames do not have the declared shape.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        rate: Fraction | int,
        *,
        audio_rate: int | None = None,
        audio_channels: int = 2,
        crf: int = 23,
        preset: str = "veryfast",
        keyframe_seconds: float = 2.0,
        threads: int | None = None,
        reproducible: bool = False,
        comment: str | None = None,
        colours: tuple[int, int, int, int] | None = None,
        encoder: Encoder = X264,
    ) -> None:
        self.path = Path(path)
        self._encoder = encoder
        self._pixel_format = encoder.pixel_format
        self.size = size
        self.rate = Fraction(rate)
        self.audio_rate = audio_rate
        self.frames_written = 0
        self._check_arguments(crf, preset, audio_channels)
        self._coded_size = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        usual = _BT709 if size[1] >= _HD_HEIGHT else _BT601
        self._colours = colours if colours is not None and colours[0] in MATRICES else usual
        self._reformatter = VideoReformatter()
        container_format = SUFFIXES[self.path.suffix.lower()]
        options = container_options(container_format)
        self._open = False
        with self._failures():
            self._unfinished = TemporaryFile(self.path)
            self._open = True
            self._container = av.open(
                f"file:{self._unfinished.path}", "w", format=container_format, options=options
            )
        if comment is not None:
            self._container.metadata["comment"] = comment
        with self._failures():
            self._video = self._add_video(
                crf, preset, keyframe_seconds, 1 if reproducible else threads
            )
            if reproducible:
                self._video.codec_context.options |= {"mbtree": "0"}
            self._sound = (
                None
                if audio_rate is None
                else SoundTrack(self._container, audio_rate, audio_channels)
            )
            self._container.start_encoding()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    @property
    def samples_due(self) -> int:
        """Samples of audio that the video written so far lasts."""
        return round(self.frames_written * (self.audio_rate or 0) / self.rate)

    def write(self, pixels: NDArray[np.uint8]) -> None:
        """Append one frame, uint8 RGB of shape (height, width, 3).

        Raises:
            MediaError: another shape or type, or the disk is full.
        """
        width, height = self.size
        if pixels.shape != (height, width, 3) or pixels.dtype != np.uint8:
            raise MediaError(
                f"a frame of shape {pixels.shape} and type {pixels.dtype} does not fit",
                where=self.path,
                remedy=f"write uint8 frames of shape {(height, width, 3)}",
            )
        if self._coded_size != self.size:
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = self._reformatter.reformat(
            frame,
            format=self._pixel_format,
            dst_colorspace=MATRICES[self._colours[0]],
            dst_color_range=ColorRange(self._colours[3] or ColorRange.MPEG),
            threads=1,
        )
        frame.pts = self.frames_written
        frame.time_base = 1 / self.rate
        with self._failures():
            self._container.mux(self._video.encode(frame))
            self.frames_written += 1
            if self._sound is not None:
                self._sound.encode_until(self.samples_due)

    def write_audio(self, samples: NDArray[np.float32]) -> None:
        """Append audio: float32 in [-1, 1], (n,) mono or (n, channels), at ``audio_rate``.

        Raises:
            MediaError: the writer was opened without audio, or another shape.
        """
        if self._sound is None:
            raise MediaError("was opened without audio", where=self.path, remedy="give audio_rate")
        try:
            self._sound.add(samples)
        except ValueError as error:
            raise MediaError(
                f"audio of shape {samples.shape} does not fit",
                where=self.path,
                remedy=f"write (n,) or (n, {self._sound.channels}) samples",
            ) from error

    def close(self) -> None:
        """Finish the file and rename it to ``path``. Does nothing on a closed writer.

        Raises:
            MediaError: no frame was written, or the disk is full.
        """
        if not self._open:
            return
        if self.frames_written == 0:
            self._discard()
            raise MediaError("no frame was written", where=self.path, remedy="write at least one")
        with self._failures():
            if self._sound is not None:
                self._sound.finish(self.samples_due)
            self._container.mux(self._video.encode(None))
            self._container.close()
            self._unfinished.replace(self.path)
        self._open = False

    def _check_arguments(self, crf: int, preset: str, audio_channels: int) -> None:
        if self.path.suffix.lower() not in SUFFIXES:
            raise MediaError(
                f"cannot write a {self.path.suffix or 'nameless'} file",
                where=self.path,
                remedy=f"end the name in {', '.join(SUFFIXES)}",
            )
        if not self.path.parent.is_dir():
            raise MediaError(
                f"there is no folder {self.path.parent}", where=self.path, remedy="create it first"
            )
        if self.path.is_dir():
            raise MediaError("is a folder", where=self.path, remedy="give the name of a file")
        if not all(2 <= side <= _MAX_SIDE for side in self.size):
            raise MediaError(
                f"cannot write frames of {self.size[0]}x{self.size[1]}",
                where=self.path,
                remedy=f"sides of 2 to {_MAX_SIDE} pixels are supported",
            )
        if not 0 < self.rate <= 1000:
            raise MediaError(
                f"cannot write {self.rate} frames a second",
                where=self.path,
                remedy="give a rate of up to 1000",
            )
        if self.audio_rate is not None and self.audio_rate not in AUDIO_RATES:
            raise MediaError(
                f"cannot write audio at {self.audio_rate} Hz",
                where=self.path,
                remedy=f"AAC supports {', '.join(map(str, AUDIO_RATES))}",
            )
        if audio_channels not in LAYOUTS:
            raise MediaError(
                f"cannot write sound of {audio_channels} channels",
                where=self.path,
                remedy=f"write {', '.join(map(str, LAYOUTS))}",
            )
        if preset not in PRESETS or not 0 <= crf <= 51:
            raise MediaError(
                f"cannot encode with preset {preset!r} and quality {crf}",
                where=self.path,
                remedy=f"presets are {', '.join(PRESETS)}; quality is 0 to 51",
            )

    def _add_video(
        self, crf: int, preset: str, keyframe_seconds: float, threads: int | None
    ) -> VideoStream:
        is_x264 = self._encoder == X264
        options = {"crf": str(crf), "preset": preset} if is_x264 else dict(self._encoder.options)
        stream = self._container.add_stream(self._encoder.name, rate=self.rate, options=options)
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        if self._encoder.codec == "hevc" and self._container.format.name != "matroska":
            context.codec_tag = "hvc1"  # the tag that Apple's players know
        context.width, context.height = self._coded_size
        context.pix_fmt = self._pixel_format
        context.time_base = 1 / self.rate
        context.gop_size = max(1, round(keyframe_seconds * self.rate))
        matrix, primaries, transfer, range_ = self._colours
        context.color_range = range_ or ColorRange.MPEG
        context.colorspace, context.color_primaries, context.color_trc = (
            matrix,
            primaries,
            transfer,
        )
        if threads is not None:
            context.thread_count = threads
        return stream

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn encoder and file errors into a MediaError, and remove the unfinished file."""
        try:
            yield
        except (FFmpegError, OSError) as error:
            self._discard()
            raise MediaError(
                f"cannot be written ({error.strerror or error})",
                where=self.path,
                remedy="check free space and permissions of the folder",
            ) from error

    def _discard(self) -> None:
        if not self._open:
            return
        self._open = False
        with suppress(FFmpegError, OSError, AttributeError):  # it may not have been opened
            self._container.close()
        self._unfinished.remove()
