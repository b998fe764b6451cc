"""The migrations make the tables that the code has."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from touchline.server.tables import Base, SettingRow


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


def test_the_package_needs_no_web_framework() -> None:
    import subprocess
    import sys

    program = (
        "import sys, touchline, touchline.server, touchline.server.client;"
        "print([n for n in ('fastapi', 'starlette', 'sqlalchemy', 'uvicorn') if n in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr
