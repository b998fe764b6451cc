"""Users, API tokens and the audit log."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import select

from touchline.server.access.accounts import (
    add_token,
    add_user,
    change_password,
    refuse_losing_the_last_admin,
)
from touchline.server.access.principal import Principal, Role
from touchline.server.errors import NotFoundError
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import (
    Admin,
    Cursor,
    Id,
    Limit,
    ServicesDep,
    Viewer,
    audit,
    from_cursor,
    number_of,
    to_cursor,
)
from touchline.server.routes.schemas import In, Name, Named, Out, Page
from touchline.server.tables import AuditRow, TokenRow, UserRow

router = APIRouter(prefix="/v1")


class UserIn(In):
    """A new user."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "ada", "password": "correct horse battery", "role": "editor"}]
        }
    )

    name: Name
    password: Annotated[str, StringConstraints(min_length=10, max_length=200)]
    role: Role = "viewer"
    quota_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None


class UserChange(In):
    """Changes to a user; fields that are left out stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "editor"}]})

    password: Annotated[str, StringConstraints(min_length=10, max_length=200)] | None = None
    role: Role | None = None
    quota_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None
    disabled: bool | None = None


class UserOut(Out):
    """A user."""

    id: str
    name: str
    role: Role
    quota_bytes: int | None
    disabled: bool
    created_at: datetime


class TokenIn(In):
    """A new API token."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "newsroom script", "role": "editor", "days": 90}]}
    )

    name: Named
    role: Role = "viewer"
    days: Annotated[float, Field(gt=0, le=3650)] | None = None


class TokenOut(Out):
    """A token; the secret is shown once, when it is made."""

    id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    secret: str | None = None


class AuditOut(Out):
    """Who did what."""

    at: datetime
    actor: str
    address: str
    action: str
    target: str


@router.get("/users", tags=["users"])
def list_users(principal: Admin, services: ServicesDep) -> Page[UserOut]:
    """The users."""
    with services.database.read() as session:
        users = session.scalars(select(UserRow).order_by(UserRow.name).limit(10_000)).all()
    return Page(items=[UserOut.of(user) for user in users])


@router.post("/users", status_code=201, tags=["users"])
def add(body: UserIn, principal: Admin, request: Request, services: ServicesDep) -> UserOut:
    """Add a user. With the first user, an admin, the server starts to require passwords."""
    with services.database.write() as session:
        now = services.database.now(session)
        user = add_user(session, body.name, body.password, body.role, now)
        user.quota_bytes = body.quota_bytes
        audit(services, request, session, "user added", f"{body.name} ({body.role})")
    return UserOut.of(user)


@router.patch("/users/{user_id}", tags=["users"])
def change(
    user_id: Id, body: UserChange, principal: Admin, request: Request, services: ServicesDep
) -> UserOut:
    """Change a user's password, role, quota, or whether the login is disabled."""
    given = body.model_fields_set
    with services.database.write() as session:
        user = session.get(UserRow, user_id)
        if user is None:
            raise NotFoundError("user")
        if body.disabled or (body.role is not None and body.role != "admin"):
            refuse_losing_the_last_admin(session, user)
        if body.password is not None:
            change_password(session, user, body.password)
        if body.role is not None:
            user.role = body.role
        if body.disabled is not None:
            user.disabled = body.disabled
        if "quota_bytes" in given:
            user.quota_bytes = body.quota_bytes
        audit(
            services, request, session, "user changed", f"{user.name}: {', '.join(sorted(given))}"
        )
    return UserOut.of(user)


@router.delete("/users/{user_id}", status_code=204, tags=["users"])
def remove(user_id: Id, principal: Admin, request: Request, services: ServicesDep) -> None:
    """Remove a user; their matches stay."""
    with services.database.write() as session:
        user = session.get(UserRow, user_id)
        if user is None:
            raise NotFoundError("user")
        refuse_losing_the_last_admin(session, user)
        session.delete(user)
        audit(services, request, session, "user removed", user.name)


@router.get("/tokens", tags=["tokens"])
def list_tokens(principal: Viewer, services: ServicesDep) -> Page[TokenOut]:
    """One's own tokens, without their secrets; for people who have logged in."""
    with services.database.read() as session:
        tokens = session.scalars(
            select(TokenRow)
            .where(TokenRow.user_id == _with_account(principal))
            .order_by(TokenRow.created_at, TokenRow.id)
            .limit(1000)
        ).all()
    return Page(items=[TokenOut.of(token) for token in tokens])


@router.post("/tokens", status_code=201, tags=["tokens"])
def make_token(
    body: TokenIn, principal: Viewer, request: Request, services: ServicesDep
) -> TokenOut:
    """Make a token for a program; its secret is shown this once. Tokens cannot make tokens."""
    user_id = _with_account(principal)
    if not principal.has(body.role):
        raise ProblemError(403, f"a token may not have a higher role than its owner ({body.role})")
    with services.database.write() as session:
        now = services.database.now(session)
        user = session.get_one(UserRow, user_id)
        expires_at = None if body.days is None else now + body.days * 24 * 3600
        secret, token = add_token(session, user, body.name, body.role, now, expires_at)
        audit(services, request, session, "token made", body.name)
    return TokenOut.of(token).model_copy(update={"secret": secret})


@router.delete("/tokens/{token_id}", status_code=204, tags=["tokens"])
def revoke(token_id: Id, principal: Viewer, request: Request, services: ServicesDep) -> None:
    """Revoke one's own token; an admin revokes anybody's. Tokens cannot revoke tokens."""
    _refuse_programs(principal)
    with services.database.write() as session:
        token = session.get(TokenRow, token_id)
        if token is None or (token.user_id != principal.user_id and not principal.has("admin")):
            raise NotFoundError("token")
        session.delete(token)
        audit(services, request, session, "token revoked", token.name)


@router.get("/audit", tags=["audit"])
def read_audit(
    principal: Admin, services: ServicesDep, limit: Limit = 100, cursor: Cursor = None
) -> Page[AuditOut]:
    """Who did what, the latest first."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit + 1)
    if cursor:
        query = query.where(AuditRow.id < min(number_of(from_cursor(cursor, 1)[0]), 2**53))
    with services.database.read() as session:
        lines = session.scalars(query).all()
    items = [AuditOut.of(line) for line in lines[:limit]]
    more = len(lines) > limit
    return Page(items=items, next=to_cursor(lines[limit - 1].id) if more else None)


def _refuse_programs(principal: Principal) -> None:
    """Tokens are managed by people: one that was stolen must not outlive its end, or end others.

    Raises:
        ProblemError: the caller is a program.
    """
    if principal.is_program:
        raise ProblemError(403, "a token manages no tokens; log in", code="forbidden")


def _with_account(principal: Principal) -> str:
    _refuse_programs(principal)
    if principal.user_id is None:
        raise ProblemError(409, "the server has no users yet; add an admin first")
    return principal.user_id
