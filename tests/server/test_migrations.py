"""The migrations make the tables that the code has."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from touchline.server.tables import Base


def test_migrations_and_tables_agree(any_services: Any) -> None:
    with any_services.database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(any_services: Any) -> None:
    any_services.database.migrate()


def test_the_package_needs_no_web_framework() -> None:
    import subprocess
    import sys

    program = (
        "import sys, touchline, touchline.server, touchline.server.client;"
        "print([n for n in ('fastapi', 'starlette', 'sqlalchemy', 'uvicorn') if n in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
