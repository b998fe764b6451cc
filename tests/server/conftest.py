"""What the tests of the server share."""

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from extras import needs, skip_without

if TYPE_CHECKING:
    from touchline.server.services import Services


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL."""
    needs("psycopg")
    from postgres import programs, running_postgres

    if programs() is None:
        skip_without("PostgreSQL (apt-get install postgresql)")
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables: copied for each test, as migrating takes longer than most."""
    from touchline.server.database import Database

    path = tmp_path_factory.mktemp("database") / "touchline.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def make_services(tmp_path: Path, empty_database: Path) -> Iterator[Callable[..., "Services"]]:
    """Open a server's database and folders, with these settings."""
    from touchline.server.services import open_services
    from touchline.server.settings import ServerSettings

    opened = []

    def make(**settings: Any) -> "Services":
        given = {"data": tmp_path / "data", "queue": {"backoff_seconds": 0.0}} | settings
        database = given["data"] / "touchline.db"
        if given.get("database_url") is None and not database.exists():
            database.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(empty_database, database)
        opened.append(open_services(ServerSettings(**given)))
        return opened[-1]

    yield make
    for services in opened:
        services.close()


@pytest.fixture
def services(make_services: Callable[..., "Services"]) -> "Services":
    """A server on SQLite."""
    return make_services()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_services(
    request: pytest.FixtureRequest, make_services: Callable[..., "Services"]
) -> "Services":
    """A server on each kind of database, empty."""
    if request.param == "sqlite":
        return make_services()
    services = make_services(database_url=request.getfixturevalue("postgres_url"))
    from touchline.server.tables import Base

    with services.database.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    return services


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands set up logging for their whole process; here the process goes on."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def make_client(make_services: Callable[..., "Services"]) -> Iterator[Callable[..., Any]]:
    """A client of a server with these settings; its ``services`` are the server's."""
    from fastapi.testclient import TestClient

    from touchline.server.app import create_app

    clients = []

    def make(services: "Services | None" = None, **settings: Any) -> TestClient:
        services = services or make_services(**settings)
        client = TestClient(
            create_app(services), base_url="http://localhost", raise_server_exceptions=False
        )
        client.services = services
        clients.append(client.__enter__())
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: Callable[..., Any]) -> Any:
    """A client of a server that is for this machine only: it may do everything."""
    return make_client()


@pytest.fixture
def people(
    make_services: Callable[..., "Services"], make_client: Callable[..., Any]
) -> dict[str, Any]:
    """Clients of one server with passwords: admin, editor, viewer and nobody."""
    from touchline.server.access.accounts import add_token, add_user

    services = make_services()
    clients = {"nobody": make_client(services)}
    with services.database.write() as session:
        for role in ("admin", "editor", "viewer"):
            user = add_user(session, role, f"the {role}s password", role, 1.0)
            secret, _ = add_token(session, user, "test", role, 1.0, None)
            clients[role] = make_client(services)
            clients[role].headers["Authorization"] = f"Bearer {secret}"
    return clients


@pytest.fixture(scope="session")
def small_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds with sound."""
    from small_videos import write_video

    return write_video(tmp_path_factory.mktemp("videos") / "small.mp4", 100)


@pytest.fixture
def ready_match(small_video: Path) -> Callable[..., str]:
    """Put a match that is ready into a server, without a worker; its id."""
    from touchline.server.tables import EventRow, MatchRow, UploadRow, VideoRow

    def make(services: "Services", events: int = 5, owner: str | None = None) -> str:
        with services.database.write() as session:
            length = small_video.stat().st_size
            upload = UploadRow(
                owner_id=owner, name="small.mp4", kind="put", state="complete", length=length,
                received=length, created_at=1.0, expires_at=9e9,
            )  # fmt: skip
            session.add(upload)
            session.flush()
            match = MatchRow(
                owner_id=owner, title="North - South",
                videos=[
                    VideoRow(upload_id=upload.id, name="small.mp4", duration_seconds=4.0)
                ],
                model="demo", threshold=0.05, state="ready", created_at=1.0, updated_at=1.0,
                info={"width": 96, "height": 64, "frame_rate": "25/1", "duration_seconds": 4.0},
                labels=["Goal", "Corner"], producer={"name": "e2e-spot", "weights": "demo"},
            )  # fmt: skip
            session.add(match)
            session.flush()
            for i in range(events):
                session.add(
                    EventRow(
                        match_id=match.id, seconds=0.5 + i * 3 / max(events, 1),
                        label=("Goal", "Corner")[i % 2], confidence=0.9 - i * 0.1 % 0.8,
                        source="model", created_by="model", created_at=1.0, updated_by="model",
                        updated_at=1.0,
                    )
                )  # fmt: skip
        for path in (services.storage.proxy(match.id), services.storage.upload(upload.id)):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(small_video, path)
        return match.id

    return make
