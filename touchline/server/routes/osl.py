"""The ``/api/v1`` contract of the OSL VideoAnnotationTool: inference for other programs.

The tool's own names: an upload comes in numbered parts and becomes an asset; a job spots one asset
per item; events are points in milliseconds. Errors are ``{code, message, details, retryable}``.
"""

from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session

from touchline import __version__
from touchline.errors import CheckpointError
from touchline.server.access.principal import Principal
from touchline.server.errors import NotFoundError
from touchline.server.intake import multipart, uploads
from touchline.server.intake.shared import shared_file
from touchline.server.jobs.queue import ENDED
from touchline.server.jobs.types.inference import InferItem, InferPayload, results_of
from touchline.server.policy import read_policy
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import Editor, Id, ServicesDep, Viewer, audit, body_of
from touchline.server.routes.schemas import ID, IdText, ModelName, Text
from touchline.server.services import Services
from touchline.server.tables import JobRow, UploadRow
from touchline.zoo.real_matches import AUTO, AUTO_DESCRIPTION, require_model
from touchline.zoo.store import ModelFolder, list_models

router = APIRouter(prefix="/api/v1", tags=["OSL VideoAnnotationTool"])

TASK = "localization"
POLL_SECONDS = 1.0
MAX_ITEMS = 500
DEFAULT_HEAD = "action"

Number = Annotated[int, Field(ge=1, le=multipart.MAX_PARTS)]
PartList = Annotated[list["Part"], Field(max_length=multipart.MAX_PARTS)]


class Loose(BaseModel):
    """A request of the tool: unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class UploadRequest(Loose):
    """A file to be sent in parts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"filename": "match.mp4", "size": 1048576}]}
    )

    filename: Text
    size: Annotated[int, Field(ge=1, le=2**50)]
    mtime_ns: Annotated[int, Field(ge=0, lt=2**63)] | None = None


class Part(Loose):
    """A part that was sent."""

    number: Number
    etag: Annotated[str, StringConstraints(max_length=200)] = ""
    sha256: Annotated[str, StringConstraints(max_length=200)] = ""


class CompleteRequest(Loose):
    """All parts that were sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"parts": [{"number": 1}]}]})

    parts: PartList = []


class Asset(Loose):
    """An upload, or a file that both sides see."""

    kind: Literal["upload", "shared"]
    id: IdText | None = None
    uri: Annotated[str, StringConstraints(max_length=4000)] | None = None


class Input(Loose):
    """One of an item's inputs."""

    type: Annotated[str, StringConstraints(max_length=60)] = "video"
    asset: Asset


class Item(Loose):
    """A sample to be spotted."""

    item_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    sample_id: Annotated[str, StringConstraints(max_length=1000)] = ""
    inputs: Annotated[list[Input], Field(min_length=1, max_length=1)]


class JobRequest(Loose):
    """What to spot, with which model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "idempotency_key": "c0ffee",
                    "model_id": "auto",
                    "task": TASK,
                    "parameters": {"head": "action"},
                    "items": [
                        {
                            "item_id": "1",
                            "sample_id": "match",
                            "inputs": [{"type": "video", "asset": {"kind": "upload", "id": ID}}],
                        }
                    ],
                }
            ]
        }
    )

    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    model_id: ModelName
    task: Annotated[str, StringConstraints(max_length=60)]
    parameters: dict[str, Any] = {}
    items: Annotated[list[Item], Field(min_length=1, max_length=MAX_ITEMS)]


class CapabilitiesOut(BaseModel):
    """The server's properties for the tool."""

    api_version: str = "1"
    server: str = "touchline"
    tasks: list[str] = [TASK]
    poll_interval_seconds: float = POLL_SECONDS
    multipart_part_size: int = multipart.PART_BYTES
    max_parallel_parts: int = multipart.PARALLEL_PARTS
    max_upload_size: int
    shared_roots: list[str]


class Descriptor(BaseModel):
    """A model as the tool lists it."""

    id: str
    display_name: str
    task: str = TASK
    version: str
    available: bool
    unavailable_reason: str
    accepted_input_types: list[str] = ["video"]
    min_inputs: int = 1
    max_inputs: int = 1
    supports_time_range: bool = False


_AUTO = Descriptor(
    id=AUTO,
    display_name=AUTO_DESCRIPTION[:100],
    version=__version__,
    available=True,
    unavailable_reason="",
)


class Descriptors(BaseModel):
    """The models for a task."""

    models: list[Descriptor]


class PartOut(BaseModel):
    """A part that has arrived."""

    number: int
    etag: str
    sha256: str


