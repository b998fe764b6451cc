"""Bounded reading of untrusted files: JSON, folder trees and zips."""

import codecs
import gzip
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Protocol, Self

from pydantic_core import from_json

from touchline.errors import FormatError

MAX_DEPTH = 200
"""Deepest JSON nesting that is read: the limit of the parser (jiter)."""


@dataclass(frozen=True)
class Limits:
    """Upper bounds on untrusted files.

    Attributes:
        max_file_bytes: size of one file, after decompression.
        max_total_bytes: total size of the files of one archive, after decompression.
        max_files: number of files in one tree.
        max_ratio: decompressed size by compressed size, for files over a megabyte.
        max_lines: lines of one file.
        max_values: marks that begin or part values in one file: ``,``, ``[``, ``{`` and ``<``.
    """

    max_file_bytes: int = 256 << 20
    max_total_bytes: int = 8 << 30
    max_files: int = 200_000
    max_ratio: float = 250.0
    max_lines: int = 10_000_000
    max_values: int = 200_000_000


DEFAULT_LIMITS = Limits()

_in_force = ContextVar("limits", default=DEFAULT_LIMITS)


@contextmanager
def limited_to(limits: Limits) -> Iterator[None]:
    """Hold all reading inside to these limits, where none are given."""
    token = _in_force.set(limits)
    try:
        yield
    finally:
        _in_force.reset(token)


def read_bytes(path: str | Path, limits: Limits | None = None) -> bytes:
    """The content of a file; ``.gz`` is decompressed, as far as the limits allow.

    Raises:
        FormatError: missing, not a file, unreadable, damaged, or beyond a limit.
    """
    path, limits = Path(path), limits or _in_force.get()
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FormatError("not a regular file", where=path, remedy="give a file")
        _refuse_large(status.st_size, str(path), limits)
        if path.suffix != ".gz":
            return _refuse_crowded(path.read_bytes(), str(path), limits)
        most = min(limits.max_file_bytes, _most_unpacked(status.st_size, limits))
        with gzip.open(path) as stream:
            content = stream.read(most + 1)
    except FileNotFoundError:
        raise FormatError("no such file", where=path, remedy="check the path") from None
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"cannot be read: {error}", where=path) from error
    _refuse_large(len(content), str(path), limits)
    if len(content) > most:
        raise FormatError(
            f"unpacks {status.st_size} bytes to more than {most}: a gzip bomb", where=path
        )
    return _refuse_crowded(content, str(path), limits)


def parse_json(content: bytes | str, where: str | Path) -> Any:
    """The value of a JSON document, as Python's ``json`` reads it (NaN and Infinity included).

    A UTF-8 byte-order mark is skipped; UTF-16 and UTF-32 are known by theirs, or by their zeros.

    Raises:
        FormatError: malformed (with line and column), in another encoding, or nested over
            ``MAX_DEPTH``.
    """
    if isinstance(content, bytes):
        content = _decoded(content, where).removeprefix(codecs.BOM_UTF8)
    try:
        return from_json(content, allow_inf_nan=True, cache_strings="keys")
    except ValueError as error:
        reason = str(error)
    if "surrogate" in reason or "hex escape" in reason:
        return _parse_json_slowly(content, where)  # json accepts a lone surrogate
    if "recursion limit" in reason:
        raise FormatError(
            f"JSON nested more than {MAX_DEPTH} deep", where=where, remedy="give a flat file"
        )
    raise FormatError(
        f"malformed JSON: {reason}", where=where, remedy="the file may be cut short or not be JSON"
    )


def _decoded(content: bytes, where: str | Path) -> bytes:
    """JSON of any Unicode encoding as UTF-8."""
    encoding = json.detect_encoding(content)
    if encoding.startswith("utf-8"):
        return content
    try:
        return content.decode(encoding).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"malformed JSON: it is not whole {encoding.upper()}", where=where,
            remedy="save it as UTF-8",
        ) from error  # fmt: skip


def _parse_json_slowly(content: bytes | str, where: str | Path) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"malformed JSON: {error}", where=where) from error


def read_json(path: str | Path, limits: Limits | None = None) -> Any:
    """The value of a JSON file (``.json`` or ``.json.gz``).

    Raises:
        FormatError: as ``read_bytes`` and ``parse_json``.
    """
    return parse_json(read_bytes(path, limits), path)


class Tree(Protocol):
    """The files of a folder or a zip, by their path with forward slashes.

    ``names()`` lists the paths, sorted; ``read(name)`` returns a file's content; ``where(name)``
    is its name in error messages. A tree is a context manager.
    """

    path: Path

    def names(self) -> list[str]: ...
    def read(self, name: str) -> bytes: ...
    def where(self, name: str) -> str: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_tree(path: str | Path, limits: Limits | None = None) -> Tree:
    """The files of a folder or a zip.

    Raises:
        FormatError: neither a folder nor a zip, a damaged or dangerous zip, or too many files.
    """
    path, limits = Path(path), limits or _in_force.get()
    if path.is_dir():
        return FolderTree(path, limits)
    if not path.exists():
        raise FormatError("no such file or folder", where=path, remedy="check the path")
    if is_zip(path):
        return ZipTree(path, limits)
    raise FormatError("neither a folder nor a zip", where=path)


