"""Files from the network or a mirror's folder: resumed, and checked before they have their name.

What has arrived of a file waits in one folder, named by the file's checksum, and a later call goes
on with it. Nothing that is not whole and checked ever gets the name of a file.
"""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import IO, TypeVar

from touchline.runtime import connections
from touchline.runtime.checksums import agrees, checksums_of
from touchline.runtime.connections import (
    AGAIN,
    AbsentError,
    FetchError,
    InterruptedConnectionError,
    RangeError,
    is_page,
    opened,
    page_error,
    read_block,
    stated_length,
)
from touchline.runtime.locks import is_at, try_lock
from touchline.runtime.progress import StepProgress, no_progress
from touchline.runtime.wording import bytes_text

MAX_FILE_BYTES = 4 * 1024**3
MAX_PAUSE_SECONDS = 30.0

_BLOCK = 1 << 18

Read = TypeVar("Read")

Source = str | Path
"""An address, or a file in a mirror's folder."""


@dataclass(frozen=True)
class Wanted:
    """A file to fetch.

    Attributes:
        sources: where it may lie, tried in this order.
        checksum: ``<kind>:<hexadecimal>``, see ``touchline.runtime.checksums``.
        bytes: its length; None if it is not known.
        headers: for the addresses, such as an authorisation.
    """

    sources: Sequence[Source]
    checksum: str
    bytes: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def size_of(wanted: Wanted) -> int | None:
    """A file's length, looked up at the first source that has it; None where that does not say.

    Raises:
        FetchError: none has it, or there is no connection.
    """

    def look(source: Source) -> int | None:
        if isinstance(source, Path):
            return _file_size(source)
        return connections.size_at(source, wanted.headers)

    return _first(wanted, look)[1]


def start_of(wanted: Wanted, most: int) -> bytes:
    """The first bytes of a file, unchecked.

    Raises:
        FetchError: no source has it, or there is no connection.
    """

    def look(source: Source) -> bytes:
        if isinstance(source, str):
            return connections.read_start(source, wanted.headers, most)
        _file_size(source)
        with source.open("rb") as file:
            return file.read(most)

    return _first(wanted, look)[1]


def _first(wanted: Wanted, read: Callable[[Source], Read]) -> tuple[Source, Read]:
    """The first source that has the file, and what was read of it."""
    absent: FetchError | None = None
    for source in wanted.sources:
        try:
            return source, read(source)
        except AbsentError as error:
            absent = absent or error
    assert absent is not None
    raise absent


def partial_path(wanted: Wanted, waiting: Path) -> Path:
    """Where what has arrived of a file waits."""
    return waiting / f"{wanted.checksum.replace(':', '-')}.partial"


def fetch(
    wanted: Wanted, target: Path, *, waiting: Path, progress: StepProgress = no_progress
) -> None:
    """Fetch a file, and put it at ``target`` when it is whole and its checksum is right.

    Args:
        waiting: folder of what has arrived so far.
        progress: called with the bytes that are here, and those of the whole (0 if not known).

    Raises:
        FetchError: it cannot be had, or is not the published file.
    """
    waiting.mkdir(parents=True, exist_ok=True)
    partial = partial_path(wanted, waiting)
    with _held(partial):
        goes_on = _here(partial) > 0
        source = _fill(wanted, partial, progress)
        found = checksums_of(partial)
        if goes_on and not agrees(found, wanted.checksum):
            _empty(partial)  # its beginning may be of another edition of the file
            source = _fill(wanted, partial, progress)
            found = checksums_of(partial)
        if not agrees(found, wanted.checksum):
            _empty(partial)
            raise _other_file(source, wanted.checksum, found)
        partial.replace(target)


def _other_file(source: Source, checksum: str, found: Mapping[str, str]) -> FetchError:
    kind, _, value = checksum.partition(":")
    kind = kind.removesuffix("-begins")
    return FetchError(
        f"is not the published file (its {kind} begins {found[kind][:8]}, the published one "
        f"{value[:8]}) and was removed unopened",
        where=source,
        remedy="run the same command again; if it stays so, the file there has changed",
    )


def _fill(wanted: Wanted, partial: Path, progress: StepProgress) -> Source:
    """Bring all bytes into the partial file, from the first source that has them."""

    def bring(source: Source) -> None:
        if isinstance(source, Path):
            _copy(source, wanted, partial, progress)
        else:
            _download(source, wanted, partial, progress)

    return _first(wanted, bring)[0]


def _copy(path: Path, wanted: Wanted, partial: Path, progress: StepProgress) -> None:
    total = _file_size(path)
    _check_length(path, wanted, total)
    _refuse_without_room(partial, total)
    with _room(partial), path.open("rb") as source, partial.open("wb") as file:
        while block := source.read(_BLOCK):
            file.write(block)
            progress(file.tell(), total)


