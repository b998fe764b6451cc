"""PCAs that the user imported, or reduced features by: kept by what identifies them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from touchline.errors import ConfigError
from touchline.features.pca import KEY, ORIGIN, read_pca
from touchline.zoo.identity import PUBLISHED
from touchline.zoo.store import home

_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class StoredPca:
    """One of them.

    Attributes:
        path: the file.
        origin: what identifies it in the identity of features.
        width: of the rows that it takes.
        dims: numbers that it gives.
    """

    path: Path
    origin: str
    width: int
    dims: int

    @property
    def is_published(self) -> bool:
        """Whether it is of two files, as the published ones are: the PCA and an average."""
        return "+" in self.origin


def user_pcas() -> Path:
    """Their folder."""
    return home() / "pca"


def is_pca(path: Path) -> bool:
    """Whether a file is meant to be a PCA: by its suffix, or by what its header says."""
    if path.suffix.lower() == ".pkl":
        return True
    if path.suffix.lower() != _SUFFIX:
        return False
    try:
        with safe_open(path, "np") as file:
            return KEY in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def store_pca(path: Path, average: Path | None = None) -> StoredPca:
    """Keep a PCA, so that models of features reduced by it can be run on videos.

    Args:
        path: ``.safetensors`` as we fit it, or a published ``.pkl``.
        average: the published mean, which is taken off before a published PCA.

    Raises:
        CheckpointError: unreadable, or not a PCA.
    """
    pca = read_pca(path, average)
    target = user_pcas() / f"{pca.origin}{_SUFFIX}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        pca.save(target)
    return StoredPca(target, str(pca.origin), len(pca.mean), pca.dims)


def list_pcas() -> Iterator[StoredPca]:
    """Every one that is kept and can be read."""
    for path in sorted(user_pcas().glob(f"*{_SUFFIX}")):
        if not ORIGIN.fullmatch(path.stem):
            continue
        try:
            with safe_open(path, "np") as file:
                dims, width = file.get_slice("components").get_shape()
        except (SafetensorError, OSError, ValueError):
            continue
        yield StoredPca(path, path.stem, width, dims)


def find_pca(origin: str, dims: int | None = None) -> StoredPca | None:
    """The one that an identity of features names; None if it is not here.

    Args:
        origin: the identity's ``pca``; ``"published"`` for the published one.
        dims: numbers that it must give.

    Raises:
        ConfigError: several could be the published one.
    """
    wanted = [
        pca
        for pca in list_pcas()
        if (pca.is_published if origin == PUBLISHED else pca.origin == origin)
        and dims in (None, pca.dims)
    ]
    if len(wanted) > 1:
        raise ConfigError(
            f"{len(wanted)} published PCAs to {wanted[0].dims} numbers are here",
            where=user_pcas(),
            remedy="remove all but the right one",
        )
    return wanted[0] if wanted else None
