"""Logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from touchline.server.access.accounts import log_in, log_out, password_hash_of
from touchline.server.access.passwords import is_right
from touchline.server.access.principal import Role
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import (
    COOKIE,
    Known,
    Limiters,
    ServicesDep,
    audit,
    network_of_client,
    refuse_foreign_pages,
)
from touchline.server.routes.schemas import In, Named

router = APIRouter(prefix="/v1/session", tags=["session"])
public = APIRouter(prefix="/v1/session", tags=["session"])


class LoginIn(In):
    """Name and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ada", "password": "correct horse battery"}]}
    )

    name: Named
    password: Annotated[str, StringConstraints(max_length=200)]


class SessionOut(BaseModel):
    """The caller; ``csrf`` goes into the header X-CSRF-Token of every change.

    A guest sees one match (``guest_of``) or one playlist (``guest_of_playlist``)."""

    name: str
    role: Role
    csrf: str | None
    guest_of: str | None = None
    guest_of_playlist: str | None = None


@public.post("", status_code=201)
def log_in_here(
    body: LoginIn, request: Request, response: Response, services: ServicesDep
) -> SessionOut:
    """Log in: sets the session's cookie, and returns the token that every change must send."""
    refuse_foreign_pages(request)
    limiters: Limiters = request.app.state.limiters
    address = network_of_client(request)
    wait = limiters.logins.wait_seconds(body.name, address)
    if wait > 0:
        raise ProblemError(
            429, "too many attempts; wait a little", headers={"Retry-After": str(int(wait) + 1)}
        )
    seconds = services.settings.session_hours * 3600
    with services.database.read() as session:
        known = password_hash_of(session, body.name)
    right = is_right(body.password, known)  # takes its time, so outside of a transaction
    with services.database.write() as session:
        now = services.database.now(session)
        found = log_in(session, body.name, known, now, seconds) if right and known else None
        if found is not None:
            request.state.principal = found[1]
        audit(services, request, session, "log in" if found else "log in refused", body.name)
    if found is None:
        raise ProblemError(401, "wrong name or password", headers={"WWW-Authenticate": "Bearer"})
    limiters.logins.succeeded(body.name, address)
    secret, principal = found
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(seconds),
        httponly=True,
        samesite="strict",
        secure=services.settings.secure_cookies,
    )
    return SessionOut(name=principal.name, role=principal.role, csrf=principal.csrf)


@router.get("")
def who_am_i(principal: Known) -> SessionOut:
    """The caller, as the server knows them."""
    return SessionOut(
        name=principal.name,
        role=principal.role,
        csrf=principal.csrf,
        guest_of=principal.match_id,
        guest_of_playlist=principal.playlist_id,
    )


@router.delete("", status_code=204)
def log_out_here(
    principal: Known, request: Request, response: Response, services: ServicesDep
) -> None:
    """Log out."""
    secret = request.cookies.get(COOKIE)
    if secret:
        with services.database.write() as session:
            log_out(session, secret)
            audit(services, request, session, "log out")
    response.delete_cookie(COOKIE)
