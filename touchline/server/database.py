"""The database: SQLite beside the files, or PostgreSQL for several hosts, behind one interface."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from touchline.errors import ConfigError, MissingExtraError

BUSY_SECONDS = 30
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Sessions that read, and sessions that write.

    On SQLite a writing session takes the write lock when it begins, so that what it has read
    is still true when it writes.

    Args:
        url: as SQLAlchemy writes it.

    Raises:
        ConfigError: no such kind of database. MissingExtraError: its driver is not installed.
    """

    def __init__(self, url: str) -> None:
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
        options: dict[str, Any] = (
            {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
            if self.is_sqlite
            else {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
        )
        try:
            self.engine = create_engine(url, pool_size=10, max_overflow=40, **options)
        except ModuleNotFoundError as error:
            raise MissingExtraError("PostgreSQL", "postgres") from error
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the database."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end, or not at all."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
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
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
