"""Files as answers, whole or in part."""

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from touchline.server.errors import BusyError, DiskError, NotFoundError
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import caller_of, get_services

LOOK_SECONDS = 2.0
"""How often it is checked whether the caller of a file that is being sent may have it still."""

_BINARY = {"schema": {"type": "string", "format": "binary"}}

VIDEO = {"content": {"video/mp4": _BINARY}}
PICTURE = {"content": {"image/jpeg": _BINARY}}
BYTES = {"content": {"application/octet-stream": _BINARY}}
"""What the descriptions of answers say of files."""

PART = {"description": "The part that Range asked for.", **VIDEO}

_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)


def file_answer(request: Request, path: Path, media_type: str, name: str | None = None) -> Response:
    """A file, or the one range of it that the request names.

    A malformed Range, or one of several ranges, is ignored and the whole file is sent,
    as RFC 9110 allows. The answer breaks off when the caller's login, token or link ends.

    Args:
        name: what to save it as; None to show it in place.

    Raises:
        NotFoundError: it is not there. ProblemError: Range begins after its end.
    """
    if not path.is_file():
        raise NotFoundError("file")
    _check_range(request, path.stat().st_size)
    headers = {"Cache-Control": "private, max-age=3600", "Accept-Ranges": "bytes"}
    return _WatchedFile(request, path, media_type=media_type, filename=name, headers=headers)


class _WatchedFile(FileResponse):
    """A file that is sent as long as the caller may have it: hours, for a large one."""

    def __init__(self, request: Request, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        looked = time.monotonic()

        async def sending(message: Message) -> None:
            nonlocal looked
            if time.monotonic() - looked > LOOK_SECONDS:
                await to_thread.run_sync(_refuse_ended, self._request)
                looked = time.monotonic()
            await send(message)

        with suppress(_EndedError):
            await super().__call__(scope, receive, sending)


class _EndedError(Exception):
    """The caller may not have the rest."""


def _refuse_ended(request: Request) -> None:
    services = get_services(request)
    try:
        with services.database.read() as session:
            if caller_of(request, services, session) == request.state.principal:
                return
    except (BusyError, DiskError):
        return  # nothing is known of the caller now; the next look tells
    except ProblemError:
        pass
    raise _EndedError


def _check_range(request: Request, size: int) -> None:
    asked = request.headers.get("Range")
    if asked is None:
        return
    found = _ONE_RANGE.fullmatch(asked.strip())
    first, last, suffix = found.groups() if found else (None, None, None)
    inverted = first is not None and last is not None and int(last) < int(first)
    if found is None or inverted:
        request.scope["headers"] = [
            (key, value) for key, value in request.scope["headers"] if key.lower() != b"range"
        ]
    elif (first is not None and int(first) >= size) or suffix == "0":
        raise ProblemError(
            416, f"the file has {size} bytes", headers={"Content-Range": f"bytes */{size}"}
        )
