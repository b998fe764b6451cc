"""A sample match, for trying out the server without a video."""

from fastapi import APIRouter, Request

from touchline.server.jobs.stages.sampling import SampleSize
from touchline.server.jobs.types.sample import SamplePayload
from touchline.server.policy import read_policy
from touchline.server.routes.dependencies import Editor, audit
from touchline.server.routes.idempotency import OnceDep
from touchline.server.routes.schemas import MatchOut
from touchline.server.tables import MatchRow, UploadRow, VideoRow

router = APIRouter(prefix="/v1/matches", tags=["matches"])

TITLE = "Sample match (simulated)"
SIZE = SampleSize(minutes=1.5, width=640, height=360)


@router.post("/sample", status_code=202)
def make_sample(principal: Editor, request: Request, once: OnceDep) -> MatchOut:
    """Simulate a short match; a job analyses it like every upload."""
    services = once.services
    with once.write() as session:
        now = services.database.now(session)
        policy = read_policy(session, services.settings.policy)
        upload = UploadRow(
            owner_id=principal.user_id, name="sample.mp4", kind="sample", state="complete",
            length=0, received=0, created_at=now, expires_at=now + policy.upload_hours * 3600,
        )  # fmt: skip
        session.add(upload)
        session.flush()
        match = MatchRow(
            owner_id=principal.user_id, title=TITLE,
            videos=[VideoRow(upload_id=upload.id, name=upload.name)],
            model=policy.default_model, threshold=policy.threshold, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(match)
        session.flush()
        job = services.queue.add(
            session,
            SamplePayload(match=match.id, sample=SIZE),
            match_id=match.id,
            owner_id=principal.user_id,
        )
        audit(services, request, session, "sample match made", match.id)
        found = MatchOut.of(match, job)
        return once.answer(session, found, Location=f"/v1/matches/{match.id}")
