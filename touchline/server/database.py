"""The database: SQLite beside the files, or PostgreSQL for several hosts, behind one interface."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from touchline.errors import ConfigError, MissingExtraError
from touchline.server.errors import BusyError, DiskError

PATIENCE_SECONDS = 30.0
"""How long a process that nobody waits for waits for the database."""

CONNECT_SECONDS = 10
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Sessions that read, and sessions that write.

    On SQLite a writing session takes the write lock when it begins, so that what it has read
    is still true when it writes.

    Args:
        url: as SQLAlchemy writes it.
        request_seconds: how long a request waits for a connection, and then for a lock; PostgreSQL
            may work on one statement for twice as long. None: nobody waits for this process.

    Raises:
        ConfigError: no such kind of database. MissingExtraError: its driver is not installed.
    """

    def __init__(self, url: str, request_seconds: float | None = None) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise ConfigError("is not a database URL", where=url.partition(":")[0]) from error
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ConfigError(
                f"{parsed.get_backend_name()} is not supported",
                where="database",
                remedy="use sqlite:///... or postgresql://...",
            )
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        patience_seconds = request_seconds or PATIENCE_SECONDS
        options = (
            {"timeout": patience_seconds, "check_same_thread": False}
            if self.is_sqlite
            else _postgres_options(patience_seconds, request_seconds)
        )
        try:
            self.engine = create_engine(
                url,
                pool_size=10,
                max_overflow=40,
                pool_timeout=patience_seconds,
                pool_pre_ping=not self.is_sqlite,
                connect_args=options,
            )
        except ModuleNotFoundError as error:
            raise MissingExtraError("PostgreSQL", "postgres") from error
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the database.

        Raises:
            BusyError: the database is locked, slow or cannot be reached. DiskError: it is full.
        """
        with _saying_busy(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end, or not at all.

        Raises:
            BusyError: the database is locked, slow or cannot be reached. DiskError: it is full.
        """
        with (
            _saying_busy(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def now(self, session: Session) -> float:
        """Seconds since 1970 by the one clock that all workers share: the database's host."""
        if self.is_sqlite:
            return time.time()
        return float(session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)

    def migrate(self) -> None:
        """Migrate the tables to this version.

        Raises:
            ConfigError: the database cannot be reached, or is of a newer version.
        """
        from alembic import command
        from alembic.util import CommandError

        try:
            with self._writer.connect() as connection, _free_to_rebuild(connection):
                if not self.is_sqlite:  # several hosts may start at once
                    connection.execute(text("SET LOCAL lock_timeout = 0"))
                    connection.execute(text("SET LOCAL statement_timeout = 0"))
                    connection.execute(text("SELECT pg_advisory_xact_lock(8216031)"))
                command.upgrade(_alembic(connection), "head")
                connection.commit()
        except CommandError as error:
            raise ConfigError(
                "was created by a newer version", where="database", remedy="update touchline"
            ) from error
        except OperationalError as error:
            reason = str(error.orig).strip().partition("\n")[0]
            raise ConfigError(f"cannot be opened ({reason})", where="database") from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _postgres_options(patience_seconds: float, request_seconds: float | None) -> dict[str, Any]:
    limits = {"lock_timeout": patience_seconds, "statement_timeout": 2 * (request_seconds or 0)}
    words = [f"-c {name}={round(1000 * seconds)}" for name, seconds in limits.items()]
    connect = max(2, min(CONNECT_SECONDS, round(patience_seconds)))
    return {"connect_timeout": connect, "options": " ".join(words)}


@contextmanager
def _saying_busy() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise BusyError("too many requests at once") from error
    except DBAPIError as error:
        if _is_full(error):
            raise DiskError("the server's disk is full or fails") from error
        if (reason := _busy_reason(error)) is None:
            raise
        raise BusyError(reason) from error


_BUSY_STATES = {
    "55P03": "locked",
    "57014": "slow",
    "40001": "locked",
    "40P01": "locked",
    "53300": "too many connections",
}
_LOST_STATES = ("08", "57P")
"""PostgreSQL's classes of what ends a connection."""


def _sqlite_code(error: sqlite3.Error) -> int:
    """What kind of error it is, without the details of the extended code."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_full(error: DBAPIError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return getattr(cause, "sqlstate", None) == "53100"


def _busy_reason(error: DBAPIError) -> str | None:
    """Why the database could not serve a statement now, but may later; None for other errors."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        is_locked = _sqlite_code(cause) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        return "locked" if is_locked else None
    state = getattr(cause, "sqlstate", None)
    if state in _BUSY_STATES:
        return _BUSY_STATES[state]
    is_lost = error.connection_invalidated or (state or "").startswith(_LOST_STATES)
    if is_lost or (state is None and isinstance(error, OperationalError)):
        return "not reached"
    return None


@contextmanager
def _free_to_rebuild(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by copying it: rows that refer to the old table must survive."""
    if connection.dialect.name != "sqlite":
        yield
        return
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def _alembic(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
