"""Dependencies of the routes: the services, the caller, and what the caller is allowed to do."""

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Path, Query, Request, Response
from fastapi.dependencies.models import Dependant
from sqlalchemy.orm import Session, joinedload
from starlette.requests import ClientDisconnect

from touchline.server.access.accounts import by_session, by_share, by_token, has_users
from touchline.server.access.logins import LoginLimiter
from touchline.server.access.principal import LOCAL, Principal, Role
from touchline.server.access.rates import RateLimiter
from touchline.server.connections import network_of
from touchline.server.errors import ConnectionLostError, NotFoundError
from touchline.server.problems import ProblemError
from touchline.server.services import Services
from touchline.server.tables import (
    AuditRow,
    ChangeRow,
    CodeWindowRow,
    EventRow,
    JobRow,
    MatchRow,
    PlaylistRow,
    ReelRow,
)

Edited = ReelRow | PlaylistRow | CodeWindowRow

COOKIE = "touchline_session"
CSRF_HEADER = "X-CSRF-Token"
SHARE_HEADER = "X-Share-Token"
STEP_HEADER = "X-Step-Id"
SHARE_QUERY = "share"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["5f0c1a9e7d3b4c2f8a6e1d0b9c8f7a65"])]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=200, pattern=r"^[A-Za-z0-9_=-]*$", description="`next` of the page before."),
]


@dataclass(frozen=True)
class Limiters:
    """The rate limits."""

    requests: RateLimiter
    logins: LoginLimiter


def get_services(request: Request) -> Services:
    """The server's parts."""
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    return get_services(request)  # async: a plain function would cost a thread


ServicesDep = Annotated[Services, Depends(_services)]


async def body_of(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives.

    Raises:
        ConnectionLostError: the sender is gone.
    """
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise ConnectionLostError from error


def address_of(request: Request) -> str:
    """The address of the client."""
    return request.client.host if request.client else "unknown"


def network_of_client(request: Request) -> str:
    """The address by which a client without a name is counted: of IPv6, its /64."""
    return network_of(address_of(request))


def authenticate(request: Request) -> Principal | None:
    """The caller; None for one that the server does not know.

    Raises:
        ProblemError: wrong credentials, a change sent by a page of another site, or too many
            requests.
    """
    if hasattr(request.state, "principal"):  # known since before the body was received
        known: Principal | None = request.state.principal
        return known
    services = get_services(request)
    with services.database.read() as session:
        principal = caller_of(request, services, session)
    limiters: Limiters = request.app.state.limiters
    wait = limiters.requests.wait_seconds(client_of(request, principal))
    if wait > 0:
        raise ProblemError(
            429, "too many requests", headers={"Retry-After": str(int(wait) + 1)},
            code="rate_limited",
        )  # fmt: skip
    request.state.principal = principal
    return principal


def client_of(request: Request, principal: Principal | None) -> str:
    """The name by which the requests of one client are counted."""
    if principal is None or principal.is_guest:
        return network_of_client(request)
    return principal.user_id or principal.name


def caller_of(request: Request, services: Services, session: Session) -> Principal | None:
    """The caller by the request's credentials, as they are valid now; None without any.

    Raises:
        ProblemError: wrong credentials, or a change sent by a page of another site.
    """
    now = services.database.now(session)
    if (secret := _bearer(request)) is not None:
        found = by_token(session, secret, now)
        if found is None:
            raise who_are_you("the token is not valid")
        return found
    if cookie := request.cookies.get(COOKIE):
        found = by_session(session, cookie, now)
        if found is not None:
            refuse_foreign_pages(request)
            _check_csrf(request, found)
            return found
    if share := request.headers.get(SHARE_HEADER) or request.query_params.get(SHARE_QUERY):
        found = by_share(session, share[:200], now)
        if found is None:
            raise who_are_you("the link is not valid any more")
        return found
    if services.settings.is_loopback and not has_users(session):
        refuse_foreign_pages(request)
        return LOCAL
    return None


def _bearer(request: Request) -> str | None:
    """The secret of an API token: as a bearer, or as the password of basic authentication."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()[:200]
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2][:200]
        except ValueError:  # no ASCII, no base64, no UTF-8
            return ""
    return None


