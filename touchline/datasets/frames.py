"""Frames of a video by index, at a given rate and size: decoded on demand, or cached.

Decoding a clip from a long video takes a few hundred milliseconds, and training reads every part
many times. The cache stores all frames of a video as raw pixels in one memory-mapped ``.npy`` file,
so that reading a clip is a copy.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from threading import get_ident
from typing import Protocol

import numpy as np
import numpy.typing as npt

from touchline.errors import ConfigError, MediaError
from touchline.media.video import Colours, probe, read_frames
from touchline.runtime.progress import StepProgress
from touchline.timebase import format_rate

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FrameGrid:
    """The frames of a video at a rate, scaled to a size.

    Attributes:
        colours: what each pixel holds.
        late_seconds: by how much later than i/rate frame i is taken.
    """

    rate: Fraction
    width: int
    height: int
    colours: Colours = "rgb"
    late_seconds: Fraction = Fraction(0)

    @property
    def channels(self) -> int:
        """Bytes of one pixel."""
        return 3 if self.colours == "rgb" else 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame as raw pixels."""
        return self.channels * self.width * self.height


class VideoFrames(Protocol):
    """The frames of one video by index."""

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        ...

    def read(self, start: int, count: int) -> Pixels:
        """(count, H, W, C) frames from ``start`` on; all must be inside the video.

        Fewer are returned if the video ends earlier than its container states.
        """
        ...


@dataclass(frozen=True)
class DecodedFrames:
    """Frames decoded from the video at each read."""

    path: Path
    grid: FrameGrid

    @cached_property
    def num_frames(self) -> int:
        """Number of frames before the end that the container states."""
        return estimate_frames(self.path, self.grid)

    def read(self, start: int, count: int) -> Pixels:
        """See ``VideoFrames``; seeks, then decodes."""
        grid, rate = self.grid, self.grid.rate
        with read_frames(
            self.path,
            rate=rate,
            size=(grid.width, grid.height),
            start_seconds=start / rate + grid.late_seconds,
            end_seconds=(start + count) / rate + grid.late_seconds,
            colours=grid.colours,
            threads=1,
        ) as stream:
            frames = [frame.pixels for frame, _ in zip(stream, range(count), strict=False)]
        if not frames:
            return np.zeros((0, grid.height, grid.width, grid.channels), np.uint8)
        return np.stack(frames)


@dataclass(frozen=True)
class CachedFrames:
    """Frames read from a cache file."""

    path: Path

    @cached_property
    def _pixels(self) -> Pixels:
        return np.load(self.path, mmap_mode="r", allow_pickle=False)

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path}  # each worker process maps the file itself

    @property
    def num_frames(self) -> int:
        """Number of frames in the file."""
        return len(self._pixels)

    def read(self, start: int, count: int) -> Pixels:
        """See ``VideoFrames``; copies from the file."""
        return np.array(self._pixels[start : start + count])


def estimate_frames(path: Path, grid: FrameGrid) -> int:
    """Number of frames of a grid before the end of a video that its container states.

    Raises:
        MediaError: the file is not a video, or does not state its duration.
    """
    duration = probe(path).duration_seconds
    if not duration:
        raise MediaError("the file does not state its duration", where=path, remedy="remux it")
    return max(1, -int(-(duration - 1e-3 - float(grid.late_seconds)) * grid.rate // 1))


def cache_path(folder: Path, video: Path, grid: FrameGrid) -> Path:
    """The path of the cache of a video, which depends on the video file and the grid."""
    stat = video.stat()
    size = f"{grid.width}x{grid.height}"
    key = f"{video.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{format_rate(grid.rate)}|{size}"
    if (grid.colours, grid.late_seconds) != ("rgb", 0):
        key += f"|{grid.colours}|{grid.late_seconds}"
    return folder / f"{video.stem}-{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"


def build_cache(video: Path, grid: FrameGrid, target: Path) -> Path:
    """Decode a video once into ``target``, an array of (frames, H, W, C) uint8.

    Raises:
        MediaError: the video cannot be read, or has no frames.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}-{get_ident()}")
    none = np.empty((0, grid.height, grid.width, grid.channels), "u1")
    header = partial(np.lib.format.header_data_from_array_1_0, none)
    try:
        with beside.open("wb") as file:
            description = header()
            np.lib.format.write_array_header_1_0(file, description)
            body = file.tell()
            count = 0
            size = (grid.width, grid.height)
            with read_frames(
                video,
                rate=grid.rate,
                size=size,
                start_seconds=grid.late_seconds,
                colours=grid.colours,
                threads=1,
            ) as stream:
                for frame in stream:
                    file.write(np.ascontiguousarray(frame.pixels).tobytes())
                    count += 1
            if not count:
                raise MediaError("the video has no frames", where=video)
            file.seek(0)
            description["shape"] = (count, *description["shape"][1:])
            np.lib.format.write_array_header_1_0(file, description)
            if file.tell() != body:
                raise AssertionError("numpy changed the length of its header")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def open_frames(
    videos: Sequence[Path],
    grid: FrameGrid,
    *,
    cache: str,
    folder: Path,
    budget_bytes: int,
    jobs: int | None = None,
    progress: StepProgress | None = None,
) -> list[VideoFrames]:
    """The frames of every video, from the cache or decoded on demand.

    Args:
        cache: ``"never"``, ``"always"``, or ``"auto"``: use the cache if all videos fit into the
            budget and onto the disk.
        folder: folder of the cache, created if needed; files of earlier runs are reused.
        budget_bytes: maximum size of the cache.
        jobs: videos decoded in parallel; one per core by default.
        progress: called with (videos done, videos to do) while the cache is built.

    Raises:
        ConfigError: ``"always"``, and the videos do not fit.
        MediaError: a video cannot be read.
    """
    decoded: list[VideoFrames] = [DecodedFrames(path, grid) for path in videos]
    if cache == "never" or not videos:
        return decoded
    targets = [cache_path(folder, path, grid) for path in videos]
    missing = {t: v for t, v in zip(targets, videos, strict=True) if not t.exists()}
    held = sum(t.stat().st_size for t in set(targets) if t.exists())
    needed = sum(estimate_frames(v, grid) for v in missing.values()) * grid.frame_bytes
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if held + needed > budget_bytes or needed > 0.9 * free:
        if cache == "auto":
            return decoded
        raise ConfigError(
            f"the frame cache needs {(held + needed) / 1e9:.1f} GB; it may take "
            f"{budget_bytes / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB free",
            where=folder,
            remedy="raise data.cache_gigabytes, free the disk, or set data.cache=never",
        )
    _build_all(missing, grid, jobs or os.cpu_count() or 1, progress)
    return [CachedFrames(target) for target in targets]


def _build_all(
    missing: dict[Path, Path],
    grid: FrameGrid,
    jobs: int,
    progress: StepProgress | None,
) -> None:
    if not missing:
        return
    # Threads suffice: decoding and scaling release Python's lock.
    with ThreadPoolExecutor(min(jobs, len(missing))) as pool:
        futures = [pool.submit(build_cache, v, grid, t) for t, v in missing.items()]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if progress is not None:
                    progress(done, len(missing))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
