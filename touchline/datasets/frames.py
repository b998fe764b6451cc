"""Frames of a video at a rate and size by their index: decoded on demand, or once into a cache.

Decoding a clip out of a long video costs a few hundred milliseconds; a training run asks for each
stretch again and again. The cache holds every frame of a video as raw pixels in one ``.npy`` file,
read through memory mapping, so a clip costs a copy.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
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
from touchline.media.video import probe, read_frames
from touchline.timebase import format_rate

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FrameGrid:
    """Which frames of a video are wanted: at this rate, scaled to this size."""

    rate: Fraction
    width: int
    height: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame as raw pixels."""
        return 3 * self.width * self.height


class VideoFrames(Protocol):
    """The frames of one video by index."""

    @property
    def num_frames(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, count: int) -> Pixels:
        """(count, H, W, 3) RGB of frames ``start`` to ``start + count``, all of which exist.

        Fewer come back where the video ends earlier than its container says.
        """
        ...


@dataclass(frozen=True)
class DecodedFrames:
    """Frames decoded from the video each time they are asked for."""

    path: Path
    grid: FrameGrid

    @cached_property
    def num_frames(self) -> int:
        """How many grid times lie before the end that the container states."""
        return estimate_frames(self.path, self.grid.rate)

    def read(self, start: int, count: int) -> Pixels:
        """See ``VideoFrames``; seeks, then decodes."""
        rate = self.grid.rate
        with read_frames(
            self.path,
            rate=rate,
            size=(self.grid.width, self.grid.height),
            start_seconds=start / rate,
            end_seconds=(start + count) / rate,
            threads=1,
        ) as stream:
            frames = [frame.pixels for frame, _ in zip(stream, range(count), strict=False)]
        if not frames:
            return np.zeros((0, self.grid.height, self.grid.width, 3), np.uint8)
        return np.stack(frames)


@dataclass(frozen=True)
class CachedFrames:
    """Frames read from a cache file."""

    path: Path

    @cached_property
    def _pixels(self) -> Pixels:
        return np.load(self.path, mmap_mode="r", allow_pickle=False)

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path}  # worker processes map the file themselves

    @property
    def num_frames(self) -> int:
        """How many the file holds."""
        return len(self._pixels)

    def read(self, start: int, count: int) -> Pixels:
        """See ``VideoFrames``; copies out of the file."""
        return np.array(self._pixels[start : start + count])


def estimate_frames(path: Path, rate: Fraction) -> int:
    """Frames of a rate that begin before the end of a video, going by its container.

    Raises:
        MediaError: the file is not a video, or does not say how long it is.
    """
    duration = probe(path).duration_seconds
    if not duration:
        raise MediaError("the file does not say how long it is", where=path, remedy="remux it")
    return max(1, -int(-(duration - 1e-3) * rate // 1))


def cache_path(folder: Path, video: Path, grid: FrameGrid) -> Path:
    """Where the cache of a video lies: another file when video, rate or size change."""
    stat = video.stat()
    size = f"{grid.width}x{grid.height}"
    key = f"{video.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{format_rate(grid.rate)}|{size}"
    return folder / f"{video.stem}-{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"


def build_cache(video: Path, grid: FrameGrid, target: Path) -> Path:
    """Decode a video once into ``target``, an array of (frames, H, W, 3) uint8.

    Raises:
        MediaError: the video cannot be read, or shows nothing.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}-{get_ident()}")
    header = partial(
        np.lib.format.header_data_from_array_1_0, np.empty((0, grid.height, grid.width, 3), "u1")
    )
    try:
        with beside.open("wb") as file:
            description = header()
            np.lib.format.write_array_header_1_0(file, description)
            body = file.tell()
            count = 0
            size = (grid.width, grid.height)
            with read_frames(video, rate=grid.rate, size=size, threads=1) as stream:
                for frame in stream:
                    file.write(np.ascontiguousarray(frame.pixels).tobytes())
                    count += 1
            if not count:
                raise MediaError("the video shows no frame", where=video)
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
    progress: Callable[[int, int], None] | None = None,
) -> list[VideoFrames]:
    """Frames of every video, from the cache or straight from the video.

    Args:
        cache: ``"never"``, ``"always"``, or ``"auto"``: the cache if all videos fit into the
            budget and onto the disk.
        folder: where cache files lie; made if needed. Files of earlier runs are used again.
        budget_bytes: what the cache may take.
        jobs: videos decoded at a time; one per core by default.
        progress: called with (videos done, videos to do) while the cache is built.

    Raises:
        ConfigError: ``"always"`` and the videos do not fit.
        MediaError: a video cannot be read.
    """
    decoded: list[VideoFrames] = [DecodedFrames(path, grid) for path in videos]
    if cache == "never" or not videos:
        return decoded
    targets = [cache_path(folder, path, grid) for path in videos]
    missing = {t: v for t, v in zip(targets, videos, strict=True) if not t.exists()}
    held = sum(t.stat().st_size for t in set(targets) if t.exists())
    needed = sum(estimate_frames(v, grid.rate) for v in missing.values()) * grid.frame_bytes
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
    progress: Callable[[int, int], None] | None,
) -> None:
    if not missing:
        return
    # Threads will do: decoding and scaling run outside Python's lock.
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
