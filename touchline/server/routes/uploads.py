"""Uploads: tus 1.0 (core, creation, checksum, expiration, termination), and plain PUT."""

import base64
import binascii
from datetime import datetime
from email.utils import formatdate
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response

from touchline.server.intake import uploads
from touchline.server.policy import read_policy
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import Editor, Id, ServicesDep, audit, body_of
from touchline.server.routes.schemas import Out
from touchline.server.services import Services
from touchline.server.tables import UploadRow

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
OFFSET_TYPE = "application/offset+octet-stream"

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])
public = APIRouter(prefix="/v1/uploads", tags=["uploads"])


class UploadOut(Out):
    """An upload, running or complete."""

    id: str
    name: str
    state: Literal["receiving", "complete"]
    length: int
    received: int
    created_at: datetime
    expires_at: datetime


BYTES = {
    "requestBody": {
        "required": True,
        "content": {OFFSET_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def speaks_tus(request: Request, response: Response) -> None:
    """Make sure that client and server use the same protocol.

    Raises:
        ProblemError: the client uses another version.
    """
    if request.headers.get("Tus-Resumable") != VERSION:
        raise ProblemError(
            412, f"send Tus-Resumable: {VERSION}",
            headers={"Tus-Version": VERSION, "Tus-Resumable": VERSION},
        )  # fmt: skip
    response.headers["Tus-Resumable"] = VERSION


Tus = Annotated[None, Depends(speaks_tus)]


@public.options("", status_code=204)
def capabilities(response: Response, services: ServicesDep) -> None:
    """The parts of tus that this server supports."""
    with services.database.read() as session:
        limit = read_policy(session, services.settings.policy).max_upload_bytes
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Tus-Version"] = VERSION
    response.headers["Tus-Extension"] = EXTENSIONS
    response.headers["Tus-Max-Size"] = str(limit)
    response.headers["Tus-Checksum-Algorithm"] = ",".join(uploads.CHECKSUMS)


@router.post(
    "",
    status_code=201,
    openapi_extra={
        "parameters": [
            {
                "name": "Upload-Length",
                "in": "header",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
                "example": 1048576,
            },
            {
                "name": "Upload-Metadata",
                "in": "header",
                "schema": {"type": "string"},
                "example": "filename bWF0Y2gubXA0",
            },
        ]
    },
)
async def create(
    principal: Editor, tus: Tus, request: Request, response: Response, services: ServicesDep
) -> UploadOut:
    """Announce a file; its bytes go to the answer's Location, the first may come with this call."""
    length = _number(request, "Upload-Length")
    name = _metadata(request).get("filename") or _metadata(request).get("name") or "unnamed.mp4"
    upload = await to_thread.run_sync(uploads.begin, services, principal, name, length, "tus")
    await to_thread.run_sync(_note, services, request, upload)
    response.headers["Location"] = f"{request.url.path.rstrip('/')}/{upload.id}"
    response.headers["Upload-Expires"] = formatdate(upload.expires_at, usegmt=True)
    if request.headers.get("Content-Type", "").startswith(OFFSET_TYPE):
        received = await _receive(services, upload, 0, request)
        response.headers["Upload-Offset"] = str(received)
        upload = await to_thread.run_sync(uploads.find, services, principal, upload.id)
    return UploadOut.of(upload)


@router.head("/{upload_id}")
def stand(
    upload_id: Id, principal: Editor, tus: Tus, response: Response, services: ServicesDep
) -> None:
    """How many bytes an upload has, to continue from there."""
    upload = uploads.find(services, principal, upload_id)
    response.headers["Upload-Offset"] = str(upload.received)
    response.headers["Upload-Length"] = str(upload.length)
    response.headers["Upload-Expires"] = formatdate(upload.expires_at, usegmt=True)
    response.headers["Cache-Control"] = "no-store"


@router.get("/{upload_id}")
def show(upload_id: Id, principal: Editor, services: ServicesDep) -> UploadOut:
    """An upload, for clients without tus."""
    return UploadOut.of(uploads.find(services, principal, upload_id))


@router.patch(
    "/{upload_id}",
    status_code=204,
    openapi_extra=BYTES
    | {
        "parameters": [
            {
                "name": "Upload-Offset",
                "in": "header",
                "required": True,
                "schema": {"type": "integer", "minimum": 0},
                "example": 0,
            },
            {
                "name": "Upload-Checksum",
                "in": "header",
                "schema": {"type": "string"},
                "example": "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            },
        ]
    },
)
async def append(
    upload_id: Id,
    principal: Editor,
    tus: Tus,
    request: Request,
    response: Response,
    services: ServicesDep,
) -> None:
    """Send the next bytes of an upload."""
    if not request.headers.get("Content-Type", "").startswith(OFFSET_TYPE):
        raise ProblemError(415, f"send bytes as {OFFSET_TYPE}")
    upload = await to_thread.run_sync(uploads.find, services, principal, upload_id)
    received = await _receive(services, upload, _number(request, "Upload-Offset"), request)
    response.headers["Upload-Offset"] = str(received)
    response.headers["Upload-Expires"] = formatdate(upload.expires_at, usegmt=True)


@router.delete("/{upload_id}", status_code=204)
def terminate(upload_id: Id, principal: Editor, services: ServicesDep, response: Response) -> None:
    """Drop an upload and its bytes."""
    uploads.drop(services, uploads.find(services, principal, upload_id))
    response.headers["Tus-Resumable"] = VERSION


@router.put(
    "/{name}",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def put(
    name: Annotated[str, Path(max_length=300, examples=["match.mp4"])],
    principal: Editor,
    request: Request,
    services: ServicesDep,
) -> UploadOut:
    """Send a whole file at once: ``curl -T match.mp4 http://host:8000/v1/uploads/``."""
    if "Content-Length" not in request.headers:
        raise ProblemError(411, "send Content-Length, or use tus")
    length = _number(request, "Content-Length")
    upload = await to_thread.run_sync(uploads.begin, services, principal, name, length, "put")
    await to_thread.run_sync(_note, services, request, upload)
    received = 0
    try:
        received = await _receive(services, upload, 0, request)
    finally:
        if received != length:
            await to_thread.run_sync(uploads.drop, services, upload)
    return UploadOut.of(await to_thread.run_sync(uploads.find, services, principal, upload.id))


async def _receive(services: Services, upload: UploadRow, offset: int, request: Request) -> int:
    return await uploads.receive(services, upload, offset, body_of(request), _checksum(request))


def _note(services: Services, request: Request, upload: UploadRow) -> None:
    with services.database.write() as session:
        audit(services, request, session, "upload begun", f"{upload.id} {upload.name}")


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ProblemError(400, f"{header} must be a number of bytes")
    return int(text)


def _checksum(request: Request) -> uploads.Checksum | None:
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return None
    algorithm, _, digest = given.partition(" ")
    if algorithm not in uploads.CHECKSUMS:
        raise ProblemError(400, f"checksums are {', '.join(uploads.CHECKSUMS)}")
    try:
        return uploads.Checksum(algorithm, base64.b64decode(digest, validate=True))
    except binascii.Error as error:
        raise ProblemError(400, "Upload-Checksum: the digest must be base64") from error


def _metadata(request: Request) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = item.strip().partition(" ")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise ProblemError(400, "Upload-Metadata: values must be base64") from error
    return pairs
