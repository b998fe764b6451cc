"""The tables. Times are seconds since 1970; ids are random, as hexadecimal text."""

import secrets
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

ID_LENGTH = 32


def new_id() -> str:
    """A random name, safe in paths."""
    return secrets.token_hex(ID_LENGTH // 2)


def _id() -> Mapped[str]:
    return mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)


def _of(table: str, *, nullable: bool = False, index: bool = True) -> Mapped[Any]:
    return mapped_column(
        String(ID_LENGTH),
        ForeignKey(f"{table}.id", ondelete="SET NULL" if nullable else "CASCADE"),
        nullable=nullable,
        index=index,
    )


def _of_one(table: str, *, index: bool = True) -> Mapped[Any]:
    """Of a row of this table or of another; it goes with that row."""
    return mapped_column(
        String(ID_LENGTH),
        ForeignKey(f"{table}.id", ondelete="CASCADE"),
        nullable=True,
        index=index,
    )


def _revision() -> Mapped[int]:
    """The revision of the match in which the row changed last."""
    return mapped_column(default=0, server_default=text("0"))


class Base(DeclarativeBase):
    """What all tables share."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class UserRow(Base):
    """A user; ``role`` is viewer, editor or admin."""

    __tablename__ = "users"

    id: Mapped[str] = _id()
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(300))
    role: Mapped[str] = mapped_column(String(20))
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[float]


class LoginSessionRow(Base):
    """A session of a browser; ``id`` is the hash of its cookie."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = _of("users")
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[float]
    expires_at: Mapped[float] = mapped_column(index=True)


class TokenRow(Base):
    """A program's credentials; ``hash`` is of the secret that was shown once."""

    __tablename__ = "tokens"

    id: Mapped[str] = _id()
    user_id: Mapped[str] = _of("users")
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[float]
    expires_at: Mapped[float | None]


class UploadRow(Base):
    """An upload, running or complete; ``received`` counts the bytes that are safely on disk."""

    __tablename__ = "uploads"

    id: Mapped[str] = _id()
    owner_id: Mapped[str | None] = _of("users", nullable=True)
    name: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), index=True)
    length: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    lock: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    locked_until: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[float]
    expires_at: Mapped[float] = mapped_column(index=True)


