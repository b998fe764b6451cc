"""Files as answers, whole or in part."""

import re
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse

from touchline.server.errors import NotFoundError
from touchline.server.problems import ProblemError

_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)


def file_answer(request: Request, path: Path, media_type: str, name: str | None = None) -> Response:
    """A file, or the one range of it that the request names.

    A malformed Range, or one of several ranges, is ignored and the whole file is sent,
    as RFC 9110 allows.

    Args:
        name: what to save it as; None to show it in place.

    Raises:
        NotFoundError: it is not there. ProblemError: Range begins after its end.
    """
    if not path.is_file():
        raise NotFoundError("file")
    _check_range(request, path.stat().st_size)
    headers = {"Cache-Control": "private, max-age=3600", "Accept-Ranges": "bytes"}
    return FileResponse(path, media_type=media_type, filename=name, headers=headers)


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
