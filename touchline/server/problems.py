"""Errors as RFC 9457 has them: ``application/problem+json``."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from touchline.errors import InputError
from touchline.server.errors import (
    BusyError,
    ChecksumError,
    ConflictError,
    ConnectionLostError,
    DiskError,
    ExpiredError,
    LockedError,
    NotFoundError,
    PartChecksumError,
    SenderTimeoutError,
    ServiceError,
    StoppingError,
    TooLargeError,
    UnsupportedTypeError,
    WrongOffsetError,
)

MEDIA_TYPE = "application/problem+json"
OSL_PREFIX = "/api/v1"
CHECKSUM_MISMATCH = 460
"""As tus has it."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "always about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and what would be right"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
    "example": {
        "type": "about:blank",
        "title": "Precondition Failed",
        "status": 412,
        "detail": "the event has changed; read it again",
    },
}

OSL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["code", "message", "retryable"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {},
        "retryable": {"type": "boolean"},
    },
    "example": {"code": "upload_not_found", "message": "no such upload", "retryable": False},
}

log = logging.getLogger("touchline.server")


class ProblemError(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP.
        detail: what is wrong, and what would be right.
        code: name for the OSL contract.
        headers: to be sent along.
        errors: places and what is wrong there.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.headers = dict(headers or {})
        self.errors = errors


_STATUS: dict[type[ServiceError], int] = {
    NotFoundError: 404,
    ConflictError: 409,
    WrongOffsetError: 409,
    LockedError: 423,
    ExpiredError: 410,
    UnsupportedTypeError: 415,
    TooLargeError: 413,
    ChecksumError: CHECKSUM_MISMATCH,
    PartChecksumError: 422,
    SenderTimeoutError: 408,
    ConnectionLostError: 400,
    StoppingError: 503,
    DiskError: 507,
    BusyError: 503,
}


def status_of(kind: type[ServiceError]) -> int:
    """The status of HTTP that an error of the services has."""
    return _STATUS[kind]


def problem_of(error: ServiceError) -> ProblemError:
    """The answer that an error of the services is over HTTP."""
    headers = {}
    if isinstance(error, LockedError | BusyError):
        headers["Retry-After"] = str(error.retry_seconds)
    elif isinstance(error, WrongOffsetError):
        headers["Upload-Offset"] = str(error.received)
    return ProblemError(status_of(type(error)), str(error), code=error.code, headers=headers)


def answer(problem: ProblemError, path: str) -> Response:
    """The response that carries a problem, in the form of the API that was called."""
    if path.startswith(OSL_PREFIX):
        body: dict[str, Any] = {
            "code": problem.code or f"http_{problem.status}",
            "message": problem.detail,
            "details": problem.errors,
            "retryable": problem.status in (408, 423, 429) or problem.status >= 500,
        }
        media_type = "application/json"
    else:
        body = {
            "type": "about:blank",
            "title": _title(problem.status),
            "status": problem.status,
            "detail": problem.detail,
        }
        if problem.errors:
            body["errors"] = problem.errors
        media_type = MEDIA_TYPE
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, problem.status, problem.headers, media_type)


def handle_problems(app: FastAPI) -> None:
    """Let an application answer every error in this form."""

    @app.exception_handler(ProblemError)
    def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return answer(error, request.url.path)

    @app.exception_handler(ServiceError)
    def service_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)
        return answer(problem_of(error), request.url.path)

    @app.exception_handler(InputError)
    def input_error(request: Request, error: Exception) -> Response:
        return answer(ProblemError(422, str(error), code="invalid_request"), request.url.path)

    @app.exception_handler(RequestValidationError)
    def invalid_fields(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(_validation(error), request.url.path)

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        found = ProblemError(error.status_code, str(error.detail), headers=error.headers)
        return answer(found, request.url.path)

    @app.exception_handler(Exception)
    def internal_error(request: Request, error: Exception) -> Response:
        fault = ProblemError(500, "a fault of ours; it has been logged")
        return answer(fault, request.url.path)


def _validation(error: RequestValidationError) -> ProblemError:
    errors = [
        {"where": ".".join(str(part) for part in found["loc"])[:200], "what": found["msg"][:300]}
        for found in error.errors()[:20]
    ]
    first = errors[0] if errors else {"where": "body", "what": "is wrong"}
    return ProblemError(
        422, f"{first['where']}: {first['what']}", code="invalid_request", errors=errors
    )


def _title(status: int) -> str:
    if status == CHECKSUM_MISMATCH:
        return "Checksum Mismatch"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