class UploadPartRow(Base):
    """A numbered part of an upload in parts."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    length: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))


class VideoRow(Base):
    """A file that a match is made from: all of it, or one of its halves.

    ``number`` counts from 1 in playing order; ``half`` is set where the match has several videos.
    It lasts ``duration_seconds`` from ``start_seconds`` of the match on.
    """

    __tablename__ = "videos"
    __table_args__ = (UniqueConstraint("match_id", "number"),)

    id: Mapped[str] = _id()
    match_id: Mapped[str] = _of("matches", index=False)
    number: Mapped[int] = mapped_column(default=1)
    half: Mapped[int | None]
    upload_id: Mapped[str | None] = _of("uploads", nullable=True)
    source_path: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(String(300))
    start_seconds: Mapped[float] = mapped_column(default=0.0)
    duration_seconds: Mapped[float | None]
    info: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def end_seconds(self) -> float:
        """Where it ends in the match."""
        return self.start_seconds + (self.duration_seconds or 0.0)


class MatchRow(Base):
    """A match and its facts. Its times run through all its videos.

    ``state`` is waiting, working, ready or failed; ``version`` counts changes of the match itself,
    ``revision`` those of its events and reels. ``game`` holds what people and files state: see
    ``games``.
    ``thresholds`` has the least confidence of classes that have one, for events to review;
    ``assignee`` is who is to review it.
    """

    __tablename__ = "matches"
    __table_args__ = (Index("ix_matches_order", "created_at", "id"),)

    id: Mapped[str] = _id()
    owner_id: Mapped[str | None] = _of("users", nullable=True)
    title: Mapped[str] = mapped_column(String(300))
    model: Mapped[str] = mapped_column(String(100))
    threshold: Mapped[float]
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    problem: Mapped[str | None] = mapped_column(Text)
    warnings: Mapped[list[Any]] = mapped_column(default=list)
    info: Mapped[dict[str, Any]] = mapped_column(default=dict)
    labels: Mapped[list[Any]] = mapped_column(default=list)
    producer: Mapped[dict[str, Any]] = mapped_column(default=dict)
    thumbnails: Mapped[dict[str, Any]] = mapped_column(default=dict)
    game: Mapped[dict[str, Any]] = mapped_column(default=dict)
    thresholds: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    assignee: Mapped[str | None] = mapped_column(String(100))
    stored_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[float]
    updated_at: Mapped[float]
    videos: Mapped[list[VideoRow]] = relationship(
        order_by=VideoRow.number,
        lazy="selectin",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )


class EventRow(Base):
    """An event of a match; a deleted event is kept, so that it can be restored.

    One with a length lasts from ``lead_seconds`` before its time to ``lag_seconds`` after it.
    ``descriptors`` has what analysts say of it, as ``{"group", "text"}``; ``comments`` counts those
    of its own.
    """

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_order", "match_id", "seconds", "id"),)

    id: Mapped[str] = _id()
    match_id: Mapped[str] = _of("matches", index=False)
    seconds: Mapped[float]
    label: Mapped[str] = mapped_column(String(300))
    confidence: Mapped[float] = mapped_column(default=1.0)
    team: Mapped[str | None] = mapped_column(String(300))
    player: Mapped[str | None] = mapped_column(String(300))
    half: Mapped[int | None]
    clock: Mapped[str | None] = mapped_column(String(40))
    clock_seconds: Mapped[float | None]
    score: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    uncertainty_seconds: Mapped[float | None]
    visibility: Mapped[str | None] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20), default="pending")
    source: Mapped[str] = mapped_column(String(20), default="person")
    note: Mapped[str | None] = mapped_column(Text)
    lead_seconds: Mapped[float | None]
    lag_seconds: Mapped[float | None]
    descriptors: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    comments: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = _revision()
    deleted: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float]
    updated_by: Mapped[str] = mapped_column(String(100))
    updated_at: Mapped[float]


class CommentRow(Base):
    """What somebody says of an event."""

    __tablename__ = "comments"

    id: Mapped[str] = _id()
    match_id: Mapped[str] = _of("matches")
    event_id: Mapped[str] = _of("events")
    author: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float]


class PresenceRow(Base):
    """An open page of a match: who looks at what; ``id`` is the page's own name for itself."""

    __tablename__ = "presence"

    id: Mapped[str] = _id()
    match_id: Mapped[str] = _of("matches")
    name: Mapped[str] = mapped_column(String(100))
    event_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    seconds: Mapped[float | None]
    seen_at: Mapped[float]


class CodeWindowRow(Base):
    """Buttons to tag with, as ``code_windows`` describes them; kept for some time when deleted.

    ``revision`` counts the steps of its history.
    """

    __tablename__ = "code_windows"

    id: Mapped[str] = _id()
    title: Mapped[str] = mapped_column(String(300))
    document: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    deleted: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float]
    updated_by: Mapped[str] = mapped_column(String(100))
    updated_at: Mapped[float]


class PlaylistRow(Base):
    """Clips of any matches, in order; kept for some time when it is deleted.

    ``clips`` holds them as ``playlists`` writes them, ``revision`` counts the steps of its history.
    """

    __tablename__ = "playlists"

    id: Mapped[str] = _id()
    owner_id: Mapped[str | None] = _of("users", nullable=True)
    title: Mapped[str] = mapped_column(String(300))
    clips: Mapped[list[Any]] = mapped_column(default=list)
    stored_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0)
    deleted: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float]
    updated_by: Mapped[str] = mapped_column(String(100))
    updated_at: Mapped[float]


