"""PCA of features, fitted in one pass and bounded memory.

The covariance is accumulated exactly, in double precision: 2048 features take 32 MB for any number
of rows. (An incremental PCA approximates the components instead.)
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from touchline.errors import CheckpointError, ConfigError, InputError
from touchline.features.arrays import read_blocks, read_header
from touchline.features.extractor import Extraction, Extractor, Rows, Write
from touchline.features.pickles import read_pickle
from touchline.features.store import Description, check_features
from touchline.runtime.atomic import atomic_write
from touchline.runtime.progress import Progress
from touchline.zoo.identity import FeatureIdentity
from touchline.zoo.store import sha256_of

Doubles = npt.NDArray[np.float64]

MAX_WIDTH = 16384
KEY = "touchline"
"""Key of the PCA's metadata in the header of a stored file."""

ORIGIN = re.compile(r"[0-9a-f]{16}(\+[0-9a-f]{16})?")
"""Form of an origin: start of the checksum of the PCA, and of its average if there is one."""

_ARRAYS = ("mean", "components", "explained_variance")


@dataclass(frozen=True, eq=False)
class Pca:
    """Principal components of features.

    Attributes:
        mean: (D,) subtracted first.
        components: (k, D), orthonormal, in order of decreasing variance.
        explained_variance: (k,).
        fitted_on: the extractor of the features that it was fitted on; None if unknown.
        origin: identifies the file or files that it was read from; see ``ORIGIN``.
        entry: the catalogue's name of the published files that it was read from.
    """

    mean: Doubles
    components: Doubles
    explained_variance: Doubles
    fitted_on: FeatureIdentity | None = None
    origin: str | None = None
    entry: str | None = None

    @property
    def dims(self) -> int:
        """Number of components."""
        return len(self.components)

    def apply(self, rows: npt.NDArray[Any]) -> Rows:
        """(n, D) -> (n, k) float32.

        Raises:
            ConfigError: rows of another width.
        """
        if rows.shape[1] != len(self.mean):
            raise ConfigError(
                f"a PCA of {len(self.mean)} features cannot take rows of {rows.shape[1]}",
                remedy="give the PCA of these features",
            )
        return ((rows - self.mean) @ self.components.T).astype(np.float32)

    def save(self, path: Path, *, overwrite: bool = True) -> None:
        """Write a ``.safetensors`` file; an existing file is replaced only when complete.

        Raises:
            InputError: another file is there that must stay.
        """
        metadata: dict[str, Any] = {"pca": 1, "fitted_on": None}
        if self.fitted_on is not None:
            metadata["fitted_on"] = self.fitted_on.model_dump(mode="json")
        if self.origin is not None:
            metadata["origin"] = self.origin
        if self.entry is not None:
            metadata["entry"] = self.entry
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        with atomic_write(path, overwrite=overwrite) as unfinished:
            save_file(arrays, unfinished, {KEY: json.dumps(metadata)})


