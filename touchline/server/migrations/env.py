"""Runs migrations over the connection that ``Database.migrate`` hands in."""

from alembic import context

from touchline.server.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
