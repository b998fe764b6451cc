"""The migrations make the tables that the code has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, Table, create_engine, inspect, select, text

import touchline.server.migrations
from touchline.server.tables import Base, ChangeRow, CodeWindowRow, SettingRow

MIGRATIONS = Path(touchline.server.migrations.__file__).parent


def test_migrations_and_tables_agree(any_services: Any) -> None:
    with any_services.database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def schema(engine: Engine) -> dict[str, list[str]]:
    """Columns, keys and indexes of every table, as the database itself describes them."""
    found = inspect(engine)
    return {
        table: sorted(
            str(part)
            for part in (
                *found.get_columns(table),
                *found.get_indexes(table),
                *found.get_unique_constraints(table),
                *found.get_foreign_keys(table),
                found.get_pk_constraint(table),
            )
        )
        for table in found.get_table_names()
    }


def test_migrating_again_changes_nothing(any_services: Any) -> None:
    """Every start migrates; one that finds the tables up to date leaves them and their rows."""
    database = any_services.database
    with database.write() as session:
        session.add(SettingRow(name="threshold", value={"value": 0.25}))
    before = schema(database.engine)
    database.migrate()
    assert {"matches", "jobs", "alembic_version"} <= before.keys()
    assert schema(database.engine) == before
    with database.read() as session:
        assert session.get_one(SettingRow, "threshold").value == {"value": 0.25}


def move(engine: Engine, act: Callable[[Config, str], None], target: str) -> None:
    scripts = Config()
    scripts.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        scripts.attributes["connection"] = connection
        act(scripts, target)
        connection.commit()


def test_code_windows_get_a_history(any_services: Any) -> None:
    """Those of the version before are there, and not deleted; on the way back, the deleted go."""
    database = any_services.database
    facts = {
        "document": {"buttons": [], "groups": []}, "version": 3, "created_by": "a",
        "created_at": 1.0, "updated_by": "a", "updated_at": 1.0,
    }  # fmt: skip
    with database.write() as session:
        session.add(CodeWindowRow(id="1", title="kept", **facts))
        session.add(CodeWindowRow(id="2", title="gone", deleted=True, **facts))
        session.flush()
        step = {"number": 1, "actor": "a", "action": "b", "at": 1.0, "steps": []}
        session.add(ChangeRow(id="1", code_window_id="1", **step))
    move(database.engine, command.downgrade, "0012")
    move(database.engine, command.upgrade, "head")
    with database.read() as session:
        (row,) = session.scalars(select(CodeWindowRow)).all()
        assert (row.id, row.title, row.version, row.deleted) == ("1", "kept", 3, False)
        assert row.revision == 0 and session.scalars(select(ChangeRow)).all() == []


def test_playlists_and_what_came_after_can_be_taken_back(any_services: Any) -> None:
    """Down to the tables before, and up again: the same tables, and a match's rows are there."""
    engine = any_services.database.engine
    with any_services.database.write() as session:
        session.add(SettingRow(name="threshold", value={"value": 0.5}))
    before = schema(engine)
    move(engine, command.downgrade, "0009")
    move(engine, command.upgrade, "head")
    assert schema(engine) == before
    with any_services.database.read() as session:
        assert session.get_one(SettingRow, "threshold").value == {"value": 0.5}


def test_a_clock_that_is_none_becomes_a_note(tmp_path: Path) -> None:
    """Events of the version before; their clocks could be any text."""
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    scripts = Config()
    scripts.set_main_option("script_location", str(MIGRATIONS))
    row = {
        "match_id": "m", "seconds": 1.0, "label": "Goal", "confidence": 1.0, "status": "accepted",
        "source": "import", "version": 1, "deleted": False, "created_by": "a", "created_at": 1.0,
        "updated_by": "a", "updated_at": 1.0,
    }  # fmt: skip
    given = [("1", "45+2:10", None), ("2", "HT", None), ("3", "HT", "wind"), ("4", None, "rain")]
    with engine.begin() as connection:
        scripts.attributes["connection"] = connection
        command.upgrade(scripts, "0002")
        events = Table("events", MetaData(), autoload_with=connection)
        rows = [row | {"id": id_, "clock": clock, "note": note} for id_, clock, note in given]
        connection.execute(events.insert(), rows)
        command.upgrade(scripts, "head")
        query = text("select id, clock, note, clock_seconds, score from events order by id")
        assert [tuple(found) for found in connection.execute(query)] == [
            ("1", "45+2:10", None, None, None),
            ("2", None, "HT", None, None),
            ("3", None, "wind\nHT", None, None),
            ("4", None, "rain", None, None),
        ]


def test_the_package_needs_no_web_framework() -> None:
    import subprocess
    import sys

    program = (
        "import sys, touchline, touchline.server, touchline.server.client;"
        "print([n for n in ('fastapi', 'starlette', 'sqlalchemy', 'uvicorn') if n in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr
