"""What each reviewer of a match says of its events, and how far two of them agree.

A reviewer's version of a match is what its events would be if nobody else had worked on it: each
event as it was before anybody changed it, with the reviewer's own steps taken, in order. Steps that
are undone do not count. What a reviewer keeps are the events that are accepted in their version;
they have judged an event if a step of theirs accepted, rejected, changed, added or deleted it.

A version can also be all that a match has now, such as the same video reviewed by somebody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from touchline.errors import InputError
from touchline.metrics.agreement import Pairing, kappa, pair_events
from touchline.server.history import values_of
from touchline.server.tables import ChangeRow, EventRow, MatchRow

Values = Mapping[str, Any]

Kind = Literal["judgement", "class", "time", "details", "first_only", "second_only"]

SAME_SECONDS = 0.5
"""Two times of an event that are further apart differ."""

DETAILS = ("team", "player", "half", "clock", "note")


@dataclass(frozen=True)
class Version:
    """The events of a match as one reviewer has them.

    Attributes:
        reviewer: None for what the match has now.
        events: by id, without those that are deleted.
        judged: ids of those that the reviewer has judged, deleted ones among them.
        complete: the whole history is known: none of its steps is too old to be kept.
    """

    match: MatchRow
    reviewer: str | None
    events: Mapping[str, Values]
    judged: frozenset[str]
    complete: bool = True

    @property
    def kept(self) -> dict[str, Values]:
        """The accepted events, in order of time."""
        accepted = [item for item in self.events.items() if item[1]["status"] == "accepted"]
        return dict(sorted(accepted, key=lambda item: (item[1]["seconds"], item[0])))


@dataclass(frozen=True)
class Difference:
    """Where two versions differ: the event as each has it, None where it has none."""

    kind: Kind
    first: Values | None
    second: Values | None

    @property
    def seconds(self) -> float:
        """Where in the match it is."""
        event = self.first or self.second or {}
        return float(event.get("seconds", 0.0))


@dataclass(frozen=True)
class ClassAgreement:
    """How many events of a class both have, and only one has."""

    label: str
    both: int
    first_only: int
    second_only: int

    @property
    def f1(self) -> float | None:
        """Share of the events that both have."""
        total = 2 * self.both + self.first_only + self.second_only
        return 2 * self.both / total if total else None


@dataclass(frozen=True)
class Agreement:
    """How far two versions agree.

    Attributes:
        judged: events that both have judged.
        same: those of which both say the same: kept by both with one class, or by neither.
        kappa: Cohen's, of keeping those events or not.
        pairing: of the events that each keeps.
    """

    first: Version
    second: Version
    judged: int
    same: int
    kappa: float | None
    pairing: Pairing
    classes: Sequence[ClassAgreement] = ()
    differences: Sequence[Difference] = field(default_factory=tuple)


def version_of(session: Session, match: MatchRow, reviewer: str | None) -> Version:
    """The events of a match as a reviewer has them; as they are now where none is named.

    Raises:
        InputError: the reviewer has changed nothing in the match.
    """
    rows = session.scalars(select(EventRow).where(EventRow.match_id == match.id)).all()
    now = {row.id: values_of(row) for row in rows}
    steps = session.scalars(
        select(ChangeRow).where(ChangeRow.match_id == match.id).order_by(ChangeRow.number)
    ).all()
    if reviewer is None:
        return Version(match, None, _alive(now), frozenset(now))
    actors = sorted({change.actor for change in steps})
    if reviewer not in actors:
        raise InputError(
            f"{reviewer} has changed nothing in {match.title!r}",
            remedy=f"name one of {', '.join(actors)[:300]}" if actors else "nobody has",
        )
    events: dict[str, dict[str, Any]] = {}
    judged: set[str] = set()
    for change in steps:
        for step in change.steps:
            if step.get("kind", "event") != "event" or step["id"] not in now:
                continue
            event = events.setdefault(step["id"], {**now[step["id"]], **step["before"]})
            if change.actor == reviewer and not change.undone:
                judged.add(step["id"])
                before = step["before"]
                event |= {k: v for k, v in step["after"].items() if v != before.get(k)}
    complete = not steps or steps[0].number == 1
    return Version(match, reviewer, _alive({**now, **events}), frozenset(judged), complete)


def agreement_of(first: Version, second: Version, within_seconds: float) -> Agreement:
    """Compare two versions.

    Args:
        within_seconds: how far apart the times of one event may be, where it has no name that both
            versions know.
    """
    kept = first.kept, second.kept
    shared = _shared(first, second)
    pairing = _pairing(first, second, within_seconds)
    both = [event_id for event_id in shared if event_id in kept[0] and event_id in kept[1]]
    mine = sum(event_id in kept[0] for event_id in shared) - len(both)
    theirs = sum(event_id in kept[1] for event_id in shared) - len(both)
    neither = len(shared) - len(both) - mine - theirs
    alike = sum(kept[0][event_id]["label"] == kept[1][event_id]["label"] for event_id in both)
    return Agreement(
        first,
        second,
        judged=len(shared),
        same=alike + neither,
        kappa=kappa(len(both), mine, theirs, neither),
        pairing=pairing,
        classes=_by_class(*kept, pairing),
        differences=_differences(first, second, pairing),
    )


def _alive(events: Mapping[str, Values]) -> dict[str, Values]:
    return {event_id: event for event_id, event in events.items() if not event["deleted"]}


def _shared(first: Version, second: Version) -> frozenset[str]:
    return first.judged & second.judged if first.match is second.match else frozenset()


def _pairing(first: Version, second: Version, within_seconds: float) -> Pairing:
    """Pairs of kept events: by name where both versions know it, else those near each other."""
    mine, theirs = list(first.kept.items()), list(second.kept.items())
    places = {event_id: j for j, (event_id, _) in enumerate(theirs)}
    named = [(i, places[event_id]) for i, (event_id, _) in enumerate(mine) if event_id in places]
    own = [i for i, (event_id, _) in enumerate(mine) if event_id not in second.events]
    their_own = [j for j, (event_id, _) in enumerate(theirs) if event_id not in first.events]
    found = pair_events(
        [(mine[i][1]["seconds"], mine[i][1]["label"]) for i in own],
        [(theirs[j][1]["seconds"], theirs[j][1]["label"]) for j in their_own],
        within_seconds,
    )
    pairs = [*named, *((own[i], their_own[j]) for i, j in (*found.same, *found.confused))]
    same = tuple(p for p in pairs if mine[p[0]][1]["label"] == theirs[p[1]][1]["label"])
    return Pairing(
        same,
        tuple(sorted({*pairs} - {*same})),
        tuple(sorted({*range(len(mine))} - {i for i, _ in pairs})),
        tuple(sorted({*range(len(theirs))} - {j for _, j in pairs})),
    )


def _by_class(first: Values, second: Values, pairing: Pairing) -> list[ClassAgreement]:
    mine = [event["label"] for event in first.values()]
    theirs = [event["label"] for event in second.values()]
    same = [mine[i] for i, _ in pairing.same]
    return [
        ClassAgreement(
            label, same.count(label), mine.count(label) - same.count(label),
            theirs.count(label) - same.count(label),
        )
        for label in sorted({*mine, *theirs})
    ]  # fmt: skip


def _differences(first: Version, second: Version, pairing: Pairing) -> list[Difference]:
    mine, theirs = list(first.kept.items()), list(second.kept.items())
    found = [Difference("class", mine[i][1], theirs[j][1]) for i, j in pairing.confused]
    for i, j in pairing.same:
        if kind := _kind(mine[i][1], theirs[j][1]):
            found.append(Difference(kind, mine[i][1], theirs[j][1]))
    for i in pairing.first_only:
        found.append(_one_sided(*mine[i], second, "first_only"))
    for j in pairing.second_only:
        found.append(_one_sided(*theirs[j], first, "second_only"))
    return sorted(found, key=lambda difference: difference.seconds)


def _kind(first: Values, second: Values) -> Kind | None:
    if abs(first["seconds"] - second["seconds"]) > SAME_SECONDS:
        return "time"
    return "details" if any(first[name] != second[name] for name in DETAILS) else None


def _one_sided(
    event_id: str, event: Values, other: Version, kind: Literal["first_only", "second_only"]
) -> Difference:
    """An event that one keeps: the other has judged it otherwise, or has not judged it."""
    theirs = other.events.get(event_id)
    named: Kind = "judgement" if event_id in other.judged and other.reviewer else kind
    return (
        Difference(named, event, theirs)
        if kind == "first_only"
        else Difference(named, theirs, event)
    )
