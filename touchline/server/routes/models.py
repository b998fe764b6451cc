"""Models: those that are here, and those that can be fetched."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from touchline.errors import CheckpointError
from touchline.labels import BROADCAST
from touchline.pulling.installed import names_here
from touchline.server.errors import NotFoundError
from touchline.server.jobs.types.pull import PullPayload
from touchline.server.routes.dependencies import Admin, Viewer, audit
from touchline.server.routes.idempotency import OnceDep
from touchline.server.routes.schemas import In, JobOut
from touchline.zoo.cards import NAME
from touchline.zoo.catalogue import Entry, Family, Kind, ReportedScore, State, catalogue
from touchline.zoo.real_matches import AUTO, AUTO_DESCRIPTION, models_for_real_matches
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
    """A published model that is not here.

    ``state`` says whether it can be pulled, has to be fetched by a person (from ``where``, and
    imported by ``command``), or cannot be used yet, for want of what ``missing`` says.
    """

    name: str
    kind: Kind
    system: str
    network: str
    labels: str
    rate: str | None
    reads: str
    scores: list[ReportedScore]
    bytes: int | None
    licence: str
    commercial_use: Literal["allowed", "forbidden", "unstated"]
    training_data: str
    training_data_licence: str
    needs: list[str]
    repository: str
    family: str
    description: str
    state: State
    missing: str
    command: str


class ModelsOut(BaseModel):
    """The models that are here, and the published ones that are not."""

    models: list[ModelOut]
    to_pull: list[RemoteModelOut]


class PullIn(In):
    """Which model to pull: a name of ``to_pull``, or a repository of the Hugging Face Hub."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "e2e-spot-soccer"}]})

    name: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.+-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?$")
    ]


@router.get("")
def list_all(principal: Viewer) -> ModelsOut:
    """The models that are here, and all published ones that are not."""
    here = names_here()
    return ModelsOut(
        models=[_auto(), *(_model(folder) for folder in list_models())],
        to_pull=[
            _remote(entry, family)
            for family in catalogue().families
            for entry in family.entries
            if entry.name not in here
        ],
    )


@router.get("/{name}")
def show(
    name: Annotated[str, Path(pattern=NAME, examples=["demo"])],
    principal: Viewer,
) -> ModelOut:
    """A model and its licences."""
    try:
        return _auto() if name == AUTO else _model(find(name))
    except CheckpointError as error:
        raise NotFoundError("model") from error


@router.post("/pull", status_code=202)
def pull(body: PullIn, principal: Admin, request: Request, once: OnceDep) -> JobOut:
    """Fetch a model, as a job."""
    services = once.services
    with once.write() as session:
        job = services.queue.add(session, PullPayload(name=body.name), owner_id=principal.user_id)
        audit(services, request, session, "model pulled", body.name)
        return once.answer(session, JobOut.of(job, services.queue.outlook(session, job)))


def _remote(entry: Entry, family: Family) -> RemoteModelOut:
    return RemoteModelOut(
        name=entry.name,
        kind=entry.kind,
        system=entry.system,
        network=entry.network,
        labels=entry.labels,
        rate=entry.rate,
        reads=entry.reads,
        scores=list(entry.scores),
        bytes=entry.size,
        licence=entry.licence,
        commercial_use=entry.commercial_use,
        training_data=entry.training_data,
        training_data_licence=entry.training_data_licence,
        needs=list(entry.needs),
        repository=entry.origin.where,
        family=family.title,
        description=entry.description,
        state=entry.state,
        missing=entry.missing,
        command=entry.command,
    )


def _auto() -> ModelOut:
    """The default, as a model among the others."""
    network = next(iter(models_for_real_matches()), None)
    labels = () if network is None else network.card.labels.labels
    return ModelOut(
        name=AUTO,
        system="broadcast",
        labels=[*labels, *(label for label in BROADCAST if label not in labels)],
        rate="" if network is None else network.card.rate,
        origin="packaged",
        licence="Apache-2.0" if network is None else network.card.licence,
        training_data_licence="" if network is None else network.card.training_data_licence,
        description=AUTO_DESCRIPTION,
        metrics={},
    )


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
