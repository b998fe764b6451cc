"""The database's history, as alembic runs it."""
