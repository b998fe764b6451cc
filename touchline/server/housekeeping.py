"""What goes after its time: uploads that stopped, sessions, links, old matches and jobs."""

import contextlib
import logging
import shutil
import time

from sqlalchemy import delete, select

from touchline.server.jobs.queue import ENDED, OPEN
from touchline.server.policy import read_policy
from touchline.server.services import Room
from touchline.server.tables import (
    ID_LENGTH,
    JobRow,
    LoginSessionRow,
    MatchRow,
    ShareLinkRow,
    TokenRow,
    UploadRow,
    VideoRow,
    WorkerRow,
)

DAY_SECONDS = 24 * 3600.0
JOB_DAYS = 90
WORKER_DAYS = 1
BATCH = 100
STRAY_SECONDS = 3600.0
"""Folders younger than this may be on their way."""


log = logging.getLogger("touchline.housekeeping")


def tidy(room: Room) -> None:
    """Remove what is over its time. Safe to run anywhere, by several at once."""
    _tidy_rows(room)
    _tidy_uploads(room)
    _tidy_matches(room)
    _tidy_folders(room)


def _tidy_rows(room: Room) -> None:
    with room.database.write() as session:
        now = room.database.now(session)
        session.execute(delete(LoginSessionRow).where(LoginSessionRow.expires_at < now))
        session.execute(delete(ShareLinkRow).where(ShareLinkRow.expires_at < now))
        session.execute(delete(TokenRow).where(TokenRow.expires_at < now))
        session.execute(
            delete(WorkerRow).where(WorkerRow.seen_at < now - WORKER_DAYS * DAY_SECONDS)
        )
        session.execute(
            delete(JobRow).where(
                JobRow.state.in_(ENDED), JobRow.finished_at < now - JOB_DAYS * DAY_SECONDS
            )
        )


def _tidy_uploads(room: Room) -> None:
    with room.database.write() as session:
        now = room.database.now(session)
        used = select(VideoRow.upload_id).where(VideoRow.upload_id.is_not(None))
        at_work = select(JobRow.id).where(JobRow.state.in_(OPEN), JobRow.kind == "infer").exists()
        over = session.scalars(
            select(UploadRow)
            .where(
                UploadRow.expires_at < now,
                UploadRow.locked_until < now,
                UploadRow.id.not_in(used),
                ~at_work,
            )
            .limit(BATCH)
        ).all()
        for upload in over:
            session.delete(upload)
    for upload in over:
        room.storage.drop_upload(upload.id)
        log.info("upload expired", extra={"upload": upload.id})


def _tidy_matches(room: Room) -> None:
    with room.database.read() as session:
        days = read_policy(session, room.settings.policy).retention_days
        if days is None:
            return
        oldest = room.database.now(session) - days * DAY_SECONDS
        over = session.scalars(
            select(MatchRow.id).where(MatchRow.created_at < oldest).limit(BATCH)
        ).all()
    for match_id in over:
        drop_match(room, match_id)
        log.info("match expired", extra={"match": match_id})


def _tidy_folders(room: Room) -> None:
    """Folders that nothing refers to: a process was killed between a row and its files."""
    oldest = time.time() - STRAY_SECONDS
    for kind, table in (("uploads", UploadRow), ("matches", MatchRow), ("work", JobRow)):
        for folder in (room.storage.root / kind).iterdir():
            with contextlib.suppress(FileNotFoundError):  # somebody else tidies, too
                if folder.stat().st_mtime < oldest and _is_stray(room, folder.name, table):
                    shutil.rmtree(folder, ignore_errors=True)
                    log.info("stray folder removed", extra={"folder": f"{kind}/{folder.name}"})


def _is_stray(room: Room, name: str, table: type[UploadRow | MatchRow | JobRow]) -> bool:
    with room.database.read() as session:
        row = session.get(table, name[:ID_LENGTH])
    return row is None or (isinstance(row, JobRow) and row.state in ENDED)


def drop_match(room: Room, match_id: str) -> None:
    """Remove a match with all its rows and files; its jobs end."""
    with room.database.write() as session:
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
    room.storage.drop_match(match_id)
    for upload in uploads:
        room.storage.drop_upload(upload.id)
