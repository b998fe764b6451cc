"""Files of published weights: opened without running what is in them."""

import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from touchline.engines.networks import MAX_ENTRIES, read_safetensors
from touchline.errors import CheckpointError, MissingExtraError
from touchline.importers.legacy.reader import Checkpoint

MAX_CHECKPOINT_BYTES = 4 * 1024**3
FIRST_SAFE_TORCH = (2, 10)
"""Before 2.10, reading weights alone could be made to corrupt memory (CVE-2026-24747)."""

HDF5_SUFFIXES = {".h5", ".hdf5", ".keras"}

MAX_DEPTH = 32
"""Groups within groups of an HDF5 file; Keras nests three."""

MAX_RATIO = 250
"""Bytes of an array by the bytes that it takes up in the file, for those over a megabyte."""

CONTAINERS = ("model_state_dict", "state_dict", "nn_state_dict")
"""Where a training checkpoint keeps its weights."""

PREFIXES = ("module.", "_model.", "model.")
"""What wrappers of a network put before the names of its entries."""

_UNREADABLE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
)
"""What reading damaged or hostile bytes has been seen or is documented to raise."""


def open_checkpoint(path: Path) -> Checkpoint:
    """The named tensors of a checkpoint, taken out of whatever training put around them.

    Raises:
        CheckpointError: absent, too large, damaged, or holding more than named numbers.
        MissingExtraError: a PyTorch whose reader is not safe.
    """
    document = read_checkpoint(path)
    inner = _inner(document)
    weights: dict[str, Tensor] = {}
    for key, value in inner.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise CheckpointError(f"entry {str(key)[:80]!r} is not a named tensor", where=path)
        weights[_without_prefix(key)] = value
    if len(weights) != len(inner):
        raise CheckpointError("two entries have the same published name", where=path)
    is_bare = inner is document and set(weights) == set(inner)
    return Checkpoint(weights, is_bare, {} if inner is document else document)


def _inner(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for field in CONTAINERS:
        inner = document.get(field)
        if isinstance(inner, Mapping):
            return inner
    return document


def _without_prefix(key: str) -> str:
    prefix = next((prefix for prefix in PREFIXES if key.startswith(prefix)), None)
    return key if prefix is None else _without_prefix(key.removeprefix(prefix))


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The mapping that a checkpoint holds, without running what is in it.

    Raises:
        CheckpointError: absent, too large, damaged, or holding more than numbers.
        MissingExtraError: a PyTorch whose reader is not safe.
    """
    _check_size(path)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return read_safetensors(path)
    if suffix in HDF5_SUFFIXES:
        return _read_hdf5(path)
    version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if version < FIRST_SAFE_TORCH:
        raise MissingExtraError(
            "reading foreign checkpoints safely (PyTorch 2.10 or later)", "torch"
        )
    try:
        _check_archive(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickles, which are refused anyway
            document = torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except _UNREADABLE as error:
        # PyTorch's own text advises to switch the safe reader off.
        raise CheckpointError(
            f"cannot be read as weights ({type(error).__name__})",
            where=path,
            remedy="it must be a whole checkpoint that holds nothing but numbers",
        ) from error
    if not isinstance(document, Mapping):
        raise CheckpointError(f"holds a {type(document).__name__}, not named weights", where=path)
    return document


def _read_hdf5(path: Path) -> dict[str, Tensor]:
    """Every array of numbers of an HDF5 file, by its path inside."""
    try:
        import h5py
    except ImportError:
        raise MissingExtraError("reading Keras weights", "torch") from None
    try:
        with h5py.File(path, "r") as file:
            return _arrays_in(file, path)
    except CheckpointError:
        raise
    except _UNREADABLE as error:
        raise CheckpointError(
            f"cannot be read as weights ({type(error).__name__})",
            where=path,
            remedy="it must be a whole file of Keras weights",
        ) from error


def _arrays_in(file: Any, path: Path) -> dict[str, Tensor]:
    """The arrays of an open HDF5 file; neither links out of the file nor soft ones are followed."""
    import h5py

    arrays: dict[str, Tensor] = {}
    waiting = [(file["/"], "", 0)]
    seen, numbers = 0, 0
    while waiting:
        group, inside, depth = waiting.pop()
        for name in group:
            seen += 1
            if seen > MAX_ENTRIES or depth > MAX_DEPTH:
                raise CheckpointError("has more entries than any network", where=path)
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            item, place = group[name], f"{inside}{name}"
            if isinstance(item, h5py.Group):
                waiting.append((item, f"{place}/", depth + 1))
            elif isinstance(item, h5py.Dataset):
                numbers += item.size
                _check_array(item, place, numbers, path)
                arrays[place] = torch.from_numpy(item[()].astype("float32").reshape(item.shape))
    return arrays


def _check_array(item: Any, name: str, numbers: int, path: Path) -> None:
    """Refuse what is no plain array, or unpacks to far more than it takes up."""
    if item.dtype.kind != "f" or item.external or item.is_virtual:
        raise CheckpointError(f"entry {name[:80]!r} is not a plain array", where=path)
    most = max(1 << 20, MAX_RATIO * item.id.get_storage_size())
    if 8 * numbers > MAX_CHECKPOINT_BYTES or item.nbytes > most:
        raise CheckpointError("unpacks to more than any network has", where=path)


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=path) from error
    if not path.is_file():
        raise CheckpointError("is not a file", where=path, remedy="give the checkpoint itself")
    if size > MAX_CHECKPOINT_BYTES:
        raise CheckpointError("is larger than 4 GiB", where=path)


def _check_archive(path: Path) -> None:
    """Refuse archives that unpack to more than they are: PyTorch never compresses its own."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > MAX_ENTRIES:
        raise CheckpointError("has more entries than any network", where=path)
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    if not stored or sum(member.file_size for member in members) > MAX_CHECKPOINT_BYTES:
        raise CheckpointError("is a compressed archive, which no checkpoint is", where=path)
