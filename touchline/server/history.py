"""The history of a match: who changed which events and reels, when; with undo and redo.

Every change is one step: the rows that it touched, as they were before and after. Undo and redo
restore the fields that a step changed, unless they have changed since.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from touchline.server.documents import EVENT_FIELDS, STRETCH_FIELDS
from touchline.server.errors import ConflictError
from touchline.server.tables import ChangeRow, EventRow, MatchRow, ReelRow, new_id

KEPT_STEPS = 1000
"""Steps that the history of a match keeps."""

_FIELDS: dict[type[object], tuple[str, ...]] = {
    EventRow: (*EVENT_FIELDS, *STRETCH_FIELDS.values(), "deleted"),
    ReelRow: ("title", "document", "finish", "deleted"),
}

Values = dict[str, Any]
Row = EventRow | ReelRow


def values_of(row: Row) -> Values:
    """The fields of an event or a reel, without who changed it and when."""
    return {name: getattr(row, name) for name in _FIELDS[type(row)]}


def change_rows(
    session: Session,
    match: MatchRow,
    rows: Iterable[tuple[Row, Values]],
    *,
    actor: str,
    action: str,
    now: float,
    step_id: str | None = None,
) -> ChangeRow | None:
    """Change events and reels, or add some, as one step that can be undone.

    What the actor has undone before cannot be redone any more.

    Args:
        rows: each row with its changes; a new row is not in a session yet.
        step_id: a random name for the step; one that is taken is not used.

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
        row.revision = match.revision + 1
        row.updated_by, row.updated_at = actor, now
        if is_new:
            row.match_id, row.created_by, row.created_at = match.id, actor, now
            session.add(row)
            session.flush()
        after = values_of(row)
        before = before or {**after, "deleted": True}
        kind = "reel" if isinstance(row, ReelRow) else "event"
        steps.append({"kind": kind, "id": row.id, "before": before, "after": after})
    if not steps:
        return None
    undone_by_actor = (ChangeRow.match_id == match.id, ChangeRow.actor == actor, ChangeRow.undone)
    session.execute(delete(ChangeRow).where(*undone_by_actor))
    number = (session.scalar(_newest(match)) or 0) + 1
    is_free = step_id is not None and session.get(ChangeRow, step_id) is None
    change = ChangeRow(
        id=step_id if is_free else new_id(), match_id=match.id, number=number,
        actor=actor, action=action, at=now, steps=steps,
    )  # fmt: skip
    session.add(change)
    session.flush()
    session.execute(
        delete(ChangeRow).where(
            ChangeRow.match_id == match.id, ChangeRow.number <= number - KEPT_STEPS
        )
    )
    match.revision += 1
    return change


def ids_of(change: ChangeRow, kind: str) -> list[str]:
    """The events (``event``) or reels (``reel``) that a step touched."""
    # A step of an earlier version is of events, and does not say so.
    return [step["id"] for step in change.steps if step.get("kind", "event") == kind]


def steps_of(session: Session, match_id: str, actor: str, count: int) -> Sequence[ChangeRow]:
    """The latest steps that somebody took, the oldest first."""
    query = select(ChangeRow).where(ChangeRow.match_id == match_id, ChangeRow.actor == actor)
    return session.scalars(query.order_by(ChangeRow.number.desc()).limit(count)).all()[::-1]


def undo(
    session: Session, match: MatchRow, actor: str, now: float, wanted: str | None = None
) -> ChangeRow:
    """Undo a step, by default the last one of the match.

    Args:
        wanted: the id of the step.

    Raises:
        ConflictError: there is none, or what it changed has changed since.
    """
    change = _step(session, match, wanted, is_undone=False)
    _apply(session, match, change, "before", actor, now)
    change.undone = True
    return change


def redo(
    session: Session, match: MatchRow, actor: str, now: float, wanted: str | None = None
) -> ChangeRow:
    """Redo a step that was undone, by default the last one of the match.

    Args:
        wanted: the id of the step.

    Raises:
        ConflictError: there is none, or what it changed has changed since.
    """
    change = _step(session, match, wanted, is_undone=True)
    _apply(session, match, change, "after", actor, now)
    change.undone = False
    return change


def _step(session: Session, match: MatchRow, wanted: str | None, *, is_undone: bool) -> ChangeRow:
    query = select(ChangeRow).where(ChangeRow.match_id == match.id, ChangeRow.undone.is_(is_undone))
    if wanted is not None:
        query = query.where(ChangeRow.id == wanted)
    order = ChangeRow.number if is_undone else ChangeRow.number.desc()
    change = session.scalar(query.order_by(order).limit(1))
    if change is None:
        raise ConflictError(f"there is nothing to {'redo' if is_undone else 'undo'}")
    return change


def _apply(
    session: Session, match: MatchRow, change: ChangeRow, side: str, actor: str, now: float
) -> None:
    other = "after" if side == "before" else "before"
    found = _rows(session, change)
    for row, step in found:
        if row is None or not _is_as_left(row, step[other], step[side]):
            raise ConflictError(
                f"{'a reel' if isinstance(row, ReelRow) else 'an event'} has changed since; "
                "this step can no longer be taken"
            )
    for row, step in found:
        assert row is not None
        for name in _changed(step[other], step[side]):
            setattr(row, name, step[side][name])
        row.version += 1
        row.revision = match.revision + 1
        row.updated_by, row.updated_at = actor, now
    match.revision += 1


def _rows(session: Session, change: ChangeRow) -> list[tuple[Row | None, Values]]:
    """The rows that a step touched, each with what the step says of it."""
    rows: dict[str, Row] = {}
    if ids := ids_of(change, "event"):
        events = session.scalars(select(EventRow).where(EventRow.id.in_(ids)))
        rows |= {row.id: row for row in events}
    if ids := ids_of(change, "reel"):
        reels = session.scalars(select(ReelRow).where(ReelRow.id.in_(ids)))
        rows |= {row.id: row for row in reels}
    return [(rows.get(step["id"]), step) for step in change.steps]


def _changed(left: Values, wanted: Values) -> list[str]:
    return [name for name, value in wanted.items() if value != left.get(name)]


def _is_as_left(row: Row, left: Values, wanted: Values) -> bool:
    """Whether nobody has changed what taking a step back would change.

    A step that would delete the row needs all of it unchanged.
    """
    changed = _changed(left, wanted)
    # A step of an earlier version lacks the fields that events have had since.
    names = _FIELDS[type(row)] if "deleted" in changed and wanted["deleted"] else changed
    return all(getattr(row, name) == left.get(name) for name in names)


def _newest(match: MatchRow) -> Any:
    return select(func.max(ChangeRow.number)).where(ChangeRow.match_id == match.id)
