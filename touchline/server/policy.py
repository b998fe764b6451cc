"""The policy in force: the settings, and the changes of admins."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from touchline.errors import ConfigError
from touchline.server.settings import Policy
from touchline.server.tables import SettingRow


def read_policy(session: Session, default: Policy) -> Policy:
    """The policy in force; stored values that are no longer valid are ignored."""
    stored = {row.name: row.value.get("value") for row in session.scalars(select(SettingRow))}
    try:
        return Policy.model_validate(default.model_dump() | stored)
    except ValidationError:
        return default


def change_policy(session: Session, default: Policy, changes: dict[str, Any]) -> Policy:
    """Change some fields of the policy.

    Raises:
        ConfigError: no such field, or an invalid value.
    """
    current = read_policy(session, default)
    try:
        changed = Policy.model_validate(current.model_dump() | changes)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(str(first["msg"]), where=name) from error
    for name in changes:
        session.merge(SettingRow(name=name, value={"value": getattr(changed, name)}))
    return changed
