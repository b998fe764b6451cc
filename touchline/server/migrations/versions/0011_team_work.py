"""Matches are assigned, events have comments, and open pages say who looks at what."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns and the tables."""
    with op.batch_alter_table("matches") as batch_op:
        batch_op.add_column(sa.Column("assignee", sa.String(100), nullable=True))
    with op.batch_alter_table("events") as batch_op:
        batch_op.add_column(
            sa.Column("comments", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
    op.create_table(
        "comments",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("match_id", sa.String(32), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("author", sa.String(100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_comments_match_id", "comments", ["match_id"])
    op.create_index("ix_comments_event_id", "comments", ["event_id"])
    op.create_table(
        "presence",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("match_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_presence_match_id", "presence", ["match_id"])


def downgrade() -> None:
    """Remove them; comments are lost."""
    op.drop_table("presence")
    op.drop_table("comments")
    with op.batch_alter_table("events") as batch_op:
        batch_op.drop_column("comments")
    with op.batch_alter_table("matches") as batch_op:
        batch_op.drop_column("assignee")
