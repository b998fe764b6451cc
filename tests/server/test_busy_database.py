"""A database that is locked, slow or away: 503 and when to try again, and nothing changed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from touchline.server.services import open_services
from touchline.server.settings import ServerSettings

GOAL = {"time": 1.25, "label": "Goal"}


@pytest.fixture
def impatient(
    any_services: Any, make_client: Callable[..., Any], ready_match: Callable[..., str]
) -> Iterator[Any]:
    """A client of a server whose requests wait 0.2 s for the database; ``url`` is a match."""
    given = any_services.settings.model_dump() | {"database_seconds": 0.2}
    services = open_services(ServerSettings(**given), for_requests=True)
    client = make_client(services)
    client.url = f"/v1/matches/{ready_match(any_services)}"
    yield client
    services.close()


@contextmanager
def held(services: Any, url: str) -> Iterator[None]:
    """Another process holds the rows of a match."""
    with services.database.write() as session:
        lock = "" if services.database.is_sqlite else " FOR UPDATE"  # SQLite locks by itself
        query = text(f"SELECT 1 FROM matches WHERE id = :id{lock}")
        session.execute(query, {"id": url.rpartition("/")[2]})
        yield


def is_busy(answer: Any) -> bool:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1


def test_a_locked_database(impatient: Any, any_services: Any, caplog: Any) -> None:
    headers = {"Idempotency-Key": "one", "If-Match": "*"}
    with held(any_services, impatient.url):
        for method, path in (("POST", "events"), ("POST", "review"), ("POST", "undo")):
            body = {"events": GOAL, "review": {"status": "accepted"}}.get(path)
            answer = impatient.request(
                method, f"{impatient.url}/{path}", json=body, headers=headers
            )
            assert is_busy(answer), answer.text
        assert impatient.get(f"{impatient.url}/events").status_code == 200, "reading goes on"
    assert not [record for record in caplog.records if record.exc_info], "no traceback"
    made = impatient.post(f"{impatient.url}/events", json=GOAL, headers=headers)
    assert made.status_code == 201 and "Idempotent-Replayed" not in made.headers


def test_more_requests_than_connections(impatient: Any) -> None:
    pool = impatient.services.database.engine.pool
    taken = [pool.connect() for _ in range(pool.size() + 40)]
    try:
        assert is_busy(impatient.get(impatient.url))
    finally:
        for connection in taken:
            connection.close()
    assert impatient.get(impatient.url).status_code == 200


def test_a_slow_statement(impatient: Any) -> None:
    if impatient.services.database.is_sqlite:
        pytest.skip("SQLite has no limit on a statement's time")
    from touchline.server.errors import BusyError

    with (
        pytest.raises(BusyError, match="slow"),
        impatient.services.database.read() as session,
    ):
        session.execute(text("SELECT pg_sleep(5)"))


def test_connections_that_were_cut(impatient: Any, any_services: Any) -> None:
    """Cut between two requests, nobody notices; cut during one, it may be sent again."""
    if any_services.database.is_sqlite:
        pytest.skip("SQLite has no connections to cut")
    from touchline.server.errors import BusyError

    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert impatient.get(impatient.url).status_code == 200
    with any_services.database.write() as session:
        session.execute(cut)
    assert impatient.get(impatient.url).status_code == 200
    with pytest.raises(BusyError, match="not reached"), impatient.services.database.read() as own:
        own.execute(text("SELECT 1"))
        with any_services.database.write() as session:
            session.execute(cut)
        own.execute(text("SELECT 1"))


def test_a_fault_of_ours_is_still_one(services: Any) -> None:
    """An error that trying again does not mend is not taken for a busy database."""
    from sqlalchemy.exc import OperationalError

    with pytest.raises(OperationalError), services.database.read() as session:
        session.execute(text("SELECT 1 FROM no_such_table"))


def test_a_full_disk(services: Any) -> None:
    from touchline.server.errors import DiskError

    with pytest.raises(DiskError), services.database.write() as session:
        session.execute(text("PRAGMA max_page_count=1"))  # no more pages than there are
        session.execute(text("CREATE TABLE more AS SELECT randomblob(1000000)"))
