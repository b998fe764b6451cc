"""The caller of a request, and what the caller is allowed to do."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

Scope = Literal["view", "download"]


@dataclass(frozen=True)
class Principal:
    """A caller whom the server knows.

    Attributes:
        name: shown beside what they did.
        user_id: None for the one person of a server without passwords, and for guests.
        csrf: what a browser must send with every change; None where no cookie is used.
        match_id, playlist_id: which of them a share link shows; None for everybody else.
        scope: what the link allows.
        is_program: the caller has an API token.
        expires_at: when the caller's token expires; None where it does not.
    """

    name: str
    role: Role
    user_id: str | None = None
    csrf: str | None = None
    match_id: str | None = None
    playlist_id: str | None = None
    scope: Scope | None = None
    is_program: bool = False
    expires_at: float | None = None

    @property
    def is_guest(self) -> bool:
        """Whether the caller has only a share link."""
        return self.match_id is not None or self.playlist_id is not None

    def has(self, role: Role) -> bool:
        """Whether the caller has the rights of a role."""
        return not self.is_guest and ROLES.index(self.role) >= ROLES.index(role)


LOCAL = Principal("local", "admin")
"""The caller at this machine, where the server has no passwords."""
