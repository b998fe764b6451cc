"""A match has one video or several, and facts of its game."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Give each match its video as a row of its own."""
    videos = op.create_table(
        "videos",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("match_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("half", sa.Integer(), nullable=True),
        sa.Column("upload_id", sa.String(length=32), nullable=True),
        sa.Column("source_path", sa.Text(), nullable=True),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("info", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("match_id", "number"),
    )
    with op.batch_alter_table("videos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_videos_upload_id"), ["upload_id"], unique=False)

    matches = sa.table(
        "matches", *(sa.column(name) for name in ("id", "upload_id", "source_path", "video_name")),
        sa.column("info", sa.JSON),
    )  # fmt: skip
    rows = [
        {
            "id": secrets.token_hex(16),
            "match_id": row.id,
            "number": 1,
            "upload_id": row.upload_id,
            "source_path": row.source_path,
            "name": row.video_name,
            "start_seconds": 0.0,
            "duration_seconds": (row.info or {}).get("duration_seconds"),
            "info": {key: value for key, value in (row.info or {}).items() if key != "proxy"},
        }
        for row in op.get_bind().execute(sa.select(matches))
    ]
    if rows:
        op.bulk_insert(videos, rows)

    with op.batch_alter_table("matches", schema=None) as batch_op:
        batch_op.drop_index("ix_matches_upload_id")
        batch_op.drop_column("upload_id")
        batch_op.drop_column("source_path")
        batch_op.drop_column("video_name")
        batch_op.add_column(sa.Column("game", sa.JSON(), nullable=False, server_default="{}"))
