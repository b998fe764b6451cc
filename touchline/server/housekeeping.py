"""Removal of what has expired: stopped uploads, sessions, links, old matches and jobs."""

import contextlib
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Select, delete, select

from touchline.server.jobs.queue import ENDED, OPEN
from touchline.server.jobs.types import JOB_TYPES
from touchline.server.policy import read_policy
from touchline.server.services import Services
from touchline.server.tables import (
    ID_LENGTH,
    AnswerRow,
    AssetRow,
    Base,
    CodeWindowRow,
    JobRow,
    LoginSessionRow,
    MatchRow,
    PlaylistRow,
    ShareLinkRow,
    TokenRow,
    UploadRow,
    VideoRow,
    WorkerRow,
)

DAY_SECONDS = 24 * 3600.0
JOB_DAYS = 90
WORKER_DAYS = 1
DELETED_DAYS = 30
"""How long a deleted playlist or code window can be brought back."""
CLIP_SECONDS = 3600.0
BATCH = 100
STRAY_SECONDS = 3600.0
"""Younger folders may belong to a request that is still running."""


_UPLOAD_READERS = [name for name, job_type in JOB_TYPES.items() if job_type.reads_uploads]

Expired = TypeVar("Expired", UploadRow, PlaylistRow, CodeWindowRow)

log = logging.getLogger("touchline.housekeeping")


def tidy(services: Services) -> None:
    """Remove what has expired. Safe to run on several hosts at once."""
    _tidy_rows(services)
    _tidy_uploads(services)
    _tidy_parts(services)
    _tidy_matches(services)
    _tidy_deleted(services)
    _tidy_clips(services)
    _tidy_folders(services)


def _tidy_rows(services: Services) -> None:
    with services.database.write() as session:
        now = services.database.now(session)
        session.execute(delete(LoginSessionRow).where(LoginSessionRow.expires_at < now))
        session.execute(delete(ShareLinkRow).where(ShareLinkRow.expires_at < now))
        session.execute(delete(TokenRow).where(TokenRow.expires_at < now))
        session.execute(delete(AnswerRow).where(AnswerRow.expires_at < now))
        session.execute(
            delete(WorkerRow).where(WorkerRow.seen_at < now - WORKER_DAYS * DAY_SECONDS)
        )
        session.execute(
            delete(JobRow).where(
                JobRow.state.in_(ENDED), JobRow.finished_at < now - JOB_DAYS * DAY_SECONDS
            )
        )


def _tidy_uploads(services: Services) -> None:
    of_matches = select(VideoRow.upload_id).where(VideoRow.upload_id.is_not(None))
    at_work = (
        select(JobRow.id).where(JobRow.state.in_(OPEN), JobRow.kind.in_(_UPLOAD_READERS)).exists()
    )
    _remove(
        services,
        lambda now: select(UploadRow).where(
            UploadRow.expires_at < now,
            UploadRow.locked_until < now,
            UploadRow.id.not_in(of_matches),
            UploadRow.id.not_in(select(AssetRow.upload_id)),
            ~at_work,
        ),
        services.storage.drop_upload,
        "upload expired",
    )


def _remove(
    services: Services,
    over: Callable[[float], Select[Expired]],
    drop_files: Callable[[str], None],
    said: str,
) -> None:
    """Delete rows, then their files, and log each.

    Args:
        over: selects the rows, given the time.
    """
    with services.database.write() as session:
        rows = session.scalars(over(services.database.now(session)).limit(BATCH)).all()
        for row in rows:
            session.delete(row)
    for row in rows:
        drop_files(row.id)
        log.info(said, extra={said.partition(" ")[0]: row.id})


def _tidy_parts(services: Services) -> None:
    """Remove the parts of complete uploads: a server was killed before it had done so."""
    oldest = time.time() - STRAY_SECONDS
    parts = (services.storage.root / "uploads").glob("*/*part*")
    for upload_id in {path.parent.name for path in parts if _is_older(path, oldest)}:
        with services.database.read() as session:
            upload = session.get(UploadRow, upload_id)
        if upload is not None and upload.state == "complete":
            services.storage.drop_parts(upload_id)


def _tidy_matches(services: Services) -> None:
    with services.database.read() as session:
        days = read_policy(session, services.settings.policy).retention_days
        if days is None:
            return
        oldest = services.database.now(session) - days * DAY_SECONDS
        over = session.scalars(
            select(MatchRow.id).where(MatchRow.created_at < oldest).limit(BATCH)
        ).all()
    for match_id in over:
        drop_match(services, match_id)
        log.info("match expired", extra={"match": match_id})


def _tidy_deleted(services: Services) -> None:
    """Remove playlists and code windows for good some time after they were deleted."""
    _remove(
        services,
        lambda now: select(PlaylistRow).where(
            PlaylistRow.deleted, PlaylistRow.updated_at < now - DELETED_DAYS * DAY_SECONDS
        ),
        services.storage.drop_playlist,
        "playlist removed",
    )
    _remove(
        services,
        lambda now: select(CodeWindowRow).where(
            CodeWindowRow.deleted, CodeWindowRow.updated_at < now - DELETED_DAYS * DAY_SECONDS
        ),
        lambda _: None,
        "window removed",
    )


def _tidy_clips(services: Services) -> None:
    """Remove stretches of proxies that nobody has watched for some time."""
    oldest = time.time() - CLIP_SECONDS
    for path in (services.storage.root / "clips").glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # another process removed it
            if path.stat().st_mtime < oldest:
                path.unlink()


def _tidy_folders(services: Services) -> None:
    """Remove folders without a row: a process was killed between the two."""
    oldest = time.time() - STRAY_SECONDS
    tables = {"uploads": UploadRow, "matches": MatchRow, "playlists": PlaylistRow}
    for kind, table in {**tables, "clips": MatchRow, "work": JobRow}.items():
        for folder in (services.storage.root / kind).iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process removed it
                if folder.stat().st_mtime < oldest and _is_stray(services, folder.name, table):
                    shutil.rmtree(folder, ignore_errors=True)
                    log.info("stray folder removed", extra={"folder": f"{kind}/{folder.name}"})


def _is_older(path: Path, time_seconds: float) -> bool:
    with contextlib.suppress(FileNotFoundError):  # another process removed it
        return path.stat().st_mtime < time_seconds
    return False


def _is_stray(services: Services, name: str, table: type[Base]) -> bool:
    with services.database.read() as session:
        row = session.get(table, name[:ID_LENGTH])
    return row is None or (isinstance(row, JobRow) and row.state in ENDED)


def drop_match(services: Services, match_id: str) -> None:
    """Remove a match with all its rows and files; its jobs end."""
    with services.database.write() as session:
        match = session.get(MatchRow, match_id)
        if match is None:
            return
        elsewhere = select(VideoRow.upload_id).where(
            VideoRow.match_id != match_id, VideoRow.upload_id.is_not(None)
        )
        uploads = session.scalars(
            select(UploadRow)
            .join(VideoRow)
            .where(VideoRow.match_id == match_id, UploadRow.id.not_in(elsewhere))
        ).all()
        session.delete(match)
        session.flush()
        for upload in uploads:
            session.delete(upload)
    services.storage.drop_match(match_id)
    for upload in uploads:
        services.storage.drop_upload(upload.id)