def is_tree(path: str | Path) -> bool:
    """Whether a path is a folder or a zip, which ``open_tree`` reads."""
    return Path(path).is_dir() or is_zip(path)


def is_zip(path: str | Path) -> bool:
    """Whether a file has the signature or the suffix of a zip."""
    path = Path(path)
    if not path.is_file():
        return False
    if path.suffix.lower() == ".zip":
        return True
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


class FolderTree:
    """The files under a folder; links to folders are not followed."""

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path = path
        self._limits = limits
        self._names = sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        count = 0
        for folder, _, files in os.walk(self.path):
            inside = os.path.relpath(folder, self.path).replace(os.sep, "/")
            for file in files:
                count += 1
                if count > self._limits.max_files:
                    raise _too_many_files(self.path, self._limits)
                yield file if inside == "." else f"{inside}/{file}"

    def names(self) -> list[str]:
        """Paths of all files below the folder, sorted."""
        return self._names

    def read(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            FormatError: as ``read_bytes``.
        """
        return read_bytes(self.path / name, self._limits)

    def where(self, name: str) -> str:
        """The file's path."""
        return str(self.path / name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class ZipTree:
    """The files of a zip, read without unpacking to disk.

    Raises:
        FormatError: damaged, encrypted, a path that leads out of the archive, a repeated path, or
            a zip bomb.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path = path
        self._limits = limits
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise FormatError(
                f"not a readable zip: {error}", where=path, remedy="it may be cut short"
            ) from error
        try:
            self._entries = self._check_entries()
        except FormatError:
            self._archive.close()
            raise

    def _check_entries(self) -> dict[str, zipfile.ZipInfo]:
        infos = [info for info in self._archive.infolist() if not info.is_dir()]
        if len(infos) > self._limits.max_files:
            raise _too_many_files(self.path, self._limits)
        if sum(info.file_size for info in infos) > self._limits.max_total_bytes:
            raise FormatError(
                f"unpacks to more than {self._limits.max_total_bytes >> 20} MiB",
                where=self.path,
                remedy="give a folder or a smaller archive",
            )
        entries: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = self._safe_name(info.filename)
            if name in entries:
                raise FormatError(
                    "occurs twice in the archive",
                    where=self.where(name),
                    remedy="remove one of the two",
                )
            entries[name] = info
        return dict(sorted(entries.items()))

    def _safe_name(self, filename: str) -> str:
        name = filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
            raise FormatError(
                f"the path {filename[:80]!r} leads outside the archive",
                where=self.path,
                remedy="create the archive from inside its folder",
            )
        return str(PurePosixPath(name))

    def names(self) -> list[str]:
        """Paths of all files in the archive, sorted."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            FormatError: no such file, damaged, encrypted, too large, or a zip bomb.
        """
        where = self.where(name)
        info = self._entries.get(name)
        if info is None:
            raise FormatError("no such file in the archive", where=where)
        if info.flag_bits & 1:
            raise FormatError("encrypted", where=where, remedy="unpack it with its password")
        _refuse_large(info.file_size, where, self._limits)
        if info.file_size > _most_unpacked(info.compress_size, self._limits):
            raise FormatError(
                f"unpacks {info.compress_size} bytes to {info.file_size}: a zip bomb", where=where
            )
        try:
            with self._archive.open(info) as stream:
                content = stream.read(self._limits.max_file_bytes + 1)
        except (
            zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError,
            NotImplementedError,
        ) as error:  # fmt: skip
            raise FormatError(f"damaged in the archive: {error}", where=where) from error
        _refuse_large(len(content), where, self._limits)
        return _refuse_crowded(content, where, self._limits)

    def where(self, name: str) -> str:
        """The archive's path and the file's path in it."""
        return f"{self.path}!{name}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._archive.close()


def _refuse_large(size: int, where: str, limits: Limits) -> None:
    if size > limits.max_file_bytes:
        raise FormatError(
            f"larger than {limits.max_file_bytes >> 20} MiB", where=where, remedy="split it"
        )


def _most_unpacked(packed: int, limits: Limits) -> int:
    return max(1 << 20, int(limits.max_ratio * packed))


def _refuse_crowded(content: bytes, where: str, limits: Limits) -> bytes:
    """The content of a file, if parsing it cannot make far more of it than it is."""
    lines = max(content.count(b"\n"), content.count(b"\r"))
    if lines > limits.max_lines:
        raise FormatError(
            f"has {lines} lines", where=where, remedy=f"up to {limits.max_lines} are read"
        )
    values = sum(content.count(mark) for mark in (b",", b"[", b"{", b"<"))
    if values > limits.max_values:
        raise FormatError(
            f"holds {values} values", where=where, remedy=f"up to {limits.max_values} are read"
        )
    return content


def _too_many_files(path: Path, limits: Limits) -> FormatError:
    return FormatError(
        f"more than {limits.max_files} files",
        where=path,
        remedy="give the folder of the games",
    )