class UploadState(BaseModel):
    """An upload in parts: part n goes to ``/uploads/{id}/parts/{n}``."""

    id: str
    status: str
    asset_id: str | None
    part_size: int
    completed_parts: list[PartOut]


class JobState(BaseModel):
    """A job as the tool polls it."""

    id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: int
    message: str
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class Result(BaseModel):
    """One entry for each item of the request."""

    items: list[dict[str, Any]]


@router.get("/capabilities")
def capabilities(principal: Viewer, services: ServicesDep) -> CapabilitiesOut:
    """API version, tasks, polling interval, multipart limits, shared roots."""
    with services.database.read() as session:
        policy = read_policy(session, services.settings.policy)
    return CapabilitiesOut(
        max_upload_size=policy.max_upload_bytes, shared_roots=list(services.settings.media_roots)
    )


@router.get("/models")
def models(
    principal: Viewer, task: Annotated[str, Query(max_length=60, examples=[TASK])] = TASK
) -> Descriptors:
    """The models for a task; only localization has any."""
    if task != TASK:
        return Descriptors(models=[])
    return Descriptors(models=[_AUTO, *(_descriptor(folder) for folder in list_models())])


@router.post("/uploads", status_code=201)
def begin(
    body: UploadRequest, principal: Editor, request: Request, services: ServicesDep
) -> UploadState:
    """Announce a file that is sent in parts; the same file again gives the same upload."""
    known = multipart.same_upload(services, principal, body.filename, body.size, body.mtime_ns)
    if known is None:
        known = uploads.begin(
            services, principal, body.filename, body.size, "parts", mtime_ns=body.mtime_ns
        )
        with services.database.write() as session:
            audit(services, request, session, "upload begun", f"{known.id} {known.name}")
    return _state(services, known)


@router.get("/uploads/{upload_id}")
def show(upload_id: Id, principal: Editor, services: ServicesDep) -> UploadState:
    """Which parts have arrived."""
    return _state(services, _upload(services, principal, upload_id))