class Covariance:
    """Accumulates mean and covariance of rows, block by block."""

    def __init__(self) -> None:
        self.count = 0
        self._origin = np.empty(0)
        self._sum = np.empty(0)
        self._products = np.empty((0, 0))

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Add rows, (n, D).

        Raises:
            ConfigError: rows of another width than before, or too wide.
        """
        width = rows.shape[1]
        if not self.count:
            if width > MAX_WIDTH:
                raise ConfigError(f"rows of {width} are too wide for a PCA", remedy=f"{MAX_WIDTH}")
            # Centring first avoids cancellation in the products.
            self._origin = rows.mean(0, dtype=np.float64)
            self._sum = np.zeros(width)
            self._products = np.zeros((width, width))
        if width != len(self._origin):
            raise ConfigError(f"rows of {width} after rows of {len(self._origin)}")
        centred = rows - self._origin
        self._sum += centred.sum(0)
        self._products += centred.T @ centred
        self.count += len(rows)

    def components(self, dims: int, fitted_on: FeatureIdentity | None = None) -> Pca:
        """The first principal components, with the sign that makes the largest entry positive.

        Raises:
            ConfigError: more components than features or rows.
        """
        most = min(len(self._origin), self.count - 1)
        if not 1 <= dims <= most:
            raise ConfigError(
                f"{dims} components of {self.count} rows of {len(self._origin)}",
                remedy=f"1 to {max(most, 1)}",
            )
        mean = self._sum / self.count
        covariance = self._products - self.count * np.outer(mean, mean)
        variances, vectors = np.linalg.eigh(covariance / (self.count - 1))
        first = slice(None, -dims - 1, -1)
        components = vectors[:, first].T
        largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], 1)
        return Pca(
            self._origin + mean,
            components * np.sign(largest),
            np.maximum(variances[first], 0),
            fitted_on,
        )


def fit_pca(paths: Sequence[Path], dims: int) -> Pca:
    """Fit a PCA on feature files; each is read once.

    Raises:
        InputError: no files, files of different extractors, or a damaged file.
    """
    if not paths:
        raise InputError("there are no features to fit a PCA on")
    covariance = Covariance()
    identity: FeatureIdentity | None = None
    for number, path in enumerate(paths):
        described = check_features(path, identity)
        if number and (described is None) != (identity is None):
            raise ConfigError("has no description, unlike the other files", where=path)
        identity = None if described is None else described.identity
        read_header(path, ndim=2)
        for block in read_blocks(path):
            if not np.isfinite(block).all():
                raise InputError("contains numbers that are not finite", where=path)
            covariance.add(block)
    return covariance.components(dims, identity)


def read_pca(path: Path, average: Path | None = None) -> Pca:
    """Read a PCA as touchline stores it (``.safetensors``), or as published (``.pkl``).

    Args:
        average: the published mean, which is subtracted before a published PCA.

    Raises:
        CheckpointError: unreadable, or not a PCA.
    """
    if path.suffix.lower() == ".pkl":
        pca = _read_published(path, average)
        return replace(pca, origin=_origin(path, average))
    if average is not None:
        raise ConfigError("an average applies only to a published PCA (.pkl)", where=average)
    try:
        with safe_open(path, "np") as file:
            metadata = json.loads((file.metadata() or {}).get(KEY, "null"))
            if not isinstance(metadata, dict) or metadata.get("pca") != 1:
                raise CheckpointError("not a PCA", where=path)
            mean, components, variance = (file.get_tensor(name) for name in _ARRAYS)
        fitted_on = metadata.get("fitted_on")
        identity = None if fitted_on is None else FeatureIdentity.model_validate(fitted_on)
        origin = str(metadata.get("origin") or _origin(path))
        if not ORIGIN.fullmatch(origin):
            raise CheckpointError("has an invalid origin in its metadata", where=path)
    except (SafetensorError, OSError, ValueError, ValidationError) as error:
        raise CheckpointError("cannot be read as a PCA", where=path) from error
    return _checked(Pca(mean, components, variance, identity, origin), path)


def _origin(*paths: Path | None) -> str:
    return "+".join(sha256_of(path)[:16] for path in paths if path is not None)


def _read_published(path: Path, average: Path | None) -> Pca:
    held = read_pickle(path)
    if not isinstance(held, dict) or not {"mean_", "components_"} <= set(held):
        raise CheckpointError("does not contain a fitted PCA", where=path)
    if held.get("whiten"):
        raise CheckpointError("a PCA with whitening is not supported", where=path)
    components = _real(held["components_"], path)
    mean = _real(held["mean_"], path)
    if average is not None:
        first = _read_average(average)
        if first.shape != mean.shape:
            raise CheckpointError(f"has {first.size} numbers, the PCA {mean.size}", where=average)
        mean = mean + first
    variance = _real(held.get("explained_variance_", np.zeros(len(components))), path)
    return _checked(Pca(mean, components, variance), path)


def _read_average(path: Path) -> Doubles:
    if path.suffix.lower() == ".npy":
        header = read_header(path, ndim=1)
        return np.concatenate(list(read_blocks(path))).astype(np.float64).reshape(header.shape)
    return _real(read_pickle(path), path)


def _real(value: Any, path: Path) -> Doubles:
    if not isinstance(value, np.ndarray):
        raise CheckpointError("contains something other than an array", where=path)
    return value.astype(np.float64)


def _checked(pca: Pca, path: Path) -> Pca:
    arrays = (pca.mean, pca.components, pca.explained_variance)
    fits = (
        pca.components.ndim == 2
        and pca.mean.shape == pca.components.shape[1:]
        and pca.explained_variance.shape == pca.components.shape[:1]
        and 1 <= pca.components.shape[0] <= pca.components.shape[1] <= MAX_WIDTH
    )
    if not fits or not all(np.isfinite(array).all() for array in arrays):
        raise CheckpointError("the arrays in it do not form a PCA", where=path)
    return pca


class PcaExtractor:
    """An ``Extractor`` that applies a PCA to the rows of another one.

    Args:
        extractor: the extractor of the full rows.
        path: file of the PCA.
        average: see ``read_pca``.

    Raises:
        ConfigError: a PCA that was fitted on features of another extractor.
    """

    def __init__(self, extractor: Extractor, path: Path, average: Path | None = None) -> None:
        self.extractor = extractor
        self.pca = read_pca(path, average)
        fitted_on = self.pca.fitted_on
        if fitted_on is not None:
            same_rate = fitted_on.model_copy(update={"rate": extractor.identity.rate})
            if difference := same_rate.difference(extractor.identity):
                raise ConfigError(
                    f"this PCA was fitted on other features: {difference}",
                    where=path,
                    remedy="fit one on these, or extract those",
                )
        settings = extractor.identity.settings | {"pca": self.pca.origin}
        self.identity = extractor.identity.model_copy(update={"settings": settings})
        self.suffix = f"{extractor.suffix}_PCA{self.pca.dims}"

    @property
    def engine(self) -> str:
        """See ``Extractor``."""
        return self.extractor.engine

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        return self.extractor.extract(source, lambda rows: write(self.pca.apply(rows)), progress)

    def close(self) -> None:
        """See ``Extractor``."""
        self.extractor.close()


class PcaOfFile:
    """An ``Extractor`` that applies a PCA to a feature file instead of extracting the video."""

    def __init__(self, reduced: PcaExtractor, path: Path, described: Description) -> None:
        self.identity = reduced.identity
        self.suffix = reduced.suffix
        self.engine = described.engine
        self._pca = reduced.pca
        self._path = path
        self._described = described

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        done = 0
        for block in read_blocks(self._path):
            write(self._pca.apply(block))
            done += len(block)
            progress(done / self._described.rows)
        return Extraction(self._described.first_seconds, self._described.stopped_at_seconds)

    def close(self) -> None:
        """See ``Extractor``."""
