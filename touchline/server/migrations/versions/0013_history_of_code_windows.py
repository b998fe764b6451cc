"""Code windows have a history, and are kept for some time when they are deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("code_windows") as batch_op:
        batch_op.add_column(
            sa.Column("revision", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.add_column(
            sa.Column("deleted", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        )
    with op.batch_alter_table("changes") as batch_op:
        batch_op.add_column(sa.Column("code_window_id", sa.String(32), nullable=True))
        batch_op.create_foreign_key(
            "fk_changes_code_window", "code_windows", ["code_window_id"], ["id"], ondelete="CASCADE"
        )
    op.create_index("ix_changes_code_window", "changes", ["code_window_id", "number"])


def downgrade() -> None:
    """Remove the histories of code windows, and for good those that are deleted."""
    op.execute(sa.text("DELETE FROM changes WHERE code_window_id IS NOT NULL"))
    op.execute(sa.text("DELETE FROM code_windows WHERE deleted"))
    op.drop_index("ix_changes_code_window", "changes")
    with op.batch_alter_table("changes") as batch_op:
        batch_op.drop_constraint("fk_changes_code_window", type_="foreignkey")
        batch_op.drop_column("code_window_id")
    with op.batch_alter_table("code_windows") as batch_op:
        batch_op.drop_column("deleted")
        batch_op.drop_column("revision")
