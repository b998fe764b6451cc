"""How far two reviewers of a match agree."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from touchline.events import Status
from touchline.server.agreement import (
    Agreement,
    Difference,
    Kind,
    Values,
    Version,
    agreement_of,
    version_of,
)
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import Id, ServicesDep, Viewer, visible_match
from touchline.server.routes.schemas import IdText

router = APIRouter(prefix="/v1/matches", tags=["agreement"])

MAX_DIFFERENCES = 1000

Reviewer = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]


class VersionOut(BaseModel):
    """A reviewer's version: how many events they have judged, and how many they keep.

    ``reviewer`` is null for what the match has now. A version is not ``complete`` where the oldest
    steps of the match are no longer kept."""

    match: str
    reviewer: str | None
    judged: int
    kept: int
    complete: bool

    @classmethod
    def of(cls, version: Version) -> "VersionOut":
        """The answer for a version."""
        return cls(
            match=version.match.id,
            reviewer=version.reviewer,
            judged=len(version.judged),
            kept=len(version.kept),
            complete=version.complete,
        )


class ClassAgreementOut(BaseModel):
    """The events of a class that both keep, and that only one keeps."""

    label: str
    both: int
    first_only: int
    second_only: int
    f1: float | None


class SideOut(BaseModel):
    """An event as one version has it."""

    time: float
    label: str
    status: Status
    team: str | None
    player: str | None
    note: str | None


class DifferenceOut(BaseModel):
    """Where two versions differ: in the judgement of an event that both have judged, in its class,
    time or details; or it is kept by one, and the other has not judged it."""

    kind: Kind
    time: float
    first: SideOut | None
    second: SideOut | None

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceOut":
        """The answer for a difference."""
        return cls(
            kind=difference.kind,
            time=difference.seconds,
            first=_side(difference.first),
            second=_side(difference.second),
        )


class AgreementOut(BaseModel):
    """How far two versions agree.

    Of ``judged`` events that both reviewers judged, they say the ``same`` of some: both keep them
    with one class, or neither does; ``kappa`` is Cohen's, null where it is not defined. ``f1`` is
    the share of the kept events that both keep: with one class, and one event by name or at times
    within the tolerance. ``count`` is of all differences, of which the first 1000 are listed."""

    first: VersionOut
    second: VersionOut
    judged: int
    same: int
    kappa: float | None
    f1: float | None
    classes: list[ClassAgreementOut]
    differences: list[DifferenceOut]
    count: int


@router.get("/{match_id}/agreement")
def agreement(
    match_id: Id,
    principal: Viewer,
    services: ServicesDep,
    first: Reviewer = None,
    second: Reviewer = None,
    other: Annotated[IdText | None, Query(description="A match, for the second version.")] = None,
    within: Annotated[float, Query(gt=0, le=60)] = 2.0,
) -> AgreementOut:
    """Compare two reviewers of a match, or a match with another one of the same video.

    A reviewer's version is what the events would be if nobody else had worked on the match: each
    event as it was before anybody changed it, with this reviewer's own steps, without those that
    are undone. They keep what is accepted in it. Without a reviewer, it is what the match has now.
    ``within`` is the tolerance in seconds for events that the versions know by different names. A
    version is not compared with itself."""
    with services.database.read() as session:
        match = visible_match(session, principal, match_id)
        against = match if other is None else visible_match(session, principal, other)
        if against is match and first == second:
            raise ProblemError(
                422, "this compares a version with itself; name two reviewers as first and second, "
                "or another match as other",
            )  # fmt: skip
        found = agreement_of(
            version_of(session, match, first), version_of(session, against, second), within
        )
    return _out(found)


def _out(found: Agreement) -> AgreementOut:
    return AgreementOut(
        first=VersionOut.of(found.first),
        second=VersionOut.of(found.second),
        judged=found.judged,
        same=found.same,
        kappa=found.kappa,
        f1=found.pairing.f1,
        classes=[
            ClassAgreementOut(
                label=one.label,
                both=one.both,
                first_only=one.first_only,
                second_only=one.second_only,
                f1=one.f1,
            )
            for one in found.classes
        ],
        differences=[DifferenceOut.of(one) for one in found.differences[:MAX_DIFFERENCES]],
        count=len(found.differences),
    )


def _side(event: Values | None) -> SideOut | None:
    if event is None:
        return None
    names = ("label", "status", "team", "player", "note")
    return SideOut(time=event["seconds"], **{name: event[name] for name in names})
