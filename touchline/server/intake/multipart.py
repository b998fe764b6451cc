"""Uploads in numbered parts, several parts at once."""

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
from sqlalchemy import select

from touchline.errors import InputError
from touchline.runtime.temporary import TemporaryFile
from touchline.server.access.principal import Principal
from touchline.server.errors import (
    ConflictError,
    NotFoundError,
    PartChecksumError,
    ServiceError,
    TooLargeError,
)
from touchline.server.intake.uploads import clean_name, disk_error, next_chunk
from touchline.server.services import Services
from touchline.server.tables import UploadPartRow, UploadRow

PART_BYTES = 16 * 1024**2
PARALLEL_PARTS = 3
MAX_PARTS = 2**16

_BUFFER = 1024**2


def same_upload(
    services: Services, principal: Principal, name: str, length: int, mtime_ns: int | None
) -> UploadRow | None:
    """The caller's earlier upload of the same file."""
    if mtime_ns is None:
        return None
    with services.database.read() as session:
        now = services.database.now(session)
        mine = (
            UploadRow.owner_id.is_(None)
            if principal.user_id is None
            else UploadRow.owner_id == principal.user_id
        )
        found = session.scalars(
            select(UploadRow).where(
                mine,
                UploadRow.kind == "parts",
                UploadRow.name == clean_name(name),
                UploadRow.length == length,
                UploadRow.expires_at > now,
            )
        )
        return next((row for row in found if row.facts.get("mtime_ns") == mtime_ns), None)


def parts_of(services: Services, upload_id: str) -> list[UploadPartRow]:
    """The parts that have arrived, in order."""
    with services.database.read() as session:
        query = select(UploadPartRow).where(UploadPartRow.upload_id == upload_id)
        return list(session.scalars(query.order_by(UploadPartRow.number)))


async def receive_part(
    services: Services,
    upload: UploadRow,
    number: int,
    body: AsyncIterator[bytes],
    sha256: str | None,
) -> str:
    """Receive one part; returns its SHA-256.

    Raises:
        InputError: there is no such part, or it has fewer bytes. TooLargeError: it has more.
        PartChecksumError: the bytes do not match their checksum.
        ConflictError: the upload is complete. NotFoundError: it was deleted.
        SenderTimeoutError: the sender is silent. DiskError: the disk is full or fails.
    """
    if upload.state == "complete":
        raise ConflictError("the upload is complete", code="upload_complete")
    expected = min(PART_BYTES, upload.length - (number - 1) * PART_BYTES)
    if expected <= 0:
        raise InputError(f"the file has no part {number}")
    target = services.storage.part(upload.id, number)
    digest, length = hashlib.sha256(), 0
    try:
        made = await anyio.to_thread.run_sync(TemporaryFile, target)
    except OSError as error:
        raise _missing_or(error) from error
    try:
        with made.path.open("wb") as file:
            async for chunk in _chunks(body):
                length += len(chunk)
                if length > expected:
                    raise TooLargeError(f"part {number} has {expected} bytes")
                digest.update(chunk)
                await anyio.to_thread.run_sync(file.write, chunk)
            await anyio.to_thread.run_sync(_flush, file)
        if length != expected:
            raise InputError(f"part {number} has {expected} bytes")
        if sha256 is not None and digest.hexdigest() != sha256.lower():
            raise PartChecksumError
        await anyio.to_thread.run_sync(
            _keep, services, upload, number, length, digest.hexdigest(), made
        )
    except OSError as error:
        raise _missing_or(error) from error
    finally:
        made.remove()
    return digest.hexdigest()


def put_together(services: Services, upload: UploadRow, wanted: Mapping[int, str]) -> UploadRow:
    """Join the parts to one file.

    Args:
        wanted: the sender's SHA-256 by number; may be empty texts.

    Raises:
        ConflictError: a part is missing, or has another checksum than the sender's.
        NotFoundError: the upload was deleted. DiskError: the disk is full or fails.
    """
    if upload.state == "complete":
        services.storage.drop_parts(upload.id)  # a server was killed before it had done so
        return upload
    there = {part.number: part for part in parts_of(services, upload.id)}
    count = -(-upload.length // PART_BYTES)
    missing = [n for n in range(1, count + 1) if n not in there]
    if missing:
        raise ConflictError(f"part {missing[0]} is missing", code="upload_incomplete")
    for number, sha256 in wanted.items():
        if sha256 and number in there and there[number].sha256 != sha256.lower():
            raise ConflictError(f"part {number} has another checksum", code="checksum_mismatch")
    target = services.storage.upload(upload.id)
    try:
        whole = TemporaryFile(target)
    except OSError as error:
        raise _missing_or(error) from error
    try:
        with whole.path.open("wb") as file:
            for number in range(1, count + 1):
                _append(file, services.storage.part(upload.id, number))
            _flush(file)
        whole.replace(target)
    except FileNotFoundError:
        return _completed(services, upload)
    except OSError as error:
        raise disk_error(error) from error
    finally:
        whole.remove()
    with services.database.write() as session:
        row = session.get(UploadRow, upload.id)
        if row is None:
            raise NotFoundError("upload")
        row.state, row.received = "complete", row.length
    services.storage.drop_parts(upload.id)
    return row


def _completed(services: Services, upload: UploadRow) -> UploadRow:
    """An upload whose parts another request has just put together.

    Raises:
        NotFoundError: it was deleted.
    """
    with services.database.read() as session:
        row = session.get(UploadRow, upload.id)
    if row is None or row.state != "complete":
        raise NotFoundError("upload")
    return row


def _missing_or(error: OSError) -> ServiceError:
    return NotFoundError("upload") if isinstance(error, FileNotFoundError) else disk_error(error)


async def _chunks(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    buffer = bytearray()
    while (chunk := await next_chunk(body)) is not None:
        buffer += chunk
        if len(buffer) >= _BUFFER:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def _keep(
    services: Services,
    upload: UploadRow,
    number: int,
    length: int,
    sha256: str,
    made: TemporaryFile,
) -> None:
    with services.database.write() as session:
        if session.get(UploadRow, upload.id) is None:
            raise NotFoundError("upload")
        made.replace(services.storage.part(upload.id, number))
        session.merge(
            UploadPartRow(upload_id=upload.id, number=number, length=length, sha256=sha256)
        )


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _append(file: BinaryIO, part: Path) -> None:
    with part.open("rb") as source:
        while block := source.read(_BUFFER):
            file.write(block)
