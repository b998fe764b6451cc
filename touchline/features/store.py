"""Feature files: ``1_demo.npy``, the usual form, and its description ``1_demo.features.json``.

The array is (rows, dims). The description states the extractor, the video, the time of the first
row, and the checksum of the array. It is written before the array, so an array without a
description was not written by touchline.
"""

import hashlib
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self

import numpy as np
from numpy.lib import format as npy
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import touchline
from touchline.errors import ConfigError, FormatError, InputError, MediaError
from touchline.features.arrays import read_header
from touchline.features.extractor import Extractor, Rows
from touchline.media.files import media_files
from touchline.media.halves import part_of
from touchline.runtime.atomic import write_text
from touchline.runtime.progress import Progress
from touchline.runtime.temporary import TemporaryFile
from touchline.timebase import format_seconds, parse_rate
from touchline.zoo.identity import Digest, FeatureIdentity
from touchline.zoo.store import sha256_of

ENDING = ".features.json"
MAX_DESCRIPTION_BYTES = 1_000_000

_HALF_FILE = re.compile(r"([1-4])(?:_\d+p|_field_calib_ccbv|_player_boundingbox_maskrcnn)?")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class SourceVideo(_Strict):
    """The video that features were extracted from."""

    name: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Digest


class Description(_Strict):
    """The description of a feature file, stored next to it.

    Attributes:
        identity: the extractor.
        first_seconds: time of row 0, from the first frame shown.
        rows, dims, dtype: shape and type of the array.
        sha256: checksum of the ``.npy`` file.
        engine: the engine that computed it.
        stopped_at_seconds: where reading the video stopped; None if it was read completely.
        beside: checksums of additional files, by the part of their names after ``1_``; None if
            there are none.
        made_by: the version of touchline.
    """

    format: Literal["touchline-features"] = "touchline-features"
    version: Literal[1] = 1
    identity: FeatureIdentity
    source: SourceVideo
    first_seconds: Annotated[float, Field(ge=0)]
    rows: Annotated[int, Field(ge=1)]
    dims: Annotated[int, Field(ge=1)]
    dtype: str
    sha256: Digest
    engine: str
    stopped_at_seconds: float | None = None
    beside: Annotated[dict[str, Digest], Field(max_length=10)] | None = None
    made_by: str

    @property
    def rate(self) -> Fraction:
        """Rows a second, exactly."""
        return parse_rate(self.identity.rate)

    @property
    def warning(self) -> str | None:
        """A one-line warning if the features do not reach the end of the video; else None."""
        if self.stopped_at_seconds is None:
            return None
        stop = format_seconds(self.stopped_at_seconds)
        return f"{self.source.name} is damaged or cut off: features up to {stop} only"


def files_prefix(video: Path) -> str:
    """Prefix of the names of a video's feature files: ``1`` for ``1_224p.mkv`` and for the half
    inside ``1_HQ.mkv``, else its stem.

    Raises:
        MediaError: a ``video.ini`` beside a recording cannot be read.
    """
    if part_of(video) is not None:
        return video.stem[0]
    half = _HALF_FILE.fullmatch(video.stem)
    return half[1] if half else video.stem


def description_path(path: Path) -> Path:
    """The path of the description of a feature file."""
    return path.with_name(path.name.removesuffix(".npy") + ENDING)


