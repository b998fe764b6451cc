"""Playlists of clips of any matches, with history, files and links of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_SHARED = {"changes": "ix_changes_playlist", "products": None, "share_links": None}
"""Tables whose rows belong to a match or to a playlist, and their own index, if they have one."""


def upgrade() -> None:
    """Add the table, and let rows belong to one of it."""
    op.create_table(
        "playlists",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(32), nullable=True),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("clips", sa.JSON(), nullable=False),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_by", sa.String(100), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_playlists_owner_id", "playlists", ["owner_id"])
    for table, index in _SHARED.items():
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("match_id", existing_type=sa.String(32), nullable=True)
            batch_op.add_column(sa.Column("playlist_id", sa.String(32), nullable=True))
            batch_op.create_foreign_key(
                f"fk_{table}_playlist", "playlists", ["playlist_id"], ["id"], ondelete="CASCADE"
            )
        columns = ["playlist_id", "number"] if index else ["playlist_id"]
        op.create_index(index or f"ix_{table}_playlist_id", table, columns)


def downgrade() -> None:
    """Remove playlists with all that belongs to them."""
    for table, index in _SHARED.items():
        op.execute(sa.text(f"DELETE FROM {table} WHERE match_id IS NULL"))
        op.drop_index(index or f"ix_{table}_playlist_id", table)
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_constraint(f"fk_{table}_playlist", type_="foreignkey")
            batch_op.drop_column("playlist_id")
            batch_op.alter_column("match_id", existing_type=sa.String(32), nullable=False)
    op.drop_table("playlists")
