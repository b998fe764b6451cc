"""The web application, put together."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.gzip import GZipMiddleware

import touchline
from touchline.server.access.logins import LoginLimiter
from touchline.server.access.rates import RateLimiter
from touchline.server.access.streams import OpenStreams
from touchline.server.cache import AnswerCache
from touchline.server.intake.events import Imports
from touchline.server.middleware import Guarded, Observed
from touchline.server.monitoring import Monitor
from touchline.server.problems import (
    MEDIA_TYPE,
    OSL_PREFIX,
    OSL_SCHEMA,
    SCHEMA,
    handle_problems,
)
from touchline.server.routes import (
    agreement,
    assets,
    code_windows,
    comments,
    events,
    jobs,
    matches,
    models,
    osl,
    page,
    people,
    playlists,
    reels,
    samples,
    search,
    session,
    shares,
    system,
    uploads,
    users,
)
from touchline.server.routes.dependencies import (
    COOKIE,
    CSRF_HEADER,
    SHARE_HEADER,
    Limiters,
    known_queries,
)
from touchline.server.routes.idempotency import handle_repeats
from touchline.server.services import Services

THREADS = 40

GZIP_LEVEL = 4
NOT_COMPRESSED = (
    *("application/octet-stream", "application/zip", "audio/*", "image/jpeg"),
    *("text/event-stream", "video/*"),
)
"""Media types of answers that are compressed already, or go out piece by piece."""

PUBLIC = (system.public, session.public, uploads.public)
"""Routes that need no credentials: the root, health, metrics with a rule of their own, login, and
what tus is spoken."""

GUARDED = (
    system.router,
    session.router,
    users.router,
    uploads.router,
    samples.router,
    assets.router,
    matches.router,
    events.router,
    reels.router,
    code_windows.router,
    comments.router,
    people.router,
    agreement.router,
    playlists.router,
    search.router,
    jobs.router,
    models.router,
    shares.router,
    osl.router,
)

DESCRIPTION = """Upload match videos; get events and highlight reels.

Errors are `application/problem+json`. Lists come in pages: `next` is the `cursor` of the next one.
Changes to matches, events, reels and playlists need `If-Match` with the `ETag` that was read. A
change of matches, events, reels, playlists or jobs, but for the deletion of a match, a new comment
and a new or changed code window may be sent again under the same `Idempotency-Key`, and take effect
once. `503` with `Retry-After`: try again."""


def create_app(services: Services, stopping: threading.Event | None = None) -> FastAPI:
    """The web application on these services.

    Args:
        stopping: set when the server is to end; what waits and what can be sent again is given up.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield

    app = FastAPI(
        title="touchline",
        version=touchline.__version__,
        description=DESCRIPTION,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    rates = services.settings.rates
    app.state.services = services
    app.state.streams = OpenStreams(rates.streams)
    app.state.stopping = stopping or threading.Event()
    app.state.imports = Imports(app.state.stopping)
    app.state.event_pages = AnswerCache()
    app.state.monitor = Monitor(services)
    app.state.limiters = Limiters(
        RateLimiter(rates.requests_per_second, rates.burst),
        LoginLimiter(rates.logins_per_minute),
    )
    handle_problems(app)
    handle_repeats(app)
    page.serve_page(app)
    for router in (*PUBLIC, *GUARDED):
        # The clients of the OSL contract may send more than it has.
        checks = [] if router is osl.router else [Depends(known_queries)]
        app.include_router(router, dependencies=checks)
    app.add_middleware(Guarded, settings=services.settings)
    app.add_middleware(Observed, settings=services.settings, monitor=app.state.monitor)
    app.add_middleware(
        GZipMiddleware, compresslevel=GZIP_LEVEL, exclude_content_types=NOT_COMPRESSED
    )
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the credentials and the form of errors that routes share."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= {"Problem": SCHEMA, "OslError": OSL_SCHEMA}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
        "share": {"type": "apiKey", "in": "header", "name": SHARE_HEADER},
    }
    document["security"] = [{"token": []}, {"session": [], "csrf": []}, {"share": []}, {}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _document_errors(operation["responses"], path)
    app.openapi_schema = document
    return document


def _document_errors(responses: dict[str, Any], path: str) -> None:
    is_osl = path.startswith(OSL_PREFIX)
    name = "OslError" if is_osl else "Problem"
    media_type = "application/json" if is_osl else MEDIA_TYPE
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    responses.pop("422", None)
    responses["default"] = {
        "description": "What is wrong, and what would be right.",
        "content": content,
    }
