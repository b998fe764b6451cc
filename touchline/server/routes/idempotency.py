"""Changes that take effect once, however often they are sent.

A change may name itself by the header ``Idempotency-Key``, as the IETF's draft
draft-ietf-httpapi-idempotency-key-header has it. Its answer is kept in the transaction that makes
the change, so that either both are there or none; the same change again is answered with it.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import Depends, FastAPI, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from touchline.server.access.principal import Principal
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import Known, ServicesDep
from touchline.server.services import Services
from touchline.server.tables import AnswerRow

KEPT_SECONDS = 7 * 24 * 3600.0
"""How long an answer is kept."""

REPLAYED_HEADER = "Idempotent-Replayed"

T = TypeVar("T", bound=BaseModel)


class RepeatedError(Exception):
    """The change was made before; ``row`` holds its answer."""

    def __init__(self, row: AnswerRow) -> None:
        super().__init__(row.key)
        self.row = row


@dataclass(frozen=True)
class Once:
    """A change that a request asks for, made once however often it is sent.

    Attributes:
        key: the name that the caller gave it; without one it is made each time it is sent.
        digest: of what it asks for.
        status: of its answer.
    """

    services: Services
    caller: str
    key: str | None
    digest: str
    response: Response
    status: int

    @property
    def step_id(self) -> str | None:
        """A name for the step that the change becomes: who sent it knows it before the answer."""
        return self.key if self.key and re.fullmatch("[0-9a-f]{32}", self.key) else None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that makes the change; ``answer`` must be called in it.

        Raises:
            RepeatedError: the change was made before.
            ProblemError: its key belongs to another change.
        """
        with self.services.database.write() as session:
            if self.key is not None:
                self._claim(session, self.key)
            yield session

    def answer(self, session: Session, answer: T, **headers: str) -> T:
        """Set the headers of the answer, and keep both with the change.

        Args:
            headers: by their names, with ``_`` for ``-``.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response.headers.update(named)
        if self.key is not None:
            row = session.get_one(AnswerRow, (self.caller, self.key))
            row.headers = named
            is_empty = self.status == HTTPStatus.NO_CONTENT
            row.body = None if is_empty else answer.model_dump_json()
        return answer

    def answer_nothing(self, session: Session, **headers: str) -> Response:
        """The answer that there is nothing to show, with its headers; kept as ``answer`` does.

        For changes that mostly have something to show, so whose status is another one.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key is not None:
            row = session.get_one(AnswerRow, (self.caller, self.key))
            row.headers, row.body, row.status = named, None, HTTPStatus.NO_CONTENT
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=named)

    def _claim(self, session: Session, key: str) -> None:
        known = session.get(AnswerRow, (self.caller, key))
        if known is None:
            try:
                with session.begin_nested():
                    session.add(self._row(session, key))
                return
            except IntegrityError:  # another request with this key has just ended
                known = session.get_one(AnswerRow, (self.caller, key))
        if known.digest != self.digest:
            raise ProblemError(
                422, "this Idempotency-Key belongs to another change; use a new key for a new one"
            )
        session.expunge(known)  # it outlives the session
        raise RepeatedError(known)

    def _row(self, session: Session, key: str) -> AnswerRow:
        return AnswerRow(
            caller=self.caller,
            key=key,
            digest=self.digest,
            status=self.status,
            headers={},
            expires_at=self.services.database.now(session) + KEPT_SECONDS,
        )


async def _once(
    request: Request,
    response: Response,
    principal: Known,
    services: ServicesDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=r'^"?[A-Za-z0-9_.:-]{1,100}"?$',
            description="A random name of this change: sent again, it is answered as before.",
        ),
    ] = None,
) -> Once:
    key = None if idempotency_key is None else idempotency_key.strip('"')
    status = request.scope["route"].status_code or 200
    digest = "" if key is None else await _digest(request)
    return Once(services, caller_of(principal), key, digest, response, status)


OnceDep = Annotated[Once, Depends(_once)]


def caller_of(principal: Principal) -> str:
    """The name under which a caller's answers are kept."""
    return principal.user_id or principal.name


async def _digest(request: Request) -> str:
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(asked + await request.body()).hexdigest()


def handle_repeats(app: FastAPI) -> None:
    """Let an application answer a change that was made before as it was answered then."""

    @app.exception_handler(RepeatedError)
    def repeated(request: Request, error: Exception) -> Response:
        assert isinstance(error, RepeatedError)
        row = error.row
        media_type = None if row.body is None else "application/json"
        headers = {**row.headers, REPLAYED_HEADER: "true"}
        return Response(row.body, row.status, headers, media_type)
