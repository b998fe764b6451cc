"""Uploads: the checks before the first byte, and how bytes are written to disk.

A row's ``received`` bytes are safely on disk; bytes beyond them, left by a lost connection or a
killed server, are cut off before the upload continues. One writer at a time holds a lock, which
expires by itself.
"""

import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from touchline.editing.finish import PICTURE_SUFFIXES
from touchline.errors import InputError
from touchline.media.opening import SOUND_FORMATS
from touchline.server.access.principal import Principal
from touchline.server.errors import (
    ChecksumError,
    ConflictError,
    DiskError,
    ExpiredError,
    LockedError,
    NotFoundError,
    SenderTimeoutError,
    TooLargeError,
    UnsupportedTypeError,
    WrongOffsetError,
)
from touchline.server.finishing import PICTURE, SOUND
from touchline.server.policy import read_policy
from touchline.server.services import Services
from touchline.server.tables import (
    AssetRow,
    MatchRow,
    PlaylistRow,
    UploadRow,
    UserRow,
    VideoRow,
    new_id,
)

SUFFIXES = (".mp4", ".m4v", ".mkv", ".mov", ".avi", ".ts", ".mts", ".webm", ".mpg", ".flv", ".mxf")
"""Accepted endings of names; the content is checked later, in a child process."""

ASSET_SUFFIXES = {
    **dict.fromkeys(PICTURE_SUFFIXES, PICTURE),
    **dict.fromkeys((*SOUND_FORMATS, ".m4a"), SOUND),
}
"""Endings of names of pictures and sounds for reels, and which of both they are."""

MAX_NAME_BYTES = 200

CHECKSUMS = ("sha1", "sha256", "md5")
LOCK_SECONDS = 15.0
LOCKED_RETRY_SECONDS = 2
SAVE_SECONDS = 1.0
CHUNK_SECONDS = 30.0
"""A sender that is silent for this long is considered gone."""

RESERVED_BYTES = 512 * 1024**2
"""What must stay free on the disk."""

_BUFFER = 1024**2


@dataclass(frozen=True)
class Checksum:
    """The expected digest of some bytes."""

    algorithm: str
    digest: bytes


def begin(
    services: Services, principal: Principal, name: str, length: int, kind: str, **facts: Any
) -> UploadRow:
    """Register a file that is about to be sent, if it is allowed.

    Args:
        name: the sender's name for it; only shown, never used on disk.
        length: its size in bytes.

    Raises:
        UnsupportedTypeError: by its name it is no video, nor a picture or sound for a reel.
        InputError: it is empty.
        TooLargeError: it is beyond the limit or the quota. DiskError: the disk is full.
    """
    name = clean_name(name)
    if Path(name).suffix.lower() not in (*SUFFIXES, *ASSET_SUFFIXES):
        raise UnsupportedTypeError(
            f"{name[:80]!r} does not end like a video; send {', '.join(SUFFIXES)}; or, for a reel, "
            f"{', '.join(ASSET_SUFFIXES)}"
        )
    if length < 1:
        raise InputError("the file is empty")
    with services.database.write() as session:
        now = services.database.now(session)
        policy = read_policy(session, services.settings.policy)
        if length > policy.max_upload_bytes:
            raise TooLargeError(f"files may have up to {policy.max_upload_bytes} bytes")
        used, quota = usage(services, session, principal)
        if used + length > quota:
            raise TooLargeError(
                f"{used} of {quota} bytes are used; delete matches first", code="over_quota"
            )
        if length + RESERVED_BYTES > services.storage.free_bytes():
            raise DiskError("the server's disk is full")
        upload = UploadRow(
            owner_id=principal.user_id,
            name=name,
            kind=kind,
            state="receiving",
            length=length,
            facts=facts,
            created_at=now,
            expires_at=now + policy.upload_hours * 3600,
        )
        session.add(upload)
        session.flush()
    try:
        services.storage.upload(upload.id).parent.mkdir(parents=True)
        services.storage.upload(upload.id).touch(mode=0o600)
    except OSError as error:
        drop(services, upload)
        raise disk_error(error) from error
    return upload


