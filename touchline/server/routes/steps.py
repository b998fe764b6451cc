"""Changes of rows that requests ask for: a step of a history, and the headers that name it."""

from collections.abc import Iterable

from fastapi import Request
from sqlalchemy.orm import Session

from touchline.server.access.principal import Principal
from touchline.server.history import Owner, Row, Values, change_rows
from touchline.server.routes.dependencies import audit, step_header
from touchline.server.routes.idempotency import Once
from touchline.server.tables import ChangeRow, CodeWindowRow, PlaylistRow, ReelRow


def take_step(
    once: Once,
    session: Session,
    owner: Owner,
    rows: Iterable[tuple[Row, Values]],
    principal: Principal,
    action: str,
) -> ChangeRow | None:
    """Change rows by a request, now and in the name of its caller; see ``change_rows``."""
    now = once.services.database.now(session)
    return change_rows(
        session, owner, rows, actor=principal.name, action=action, now=now, step_id=once.step_id
    )


def take_audited_step(
    once: Once,
    session: Session,
    owner: Owner,
    change: tuple[ReelRow | PlaylistRow | CodeWindowRow, Values],
    principal: Principal,
    action: str,
    request: Request,
) -> dict[str, str]:
    """Change a row that has a title by a request, with a line in the audit log.

    Returns:
        The header that names the step.
    """
    step = take_step(once, session, owner, [change], principal, action)
    audit(once.services, request, session, action, f"{change[0].id} {change[0].title}")
    return step_header(step)
