"""Backup and restore: all rows and, optionally, all files, in one zip for either kind of database.

manifest.json           version of tables, when, what is inside
tables/<name>.jsonl     one row a line
files/...               as they lie in the data folder
"""

import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.orm import Session

from touchline.errors import FormatError, InputError
from touchline.server.services import Services
from touchline.server.storage import Storage
from touchline.server.tables import Base, JobRow, PresenceRow, WorkerRow

FORMAT = "touchline-backup"
VERSION = 1
FOLDERS = ("uploads", "matches", "playlists")
BATCH = 500
MAX_LINE = 64 * 1024**2

_LEFT_OUT = {WorkerRow.__tablename__, PresenceRow.__tablename__}
_ALREADY_SMALL = (".mp4", ".jpg", ".bin", ".npz")


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes:
        rows: of all tables.
        files: how many.
    """

    rows: int
    files: int


def back_up(services: Services, target: Path, *, files: bool = True) -> Backup:
    """Write a backup while the server runs. Rows are of one moment.

    Args:
        files: include the videos; without them, matches cannot be watched after a restore.

    Raises:
        InputError: the file cannot be written.
    """
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    rows = count = 0
    try:
        with (
            _private_file(beside) as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            with services.database.read() as session:
                if not services.database.is_sqlite:
                    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
                manifest = {
                    "format": FORMAT,
                    "version": VERSION,
                    "revision": _revision(session),
                    "at": services.database.now(session),
                    "files": files,
                }
                archive.writestr("manifest.json", json.dumps(manifest))
                for table in _tables():
                    rows += _write_table(archive, session, table)
            if files:
                count = _write_files(archive, services.storage)
        beside.replace(target)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=target) from error
    finally:
        beside.unlink(missing_ok=True)
    return Backup(rows, count)


def restore(services: Services, source: Path) -> Backup:
    """Read a backup into a server that is empty.

    Raises:
        FormatError: it is not a backup, or its tables are of another version.
        InputError: the server is not empty.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            return _restore(services, source, archive)
    except (OSError, zipfile.BadZipFile) as error:
        raise FormatError("is not a readable backup", where=source) from error


def _restore(services: Services, source: Path, archive: zipfile.ZipFile) -> Backup:
    names = set(archive.namelist())
    manifest = _manifest(archive, source, names)
    members = [name for name in names if name.startswith("files/") and not name.endswith("/")]
    targets = {name: _inside(services.storage, name, source) for name in members}
    rows = 0
    with services.database.write() as session:
        if manifest.get("revision") != _revision(session):
            raise FormatError(
                "has tables of another version",
                where=source,
                remedy="restore it with the version that wrote it, then update",
            )
        for table in _tables():
            if session.scalar(select(func.count()).select_from(table)):
                raise InputError(
                    "the server is not empty", where=services.storage.root,
                    remedy="restore into a new folder and an empty database",
                )  # fmt: skip
        for table in _tables():
            rows += _read_table(archive, session, table, names, source)
        # A job that was running then is not running now.
        session.execute(
            update(JobRow)
            .where(JobRow.state == "running")
            .values(state="queued", lease=None, leased_until=0.0)
        )
        _set_counters(services, session)
        for name, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file, 1024**2)
    return Backup(rows, len(targets))


def _private_file(path: Path) -> BinaryIO:
    """A new file that nobody else can read from its first byte on: it holds password hashes."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _manifest(archive: zipfile.ZipFile, source: Path, names: set[str]) -> dict[str, Any]:
    try:
        if "manifest.json" not in names:
            raise ValueError
        manifest = json.loads(archive.read("manifest.json"))
        if manifest["format"] != FORMAT or manifest["version"] != VERSION:
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError("is not a backup of touchline", where=source) from error
    return dict(manifest)


def _inside(storage: Storage, name: str, source: Path) -> Path:
    parts = PurePosixPath(name).parts[1:]
    if len(parts) < 2 or parts[0] not in FOLDERS or any(p in ("..", ".") for p in parts):
        raise FormatError(f"holds a file outside its folders ({name[:80]!r})", where=source)
    return storage.root.joinpath(*parts)


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _LEFT_OUT]


def _revision(session: Session) -> str:
    return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def _write_table(archive: zipfile.ZipFile, session: Session, table: Table) -> int:
    count = 0
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as file:
        for row in session.execute(select(table)).mappings():
            file.write(json.dumps(dict(row)).encode() + b"\n")
            count += 1
    return count


def _read_table(
    archive: zipfile.ZipFile, session: Session, table: Table, names: set[str], source: Path
) -> int:
    name = f"tables/{table.name}.jsonl"
    count = 0
    for batch in _batches(archive, name, source) if name in names else ():
        session.execute(insert(table), batch)
        count += len(batch)
    return count


def _batches(archive: zipfile.ZipFile, name: str, source: Path) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    with archive.open(name) as file:
        while line := file.readline(MAX_LINE):
            try:
                batch.append(dict(json.loads(line)))
            except (ValueError, TypeError) as error:
                raise FormatError("holds a damaged row", where=f"{source}: {name}") from error
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _write_files(archive: zipfile.ZipFile, storage: Storage) -> int:
    count = 0
    for folder in FOLDERS:
        for path in sorted((storage.root / folder).rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            packing = zipfile.ZIP_STORED if path.suffix in _ALREADY_SMALL else zipfile.ZIP_DEFLATED
            name = f"files/{path.relative_to(storage.root).as_posix()}"
            try:
                archive.write(path, name, packing)
                count += 1
            except FileNotFoundError:  # deleted meanwhile
                continue
    return count


def _set_counters(services: Services, session: Session) -> None:
    """Set PostgreSQL's counters to continue after the highest number that was restored."""
    if services.database.is_sqlite:
        return
    for table in _tables():
        key = table.primary_key.columns.values()[0]
        if key.autoincrement is True:
            session.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), "
                    f"GREATEST((SELECT MAX({key.name}) FROM {table.name}), 1))"
                )
            )