def clean_name(name: str) -> str:
    """A name that is safe to show and to write: the last part of a path, of up to 200 bytes,
    without control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in last if c.isprintable()).strip()
    kept = shown.encode()[-MAX_NAME_BYTES:].decode(errors="ignore").strip()
    return kept if kept.strip(".") else "unnamed"


def usage(services: Services, session: Session, principal: Principal) -> tuple[int, int]:
    """(used, quota) bytes of the caller."""
    mine = UploadRow.owner_id.is_(None) if not principal.user_id else (
        UploadRow.owner_id == principal.user_id
    )  # fmt: skip
    owned = MatchRow.owner_id.is_(None) if not principal.user_id else (
        MatchRow.owner_id == principal.user_id
    )  # fmt: skip
    sent = session.scalar(select(func.coalesce(func.sum(UploadRow.length), 0)).where(mine)) or 0
    listed = PlaylistRow.owner_id.is_(None) if not principal.user_id else (
        PlaylistRow.owner_id == principal.user_id
    )  # fmt: skip
    made = sum(
        session.scalar(select(func.coalesce(func.sum(table.stored_bytes), 0)).where(whose)) or 0
        for table, whose in ((MatchRow, owned), (PlaylistRow, listed))
    )
    user = session.get(UserRow, principal.user_id) if principal.user_id else None
    policy = read_policy(session, services.settings.policy)
    quota = policy.quota_bytes if user is None or user.quota_bytes is None else user.quota_bytes
    return int(sent) + int(made), quota


def find(services: Services, principal: Principal, upload_id: str) -> UploadRow:
    """An upload of the caller.

    Raises:
        NotFoundError: there is none of that name, or it belongs to another user.
        ExpiredError: its time is over.
    """
    with services.database.read() as session:
        upload = session.get(UploadRow, upload_id)
        now = services.database.now(session)
    if upload is None or upload.owner_id != principal.user_id:
        raise NotFoundError("upload")
    if upload.state == "receiving" and upload.expires_at < now:
        raise ExpiredError("the upload has expired; begin again")
    return upload


def drop(services: Services, upload: UploadRow) -> None:
    """Delete an upload and its bytes.

    Raises:
        ConflictError: a match was made of it, or it is an asset.
    """
    with services.database.write() as session:
        used = select(VideoRow.id).where(VideoRow.upload_id == upload.id).limit(1)
        if session.scalar(used) is not None:
            raise ConflictError("a match was made of it; delete the match", code="in_use")
        asset = select(AssetRow.id).where(AssetRow.upload_id == upload.id).limit(1)
        if session.scalar(asset) is not None:
            raise ConflictError("it is an asset; delete that", code="in_use")
        row = session.get(UploadRow, upload.id)
        if row is not None:
            session.delete(row)
    services.storage.drop_upload(upload.id)


async def receive(
    services: Services,
    upload: UploadRow,
    offset: int,
    body: AsyncIterator[bytes],
    checksum: Checksum | None = None,
) -> int:
    """Append bytes to an upload.

    Bytes that arrived before a connection was lost are kept, unless they have a checksum.

    Args:
        offset: the number of bytes that the sender believes the upload to have.

    Returns:
        The number of bytes that it has now.

    Raises:
        WrongOffsetError: it has reached another place. LockedError: another request is writing it.
        TooLargeError: more bytes come than were announced.
        ChecksumError: the bytes do not match their checksum.
        SenderTimeoutError: the sender is silent. DiskError: the disk is full or fails.
    """
    lock = await anyio.to_thread.run_sync(_lock, services, upload.id, offset)
    writer = _Writer(services, upload, lock, offset, checksum)
    try:
        await anyio.to_thread.run_sync(writer.open)
        await _copy(body, writer)
        await anyio.to_thread.run_sync(writer.finish)
    except OSError as error:
        raise disk_error(error) from error
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(writer.close)
    return writer.received


async def _copy(body: AsyncIterator[bytes], writer: "_Writer") -> None:
    buffer = bytearray()
    try:
        while (chunk := await next_chunk(body)) is not None:
            buffer += chunk
            if len(buffer) >= _BUFFER:
                await anyio.to_thread.run_sync(writer.write, bytes(buffer))
                buffer.clear()
    finally:
        if buffer:  # also those that arrived just before the connection was lost
            await anyio.to_thread.run_sync(writer.write, bytes(buffer))


async def next_chunk(body: AsyncIterator[bytes]) -> bytes | None:
    """The next bytes of a body; None at its end.

    Raises:
        SenderTimeoutError: the sender is silent for too long.
    """
    with anyio.move_on_after(CHUNK_SECONDS):
        return await anext(body, None)
    raise SenderTimeoutError(f"nothing arrived for {CHUNK_SECONDS:.0f} seconds")


class _Writer:
    """Writes bytes to disk, and now and then their number to the row."""

    def __init__(
        self,
        services: Services,
        upload: UploadRow,
        lock: str,
        offset: int,
        checksum: Checksum | None,
    ) -> None:
        self.received = offset
        self._services = services
        self._upload = upload
        self._lock = lock
        self._hash = None if checksum is None else hashlib.new(checksum.algorithm)
        self._checksum = checksum
        self._position = offset
        self._saved_at = time.monotonic()
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Open the file after the last byte that counts."""
        self._file = self._services.storage.upload(self._upload.id).open("r+b")
        self._file.truncate(self._position)
        self._file.seek(self._position)

    def write(self, data: bytes) -> None:
        """Append bytes; checks regularly that the lock is still held."""
        assert self._file is not None
        if self._position + len(data) > self._upload.length:
            raise TooLargeError("more bytes arrived than were announced")
        if time.monotonic() - self._saved_at > SAVE_SECONDS:
            self._save(self._position if self._hash is None else self.received)
        self._file.write(data)
        self._position += len(data)
        if self._hash is not None:
            self._hash.update(data)

    def finish(self) -> None:
        """Count the bytes, if they match their checksum."""
        if self._hash is not None and self._checksum is not None:
            if self._hash.digest() != self._checksum.digest:
                raise ChecksumError
            self._hash = None
        self._save(self._position)

    def close(self) -> None:
        """Release the lock; bytes without a checksum count even if more were announced."""
        try:
            if self._file is not None and self._hash is None and self._position > self.received:
                self._save(self._position)
        finally:
            if self._file is not None:
                self._file.close()
            _unlock(self._services, self._upload.id, self._lock)

    def _save(self, received: int) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._saved_at = time.monotonic()
        state = "complete" if received == self._upload.length else "receiving"
        with self._services.database.write() as session:
            now = self._services.database.now(session)
            hours = read_policy(session, self._services.settings.policy).upload_hours
            changed = session.execute(
                update(UploadRow)
                .where(UploadRow.id == self._upload.id, UploadRow.lock == self._lock)
                .values(
                    received=received,
                    state=state,
                    locked_until=now + LOCK_SECONDS,
                    expires_at=now + hours * 3600,
                )
                .returning(UploadRow.id)
            ).first()
        if changed is None:
            raise ConflictError("the upload was taken over or deleted", code="upload_not_found")
        self.received = received


def _lock(services: Services, upload_id: str, offset: int) -> str:
    lock = new_id()
    with services.database.write() as session:
        upload = session.get(UploadRow, upload_id, with_for_update=True)
        if upload is None:
            raise NotFoundError("upload")
        now = services.database.now(session)
        # A lock that ends later than any can was taken before the clock was set back.
        if upload.lock is not None and now < upload.locked_until <= now + LOCK_SECONDS:
            raise LockedError("another request is writing the upload", LOCKED_RETRY_SECONDS)
        if upload.received != offset:
            raise WrongOffsetError(upload.received, offset)
        upload.lock, upload.locked_until = lock, now + LOCK_SECONDS
    return lock


def _unlock(services: Services, upload_id: str, lock: str) -> None:
    with services.database.write() as session:
        session.execute(
            update(UploadRow)
            .where(UploadRow.id == upload_id, or_(UploadRow.lock == lock, UploadRow.lock.is_(None)))
            .values(lock=None, locked_until=0.0)
        )


def disk_error(error: OSError) -> DiskError:
    """What went wrong with the disk."""
    return DiskError(f"the server's disk: {error.strerror or error}")
