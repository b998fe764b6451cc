"""A job says when its attempt began, and from where."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns; of attempts before, nothing is known."""
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempt_at", sa.Double(), nullable=True))
        batch_op.add_column(
            sa.Column("attempt_progress", sa.Double(), server_default="0", nullable=False)
        )
