"""An event has the match clock in seconds and the score."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; a clock without digits, which is none, becomes a part of the note."""
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("clock_seconds", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("score", sa.JSON(), nullable=True))

    events = sa.table("events", *(sa.column(name) for name in ("id", "clock", "note")))
    connection = op.get_bind()
    rows = connection.execute(sa.select(events).where(events.c.clock.is_not(None))).all()
    for row in rows:
        if not any(sign.isdigit() for sign in row.clock):
            note = f"{row.note}\n{row.clock}" if row.note else row.clock
            changed = sa.update(events).where(events.c.id == row.id)
            connection.execute(changed.values(clock=None, note=note or None))
