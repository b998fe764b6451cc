"""What goes after its time, and what stays."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from touchline.server.housekeeping import tidy
from touchline.server.tables import (
    CodeWindowRow,
    JobRow,
    LoginSessionRow,
    PlaylistRow,
    ShareLinkRow,
    WorkerRow,
)


def age(path: Any) -> None:
    os.utime(path, (1, 1))


def test_matches_go_after_their_time(client: Any, ready_match: Callable[..., str]) -> None:
    old = ready_match(client.services)
    tidy(client.services)
    assert client.get(f"/v1/matches/{old}").status_code == 200
    client.patch("/v1/settings", json={"retention_days": 30})
    tidy(client.services)
    assert client.get(f"/v1/matches/{old}").status_code == 404
    assert not client.services.storage.match(old).exists()


def test_folders_that_nothing_refers_to_go(client: Any, ready_match: Callable[..., str]) -> None:
    match = ready_match(client.services)
    root = client.services.storage.root
    strays = [root / kind / ("ab" * 16) for kind in ("uploads", "matches", "work")]
    for folder in strays:
        folder.mkdir()
    young = root / "uploads" / ("cd" * 16)
    young.mkdir()
    for folder in (*strays, client.services.storage.match(match)):
        age(folder)
    tidy(client.services)
    assert not [folder for folder in strays if folder.exists()] and young.exists()
    assert client.services.storage.proxy(match).is_file()


def test_rows_go_after_their_time(client: Any, ready_match: Callable[..., str]) -> None:
    match = ready_match(client.services)
    client.post(f"/v1/matches/{match}/shares", json={})
    job = client.post("/v1/models/pull", json={"name": "a/b"}).json()["id"]
    client.post(f"/v1/jobs/{job}/cancel")
    with client.services.database.write() as session:
        session.scalars(select(ShareLinkRow)).one().expires_at = 1.0
        session.get_one(JobRow, job).finished_at = 1.0
        session.add(WorkerRow(id="w", started_at=1.0, seen_at=1.0))
    tidy(client.services)
    with client.services.database.read() as session:
        for table in (ShareLinkRow, JobRow, WorkerRow, LoginSessionRow):
            assert session.scalars(select(table)).all() == []


@pytest.mark.parametrize("kind", ["playlists", "code-windows"])
def test_what_was_deleted_goes_after_thirty_days(client: Any, kind: str) -> None:
    path = client.post(f"/v1/{kind}", json={"title": "x"}).headers["Location"]
    stays = client.post(f"/v1/{kind}", json={"title": "y"}).headers["Location"]
    client.delete(path, headers={"If-Match": "*"})
    tidy(client.services)
    table = PlaylistRow if kind == "playlists" else CodeWindowRow
    with client.services.database.write() as session:
        for row in session.scalars(select(table)):
            row.updated_at -= 31 * 86400.0
    assert client.post(f"{path}/undo").status_code == 200
    client.delete(path, headers={"If-Match": "*"})
    with client.services.database.write() as session:
        for row in session.scalars(select(table)):
            row.updated_at -= 31 * 86400.0
    tidy(client.services)
    assert client.post(f"{path}/undo").status_code == 404
    assert client.get(stays).status_code == 200
