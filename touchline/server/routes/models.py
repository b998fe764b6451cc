"""Models: those that are here, and those that can be fetched."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from touchline.errors import CheckpointError
from touchline.importers.download import PUBLISHED
from touchline.server.errors import NotFoundError
from touchline.server.jobs.types.pull import PullPayload
from touchline.server.routes.dependencies import Admin, ServicesDep, Viewer, audit
from touchline.server.routes.schemas import In, JobOut
from touchline.zoo.cards import NAME
from touchline.zoo.store import ModelFolder, find, list_models

router = APIRouter(prefix="/v1/models", tags=["models"])


class ModelOut(BaseModel):
    """A model that matches can be spotted with, and under which licence."""

    name: str
    system: str
    labels: list[str]
    rate: str
    origin: str
    licence: str
    training_data_licence: str
    description: str
    metrics: dict[str, Any]


class RemoteModelOut(BaseModel):
    """A model that can be pulled."""

    name: str
    repository: str
    licence: str
    description: str


class ModelsOut(BaseModel):
    """The models that are here, and those that can be pulled by name."""

    models: list[ModelOut]
    to_pull: list[RemoteModelOut]


class PullIn(In):
    """Which model to pull: a name of ``to_pull``, or a repository of the Hugging Face Hub."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "osl-ball-2025"}]})

    name: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?$")
    ]


@router.get("")
def list_all(principal: Viewer) -> ModelsOut:
    """The models that are here, and those that can be pulled by name."""
    folders = list_models()
    here = {folder.path.name for folder in folders}
    return ModelsOut(
        models=[_model(folder) for folder in folders],
        to_pull=[
            RemoteModelOut(
                name=name,
                repository=model.repository,
                licence=model.licence,
                description=model.description,
            )
            for name, model in PUBLISHED.items()
            if name not in here
        ],
    )


@router.get("/{name}")
def show(
    name: Annotated[str, Path(pattern=NAME, examples=["demo"])],
    principal: Viewer,
) -> ModelOut:
    """A model and its licences."""
    try:
        return _model(find(name))
    except CheckpointError as error:
        raise NotFoundError("model") from error


@router.post("/pull", status_code=202)
def pull(body: PullIn, principal: Admin, request: Request, services: ServicesDep) -> JobOut:
    """Fetch a model, as a job."""
    with services.database.write() as session:
        job = services.queue.add(session, PullPayload(name=body.name), owner_id=principal.user_id)
        audit(services, request, session, "model pulled", body.name)
        return JobOut.of(job, services.queue.position(session, job))


def _model(folder: ModelFolder) -> ModelOut:
    card = folder.card
    return ModelOut(
        name=folder.path.name,
        system=card.system,
        labels=list(card.labels.labels),
        rate=card.rate,
        origin=folder.origin,
        licence=card.licence,
        training_data_licence=card.training_data_licence,
        description=card.description,
        metrics=card.metrics,
    )