def read_description(path: Path) -> Description | None:
    """The description of a feature file; None for files of other programs, which have none.

    Raises:
        FormatError: the description is malformed.
    """
    beside = description_path(path)
    try:
        with beside.open("rb") as file:
            data = file.read(MAX_DESCRIPTION_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", where=beside) from error
    if len(data) > MAX_DESCRIPTION_BYTES:
        raise FormatError("is too large for a description of features", where=beside)
    try:
        return Description.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise FormatError(
            f"not a description of features: {field}: {first['msg']}"[:300],
            where=beside,
            remedy=f"remove it, or extract {path.name} again",
        ) from error


def check_features(path: Path, expected: FeatureIdentity | None = None) -> Description | None:
    """Check a feature file against its description, if it has one.

    Args:
        expected: the extractor of a model's training features; files without a description are
            accepted.

    Returns:
        The description; None if there is none.

    Raises:
        FormatError: a damaged file, or one that contradicts its description.
        ConfigError: features of another extractor than expected.
    """
    header = read_header(path, ndim=2)
    described = read_description(path)
    if described is None:
        return None
    stated = (described.dtype, (described.rows, described.dims))
    if stated != (str(header.dtype), header.shape):
        raise FormatError(
            f"is {header.dtype} {header.shape}, its description states {stated[0]} {stated[1]}",
            where=path,
            remedy="one of the two files was replaced: extract the features again",
        )
    if expected is not None and (difference := expected.difference(described.identity)):
        raise ConfigError(
            f"these features do not fit the model: {difference}",
            where=path,
            remedy="extract them with the model's own extractor",
        )
    return described


def is_current(
    path: Path,
    identity: FeatureIdentity,
    source: Path,
    additional: Mapping[str, Path] | None = None,
) -> bool:
    """Whether there is a complete feature file of this extractor and this video.

    A video of the same size that is older than the description counts as unchanged; otherwise its
    checksum is compared.

    Args:
        additional: additional files that must exist, by the part of their names after the prefix.

    Raises:
        InputError: the file, or an additional one, exists but was not written by touchline.
    """
    beside = description_path(path)
    if path.exists() and not beside.exists():
        raise _not_ours(path)
    try:
        described = read_description(path)
        for ending, place in (additional or {}).items():
            if not _is_described(place, described, ending):
                return False
        if described is None or described.identity != identity:
            return False
        if sha256_of(path) != described.sha256:
            return False
    except (FormatError, FileNotFoundError):
        return False
    files = [path.stat() for path in media_files(source)]
    if sum(status.st_size for status in files) != described.source.bytes:
        return False
    changed = max(status.st_mtime_ns for status in files)
    untouched = changed < beside.stat().st_mtime_ns
    return untouched or _source_of(source) == described.source


def _is_described(place: Path, described: Description | None, ending: str) -> bool:
    """Whether an additional file exists as described.

    Raises:
        InputError: it exists with other content.
    """
    if not place.exists():
        return False
    if described is None or (described.beside or {}).get(ending) != sha256_of(place):
        raise _not_ours(place)
    return True


def _not_ours(path: Path) -> InputError:
    return InputError(
        "exists and was not written by touchline",
        where=path,
        remedy="move it away, choose another folder with --out, or give --overwrite",
    )


def write_features(
    path: Path, extractor: Extractor, source: Path, progress: Progress = lambda share: None
) -> Description:
    """Extract the features of a video into a file, which is replaced only when complete.

    Raises:
        MediaError: the video cannot be read, or is too short for a single row.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with RowFile(path) as rows:
        extracted = extractor.extract(source, rows.append, progress)
        if not rows.count:
            raise MediaError("is too short for any features", where=source)
        rows.finish()
        described = Description(
            identity=extractor.identity,
            source=_source_of(source),
            first_seconds=extracted.first_seconds,
            rows=rows.count,
            dims=rows.dims,
            dtype=str(rows.dtype),
            sha256=sha256_of(rows.part),
            engine=extractor.engine,
            stopped_at_seconds=extracted.stopped_at_seconds,
            beside={
                ending: hashlib.sha256(text.encode()).hexdigest()
                for ending, text in extracted.beside.items()
            }
            or None,
            made_by=touchline.__version__,
        )
        _write_description(described, path)
        for ending, text in extracted.beside.items():
            prefix = path.name.removesuffix(f"{extractor.suffix}.npy")
            write_text(path.with_name(prefix + ending), text)
        rows.put(path)
    return described


def _source_of(video: Path) -> SourceVideo:
    """A video's name, size and checksum; one of several files has a checksum of theirs."""
    files = media_files(video)
    digests = [sha256_of(path) for path in files]
    digest = (
        digests[0] if len(files) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )
    size = sum(path.stat().st_size for path in files)
    return SourceVideo(name=video.name, bytes=size, sha256=digest)


class RowFile:
    """A ``.npy`` file that is written row by row under a temporary name, in constant memory.

    Attributes:
        part: path of the unfinished file.
        count, dims: its shape so far.
    """

    dtype = np.dtype("<f4")

    def __init__(self, path: Path) -> None:
        self._temporary = TemporaryFile(path)
        self.part = self._temporary.path
        self.count = 0
        self.dims = 0
        self._file = self.part.open("wb")

    def append(self, rows: Rows) -> None:
        """Append rows, (n, dims) float32.

        Raises:
            ValueError: rows of another width than before.
        """
        if not self.dims:
            self.dims = rows.shape[1]
            self._write_header()
        if rows.shape[1] != self.dims:
            raise ValueError(f"rows of {rows.shape[1]} after rows of {self.dims}")
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)
        self.count += len(rows)

    def finish(self, most: int | None = None) -> None:
        """Write the number of rows into the header, which completes the file.

        Args:
            most: maximum number of rows to keep; None for all.
        """
        if most is not None and most < self.count:
            self._file.truncate(self._file.tell() - (self.count - most) * self._row_bytes)
            self.count = most
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def put(self, path: Path) -> None:
        """Give the complete file its name."""
        self._temporary.replace(path)

    @property
    def _row_bytes(self) -> int:
        return self.dims * self.dtype.itemsize

    def _write_header(self) -> None:
        # NumPy pads the header so that its length does not depend on the first axis.
        header = {
            "descr": npy.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.count, self.dims),
        }
        npy.write_array_header_1_0(self._file, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        self._temporary.remove()


def _write_description(described: Description, path: Path) -> None:
    text = described.model_dump_json(indent=2, exclude_none=True) + "\n"
    write_text(description_path(path), text)