def _file_size(path: Path) -> int:
    if not path.is_file():
        raise AbsentError("is not there", where=path)
    return path.stat().st_size


def _download(url: str, wanted: Wanted, partial: Path, progress: StepProgress) -> None:
    failures = 0
    while wanted.bytes is None or _here(partial) != wanted.bytes:
        before = _here(partial)
        try:
            _continue(url, wanted, partial, progress)
            return
        except InterruptedConnectionError as error:
            if isinstance(error, RangeError):
                _empty(partial)
            failures = 0 if _here(partial) > before else failures + 1
            if failures == connections.TRIES:
                raise _given_up(url, wanted, partial, error) from error
            pause = connections.FIRST_PAUSE_SECONDS * 2 ** max(failures - 1, 0)
            time.sleep(min(pause, MAX_PAUSE_SECONDS))


def _given_up(url: str, wanted: Wanted, partial: Path, error: Exception) -> FetchError:
    here = _here(partial)
    if not here:
        return connections.no_connection(url, error)
    whole = f" of {bytes_text(wanted.bytes)}" if wanted.bytes else ""
    return FetchError(f"stopped after {bytes_text(here)}{whole} ({error})", where=url, remedy=AGAIN)


def _continue(url: str, wanted: Wanted, partial: Path, progress: StepProgress) -> None:
    """One connection: what is missing of the file, appended."""
    if wanted.bytes is not None and _here(partial) > wanted.bytes:
        _empty(partial)
    start = _here(partial)
    headers = {**wanted.headers, **({"Range": f"bytes={start}-"} if start else {})}
    with opened(url, headers) as response:
        if start and not _is_rest(response, start):
            start = 0
        rest = stated_length(response)
        total = None if rest is None else start + rest
        _check_length(url, wanted, total)
        total = total or wanted.bytes
        _refuse_without_room(partial, 0 if total is None else total - start)
        with _room(partial), partial.open("ab" if start else "wb") as file:
            _receive(url, response, file, total, progress)


def _is_rest(response: HTTPResponse, start: int) -> bool:
    """Whether an answer is the rest that was asked for, and not the file from its beginning."""
    stated = (response.headers.get("Content-Range") or "").replace(" ", "")
    return response.status == 206 and stated.startswith(f"bytes{start}-")


def _check_length(source: Source, wanted: Wanted, total: int | None) -> None:
    if total is not None and wanted.bytes is not None and total != wanted.bytes:
        raise FetchError(
            f"has {total} bytes, the published file {wanted.bytes}",
            where=source,
            remedy="the file there has changed, or is cut short",
        )
    if total is not None and total > MAX_FILE_BYTES:
        raise FetchError(f"has {bytes_text(total)}, which is too large", where=source)


def _receive(
    url: str,
    response: HTTPResponse,
    file: IO[bytes],
    total: int | None,
    progress: StepProgress,
) -> None:
    here = file.tell()
    most = MAX_FILE_BYTES if total is None else total
    while block := read_block(response, _BLOCK):
        if not here and is_page(block):
            raise page_error(url)
        here += len(block)
        if here > most:
            raise FetchError(f"is longer than {bytes_text(most)}", where=url)
        file.write(block)
        progress(here, total or 0)
    if total is not None and here < total:
        raise InterruptedConnectionError("the connection ended early")


def _refuse_without_room(partial: Path, wanted: int) -> None:
    lacking = wanted - shutil.disk_usage(partial.parent).free
    if lacking > 0:
        raise _full(partial, f" by {bytes_text(lacking)}")


@contextlib.contextmanager
def _room(partial: Path) -> Iterator[None]:
    """What says that the disk is full, in one line."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _full(partial, "") from error


def _full(partial: Path, how_far: str) -> FetchError:
    return FetchError(
        f"the disk is too full{how_far}", where=partial.parent, remedy=f"make room; then {AGAIN}"
    )


def _here(partial: Path) -> int:
    return partial.stat().st_size


def _empty(partial: Path) -> None:
    os.truncate(partial, 0)


@contextlib.contextmanager
def _held(partial: Path) -> Iterator[None]:
    """The partial file, which no other process fills meanwhile; gone afterwards if it is empty.

    Raises:
        FetchError: another process fills it.
    """
    with partial.open("ab") as held:
        if os.name == "nt":  # where an open file cannot be replaced
            held.close()
        elif not try_lock(held.fileno()) or not is_at(held, partial):
            raise FetchError(
                "is being fetched by another process", where=partial, remedy="wait for that one"
            )
        try:
            yield
        finally:
            if partial.is_file() and not _here(partial):
                partial.unlink()
