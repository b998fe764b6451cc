"""Events have descriptors; code windows hold the buttons to tag with."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column and the table."""
    with op.batch_alter_table("events") as batch_op:
        batch_op.add_column(sa.Column("descriptors", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "code_windows",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_by", sa.String(100), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    """Remove them; descriptors are lost."""
    op.drop_table("code_windows")
    with op.batch_alter_table("events") as batch_op:
        batch_op.drop_column("descriptors")
