"""Curves in files, ``game/1_curves.npz``: what a network says at every step of a half.

A file holds ``values`` (steps, classes) float16, ``seconds`` (steps,) float64, and the texts
``labels`` (classes,) and ``rate``.
"""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from touchline.errors import FormatError, InputError
from touchline.labels import LabelSet
from touchline.runtime.atomic import atomic_write
from touchline.scores import Scores
from touchline.timebase import format_rate, parse_rate

ENDING = "_curves.npz"

MAX_BYTES = 1 << 30
"""Of the arrays of a file: four hours of 17 classes at 25 frames a second are 15 MB."""

_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    InputError,
)
"""What zip files, NumPy and ``Scores`` raise for invalid content."""


def curves_path(folder: Path, game: str, half: int) -> Path:
    """Where the curves of a half are kept, or of a video that is a game by itself."""
    return folder / game / f"{half}{ENDING}"


def write_curves(path: Path, scores: Scores, *, overwrite: bool = True) -> None:
    """Write the curves of one half, and the folders above.

    Raises:
        InputError: it cannot be written there, or another file is there that must stay.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            atomic_write(path, overwrite=overwrite) as temporary,
            temporary.open("wb") as file,
        ):
            np.savez_compressed(
                file,
                values=scores.values.astype(np.float16),
                seconds=scores.seconds,
                labels=np.array(scores.labels.labels),
                rate=np.array(format_rate(scores.rate)),
            )
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=path, remedy="choose another place"
        ) from error


def read_curves(path: Path) -> Scores:
    """Read what ``write_curves`` wrote.

    Raises:
        FormatError: missing, damaged, or no file of curves.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise FormatError("is too large for the curves of a half", where=path)
        with np.load(path, allow_pickle=False) as arrays:
            return Scores(
                arrays["values"],
                arrays["seconds"],
                LabelSet("curves", tuple(str(label) for label in arrays["labels"])),
                parse_rate(str(arrays["rate"])),
            )
    except FileNotFoundError as error:
        raise FormatError("there are no curves", where=path) from error
    except FormatError:
        raise
    except _UNREADABLE as error:
        raise FormatError(
            "is damaged, or no file of curves",
            where=path,
            remedy="write it again with touchline predict --curves",
        ) from error
