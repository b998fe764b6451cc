"""The history of the events of a match: who changed what and when, with undo and redo.

Every change is one step: the events that it touched, as they were before and after. Undo restores
the events as they were before, unless they have changed since.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from touchline.server.documents import EVENT_FIELDS
from touchline.server.errors import ConflictError
from touchline.server.tables import ChangeRow, EventRow, MatchRow

KEPT_STEPS = 1000
"""Steps that the history of a match keeps."""

_FIELDS = (*EVENT_FIELDS, "deleted")

Values = dict[str, Any]


def values_of(row: EventRow) -> Values:
    """The fields of an event, without who changed it and when."""
    return {name: getattr(row, name) for name in _FIELDS}


def change_events(
    session: Session,
    match: MatchRow,
    rows: Iterable[tuple[EventRow, Values]],
    *,
    actor: str,
    action: str,
    now: float,
) -> ChangeRow | None:
    """Change events, or add some, as one step that can be undone.

    Args:
        rows: each event with its changes; a new event is not in a session yet.

    Returns:
        The step; None if nothing changes.
    """
    steps = []
    for row, changes in rows:
        is_new = row not in session
        before = None if is_new else values_of(row)
        for name, value in changes.items():
            setattr(row, name, value)
        if before == values_of(row):
            continue
        row.version = 1 if is_new else row.version + 1
        row.updated_by, row.updated_at = actor, now
        if is_new:
            row.match_id, row.created_by, row.created_at = match.id, actor, now
            session.add(row)
            session.flush()
        steps.append(
            {
                "id": row.id,
                "before": before or {**values_of(row), "deleted": True},
                "after": values_of(row),
                "version": row.version,
            }
        )
    if not steps:
        return None
    session.execute(delete(ChangeRow).where(ChangeRow.match_id == match.id, ChangeRow.undone))
    number = (session.scalar(_newest(match)) or 0) + 1
    change = ChangeRow(
        match_id=match.id, number=number, actor=actor, action=action, at=now, steps=steps
    )
    session.add(change)
    session.execute(
        delete(ChangeRow).where(
            ChangeRow.match_id == match.id, ChangeRow.number <= number - KEPT_STEPS
        )
    )
    match.revision += 1
    return change


def undo(session: Session, match: MatchRow, actor: str, now: float) -> ChangeRow:
    """Undo the last step.

    Raises:
        ConflictError: there is none, or its events have changed since.
    """
    query = select(ChangeRow).where(ChangeRow.match_id == match.id, ChangeRow.undone.is_(False))
    change = session.scalar(query.order_by(ChangeRow.number.desc()).limit(1))
    if change is None:
        raise ConflictError("there is nothing to undo")
    _apply(session, match, change, "before", actor, now)
    change.undone = True
    return change


def redo(session: Session, match: MatchRow, actor: str, now: float) -> ChangeRow:
    """Redo the last change that was undone.

    Raises:
        ConflictError: there is none, or its events have changed since.
    """
    query = select(ChangeRow).where(ChangeRow.match_id == match.id, ChangeRow.undone)
    change = session.scalar(query.order_by(ChangeRow.number).limit(1))
    if change is None:
        raise ConflictError("there is nothing to redo")
    _apply(session, match, change, "after", actor, now)
    change.undone = False
    return change


def _apply(
    session: Session, match: MatchRow, change: ChangeRow, side: str, actor: str, now: float
) -> None:
    other = "after" if side == "before" else "before"
    ids = [step["id"] for step in change.steps]
    rows = {row.id: row for row in session.scalars(select(EventRow).where(EventRow.id.in_(ids)))}
    for step in change.steps:
        row = rows.get(step["id"])
        # A step of an earlier version lacks the fields that events have had since.
        if row is None or values_of(row) != {**dict.fromkeys(_FIELDS), **step[other]}:
            raise ConflictError("an event has changed since; this step can no longer be taken")
    for step in change.steps:
        row = rows[step["id"]]
        for name, value in step[side].items():
            setattr(row, name, value)
        row.version += 1
        row.updated_by, row.updated_at = actor, now
    match.revision += 1


def _newest(match: MatchRow) -> Any:
    return select(func.max(ChangeRow.number)).where(ChangeRow.match_id == match.id)
