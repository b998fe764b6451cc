"""Users, sessions, tokens and share links, as the database keeps them."""

from typing import cast

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from touchline.errors import ConfigError
from touchline.server.access.passwords import hash_password, hash_secret, new_secret
from touchline.server.access.principal import LOCAL, ROLES, Principal, Role, Scope
from touchline.server.tables import (
    LoginSessionRow,
    MatchRow,
    PlaylistRow,
    ShareLinkRow,
    TokenRow,
    UserRow,
)

TOKEN_PREFIX = "tl_"


def has_users(session: Session) -> bool:
    """Whether there are users; without users the server serves this machine only."""
    return session.scalar(select(UserRow.id).limit(1)) is not None


def add_user(session: Session, name: str, password: str, role: Role, now: float) -> UserRow:
    """Add a user.

    Raises:
        ConfigError: the name is taken, or the first user is not an admin.
    """
    if session.scalar(select(UserRow.id).where(UserRow.name == name)) is not None:
        raise ConfigError(f"there is a user {name!r} already", where="name")
    if role != "admin" and not has_users(session):
        raise ConfigError("the first user must be an admin", where="role")
    user = UserRow(name=name, password_hash=hash_password(password), role=role, created_at=now)
    session.add(user)
    session.flush()
    return user


def refuse_losing_the_last_admin(session: Session, user: UserRow) -> None:
    """Make sure that an admin remains.

    Raises:
        ConfigError: this is the last admin.
    """
    admins = select(func.count()).where(
        UserRow.role == "admin", UserRow.disabled.is_(False), UserRow.id != user.id
    )
    if not session.scalar(admins):
        raise ConfigError(
            "is the last admin", where=user.name, remedy="make another user an admin first"
        )


def change_password(session: Session, user: UserRow, password: str) -> None:
    """Set a password, and end the user's sessions and tokens.

    Raises:
        ConfigError: it is too short.
    """
    user.password_hash = hash_password(password)
    session.execute(delete(LoginSessionRow).where(LoginSessionRow.user_id == user.id))
    session.execute(delete(TokenRow).where(TokenRow.user_id == user.id))


def names_of_people(session: Session) -> list[str]:
    """The users who can log in and review."""
    may_review = UserRow.disabled.is_(False) & (UserRow.role != "viewer")
    return list(session.scalars(select(UserRow.name).where(may_review).order_by(UserRow.name)))


def known_person(session: Session, name: str) -> str:
    """The name of somebody whom a match can be assigned to.

    Raises:
        ConfigError: there is no such user, or only a viewer.
    """
    names = names_of_people(session) or [LOCAL.name]
    if name not in names:
        raise ConfigError(
            f"there is no {name} who may review",
            where="assignee",
            remedy=f"name one of {', '.join(names)[:300]}",
        )
    return name


def password_hash_of(session: Session, name: str) -> str | None:
    """What `is_right` compares with a password; None for a name that cannot log in."""
    user = session.scalar(select(UserRow).where(UserRow.name == name))
    return None if user is None or user.disabled else user.password_hash


def log_in(
    session: Session, name: str, password_hash: str, now: float, seconds: float
) -> tuple[str, Principal] | None:
    """Start a session for one whose password was right: the cookie's secret and who it is.

    Args:
        password_hash: of the password that was given; None is returned if it was changed since.
    """
    user = session.scalar(select(UserRow).where(UserRow.name == name))
    if user is None or user.disabled or user.password_hash != password_hash:
        return None
    secret, csrf = new_secret(), new_secret()
    session.add(
        LoginSessionRow(
            id=hash_secret(secret),
            user_id=user.id,
            csrf=csrf,
            created_at=now,
            expires_at=now + seconds,
        )
    )
    return secret, Principal(user.name, _role(user.role), user.id, csrf)


def log_out(session: Session, secret: str) -> None:
    """End a session."""
    session.execute(delete(LoginSessionRow).where(LoginSessionRow.id == hash_secret(secret)))


def by_session(session: Session, secret: str, now: float) -> Principal | None:
    """The caller that a cookie belongs to."""
    row = session.execute(
        select(LoginSessionRow, UserRow)
        .join(UserRow, UserRow.id == LoginSessionRow.user_id)
        .where(LoginSessionRow.id == hash_secret(secret), LoginSessionRow.expires_at > now)
    ).first()
    if row is None or row[1].disabled:
        return None
    login, user = row
    return Principal(user.name, _role(user.role), user.id, login.csrf)


def add_token(
    session: Session, user: UserRow, name: str, role: Role, now: float, expires_at: float | None
) -> tuple[str, TokenRow]:
    """Make a program's credentials: the secret, shown this once, and its row.

    Raises:
        ConfigError: the role is more than the user's own.
    """
    if ROLES.index(role) > ROLES.index(_role(user.role)):
        raise ConfigError(f"{user.name} is not a {role}", where="role")
    secret = TOKEN_PREFIX + new_secret()
    token = TokenRow(
        user_id=user.id,
        name=name,
        role=role,
        hash=hash_secret(secret),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    return secret, token


def by_token(session: Session, secret: str, now: float) -> Principal | None:
    """The caller that a token belongs to; its role is at most its user's."""
    row = session.execute(
        select(TokenRow, UserRow)
        .join(UserRow, UserRow.id == TokenRow.user_id)
        .where(TokenRow.hash == hash_secret(secret))
    ).first()
    if row is None or row[1].disabled:
        return None
    token, user = row
    if token.expires_at is not None and token.expires_at <= now:
        return None
    role = min(_role(token.role), _role(user.role), key=ROLES.index)
    return Principal(user.name, role, user.id, is_program=True, expires_at=token.expires_at)


def add_share(
    session: Session,
    shown: MatchRow | PlaylistRow,
    scope: Scope,
    by: str,
    now: float,
    expires_at: float,
) -> tuple[str, ShareLinkRow]:
    """Make a share link: the secret, shown this once, and its row."""
    secret = new_secret()
    link = ShareLinkRow(
        match_id=shown.id if isinstance(shown, MatchRow) else None,
        playlist_id=shown.id if isinstance(shown, PlaylistRow) else None,
        hash=hash_secret(secret),
        scope=scope,
        created_by=by,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(link)
    session.flush()
    return secret, link


def by_share(session: Session, secret: str, now: float) -> Principal | None:
    """The guest of a share link; a playlist that was deleted is not shown."""
    gone = select(PlaylistRow.id).where(PlaylistRow.deleted)
    link = session.scalar(
        select(ShareLinkRow).where(
            ShareLinkRow.hash == hash_secret(secret),
            ShareLinkRow.expires_at > now,
            or_(ShareLinkRow.playlist_id.is_(None), ShareLinkRow.playlist_id.not_in(gone)),
        )
    )
    if link is None:
        return None
    return Principal(
        "guest",
        "viewer",
        match_id=link.match_id,
        playlist_id=link.playlist_id,
        scope=cast(Scope, link.scope),
    )


def _role(role: str) -> Role:
    return cast(Role, role)
