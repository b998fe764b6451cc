"""The one way into ``.npy`` files: their header is checked against what the file holds."""

import os
import tokenize
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from touchline.errors import FormatError

MAX_BYTES = 16 << 30

_REMEDY = "extract or download it again"
_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def open_array(path: str | Path, *, ndim: int | None = 2) -> npt.NDArray[Any]:
    """Map a ``.npy`` file of numbers into memory, read-only; nothing is read ahead.

    Args:
        ndim: dimensions that it must have; None for any.

    Returns:
        The array as the file stores it, C order, at least one number.

    Raises:
        FormatError: not there, not a ``.npy`` file, damaged, shorter or longer than its header
            says, empty, holding anything but whole or real numbers, or of other dimensions.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            shape, dtype = _read_header(file, path)
            offset, size = file.tell(), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", where=path) from error
    _check_shape(shape, ndim, path)
    expected = offset + dtype.itemsize * _product(shape)
    if size != expected:
        less = "shorter" if size < expected else "longer"
        raise FormatError(
            f"is {less} than its header says: {size} bytes instead of {expected}",
            where=path,
            remedy=_REMEDY,
        )
    return np.memmap(path, dtype, "r", offset, shape)


def _read_header(file: BinaryIO, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        version = npy.read_magic(file)
        if version not in _HEADER_READERS:
            raise ValueError(f"version {version}")
        shape, fortran_order, dtype = _HEADER_READERS[version](file)
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError, MemoryError) as error:
        raise FormatError("is not a .npy file", where=path, remedy=_REMEDY) from error
    if dtype.hasobject:
        raise FormatError(
            "holds Python objects, which are never read",
            where=path,
            remedy="save the numbers alone, as a plain array",
        )
    if dtype.kind not in "biuf" or dtype.fields is not None or dtype.subdtype is not None:
        raise FormatError(f"holds {dtype}, not numbers", where=path)
    if fortran_order and len(shape) > 1:
        raise FormatError(
            "is stored column by column",
            where=path,
            remedy="save it with numpy.ascontiguousarray",
        )
    return shape, dtype


def _check_shape(shape: tuple[int, ...], ndim: int | None, path: Path) -> None:
    if ndim is not None and len(shape) != ndim:
        raise FormatError(f"has shape {shape}, not {ndim} dimensions", where=path)
    if any(side < 0 for side in shape) or _product(shape) > MAX_BYTES:
        raise FormatError(f"cannot have shape {shape}", where=path, remedy=_REMEDY)
    if _product(shape) == 0:
        raise FormatError(f"is empty: shape {shape}", where=path, remedy=_REMEDY)


def _product(shape: tuple[int, ...]) -> int:
    """Exact, where numpy's product of a hostile shape would wrap."""
    count = 1
    for side in shape:
        count *= side
    return count
