"""The server itself: health, capabilities, settings."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

import touchline
from touchline.formats import FORMATS
from touchline.formats.kloppy import provider_formats
from touchline.server.access.principal import Principal
from touchline.server.intake.uploads import CHECKSUMS, SUFFIXES
from touchline.server.jobs.queue import ALIVE_SECONDS
from touchline.server.monitoring import Monitor
from touchline.server.policy import change_policy, read_policy
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import (
    Admin,
    Known,
    ServicesDep,
    Viewer,
    audit,
    authenticate,
)
from touchline.server.routes.playlists import PLAYLIST_FORMATS
from touchline.server.routes.reels import REEL_FORMATS, VIDEO_TITLES
from touchline.server.settings import Policy
from touchline.server.tables import WorkerRow

router = APIRouter(tags=["system"])
public = APIRouter(tags=["system"])


class Hello(BaseModel):
    """The answer at the root."""

    name: str = "touchline"
    version: str = touchline.__version__
    api: str = "/v1"
    document: str = "/openapi.json"


class Health(BaseModel):
    """The health of the server."""

    status: str
    workers: int | None = None


class FormatOut(BaseModel):
    """A format that files are made in, and what people call it."""

    name: str
    title: str
    suffix: str
    events: bool
    reels: bool
    video: bool


class Capabilities(BaseModel):
    """The limits and formats of this server."""

    version: str
    upload: dict[str, Any]
    media: dict[str, Any]
    event_formats: list[str]
    feed_formats: list[str]
    reel_formats: list[str]
    playlist_formats: list[str]
    formats: list[FormatOut]
    media_roots: list[str]
    open: bool


class PolicyChange(Policy):
    """Fields of the policy to change; those left out stay."""


@public.get("/")
def root() -> Hello:
    """The server's name and version."""
    return Hello()


@public.get("/health")
def health() -> Health:
    """The process is alive."""
    return Health(status="alive")


@public.get("/ready")
def ready(services: ServicesDep) -> Health:
    """Database and disk answer; with the number of workers that are alive."""
    try:
        with services.database.read() as session:
            session.execute(text("SELECT 1"))
            now = services.database.now(session)
            workers = session.scalar(
                select(func.count())
                .select_from(WorkerRow)
                .where(WorkerRow.seen_at > now - ALIVE_SECONDS)
            )
        services.storage.free_bytes()
    except (SQLAlchemyError, OSError) as error:
        raise ProblemError(503, "database or disk do not answer") from error
    return Health(status="ready", workers=workers)


@public.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(
    request: Request,
    services: ServicesDep,
    principal: Principal | None = Depends(authenticate),  # noqa: B008
) -> Response:
    """Metrics for Prometheus; needs credentials unless the settings make them public."""
    if not services.settings.metrics_public and (principal is None or not principal.has("viewer")):
        raise ProblemError(401, "send a token", headers={"WWW-Authenticate": "Bearer"})
    monitor: Monitor = request.app.state.monitor
    return Response(monitor.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/capabilities")
def capabilities(principal: Known, services: ServicesDep) -> Capabilities:
    """The limits and formats of this server."""
    with services.database.read() as session:
        policy = read_policy(session, services.settings.policy)
    return Capabilities(
        version=touchline.__version__,
        upload={
            "max_bytes": policy.max_upload_bytes,
            "suffixes": list(SUFFIXES),
            "tus": "1.0.0",
            "checksums": list(CHECKSUMS),
            "expires_hours": policy.upload_hours,
        },
        media=services.settings.media_limits.model_dump(),
        event_formats=[f.name for f in FORMATS.values() if f.write and "events" in f.kinds],
        feed_formats=provider_formats(),
        reel_formats=list(REEL_FORMATS),
        playlist_formats=list(PLAYLIST_FORMATS),
        formats=_formats(),
        media_roots=list(services.settings.media_roots),
        open=services.settings.is_loopback and principal.user_id is None and not principal.is_guest,
    )


def _formats() -> list[FormatOut]:
    videos = [
        FormatOut(name=name, title=title, suffix=f".{name}", events=False, reels=True, video=True)
        for name, title in VIDEO_TITLES.items()
    ]
    written = (known for known in FORMATS.values() if known.write is not None)
    return videos + [
        FormatOut(
            name=known.name,
            title=known.title,
            suffix=known.suffixes[0],
            events="events" in known.kinds,
            reels="reel" in known.kinds,
            video=False,
        )
        for known in written
    ]


@router.get("/v1/settings")
def settings(principal: Viewer, services: ServicesDep) -> Policy:
    """The settings that an admin may change."""
    with services.database.read() as session:
        return read_policy(session, services.settings.policy)


@router.patch("/v1/settings")
def change_settings(
    body: PolicyChange, principal: Admin, request: Request, services: ServicesDep
) -> Policy:
    """Change settings; they hold for all processes at once."""
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    with services.database.write() as session:
        changed = change_policy(session, services.settings.policy, changes)
        audit(services, request, session, "settings changed", ", ".join(sorted(changes)))
    return changed