def refuse_foreign_pages(request: Request) -> None:
    """A page of another site must not act through the caller's browser.

    Raises:
        ProblemError: the browser states that the request comes from another site.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise ProblemError(403, "another site may not do this", code="forbidden")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise ProblemError(403, "another site may not do this", code="forbidden")


def _check_csrf(request: Request, principal: Principal) -> None:
    if request.method in SAFE_METHODS:
        return
    if request.headers.get(CSRF_HEADER) != principal.csrf:
        raise ProblemError(
            403, f"the header {CSRF_HEADER} of this session is missing", code="forbidden"
        )


def who_are_you(detail: str) -> ProblemError:
    """The answer to a caller without valid credentials, to be raised."""
    return ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"}, code="unauthorized")


def _at_least(role: Role) -> Any:
    async def check(principal: Annotated[Principal | None, Depends(authenticate)]) -> Principal:
        if principal is None:
            raise who_are_you("log in, or send a token")
        if not principal.has(role):
            raise ProblemError(403, f"only {role}s may do this", code="forbidden")
        return principal

    check.role = role  # type: ignore[attr-defined]  # tests enumerate what routes demand
    return Depends(check)


async def known(principal: Annotated[Principal | None, Depends(authenticate)]) -> Principal:
    """Any caller whom the server knows, guests included; the route decides what they see."""
    if principal is None:
        raise who_are_you("log in, or send a token")
    return principal


def _queries_of(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for further in dependant.dependencies:
        yield from _queries_of(further)


async def known_queries(request: Request) -> None:
    """Refuse parameters of the query that a route does not have.

    Raises:
        ProblemError: there is one; the message lists those that there are.
    """
    if not request.query_params:
        return
    names = {SHARE_QUERY, *_queries_of(request.scope["route"].dependant)}
    if unknown := [name for name in request.query_params if name not in names]:
        there_are = ", ".join(sorted(names - {SHARE_QUERY})) or "none"
        raise ProblemError(
            422, f"query.{unknown[0][:80]}: there is no such parameter; there are: {there_are}",
            code="invalid_request",
        )  # fmt: skip


Viewer = Annotated[Principal, _at_least("viewer")]
Editor = Annotated[Principal, _at_least("editor")]
Admin = Annotated[Principal, _at_least("admin")]
Known = Annotated[Principal, Depends(known)]


_WITH_VIDEOS = (joinedload(MatchRow.videos),)
"""One query for both, as almost every request needs them."""


def visible_match(session: Session, principal: Principal, match_id: str) -> MatchRow:
    """A match that the caller may see.

    Raises:
        NotFoundError: there is none, or a guest's link shows another one.
    """
    match = session.get(MatchRow, match_id, options=_WITH_VIDEOS)
    if match is None or (principal.is_guest and principal.match_id != match_id):
        raise NotFoundError("match")
    return match


def editable_match(session: Session, match_id: str) -> MatchRow:
    """A match, held until the end of the transaction: its steps are numbered one by one.

    Raises:
        NotFoundError: there is none.
    """
    match = session.get(MatchRow, match_id, with_for_update=True)
    if match is None:
        raise NotFoundError("match")
    return match


def visible_playlist(
    session: Session, principal: Principal, playlist_id: str, *, holds: bool = False
) -> PlaylistRow:
    """A playlist that the caller may see.

    Args:
        holds: it is held until the end of the transaction.

    Raises:
        NotFoundError: there is none, or a guest's link shows another one.
    """
    row = session.get(PlaylistRow, playlist_id, with_for_update=holds or None)
    is_hidden = principal.is_guest and principal.playlist_id != playlist_id
    if row is None or row.deleted or is_hidden:
        raise NotFoundError("playlist")
    return row


def may_download(principal: Principal) -> None:
    """Make sure that the caller may download files.

    Raises:
        ProblemError: the link is for viewing only.
    """
    if principal.is_guest and principal.scope != "download":
        raise ProblemError(403, "this link is for viewing only", code="forbidden")


def audit(
    services: Services, request: Request, session: Session, action: str, target: str = ""
) -> None:
    """Add a line to the audit log."""
    principal: Principal | None = getattr(request.state, "principal", None)
    session.add(
        AuditRow(
            at=services.database.now(session),
            actor=principal.name if principal else "nobody",
            address=address_of(request)[:100],
            action=action,
            target=target[:300],
        )
    )


def etag_of(row: MatchRow | EventRow | Edited | JobRow | str) -> str:
    """The ETag of the row's present version."""
    if isinstance(row, str):
        return f'"{row}"'
    if isinstance(row, MatchRow):
        return f'"{row.version}.{row.revision}"'
    return f'"{row.revision if isinstance(row, JobRow) else row.version}"'


def demand_match(request: Request, row: MatchRow | EventRow | Edited) -> None:
    """Make sure that a change is based on the present version.

    Raises:
        ProblemError: no If-Match was sent, or the row has changed since.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None:
        raise ProblemError(428, "send If-Match with the ETag that you have read")
    if wanted.strip() != "*" and etag_of(row) not in re.split(r"\s*,\s*", wanted.strip()):
        raise ProblemError(412, "it has changed; read it again", headers={"ETag": etag_of(row)})


def unchanged(request: Request, response: Response, etag: str) -> bool:
    """Set the ETag of an answer; whether the client has this version already."""
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    return request.headers.get("If-None-Match") == etag


def step_header(step: ChangeRow | None) -> dict[str, str]:
    """The header that names the step that a change was; none if it changed nothing."""
    return {} if step is None else {STEP_HEADER: step.id}


def to_cursor(*parts: object) -> str:
    """The beginning of the next page, as one opaque word."""
    text = "\n".join(str(part) for part in parts)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_cursor(cursor: str, count: int) -> list[str]:
    """The parts of a cursor of `to_cursor`.

    Raises:
        ProblemError: it is not such a cursor.
    """
    try:
        text = base64.urlsafe_b64decode(cursor.rstrip("=") + "=" * (-len(cursor.rstrip("=")) % 4))
        parts = text.decode().split("\n")
    except (binascii.Error, ValueError) as error:
        raise ProblemError(422, "cursor: not a cursor of this server") from error
    if len(parts) != count:
        raise ProblemError(422, "cursor: not a cursor of this server")
    return parts


def number_of(text: str) -> float:
    """A number inside a cursor.

    Raises:
        ProblemError: it is not a number.
    """
    try:
        return float(text)
    except ValueError as error:
        raise ProblemError(422, "cursor: not a cursor of this server") from error