class ChangeRow(Base):
    """One step of the history of a match: what each event or reel was before and after.

    Or of the history of a playlist or a code window: one of the three is set."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("ix_changes_order", "match_id", "number"),
        Index("ix_changes_playlist", "playlist_id", "number"),
        Index("ix_changes_code_window", "code_window_id", "number"),
    )

    id: Mapped[str] = _id()
    match_id: Mapped[str | None] = _of_one("matches", index=False)
    playlist_id: Mapped[str | None] = _of_one("playlists", index=False)
    code_window_id: Mapped[str | None] = _of_one("code_windows", index=False)
    number: Mapped[int]
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(40))
    at: Mapped[float]
    undone: Mapped[bool] = mapped_column(default=False)
    steps: Mapped[list[Any]]


class ReelRow(Base):
    """An edit of a match, as the document that reel files hold; kept when it is deleted.

    ``finish`` is how its videos are made, as ``finishing.Finishing`` writes it; null for plain.
    """

    __tablename__ = "reels"

    id: Mapped[str] = _id()
    match_id: Mapped[str] = _of("matches")
    title: Mapped[str] = mapped_column(String(300))
    document: Mapped[dict[str, Any]]
    finish: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = _revision()
    deleted: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float]
    updated_by: Mapped[str] = mapped_column(String(100))
    updated_at: Mapped[float]


class AssetRow(Base):
    """A picture or a sound for reels, such as a logo: an upload that was looked into.

    ``kind`` is picture or sound.
    """

    __tablename__ = "assets"

    id: Mapped[str] = _id()
    upload_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("uploads.id", ondelete="CASCADE"), unique=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(300))
    bytes: Mapped[int] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float] = mapped_column(index=True)


class ProductRow(Base):
    """A file made for download, of a match or of a playlist; ``path`` is relative to the data
    folder."""

    __tablename__ = "products"

    id: Mapped[str] = _id()
    match_id: Mapped[str | None] = _of_one("matches")
    playlist_id: Mapped[str | None] = _of_one("playlists")
    reel_id: Mapped[str | None] = _of("reels", nullable=True)
    job_id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    format: Mapped[str] = mapped_column(String(40))
    path: Mapped[str] = mapped_column(String(300))
    bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[float]


class JobRow(Base):
    """Work to be done; see ``jobs.Queue`` for its life."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_claim", "state", "priority", "not_before", "created_at"),
        Index("ix_jobs_order", "created_at", "id"),
    )

    id: Mapped[str] = _id()
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20), default="queued")
    priority: Mapped[int] = mapped_column(default=0)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    match_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("matches.id", ondelete="CASCADE"), index=True
    )
    owner_id: Mapped[str | None] = _of("users", nullable=True)
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    lease: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    leased_until: Mapped[float] = mapped_column(default=0.0)
    not_before: Mapped[float] = mapped_column(default=0.0)
    worker: Mapped[str | None] = mapped_column(String(200))
    cancel: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    stage: Mapped[str | None] = mapped_column(String(40))
    progress: Mapped[float] = mapped_column(default=0.0)
    attempt_at: Mapped[float | None]
    attempt_progress: Mapped[float] = mapped_column(default=0.0, server_default=text("0"))
    stages: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problem: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]


class JobLineRow(Base):
    """A line of a job's log."""

    __tablename__ = "job_lines"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = _of("jobs")
    at: Mapped[float]
    attempt: Mapped[int]
    text: Mapped[str] = mapped_column(Text)


class WorkerRow(Base):
    """A worker process that was seen lately."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    started_at: Mapped[float]
    seen_at: Mapped[float]
    job_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))


class ShareLinkRow(Base):
    """A link that shows a match or a playlist without a login; ``scope`` is view or download."""

    __tablename__ = "share_links"

    id: Mapped[str] = _id()
    match_id: Mapped[str | None] = _of_one("matches")
    playlist_id: Mapped[str | None] = _of_one("playlists")
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(20))
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float]
    expires_at: Mapped[float]


class AuditRow(Base):
    """Who did what, when, from where."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[float] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(300))


class AnswerRow(Base):
    """The answer to a change that named itself, for when the same change is sent again."""

    __tablename__ = "answers"

    caller: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[float] = mapped_column(index=True)


class SettingRow(Base):
    """A field of the policy that an admin has changed."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[dict[str, Any]]
