"""The PCAs that the user imported or applied, stored under their origin."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open

from touchline.errors import ConfigError
from touchline.features.pca import KEY, ORIGIN, read_pca
from touchline.zoo.catalogue import entry_of_file
from touchline.zoo.identity import PUBLISHED
from touchline.zoo.store import home

_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class StoredPca:
    """A stored PCA.

    Attributes:
        path: the file.
        origin: identifies it in the identity of features; see ``Pca``.
        width: width of its input rows.
        dims: number of components.
        entry: the catalogue's name of the published files that it was read from; None for others.
    """

    path: Path
    origin: str
    width: int
    dims: int
    entry: str | None = None

    @property
    def is_published(self) -> bool:
        """Whether it was read from two files, a PCA and an average, as the published ones."""
        return "+" in self.origin


def user_pcas() -> Path:
    """The folder of the stored PCAs."""
    return home() / "pca"


def is_pca(path: Path) -> bool:
    """Whether a file is a PCA, by its suffix or by its header."""
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
    """Store a PCA, so that models that read features reduced by it can be run on videos.

    Args:
        path: ``.safetensors`` as touchline fits it, or a published ``.pkl``.
        average: the published mean, which is subtracted before a published PCA.

    Raises:
        CheckpointError: unreadable, or not a PCA.
    """
    pca = read_pca(path, average)
    published = None if average is None else entry_of_file(path)
    if published is not None:
        pca = replace(pca, entry=published.name)
    target = user_pcas() / f"{pca.origin}{_SUFFIX}"
    if not target.exists() or published is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        pca.save(target)
    return StoredPca(target, str(pca.origin), len(pca.mean), pca.dims, pca.entry)


def list_pcas() -> Iterator[StoredPca]:
    """All stored PCAs that can be read."""
    for path in sorted(user_pcas().glob(f"*{_SUFFIX}")):
        if not ORIGIN.fullmatch(path.stem):
            continue
        try:
            with safe_open(path, "np") as file:
                dims, width = file.get_slice("components").get_shape()
                entry = json.loads((file.metadata() or {}).get(KEY, "{}")).get("entry")
        except (SafetensorError, OSError, ValueError, AttributeError):
            continue
        yield StoredPca(path, path.stem, width, dims, entry)


def find_pca(origin: str, dims: int | None = None) -> StoredPca | None:
    """The stored PCA that the identity of features names; None if it is missing.

    Args:
        origin: ``pca`` of the identity; ``"published"`` for the published one.
        dims: required number of components.

    Raises:
        ConfigError: several stored PCAs could be the published one.
    """
    wanted = [
        pca
        for pca in list_pcas()
        if (pca.is_published if origin == PUBLISHED else pca.origin == origin)
        and dims in (None, pca.dims)
    ]
    if len(wanted) > 1:
        raise ConfigError(
            f"there are {len(wanted)} published PCAs of {wanted[0].dims} components",
            where=user_pcas(),
            remedy="remove all but the right one",
        )
    return wanted[0] if wanted else None
