"""A match is spotted again; and the stage by which every match is spotted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from touchline.events import RAN, SCORE_BUG, Event
from touchline.server.documents import REPLAYS, values_from_event
from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.spotting import SpotArguments, SpotResult, spot_video
from touchline.server.jobs.types.base import JobContext, JobType, Remembered, StageCall
from touchline.server.storage import BROADCASTS, SCORES, take_place
from touchline.server.tables import EventRow, MatchRow, new_id


class SpotPayload(Payload):
    """The model and threshold to spot with."""

    job_type: ClassVar[str] = "spot"

    model: str
    threshold: float


class Spot(JobType[SpotPayload]):
    """A match is spotted again."""

    payload = SpotPayload

    def weights(self, payload: SpotPayload) -> dict[str, float]:
        return {"spot": 1.0}

    def stages(self, context: JobContext[SpotPayload]) -> Iterator[StageCall[Any, Any]]:
        payload = context.payload
        yield spot_match(context, context.read_match(), payload.model, payload.threshold)

    def finish(self, context: JobContext[SpotPayload], session: Session) -> Remembered:
        match = context.lock_match(session)
        match.model, match.threshold = context.payload.model, context.payload.threshold
        context.touch(session, match)
        return {}


def spot_match(
    context: JobContext[Any], match: MatchRow, model: str, threshold: float
) -> StageCall[SpotArguments, SpotResult]:
    """The stage that spots a match's proxy, half by half."""
    scores, broadcasts = context.scratch / SCORES, context.scratch / BROADCASTS
    return StageCall(
        "spot",
        spot_video,
        SpotArguments(
            source=str(context.storage.proxy(match.id)),
            model=model,
            threshold=threshold,
            scores=str(scores),
            broadcasts=tuple(
                str(broadcasts / context.storage.broadcast(match.id, video.number).name)
                for video in match.videos
            ),
            starts=tuple(video.start_seconds for video in match.videos),
            halves=tuple(video.half for video in match.videos),
            kept=str(context.segments),
        ),
        context.settings.stage_limits,
        float(match.info.get("duration_seconds", 0)),
        names={str(context.storage.proxy(match.id)): match.title},
        effect=lambda session, result: _keep_events(context, session, result, scores, broadcasts),
    )


def _keep_events(
    context: JobContext[Any],
    session: Session,
    result: SpotResult,
    scores: Path,
    broadcasts: Path,
) -> Remembered:
    """The model's events replace earlier ones that nobody has changed."""
    match = context.lock_match(session)
    if scores.is_file():
        take_place(scores, context.storage.scores(match.id))
    if broadcasts.is_dir():
        take_place(broadcasts, context.storage.match(match.id) / BROADCASTS)
    unchanged = (
        EventRow.match_id == match.id,
        EventRow.source == "model",
        EventRow.status == "pending",
        EventRow.version == 1,
        EventRow.comments == 0,
    )
    session.execute(delete(EventRow).where(*unchanged))
    now = context.database.now(session)
    match.revision += 1
    rows = [_row_of(match, event, now) for event in result.events]
    if rows:
        session.execute(insert(EventRow), rows)
    match.labels = list(result.labels)
    match.game = {**result.teams, **match.game}  # what people state counts
    info = {**match.info, RAN: result.ran}
    if result.replays is not None:
        info[REPLAYS] = [list(span) for span in result.replays]
    if result.score_bug is not None:
        info[SCORE_BUG] = list(result.score_bug)
    match.info = info
    match.producer = result.model_dump(include={"producer"})["producer"]
    match.warnings = list(dict.fromkeys([*match.warnings, *result.warnings]))
    match.version += 1
    return {"events": len(rows)}


def _row_of(match: MatchRow, event: Event, now: float) -> dict[str, Any]:
    return values_from_event(event) | {
        "id": new_id(),
        "match_id": match.id,
        "revision": match.revision,
        "status": "pending",
        "source": "model",
        "version": 1,
        "deleted": False,
        "created_by": "model",
        "created_at": now,
        "updated_by": "model",
        "updated_at": now,
    }
