"""Who is asking, and what that allows."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

Scope = Literal["view", "download"]


@dataclass(frozen=True)
class Principal:
    """Somebody whom the server knows.

    Attributes:
        name: shown beside what they did.
        user_id: None for the one person of a server without passwords, and for guests.
        csrf: what a browser must send along with every change; None where no cookie is used.
        match_id, scope: what a share link shows; None for everybody else.
    """

    name: str
    role: Role
    user_id: str | None = None
    csrf: str | None = None
    match_id: str | None = None
    scope: Scope | None = None

    @property
    def is_guest(self) -> bool:
        """Whether a share link is all that they have."""
        return self.match_id is not None

    def has(self, role: Role) -> bool:
        """Whether they may do what a role may."""
        return not self.is_guest and ROLES.index(self.role) >= ROLES.index(role)


LOCAL = Principal("local", "admin")
"""Whoever sits at the machine, where the server has no passwords."""
