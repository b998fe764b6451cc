"""Assets: pictures and sounds for reels, such as a logo, an outro or music; for all matches."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from touchline.server.access.principal import Principal
from touchline.server.errors import ConflictError, NotFoundError
from touchline.server.finishing import ASSET_FIELDS, Finishing, finishing_of
from touchline.server.intake import uploads
from touchline.server.intake.assets import look_into
from touchline.server.intake.events import Imports
from touchline.server.jobs.stages.inspecting import AssetFacts
from touchline.server.problems import ProblemError
from touchline.server.routes.dependencies import Editor, Id, ServicesDep, Viewer, audit
from touchline.server.routes.files import BYTES, file_answer
from touchline.server.routes.idempotency import Once, OnceDep
from touchline.server.routes.schemas import ID, IdText, In, Out, Page
from touchline.server.services import Services
from touchline.server.tables import AssetRow, ReelRow, UploadRow

router = APIRouter(prefix="/v1/assets", tags=["assets"])

MEDIA_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp",
}  # fmt: skip

Kind = Literal["picture", "sound"]


class AssetIn(In):
    """An upload that is complete: a picture (PNG, JPEG, WebP) or a sound."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"upload": ID}]})

    upload: IdText


class AssetOut(Out):
    """A picture or a sound; ``facts`` has width and height, or seconds."""

    id: str
    kind: Kind
    name: str
    bytes: int
    facts: dict[str, Any]
    created_by: str
    created_at: datetime


@router.get("")
def list_assets(
    principal: Viewer,
    services: ServicesDep,
    kind: Annotated[Kind | None, Query()] = None,
) -> Page[AssetOut]:
    """The pictures and sounds, the newest first."""
    query = select(AssetRow).order_by(AssetRow.created_at.desc(), AssetRow.id).limit(1000)
    if kind is not None:
        query = query.where(AssetRow.kind == kind)
    with services.database.read() as session:
        rows = session.scalars(query).all()
    return Page(items=[AssetOut.of(row) for row in rows])


@router.post("", status_code=201)
async def make(body: AssetIn, principal: Editor, request: Request, once: OnceDep) -> AssetOut:
    """Keep an upload (`PUT /v1/uploads/logo.png`) as a picture or sound for reels."""
    imports: Imports = request.app.state.imports
    upload = await to_thread.run_sync(_whole, once.services, principal, body.upload)
    kind, found = await imports.apart(look_into, once.services, upload)
    return await to_thread.run_sync(_keep, once, request, principal, upload, kind, found)


@router.get(
    "/{asset_id}",
    response_class=FileResponse,
    responses={200: {"description": "The file.", **BYTES}},
)
def download(asset_id: Id, principal: Viewer, request: Request, services: ServicesDep) -> Response:
    """The file of a picture or sound; supports Range."""
    with services.database.read() as session:
        row = _asset(session, asset_id)
    kind = MEDIA_TYPES.get(Path(row.name).suffix.lower(), "application/octet-stream")
    return file_answer(request, services.storage.upload(row.upload_id), kind, row.name)


@router.delete("/{asset_id}", status_code=204)
def remove(asset_id: Id, principal: Editor, request: Request, services: ServicesDep) -> None:
    """Delete a picture or sound that no reel uses."""
    with services.database.write() as session:
        row = _asset(session, asset_id)
        for reel in session.scalars(select(ReelRow).where(ReelRow.finish.is_not(None))):
            if not reel.deleted and asset_id in finishing_of(reel.finish).assets.values():
                raise ConflictError(f"the reel {reel.title!r} uses it", code="in_use")
        upload = session.get_one(UploadRow, row.upload_id)
        session.delete(row)
        session.flush()
        session.delete(upload)
        audit(services, request, session, "asset deleted", f"{row.id} {row.name}")
    services.storage.drop_upload(upload.id)


def check_assets(session: Session, finishing: Finishing | None) -> None:
    """Make sure that the assets of a finish are there.

    Raises:
        ProblemError: one is not, or is of the other kind.
    """
    for field, asset_id in ({} if finishing is None else finishing.assets).items():
        row = session.get(AssetRow, asset_id)
        kind = ASSET_FIELDS[field]
        if row is None or row.kind != kind:
            raise ProblemError(
                422, f"finish.{field}: there is no {kind} of this id; send one to /v1/assets"
            )


def _whole(services: Services, principal: Principal, upload_id: str) -> UploadRow:
    """An upload of the caller that is complete."""
    upload = uploads.find(services, principal, upload_id)
    if upload.state != "complete":
        raise ProblemError(
            409, f"{upload.received} of {upload.length} bytes have arrived; send the rest"
        )
    return upload


def _keep(
    once: Once,
    request: Request,
    principal: Principal,
    upload: UploadRow,
    kind: str,
    found: AssetFacts,
) -> AssetOut:
    with once.write() as session:
        row = _of_upload(session, upload)
        if row is None:
            row = AssetRow(
                upload_id=upload.id,
                kind=kind,
                name=upload.name,
                bytes=upload.length,
                facts=found.facts,
                created_by=principal.name,
                created_at=once.services.database.now(session),
            )
            session.add(row)
            session.flush()
            audit(once.services, request, session, "asset made", f"{row.id} {row.name}")
        return once.answer(session, AssetOut.of(row), Location=f"/v1/assets/{row.id}")


def _of_upload(session: Session, upload: UploadRow) -> AssetRow | None:
    return session.scalar(select(AssetRow).where(AssetRow.upload_id == upload.id))


def _asset(session: Session, asset_id: str) -> AssetRow:
    row = session.get(AssetRow, asset_id)
    if row is None:
        raise NotFoundError("asset")
    return row