@router.put(
    "/uploads/{upload_id}/parts/{number}",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def send_part(
    upload_id: Id,
    number: Annotated[int, Field(ge=1, le=multipart.MAX_PARTS)],
    principal: Editor,
    request: Request,
    response: Response,
    services: ServicesDep,
    x_content_sha256: Annotated[str | None, Header(pattern=r"^[0-9a-fA-F]{64}$")] = None,
) -> PartOut:
    """Send a part."""
    upload = await to_thread.run_sync(_upload, services, principal, upload_id)
    digest = await multipart.receive_part(
        services, upload, number, body_of(request), x_content_sha256
    )
    response.headers["ETag"] = f'"{digest}"'
    response.headers["X-Content-SHA256"] = digest
    return PartOut(number=number, etag=digest, sha256=digest)


@router.post("/uploads/{upload_id}/complete")
def complete(
    upload_id: Id, body: CompleteRequest, principal: Editor, services: ServicesDep
) -> UploadState:
    """Put the parts together."""
    upload = _upload(services, principal, upload_id)
    wanted = {part.number: part.sha256 for part in body.parts}
    return _state(services, multipart.put_together(services, upload, wanted))


@router.delete("/uploads/{upload_id}", status_code=204)
def abort(upload_id: Id, principal: Editor, services: ServicesDep) -> None:
    """Drop an upload."""
    uploads.drop(services, _upload(services, principal, upload_id))


@router.post("/jobs", status_code=202)
def submit(
    body: JobRequest,
    principal: Editor,
    request: Request,
    services: ServicesDep,
    idempotency_key: Annotated[str | None, Header(max_length=100)] = None,
) -> JobState:
    """Spot every item; the same key again gives the same job."""
    if body.task != TASK:
        raise ProblemError(422, f"this server does {TASK} only", code="unsupported_task")
    if len({item.item_id for item in body.items}) != len(body.items):
        raise ProblemError(422, "an item_id occurs twice", code="invalid_request")
    try:
        require_model(body.model_id)
    except CheckpointError as error:
        raise ProblemError(404, str(error), code="model_not_found") from error
    head = body.parameters.get("head")
    given = body.idempotency_key or idempotency_key
    with services.database.write() as session:
        policy = read_policy(session, services.settings.policy)
        payload = InferPayload(
            model=body.model_id,
            threshold=policy.threshold,
            head=head if isinstance(head, str) and len(head) <= 300 else DEFAULT_HEAD,
            items=tuple(_work(services, session, principal, item) for item in body.items),
        )
        job = services.queue.add(
            session,
            payload,
            key=None if given is None else f"osl {principal.user_id or 'local'} {given}",
            owner_id=principal.user_id,
        )
        audit(services, request, session, "inference asked", f"{job.id} {body.model_id}")
        return _job_state(job, principal)


@router.get("/jobs/{job_id}")
def poll(job_id: Id, principal: Editor, response: Response, services: ServicesDep) -> JobState:
    """The progress of a job, with its result when it has succeeded."""
    with services.database.read() as session:
        job = _job(session, principal, job_id)
    if job.state not in ENDED:
        response.headers["Retry-After"] = str(int(POLL_SECONDS))
    return _job_state(job, principal)


@router.get("/jobs/{job_id}/result")
def result(job_id: Id, principal: Editor, services: ServicesDep) -> Result:
    """What was found in each item."""
    with services.database.read() as session:
        job = _job(session, principal, job_id)
    if job.state != "succeeded":
        raise ProblemError(409, f"the job is {job.state}", code="not_ready")
    return Result(items=_found(job))


@router.delete("/jobs/{job_id}")
def cancel(job_id: Id, principal: Editor, request: Request, services: ServicesDep) -> JobState:
    """End a job."""
    with services.database.write() as session:
        job = _job(session, principal, job_id)
        if services.queue.cancel(session, job):
            audit(services, request, session, "job cancelled", f"{job.id} {job.kind}")
        return _job_state(job, principal)


def _descriptor(folder: ModelFolder) -> Descriptor:
    runs = bool(folder.onnx_files)
    return Descriptor(
        id=folder.path.name,
        display_name=folder.card.description[:100] or folder.card.name,
        version=next(iter(folder.card.files.values()), "")[:12],
        available=runs or folder.has_weights,
        unavailable_reason="" if runs or folder.has_weights else "it has no weights",
    )


def _upload(services: Services, principal: Principal, upload_id: str) -> UploadRow:
    upload = uploads.find(services, principal, upload_id)
    if upload.kind != "parts":
        raise NotFoundError("upload")
    return upload


def _state(services: Services, upload: UploadRow) -> UploadState:
    done = upload.state == "complete"
    return UploadState(
        id=upload.id,
        status=upload.state,
        asset_id=upload.id if done else None,
        part_size=multipart.PART_BYTES,
        completed_parts=[
            PartOut(number=part.number, etag=part.sha256, sha256=part.sha256)
            for part in multipart.parts_of(services, upload.id)
        ],
    )


def _work(services: Services, session: Session, principal: Principal, item: Item) -> InferItem:
    asset = item.inputs[0].asset
    if item.inputs[0].type != "video":
        raise ProblemError(422, "inputs are videos", code="unsupported_input")
    if asset.kind == "shared":
        path = shared_file(asset.uri or "", services.settings.media_roots)
        return InferItem(item_id=item.item_id, sample_id=item.sample_id, path=str(path))
    upload = session.get(UploadRow, asset.id) if asset.id else None
    if upload is None or upload.owner_id != principal.user_id:
        raise NotFoundError("upload")
    if upload.state != "complete":
        raise ProblemError(409, "the upload is not complete", code="upload_incomplete")
    return InferItem(item_id=item.item_id, sample_id=item.sample_id, upload_id=upload.id)


def _job(session: Session, principal: Principal, job_id: str) -> JobRow:
    job = session.get(JobRow, job_id)
    if job is None or job.kind != InferPayload.job_type or job.owner_id != principal.user_id:
        raise NotFoundError("job")
    return job


def _job_state(job: JobRow, principal: Principal) -> JobState:
    error = None
    if job.state in ("failed", "cancelled"):
        code = "cancelled" if job.state == "cancelled" else "inference_failed"
        error = {"code": code, "message": job.problem, "details": None, "retryable": False}
    return JobState.model_validate(
        {
            "id": job.id,
            "status": job.state,
            "progress": round(100 * job.progress),
            "message": job.problem or job.stage or job.state,
            "result": {"items": _found(job)} if job.state == "succeeded" else None,
            "error": error,
        }
    )


def _found(job: JobRow) -> list[dict[str, Any]]:
    return [
        {
            "item_id": item.item_id,
            "sample_id": item.sample_id,
            "events": [
                {
                    "head": job.payload["head"],
                    "label": event.label,
                    "position_ms": round(event.seconds * 1000),
                    "confidence_score": event.confidence,
                }
                for event in (() if result is None else result.events)
            ],
        }
        for item, result in results_of(job)
    ]
