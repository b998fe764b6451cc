"""The middleware: what happens to every request before and after its route."""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from touchline.server.monitoring import Monitor
from touchline.server.problems import ProblemError, answer
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

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1", "testserver")

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
    """Refuses foreign host names, and bodies that are too large, too slow, or of unknown length.

    A page whose host name resolves to this machine could otherwise reach a server that trusts
    local callers. Bodies of uploads have rules of their own.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._foreign_host(headers) or self._too_large(scope, headers)
        if problem is None and self._has_small_body(scope):
            body = await self._body(receive)
            if isinstance(body, ProblemError):
                problem = body
            else:
                receive = _once(body, receive)
        if problem is not None:
            await answer(problem, scope["path"])(scope, receive, send)
            return
        await self.app(scope, receive, send)

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
        if _takes_files(scope) or not length.isdigit():
            return None
        if int(length) > self.settings.max_body_bytes:
            return ProblemError(413, f"a body may have up to {self.settings.max_body_bytes} bytes")
        return None

    async def _body(self, receive: Receive) -> bytes | ProblemError:
        body = bytearray()
        with anyio.move_on_after(self.settings.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return ProblemError(400, "the connection was lost")
                body += message.get("body", b"")
                if len(body) > self.settings.max_body_bytes:
                    return ProblemError(
                        413, f"a body may have up to {self.settings.max_body_bytes} bytes"
                    )
                if not message.get("more_body"):
                    return bytes(body)
        return ProblemError(408, "the body arrived too slowly", headers={"Connection": "close"})


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
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
