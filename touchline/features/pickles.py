"""Reading the arrays in published pickles without executing anything in them.

A pickle is a program that looks up functions by name and calls them. Here the names that arrays
and scikit-learn's PCA use resolve to inert stand-ins that only store their arguments; any other
name is refused.
"""

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.errors import CheckpointError

MAX_PICKLE_BYTES = 256 << 20

Array = npt.NDArray[Any]


class _Type:
    """Stand-in for ``numpy.dtype``."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def numpy(self) -> np.dtype[Any]:
        """The NumPy type.

        Raises:
            ValueError: not a plain numeric type.
        """
        kind = np.dtype(str(self.code))
        if kind.kind not in "biuf":
            raise ValueError(f"an array of {kind}")
        return kind.newbyteorder(">") if self.order == ">" else kind


class _Array:
    """Stand-in for an array that is filled by ``__setstate__``."""

    array: Array

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, column_order, data = state
        self.array = _numbers(data, kind, shape, "F" if column_order else "C")


class Attributes:
    """Stand-in for an object of scikit-learn: its attributes by name."""

    def __init__(self, *_: object) -> None:
        self.values: dict[str, Any] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.values = dict(state)


class _NumberArray:
    """Stand-in for ``numpy.ndarray``, which pickles name; never instantiated."""


def _empty(*_: object) -> _Array:
    return _Array()


def _numbers(data: Any, kind: _Type, shape: tuple[int, ...], order: str = "C") -> Array:
    raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
    array = np.frombuffer(raw, kind.numpy())
    return array.reshape(shape, order="F" if order == "F" else "C")


def _from_buffer(data: Any, kind: _Type, shape: tuple[int, ...], order: str) -> _Array:
    held = _Array()
    held.array = _numbers(data, kind, shape, order)
    return held


def _scalar(kind: _Type, data: Any) -> float:
    return float(_numbers(data, kind, ())[()])


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise ValueError(f"encoding {encoding}")
    return text.encode("latin1")


_PCA_MODULES = ("sklearn.decomposition.pca", "sklearn.decomposition._pca")
_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _NumberArray,
    ("_codecs", "encode"): _encode,
    **{(module, "PCA"): Attributes for module in _PCA_MODULES},
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _empty),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise CheckpointError(f"refers to {module}.{name}"[:200], remedy=_REMEDY)
        return stand_in


_REMEDY = "nothing was executed; only arrays and a PCA are read from pickles"

_UNREADABLE = (
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
)


def read_pickle(path: Path) -> Array | dict[str, Any]:
    """The array in a pickle, or the attributes of the PCA in it.

    Raises:
        CheckpointError: unreadable, too large, or with any other content.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_size > MAX_PICKLE_BYTES:
                raise CheckpointError(f"is larger than {MAX_PICKLE_BYTES >> 20} MiB")
            held = _Reader(file, encoding="latin1").load()
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=path) from error
    except CheckpointError as error:
        raise CheckpointError(error.what, where=path, remedy=error.remedy) from error
    except _UNREADABLE as error:
        raise CheckpointError("not a pickle of arrays", where=path) from error
    if isinstance(held, Attributes):
        return {name: _plain(value) for name, value in held.values.items()}
    if isinstance(held, _Array):
        return _plain(held)
    raise CheckpointError(f"contains a {type(held).__name__}, not an array", where=path)


def _plain(value: Any) -> Any:
    return getattr(value, "array", None) if isinstance(value, _Array) else value
