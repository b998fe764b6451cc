"""The history of a match: who changed which events and reels, when; with undo and redo.

A playlist has a history of its own, whose steps are changes of its title and clips; so has a code
window.

Every change is one step: the rows that it touched, as they were before and after. Undo and redo
restore the fields that a step changed, unless they have changed since.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session, defer

from touchline.server.documents import EVENT_FIELDS, STRETCH_FIELDS
from touchline.server.errors import ConflictError
from touchline.server.tables import (
    ChangeRow,
    CodeWindowRow,
    EventRow,
    MatchRow,
    PlaylistRow,
    ReelRow,
    new_id,
)

KEPT_STEPS = 1000
"""Steps that a history keeps."""

_FIELDS: dict[type[object], tuple[str, ...]] = {
    EventRow: (*EVENT_FIELDS, *STRETCH_FIELDS.values(), "descriptors", "deleted"),
    ReelRow: ("title", "document", "finish", "deleted"),
    PlaylistRow: ("title", "clips", "deleted"),
    CodeWindowRow: ("title", "document", "deleted"),
}
_KINDS: dict[type[object], str] = {
    EventRow: "event",
    ReelRow: "reel",
    PlaylistRow: "playlist",
    CodeWindowRow: "code window",
}

Values = dict[str, Any]
Row = EventRow | ReelRow | PlaylistRow | CodeWindowRow
Owner = MatchRow | PlaylistRow | CodeWindowRow
"""What has a history."""

_OWNERS: dict[type[object], str] = {
    MatchRow: "match_id",
    PlaylistRow: "playlist_id",
    CodeWindowRow: "code_window_id",
}
"""The column of a step that names what has the history."""


def values_of(row: Row) -> Values:
    """The fields of a row that its history keeps, without who changed it and when."""
    return {name: getattr(row, name) for name in _FIELDS[type(row)]}


def change_rows(
    session: Session,
    owner: Owner,
    rows: Iterable[tuple[Row, Values]],
    *,
    actor: str,
    action: str,
    now: float,
    step_id: str | None = None,
) -> ChangeRow | None:
    """Change rows of a match, or add some, as one step that can be undone; or a playlist or a
    code window.

    What the actor has undone before cannot be redone any more.

    Args:
        rows: each row with its changes; a new row is not in a session yet. Of a playlist or a
            code window, itself.
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
        _stamp(row, owner, actor, now)
        if is_new:
            row.created_by, row.created_at = actor, now
            if isinstance(row, EventRow | ReelRow):
                row.match_id = owner.id
            session.add(row)
            session.flush()
        after = values_of(row)
        before = before or {**after, "deleted": True}
        steps.append({"kind": _KINDS[type(row)], "id": row.id, "before": before, "after": after})
    if not steps:
        return None
    session.execute(delete(ChangeRow).where(_of(owner), ChangeRow.actor == actor, ChangeRow.undone))
    number = (session.scalar(select(func.max(ChangeRow.number)).where(_of(owner))) or 0) + 1
    is_free = step_id is not None and session.get(ChangeRow, step_id) is None
    of = {_OWNERS[type(owner)]: owner.id}
    change = ChangeRow(
        id=step_id if is_free else new_id(), number=number,
        actor=actor, action=action, at=now, steps=steps, **of,
    )  # fmt: skip
    session.add(change)
    session.flush()
    session.execute(delete(ChangeRow).where(_of(owner), ChangeRow.number <= number - KEPT_STEPS))
    owner.revision += 1
    return change


def _stamp(row: Row, owner: Owner, actor: str, now: float) -> None:
    if row is not owner:
        row.revision = owner.revision + 1
    row.updated_by, row.updated_at = actor, now


def _of(owner: Owner) -> ColumnElement[bool]:
    """The steps of the history of an owner."""
    column: ColumnElement[str] = getattr(ChangeRow, _OWNERS[type(owner)])
    return column == owner.id


def ids_of(change: ChangeRow, kind: str) -> list[str]:
    """The rows of a kind that a step touched: events (``event``), reels, or the owner itself."""
    # A step of an earlier version is of events, and does not say so.
    return [step["id"] for step in change.steps if step.get("kind", "event") == kind]


def steps_of(session: Session, owner: Owner, actor: str, count: int) -> Sequence[ChangeRow]:
    """The latest steps that somebody took, the oldest first, without the rows that they touched."""
    query = select(ChangeRow).where(_of(owner), ChangeRow.actor == actor)
    query = query.options(defer(ChangeRow.steps, raiseload=True))
    return session.scalars(query.order_by(ChangeRow.number.desc()).limit(count)).all()[::-1]


def undo(
    session: Session, owner: Owner, actor: str, now: float, wanted: str | None = None
) -> ChangeRow:
    """Undo a step, by default the last one of the history.

    Args:
        wanted: the id of the step.

    Raises:
        ConflictError: there is none, or what it changed has changed since.
    """
    change = _step(session, owner, wanted, is_undone=False)
    _apply(session, owner, change, "before", actor, now)
    change.undone = True
    return change


def redo(
    session: Session, owner: Owner, actor: str, now: float, wanted: str | None = None
) -> ChangeRow:
    """Redo a step that was undone, by default the last one of the history.

    Args:
        wanted: the id of the step.

    Raises:
        ConflictError: there is none, or what it changed has changed since.
    """
    change = _step(session, owner, wanted, is_undone=True)
    _apply(session, owner, change, "after", actor, now)
    change.undone = False
    return change


def _step(session: Session, owner: Owner, wanted: str | None, *, is_undone: bool) -> ChangeRow:
    query = select(ChangeRow).where(_of(owner), ChangeRow.undone.is_(is_undone))
    if wanted is not None:
        query = query.where(ChangeRow.id == wanted)
    order = ChangeRow.number if is_undone else ChangeRow.number.desc()
    change = session.scalar(query.order_by(order).limit(1))
    if change is None:
        raise ConflictError(f"there is nothing to {'redo' if is_undone else 'undo'}")
    return change


def _apply(
    session: Session, owner: Owner, change: ChangeRow, side: str, actor: str, now: float
) -> None:
    other = "after" if side == "before" else "before"
    found = _rows(session, change)
    for row, step in found:
        if row is None or not _is_as_left(row, step[other], step[side]):
            raise ConflictError(
                f"{_named(step)} has changed since; this step can no longer be taken"
            )
    for row, step in found:
        assert row is not None
        for name in _changed(step[other], step[side]):
            setattr(row, name, step[side][name])
        row.version += 1
        _stamp(row, owner, actor, now)
    owner.revision += 1


def _named(step: Values) -> str:
    kind = step.get("kind", "event")
    return f"an {kind}" if kind == "event" else f"a {kind}"


def _rows(session: Session, change: ChangeRow) -> list[tuple[Row | None, Values]]:
    """The rows that a step touched, each with what the step says of it."""
    rows: dict[str, Row] = {}
    tables: tuple[type[Row], ...] = (EventRow, ReelRow, PlaylistRow, CodeWindowRow)
    for table in tables:
        if ids := ids_of(change, _KINDS[table]):
            found: Iterable[Row] = session.scalars(select(table).where(table.id.in_(ids)))
            rows |= {row.id: row for row in found}
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
