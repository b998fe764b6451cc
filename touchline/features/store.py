"""Feature files: ``1_demo.npy`` as the field has it, and ``1_demo.features.json`` that tells of it.

The array is (rows, dims). What lies beside it says which extractor made it of which video, what
moment the first row shows, and how to tell whether the array is whole. It is put in place before
the array: an array without its description is always somebody else's.
"""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
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
from touchline.features.extractor import Extractor, Report, Rows
from touchline.runtime.atomic import temporary_name, write_text
from touchline.timebase import format_seconds, parse_rate
from touchline.zoo.identity import Digest, FeatureIdentity
from touchline.zoo.store import sha256_of

ENDING = ".features.json"
MAX_DESCRIPTION_BYTES = 1_000_000

_HALF_FILE = re.compile(r"([1-4])(?:_\d+p|_field_calib_ccbv|_player_boundingbox_maskrcnn)?")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Source(_Strict):
    """The video that features were made of."""

    name: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Digest


class Description(_Strict):
    """What lies beside a feature file.

    Attributes:
        identity: the extractor.
        first_seconds: what moment of the video row 0 shows.
        rows, dims, dtype: of the array.
        sha256: of the ``.npy`` file.
        engine: what computed it.
        stopped_at_seconds: where the video could not be read on; None if it was read whole.
        beside: checksums of further files that were written, by how their names go on after
            ``1_``; None if there are none.
        made_by: the version of touchline.
    """

    format: Literal["touchline-features"] = "touchline-features"
    version: Literal[1] = 1
    identity: FeatureIdentity
    source: Source
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
        """One line if the features do not reach the end of the video."""
        if self.stopped_at_seconds is None:
            return None
        stop = format_seconds(self.stopped_at_seconds)
        return f"{self.source.name} is damaged or cut off: features up to {stop} only"


def files_prefix(video: Path) -> str:
    """How the names of a video's feature files begin: ``1`` for ``1_224p.mkv``, else its stem."""
    half = _HALF_FILE.fullmatch(video.stem)
    return half[1] if half else video.stem


def description_path(path: Path) -> Path:
    """Where the description of a feature file lies."""
    return path.with_name(path.name.removesuffix(".npy") + ENDING)


def read_description(path: Path) -> Description | None:
    """The description beside a feature file; None for files of others, which have none.

    Raises:
        FormatError: it is there and is not a description.
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
        raise FormatError("is too large to describe features", where=beside)
    try:
        return Description.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise FormatError(
            f"does not describe features: {field}: {first['msg']}"[:300],
            where=beside,
            remedy=f"remove it, or extract {path.name} again",
        ) from error


def check_features(path: Path, expected: FeatureIdentity | None = None) -> Description | None:
    """Check a feature file against the description beside it, if there is one.

    Args:
        expected: what a model was trained on; files without a description are taken on trust.

    Returns:
        The description; None for files of others.

    Raises:
        FormatError: a damaged file, or one that is not what its description says.
        ConfigError: features of another extractor than expected.
    """
    header = read_header(path, ndim=2)
    described = read_description(path)
    if described is None:
        return None
    stated = (described.dtype, (described.rows, described.dims))
    if stated != (str(header.dtype), header.shape):
        raise FormatError(
            f"holds {header.dtype} {header.shape}, its description says {stated[0]} {stated[1]}",
            where=path,
            remedy="one of the two was replaced: extract it again",
        )
    if expected is not None and (difference := expected.difference(described.identity)):
        raise ConfigError(
            f"these features do not fit the model: {difference}",
            where=path,
            remedy="extract them with the model's own extractor",
        )
    return described


def is_current(
    path: Path, identity: FeatureIdentity, source: Path, further: Mapping[str, Path] | None = None
) -> bool:
    """Whether a whole feature file of this extractor and this video is there already.

    A video of the same size that was not touched since counts as the same; else its hash decides.

    Args:
        further: files that must have been written with it, by how their names go on.

    Raises:
        InputError: features of somebody else lie in the place, or in that of a further file.
    """
    beside = description_path(path)
    if path.exists() and not beside.exists():
        raise _somebody_elses(path)
    try:
        described = read_description(path)
        for ending, place in (further or {}).items():
            if not _is_told(place, described, ending):
                return False
        if described is None or described.identity != identity:
            return False
        if sha256_of(path) != described.sha256:
            return False
    except (FormatError, FileNotFoundError):
        return False
    status = source.stat()
    if status.st_size != described.source.bytes:
        return False
    untouched = status.st_mtime_ns < beside.stat().st_mtime_ns
    return untouched or sha256_of(source) == described.source.sha256


def _is_told(place: Path, described: Description | None, ending: str) -> bool:
    """Whether a further file is there as the description says; refuses one of somebody else."""
    if not place.exists():
        return False
    if described is None or (described.beside or {}).get(ending) != sha256_of(place):
        raise _somebody_elses(place)
    return True


def _somebody_elses(path: Path) -> InputError:
    return InputError(
        "is there already and nothing says what made it",
        where=path,
        remedy="move it away, write elsewhere with --out, or give --overwrite",
    )


def write_features(
    path: Path, extractor: Extractor, source: Path, report: Report = lambda share: None
) -> Description:
    """Extract the features of a video into a file; whatever was there stays until it is done.

    Raises:
        MediaError: the video cannot be read, or is too short for a single row.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with RowFile(path) as rows:
        extracted = extractor.extract(source, rows.append, report)
        if not rows.count:
            raise MediaError("is too short for any features", where=source)
        rows.finish()
        described = Description(
            identity=extractor.identity,
            source=Source(name=source.name, bytes=source.stat().st_size, sha256=sha256_of(source)),
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
        rows.part.replace(path)
    return described


class RowFile:
    """A ``.npy`` file that grows row by row beside its place, in constant memory.

    Attributes:
        part: where it grows.
        count, dims: its shape so far.
    """

    dtype = np.dtype("<f4")

    def __init__(self, path: Path) -> None:
        self.part = temporary_name(path)
        self.count = 0
        self.dims = 0
        self._file = self.part.open("xb")

    def append(self, rows: Rows) -> None:
        """Take the next rows, (n, dims) float32.

        Raises:
            ValueError: rows of another width than those before.
        """
        if not self.dims:
            self.dims = rows.shape[1]
            self._write_header()
        if rows.shape[1] != self.dims:
            raise ValueError(f"rows of {rows.shape[1]} after rows of {self.dims}")
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)
        self.count += len(rows)

    def finish(self, most: int | None = None) -> None:
        """Write the number of rows into the header; ``part`` is a whole file then.

        Args:
            most: rows to keep; all by default.
        """
        if most is not None and most < self.count:
            self._file.truncate(self._file.tell() - (self.count - most) * self._row_bytes)
            self.count = most
        self._file.seek(0)
        self._write_header()
        self._file.close()

    @property
    def _row_bytes(self) -> int:
        return self.dims * self.dtype.itemsize

    def _write_header(self) -> None:
        # NumPy leaves room for the first axis to grow, so that the header keeps its length.
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
        with suppress(FileNotFoundError):
            self.part.unlink()


def _write_description(described: Description, path: Path) -> None:
    text = described.model_dump_json(indent=2, exclude_none=True) + "\n"
    write_text(description_path(path), text)
