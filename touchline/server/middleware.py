"""The middleware: what happens to every request before and after its route."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Self

import anyio
import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from touchline.server.bodies import (
    ANONYMOUS_BYTES,
    JSON_ITEMS,
    WAITING_BYTES,
    WAITING_SHARE,
    WaitingBodies,
    holds_too_much,
)
from touchline.server.errors import ServiceError
from touchline.server.monitoring import Monitor
from touchline.server.problems import ProblemError, answer, problem_of
from touchline.server.routes.dependencies import authenticate, client_of, who_are_you
from touchline.server.settings import ServerSettings

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
HSTS = "max-age=31536000"

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:@/\s]*))(?::\d{0,5})?", re.ASCII)
"""A name or IPv4 address, or an IPv6 address in brackets; then perhaps a port."""

access_log = logging.getLogger("touchline.access")


class Observed:
    """Names, counts, times and logs every request, and puts safety headers on every answer.

    Queries are left out of the log: they may hold the secret of a share link.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, monitor: Monitor) -> None:
        self.app = app
        self.settings = settings
        self.monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = secrets.token_hex(8)
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = request_id
                headers.setdefault("Cache-Control", "no-store")
                if self.settings.secure_cookies:
                    headers["Strict-Transport-Security"] = HSTS
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - begun, request_id)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        self.monitor.request(scope["method"], route, status, seconds)
        client = scope.get("client")
        access_log.info(
            "request",
            extra={
                "request": request_id,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "address": client[0] if client else None,
            },
        )


class Guarded:
    """Refuses foreign host names, and bodies that are too large, too slow, or too many.

    A page whose host name resolves to this machine could otherwise reach a server that trusts
    local callers. The caller is known before the body is received, and callers whom the server
    does not know have little to say. Bodies of uploads have rules of their own.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self.app = app
        self.settings = settings
        most = max(WAITING_BYTES, WAITING_SHARE * settings.max_body_bytes)
        self._waiting = WaitingBodies(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._foreign_host(headers) or self._too_large(scope, headers)
        if problem is not None:
            await answer(problem, scope["path"])(scope, receive, send)
        elif self._has_small_body(scope):
            await self._with_body(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the caller, then receive the body, then pass both on."""
        request = Request(scope)
        try:
            principal = None
            if not _is_login(scope):
                principal = await anyio.to_thread.run_sync(authenticate, request)
            body = _Body(self._waiting, client_of(request, principal))
            limit = self.settings.max_body_bytes if principal else ANONYMOUS_BYTES
            if int(request.headers.get("content-length", "0")) > limit:
                raise self._beyond(limit)
            with body:
                await self._receive(body, receive, limit)
                content = body.content()
                if not _is_file(scope) and holds_too_much(content):
                    raise ProblemError(413, f"a body may hold up to {JSON_ITEMS} values")
                await self.app(scope, _once(content, receive), send)
        except ProblemError as problem:
            await answer(problem, scope["path"])(scope, receive, send)
        except ServiceError as error:
            await answer(problem_of(error), scope["path"])(scope, receive, send)

    def _foreign_host(self, headers: Headers) -> ProblemError | None:
        if not self.settings.is_loopback and not self.settings.allowed_hosts:
            return None
        name = _host_name(headers.get("host", ""))
        known = (*LOOPBACK_NAMES, self.settings.host, *self.settings.allowed_hosts)
        if name in known:
            return None
        return ProblemError(421, f"{name[:80]!r} is not a name of this server", code="forbidden")

    def _has_small_body(self, scope: Scope) -> bool:
        return scope["method"] not in ("GET", "HEAD", "OPTIONS") and not _takes_files(scope)

    def _too_large(self, scope: Scope, headers: Headers) -> ProblemError | None:
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 20):
            return ProblemError(400, "Content-Length must be a number of bytes")
        if _takes_files(scope):
            return None
        if int(length) > self.settings.max_body_bytes:
            return self._beyond(self.settings.max_body_bytes)
        return None

    def _beyond(self, limit: int) -> ProblemError:
        if limit < self.settings.max_body_bytes:
            return who_are_you("log in, or send a token")
        return ProblemError(413, f"a body may have up to {limit} bytes")

    async def _receive(self, body: "_Body", receive: Receive, limit: int) -> None:
        with anyio.move_on_after(self.settings.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ProblemError(400, "the connection was lost")
                body.append(message.get("body", b""))
                if body.length > limit:
                    raise self._beyond(limit)
                if not message.get("more_body"):
                    return
        raise ProblemError(408, "the body arrived too slowly", headers={"Connection": "close"})


class _Body:
    """A body as far as it has arrived; counted while it is held."""

    def __init__(self, waiting: WaitingBodies, caller: str) -> None:
        self._waiting = waiting
        self._caller = caller
        self._arrived = bytearray()
        self.length = 0

    def append(self, chunk: bytes) -> None:
        """Hold more bytes.

        Raises:
            ProblemError: too many wait already.
        """
        if not self._waiting.take(self._caller, len(chunk)):
            raise ProblemError(503, "too many requests wait", headers={"Retry-After": "2"})
        self._arrived += chunk
        self.length += len(chunk)

    def content(self) -> bytes:
        """All of it, once."""
        content = bytes(self._arrived)
        self._arrived.clear()
        return content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._waiting.give_back(self._caller, self.length)


def _is_login(scope: Scope) -> bool:
    """Whether the caller is about to say who it is: what it was before does not matter."""
    return bool(scope["path"] == "/v1/session" and scope["method"] == "POST")


def _is_file(scope: Scope) -> bool:
    """Whether the body is a file of events, which is read in a process of its own."""
    return bool(scope["path"].endswith("/import"))


def _takes_files(scope: Scope) -> bool:
    """Whether the body is a video, or a part of one."""
    path, method = scope["path"], scope["method"]
    if path.startswith("/v1/uploads"):
        return method in ("PUT", "PATCH", "POST")
    return path.startswith("/api/v1/uploads/") and method == "PUT"


def _once(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _host_name(host: str) -> str:
    """The name without the port; the whole text where it is none, so that it matches no name."""
    found = _HOST.fullmatch(host.lower())
    return host if found is None else found[1] or found[2] or ""
