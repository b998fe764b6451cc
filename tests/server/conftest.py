"""What the tests of the server share."""

import importlib.util
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

NEEDED = ("fastapi", "sqlalchemy", "alembic", "argon2", "httpx")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if missing else []

if TYPE_CHECKING:
    from touchline.server.room import Room


def pytest_report_header() -> str:
    """Say why the server is not tested, where it is not."""
    return f"server tests left out: {', '.join(missing)} not installed" if missing else ""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL."""
    pytest.importorskip("psycopg", reason="needs the optional part [postgres]")
    from postgres import programs, running_postgres

    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running_postgres() as url:
        yield url


@pytest.fixture
def make_room(tmp_path: Path) -> Iterator[Callable[..., "Room"]]:
    """Open a server's database and folders, with these settings."""
    from touchline.server.room import open_room
    from touchline.server.settings import ServerSettings

    rooms = []

    def make(**settings: Any) -> "Room":
        given = {"data": tmp_path / "data", "queue": {"backoff_seconds": 0.0}} | settings
        rooms.append(open_room(ServerSettings(**given)))
        return rooms[-1]

    yield make
    for room in rooms:
        room.close()


@pytest.fixture
def room(make_room: Callable[..., "Room"]) -> "Room":
    """A server on SQLite."""
    return make_room()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_room(request: pytest.FixtureRequest, make_room: Callable[..., "Room"]) -> "Room":
    """A server on each kind of database, empty."""
    if request.param == "sqlite":
        return make_room()
    room = make_room(database_url=request.getfixturevalue("postgres_url"))
    from touchline.server.models import Base

    with room.database.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    return room


@pytest.fixture
def stop() -> threading.Event:
    """Ends a worker."""
    return threading.Event()
