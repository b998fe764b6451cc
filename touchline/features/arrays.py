"""Safe reading of ``.npy`` files: the header is checked against the size of the file."""

import math
import os
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from touchline.errors import FormatError

MAX_NUMBERS = 1 << 34
BLOCK_BYTES = 1 << 24

_REMEDY = "extract or download it again"
_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_UNREADABLE = (
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,
)
"""Exceptions that NumPy raises for invalid headers."""


@dataclass(frozen=True)
class ArrayHeader:
    """Type and shape of the array in a ``.npy`` file; its numbers start at byte ``offset``."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int


def read_header(path: Path, *, ndim: int | None = None) -> ArrayHeader:
    """Read the header of a ``.npy`` file and check the size of the file against it.

    Args:
        ndim: required number of dimensions; None for any.

    Raises:
        FormatError: missing, not a ``.npy`` file, damaged, shorter or longer than the header
            states, empty, of another number of dimensions, or not real numbers in C order.
    """
    try:
        with path.open("rb") as file:
            header = _parse(file, path)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", where=path) from error
    _check_kind(header.dtype, path)
    shape = header.shape
    if ndim is not None and len(shape) != ndim:
        raise FormatError(f"has shape {shape}, not {ndim} dimensions", where=path)
    if any(side < 0 for side in shape) or not 0 < math.prod(shape) <= MAX_NUMBERS:
        raise FormatError(f"holds an array of shape {shape}", where=path, remedy=_REMEDY)
    expected = header.offset + header.dtype.itemsize * math.prod(shape)
    if size != expected:
        less = "shorter" if size < expected else "longer"
        raise FormatError(
            f"is {less} than its header states: {size} bytes instead of {expected}",
            where=path,
            remedy=_REMEDY,
        )
    return header


def _parse(file: BinaryIO, path: Path) -> ArrayHeader:
    try:
        version = npy.read_magic(file)
        if version not in _HEADER_READERS:
            raise ValueError(f"version {version}")
        shape, fortran_order, dtype = _HEADER_READERS[version](file)
    except _UNREADABLE as error:
        raise FormatError("not a .npy file", where=path, remedy=_REMEDY) from error
    if fortran_order and len(shape) > 1:
        raise FormatError(
            "is stored in Fortran order", where=path, remedy="save numpy.ascontiguousarray of it"
        )
    return ArrayHeader(dtype, shape, file.tell())


def _check_kind(dtype: np.dtype[Any], path: Path) -> None:
    if dtype.hasobject:
        raise FormatError(
            "contains Python objects, which are never read",
            where=path,
            remedy="save the numbers alone, as a plain array",
        )
    if dtype.kind not in "iuf" or dtype.fields is not None or dtype.subdtype is not None:
        raise FormatError(f"holds {dtype}, not numbers", where=path)


def read_blocks(path: Path) -> Iterator[npt.NDArray[Any]]:
    """The rows of a ``.npy`` file in blocks (n, ...) of a few megabytes.

    Raises:
        FormatError: as ``read_header``, or the file became shorter while it was read.
    """
    header = read_header(path)
    rows, *row_shape = header.shape or (1,)
    row_numbers = math.prod(row_shape)
    at_once = max(1, BLOCK_BYTES // (row_numbers * header.dtype.itemsize))
    with path.open("rb") as file:
        file.seek(header.offset)
        for first in range(0, rows, at_once):
            count = min(at_once, rows - first)
            block = np.fromfile(file, header.dtype, count * row_numbers)
            if len(block) != count * row_numbers:
                raise FormatError("has become shorter", where=path)
            yield block.reshape(count, *row_shape)
