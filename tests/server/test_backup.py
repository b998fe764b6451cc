"""What was backed up comes back, also on another kind of database."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from touchline.errors import FormatError, InputError
from touchline.server import backup
from touchline.server.backup import back_up, restore
from touchline.server.tables import AuditRow, Base, EventRow, JobRow


@pytest.fixture
def kept(client: Any, ready_match: Callable[..., str], tmp_path: Path) -> tuple[Any, Path]:
    """A server with a match, its history and a job at work; and its backup."""
    match = ready_match(client.services, events=30)
    client.post(f"/v1/matches/{match}/events", json={"time": 1, "label": "Goal"})
    client.post(f"/v1/matches/{match}/reels", json={"seconds": 3})
    client.post("/v1/models/pull", json={"name": "a/b"})
    client.services.queue.claim("worker")
    target = tmp_path / "backup.zip"
    back_up(client.services, target)
    return client, target


def rows(services: Any) -> dict[str, Any]:
    with services.database.read() as session:
        return {
            table.name: sorted(map(str, session.execute(select(table))))
            for table in Base.metadata.sorted_tables
            if table.name != "jobs"
        }


def test_everything_comes_back(
    kept: tuple[Any, Path], any_services: Any, tmp_path: Path, make_client: Callable[..., Any]
) -> None:
    """From SQLite to SQLite and to PostgreSQL."""
    client, target = kept
    before = rows(client.services)
    fresh = any_services if not any_services.database.is_sqlite else None
    if fresh is None:
        from touchline.server.services import open_services
        from touchline.server.settings import ServerSettings

        fresh = open_services(ServerSettings(data=tmp_path / "fresh"))
    else:
        fresh = type(fresh)(
            fresh.settings, fresh.database, type(fresh.storage)(tmp_path / "fresh"), fresh.queue
        )
        fresh.storage.prepare()
    made = restore(fresh, target)
    assert made.files == 2 and rows(fresh) == before
    with fresh.database.write() as session:
        assert {job.state for job in session.scalars(select(JobRow))} == {"queued"}
        session.add(AuditRow(at=1.0, actor="a", address="b", action="c", target="d"))
    again = make_client(fresh)
    match = again.get("/v1/matches").json()["items"][0]["id"]
    assert again.get(f"/v1/matches/{match}/video").status_code == 200
    assert again.post(f"/v1/matches/{match}/undo").status_code == 200
    fresh.close()


def test_a_server_in_use_is_not_overwritten(kept: tuple[Any, Path]) -> None:
    client, target = kept
    before = rows(client.services)
    with pytest.raises(InputError, match="not empty"):
        restore(client.services, target)
    assert rows(client.services) == before


def test_nobody_else_can_read_a_backup_while_it_is_made(
    kept: tuple[Any, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds password hashes from its first rows on."""
    modes = []
    write_table = backup._write_table

    def look(*arguments: Any) -> int:
        modes.extend(path.stat().st_mode & 0o777 for path in (tmp_path / "made").iterdir())
        return write_table(*arguments)

    monkeypatch.setattr(backup, "_write_table", look)
    (tmp_path / "made").mkdir()
    back_up(kept[0].services, tmp_path / "made" / "all.zip")
    assert set(modes) == {0o600}
    assert (tmp_path / "made" / "all.zip").stat().st_mode & 0o777 == 0o600


def test_a_backup_without_files_is_small(kept: tuple[Any, Path], tmp_path: Path) -> None:
    client, target = kept
    made = back_up(client.services, tmp_path / "rows.zip", files=False)
    assert made.files == 0
    assert (tmp_path / "rows.zip").stat().st_size < target.stat().st_size


def changed(target: Path, tmp_path: Path, **members: bytes) -> Path:
    made = tmp_path / "changed.zip"
    with zipfile.ZipFile(target) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.pop(name, old.read(name)))
        for name, content in members.items():
            new.writestr(name, content)
    return made


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"manifest.json": b"{}"}, "is not a backup"),
        ({"manifest.json": b"["}, "is not a backup"),
        ({"files/../../evil.txt": b"x"}, "outside its folders"),
        ({"files/elsewhere/evil.txt": b"x"}, "outside its folders"),
        ({"tables/users.jsonl": b"not json\n"}, "damaged row"),
    ],
)
def test_backups_that_will_not_do_change_nothing(
    kept: tuple[Any, Path], tmp_path: Path, members: dict[str, bytes], message: str
) -> None:
    from touchline.server.services import open_services
    from touchline.server.settings import ServerSettings

    fresh = open_services(ServerSettings(data=tmp_path / "fresh"))
    with pytest.raises(FormatError, match=message):
        restore(fresh, changed(kept[1], tmp_path, **members))
    with fresh.database.read() as session:
        assert session.scalar(select(EventRow.id).limit(1)) is None
    assert not (tmp_path / "evil.txt").exists()
    fresh.close()


def test_tables_of_another_version_are_refused(kept: tuple[Any, Path], tmp_path: Path) -> None:
    from touchline.server.services import open_services
    from touchline.server.settings import ServerSettings

    with zipfile.ZipFile(kept[1]) as archive:
        manifest = json.loads(archive.read("manifest.json")) | {"revision": "9999"}
    path = changed(kept[1], tmp_path, **{"manifest.json": json.dumps(manifest).encode()})
    fresh = open_services(ServerSettings(data=tmp_path / "fresh"))
    with pytest.raises(FormatError, match="another version"):
        restore(fresh, path)
    fresh.close()


def test_the_commands(
    call: Callable[..., Any], refused: Callable[..., str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import io
    import sys

    data = ("--data", tmp_path / "data")
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
    assert call("admin", "add-user", "ada", "--password-stdin", *data).code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("another good one\n"))
    assert call("admin", "set-password", "ada", "--password-stdin", *data).code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert "10 to 200" in refused("admin", "set-password", "ada", "--password-stdin", *data)
    target = tmp_path / "b.zip"
    assert json.loads(call("admin", "backup", target, *data, "--json").out)["rows"] == 1
    other = ("--data", tmp_path / "other")
    assert call("admin", "restore", target, *other).code == 0
    assert "not empty" in refused("admin", "restore", target, *other)
    assert "is not a readable backup" in refused("admin", "restore", tmp_path / "none.zip", *other)
    assert call("admin", "migrate", *data).code == 0
