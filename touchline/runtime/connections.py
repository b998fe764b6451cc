"""Answers of web servers: read in a bounded time, followed with care, refused where they are no
files."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from touchline.errors import InputError

STALL_SECONDS = 30.0
"""How long a connection may say nothing."""

TRIES = 4
"""Connections without a byte of progress before a file is given up."""

FIRST_PAUSE_SECONDS = 1.0

AGAIN = "run the same command again, and it goes on from there"

_BUSY = {408, 425, 429, 500, 502, 503, 504}
_NO_RANGE = 416
_PAGES = {"text/html", "application/xhtml+xml"}
_PAGE_STARTS = (b"<!doctype html", b"<html")

Read = TypeVar("Read")


class FetchError(InputError):
    """A file cannot be had."""


class AbsentError(FetchError):
    """There is no such file at the address, or not for everyone."""


class UnreachableError(FetchError):
    """Nothing comes from the server."""


class InterruptedConnectionError(Exception):
    """A connection ended early; another may go on."""


class RangeError(InterruptedConnectionError):
    """The server has not as many bytes as were asked to be left out."""


class _Redirects(HTTPRedirectHandler):
    """From HTTPS to HTTPS only; no other host is shown an authorisation."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        _require_web(newurl)
        if before.scheme == "https" and after.scheme != "https":
            raise FetchError("leads to an address without HTTPS", where=req.full_url)
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None:
            new.method = req.get_method()
            if before.netloc != after.netloc:
                new.remove_header("Authorization")
        return new


def _require_web(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise FetchError("is no address of the web", where=url)


def _opener() -> OpenerDirector:
    """HTTP and HTTPS alone: an address from outside opens no file and no FTP."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        _Redirects(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


@contextlib.contextmanager
def opened(url: str, headers: Mapping[str, str], method: str = "GET") -> Iterator[HTTPResponse]:
    """An answer that is a file.

    Raises:
        FetchError: there is none.
        InterruptedConnectionError: not now.
    """
    with _answer(url, headers, method) as response:
        kind = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if kind in _PAGES:
            raise page_error(response.url or url)
        yield response


def _answer(url: str, headers: Mapping[str, str], method: str) -> HTTPResponse:
    _require_web(url)
    sent = {"User-Agent": "touchline", "Accept-Encoding": "identity", **headers}
    try:
        request = Request(url, headers=sent, method=method)
        response: HTTPResponse = _opener().open(request, timeout=STALL_SECONDS)
        return response
    except HTTPError as error:
        error.close()
        raise _status_error(error.code, url) from error
    except (HTTPException, OSError) as error:
        raise InterruptedConnectionError(reason(error)) from error


def read_block(response: HTTPResponse, most: int) -> bytes:
    """What comes next of an answer; nothing at its end.

    Raises:
        InterruptedConnectionError: it ended early.
    """
    try:
        return response.read1(most)
    except (HTTPException, OSError) as error:
        raise InterruptedConnectionError(reason(error)) from error


def _status_error(status: int, url: str) -> Exception:
    if status == _NO_RANGE:
        return RangeError(f"HTTP {status}")
    if status in _BUSY:
        return InterruptedConnectionError(f"HTTP {status}")
    if status in (401, 403):
        return AbsentError(f"cannot be had without permission (HTTP {status})", where=url)
    if status in (404, 410):
        return AbsentError(f"is not there (HTTP {status})", where=url)
    return FetchError(f"cannot be fetched (HTTP {status})", where=url)


def page_error(url: str) -> AbsentError:
    """For an answer that is meant for a browser."""
    return AbsentError(
        "answers with a web page instead of the file, as a moved file or a login does", where=url
    )


def is_page(start: bytes) -> bool:
    """Whether these are the first bytes of a web page."""
    return start.lstrip()[:14].lower().startswith(_PAGE_STARTS)


def reason(error: Exception) -> str:
    """In a few words, why a connection ended."""
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, TimeoutError):
        return f"nothing came for {STALL_SECONDS:g} seconds"
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__)[:120]


def stated_length(response: HTTPResponse) -> int | None:
    """Bytes of what follows, where the answer states them."""
    text = response.headers.get("Content-Length") or ""
    return int(text) if text.isdigit() else None


def tried(url: str, read: Callable[[], Read]) -> Read:
    """What ``read`` returns, tried anew while connections end early.

    Raises:
        FetchError: there is no connection, or whatever ``read`` raises.
    """
    for number in range(TRIES):
        try:
            return read()
        except InterruptedConnectionError as error:
            if number == TRIES - 1:
                raise no_connection(url, error) from error
            time.sleep(FIRST_PAUSE_SECONDS * 2**number)
    raise AssertionError("the last try returns or raises")


def no_connection(url: str, error: Exception) -> UnreachableError:
    """For a server of which nothing came."""
    return UnreachableError(
        f"no answer from {urlsplit(url).netloc} ({error})",
        where=url,
        remedy="check the connection, then run the same command again",
    )


def size_at(url: str, headers: Mapping[str, str]) -> int | None:
    """How large the file at an address is, without fetching it; None if the server does not say.

    Raises:
        FetchError: it is not there, or there is no connection.
    """

    def look() -> int | None:
        with opened(url, headers, "HEAD") as response:
            return stated_length(response)

    def look_at_first_byte() -> int | None:
        with opened(url, {**headers, "Range": "bytes=0-0"}) as response:
            _, _, whole = (response.headers.get("Content-Range") or "").partition("/")
            return int(whole) if whole.isdigit() else stated_length(response)

    try:
        return tried(url, look)
    except UnreachableError:
        raise
    except FetchError:  # some servers sign addresses for fetching alone, or know no HEAD
        return tried(url, look_at_first_byte)


def read_start(url: str, headers: Mapping[str, str], most: int) -> bytes:
    """The first bytes of the file at an address.

    Raises:
        FetchError: it is not there, or there is no connection.
    """

    def look() -> bytes:
        start = b""
        with opened(url, headers) as response:
            while len(start) < most and (block := read_block(response, most - len(start))):
                start += block
        return start

    return tried(url, look)
