"""A match has the least confidence of each class."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; no class has one."""
    with op.batch_alter_table("matches", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("thresholds", sa.JSON(), server_default=sa.text("'{}'"), nullable=False)
        )
