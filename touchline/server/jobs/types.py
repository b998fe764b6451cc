"""The kinds of jobs: which stages each has, and what they change."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from touchline.errors import InputError
from touchline.server.jobs.queue import Lease
from touchline.server.policy import read_policy
from touchline.server.reels import by_video, document_of, reel_of
from touchline.server.services import Services
from touchline.server.settings import StageLimits
from touchline.server.storage import PROXY, SCORES, THUMBNAILS, inside_roots, take_place
from touchline.server.tables import (
    EventRow,
    JobRow,
    MatchRow,
    ProductRow,
    UploadRow,
    VideoRow,
    new_id,
)

StageEffect = Callable[[Session, JobRow, dict[str, Any]], dict[str, Any]]


def _nothing(session: Session, job: JobRow, result: dict[str, Any]) -> dict[str, Any]:
    return result


@dataclass(frozen=True)
class StageCall:
    """One stage to run.

    Attributes:
        key: names the stage within its job.
        stage: a name of ``stages.STAGES``.
        seconds: length of the video, by which the time allowed grows.
        effect: what it changes, given the session, the job and the stage's result; gives what to
            remember.
    """

    key: str
    stage: str
    arguments: dict[str, Any]
    limits: StageLimits
    seconds: float = 0.0
    network: bool = False
    effect: StageEffect = _nothing

    @property
    def wall_seconds(self) -> float:
        """Time that the stage may take."""
        return self.limits.wall_seconds + self.limits.wall_per_second * self.seconds


class Kind(Protocol):
    """What a job of one kind does."""

    def weights(self, payload: Mapping[str, Any]) -> dict[str, float]:
        """Share of the whole that each stage takes, by its key."""
        ...

    def stages(self, services: Services, lease: Lease, scratch: Path) -> Iterator[StageCall]:
        """The stages in order; each is asked for when the one before has taken effect."""
        ...

    def finish(self, services: Services, session: Session, job: JobRow) -> dict[str, Any]:
        """The effect of the job as a whole."""
        ...

    def ended(self, session: Session, job: JobRow) -> None:
        """The job failed or was cancelled."""
        ...


@dataclass(frozen=True)
class Analyse:
    """An upload becomes a match: looked at, made playable, spotted, pictured."""

    shares: dict[str, float] = field(
        default_factory=lambda: {"probe": 0.02, "proxy": 0.5, "spot": 0.45, "thumbnails": 0.03}
    )

    def weights(self, payload: Mapping[str, Any]) -> dict[str, float]:
        return self.shares

    def stages(self, services: Services, lease: Lease, scratch: Path) -> Iterator[StageCall]:
        match = _match_of(services, lease)
        sources = [str(source_of(services, video)) for video in match.videos]
        limits = services.settings.media_limits.model_dump()
        yield StageCall(
            "probe",
            "probe",
            {"sources": sources, "limits": limits},
            services.settings.probe_limits,
            effect=_probed,
        )
        match = _match_of(services, lease)
        seconds = float(match.info.get("duration_seconds", 0))
        with services.database.read() as session:
            policy = read_policy(session, services.settings.policy)
        made = scratch / PROXY
        yield StageCall(
            "proxy",
            "proxy",
            {
                "sources": sources,
                "target": str(made),
                "height": policy.proxy_height,
                "limits": limits,
            },
            services.settings.stage_limits,
            seconds,
            effect=lambda session, job, result: _proxied(services, session, job, result, made),
        )
        match = _match_of(services, lease)  # the proxy says where its halves begin
        yield spot_call(services, match, match.model, match.threshold, scratch)
        pictures = scratch / THUMBNAILS
        yield StageCall(
            "thumbnails",
            "thumbnails",
            {
                "source": str(services.storage.proxy(match.id)),
                "folder": str(pictures),
                "every_seconds": policy.thumbnail_seconds,
            },
            services.settings.stage_limits,
            seconds,
            effect=lambda session, job, result: _pictured(services, session, job, result, pictures),
        )

    def finish(self, services: Services, session: Session, job: JobRow) -> dict[str, Any]:
        match = _locked_match(session, job)
        match.state, match.problem = "ready", None
        match.stored_bytes = services.storage.size_of_match(match.id)
        _touch(services, session, match)
        return {}

    def ended(self, session: Session, job: JobRow) -> None:
        match = session.get(MatchRow, job.match_id) if job.match_id else None
        if match is not None and match.state != "ready":
            match.state, match.problem = "failed", job.problem
            match.version += 1


@dataclass(frozen=True)
class Sample(Analyse):
    """A match is simulated, then goes the way of every upload."""

    shares: dict[str, float] = field(
        default_factory=lambda: {
            "sample": 0.6, "probe": 0.02, "proxy": 0.13, "spot": 0.2, "thumbnails": 0.05,
        }
    )  # fmt: skip

    def stages(self, services: Services, lease: Lease, scratch: Path) -> Iterator[StageCall]:
        made = scratch / "sample.mp4"
        yield StageCall(
            "sample",
            "sample",
            {"target": str(made), **lease.payload["sample"]},
            services.settings.stage_limits,
            60 * lease.payload["sample"]["minutes"],
            effect=lambda session, job, result: _simulated(services, session, job, result, made),
        )
        yield from super().stages(services, lease, scratch)


@dataclass(frozen=True)
class Respot:
    """A match is spotted anew, by another model or threshold."""

    def weights(self, payload: Mapping[str, Any]) -> dict[str, float]:
        return {"spot": 1.0}

    def stages(self, services: Services, lease: Lease, scratch: Path) -> Iterator[StageCall]:
        wish = lease.payload
        match = _match_of(services, lease)
        yield spot_call(services, match, wish["model"], wish["threshold"], scratch)

    def finish(self, services: Services, session: Session, job: JobRow) -> dict[str, Any]:
        match = _locked_match(session, job)
        match.model = job.payload["model"]
        match.threshold = job.payload["threshold"]
        _touch(services, session, match)
        return {}

    def ended(self, session: Session, job: JobRow) -> None:
        """The match stays as it was."""


@dataclass(frozen=True)
class MakeProduct:
    """A reel becomes a file: a video cut from the upload, or an edit list."""

    def weights(self, payload: Mapping[str, Any]) -> dict[str, float]:
        return {_product_stage(payload): 1.0}

    def stages(self, services: Services, lease: Lease, scratch: Path) -> Iterator[StageCall]:
        match = _match_of(services, lease)
        payload = lease.payload
        made = scratch / f"product{payload['suffix']}"
        stage = _product_stage(payload)
        arguments: dict[str, Any] = {
            "document": document_of(by_video(reel_of(payload["document"]), match.videos)),
            "sources": [str(source_of(services, video)) for video in match.videos],
            "target": str(made),
        }
        if stage == "reel":
            arguments |= {"burn_labels": payload["burn_labels"], "snap": payload["snap"]}
            arguments["aspect"] = payload.get("aspect")
            arguments["halves"] = [video.half for video in match.videos if video.half is not None]
        else:
            arguments |= {"format": payload["format"]}

        def keep(session: Session, job: JobRow, result: dict[str, Any]) -> dict[str, Any]:
            target = services.storage.product(match.id, job.id)
            take_place(made, target)
            product = ProductRow(
                id=new_id(),
                match_id=match.id,
                reel_id=payload["reel_id"],
                job_id=job.id,
                name=payload["name"],
                format=payload["format"],
                path=str(target.relative_to(services.storage.root)),
                bytes=result["bytes"],
                created_at=services.database.now(session),
            )
            session.add(product)
            return {**result, "product_id": product.id}

        seconds = sum(clip["end"] - clip["start"] for clip in payload["document"]["clips"])
        yield StageCall(
            stage, stage, arguments, services.settings.stage_limits, seconds * 4, effect=keep
        )

    def finish(self, services: Services, session: Session, job: JobRow) -> dict[str, Any]:
        match = _locked_match(session, job)
        match.stored_bytes = services.storage.size_of_match(match.id)
        return {}

    def ended(self, session: Session, job: JobRow) -> None:
        """There is no product then, and nothing to undo."""


@dataclass(frozen=True)
class Pull:
    """A model is fetched into the zoo."""

    def weights(self, payload: Mapping[str, Any]) -> dict[str, float]:
        return {"pull": 1.0}

    def stages(self, services: Services, lease: Lease, scratch: Path) -> Iterator[StageCall]:
        yield StageCall(
            "pull",
            "pull",
            {"name": lease.payload["name"]},
            services.settings.stage_limits,
            3600,
            network=True,
        )

    def finish(self, services: Services, session: Session, job: JobRow) -> dict[str, Any]:
        return {}

    def ended(self, session: Session, job: JobRow) -> None:
        """A model that was not fetched whole is not there."""


@dataclass(frozen=True)
class Infer:
    """Uploads are spotted for another program, which keeps the result itself."""

    def weights(self, payload: Mapping[str, Any]) -> dict[str, float]:
        items = payload["items"]
        return {f"spot {i}": 1 / len(items) for i in range(len(items))}

    def stages(self, services: Services, lease: Lease, scratch: Path) -> Iterator[StageCall]:
        settings = services.settings
        for number, item in enumerate(lease.payload["items"]):
            source = str(_item_source(services, item))
            yield StageCall(
                f"probe {number}",
                "probe",
                {"sources": [source], "limits": settings.media_limits.model_dump()},
                settings.probe_limits,
            )
            yield StageCall(
                f"spot {number}",
                "spot",
                {
                    "source": source,
                    "model": lease.payload["model"],
                    "threshold": lease.payload["threshold"],
                    "scores": None,
                },
                settings.stage_limits,
                settings.media_limits.max_duration_seconds,
            )

    def finish(self, services: Services, session: Session, job: JobRow) -> dict[str, Any]:
        return {}

    def ended(self, session: Session, job: JobRow) -> None:
        """Nothing of it is kept."""


KINDS: dict[str, Kind] = {
    "analyse": Analyse(),
    "sample": Sample(),
    "spot": Respot(),
    "product": MakeProduct(),
    "pull": Pull(),
    "infer": Infer(),
}


def source_of(services: Services, video: VideoRow) -> Path:
    """The file of a video of a match.

    Raises:
        InputError: it is gone.
    """
    if video.source_path is not None:
        return inside_roots(video.source_path, services.settings.media_roots)
    path = services.storage.upload(video.upload_id) if video.upload_id else None
    if path is None or not path.is_file():
        raise InputError("the video that came in is no longer here", remedy="upload it again")
    return path


def spot_call(
    services: Services, match: MatchRow, model: str, threshold: float, scratch: Path
) -> StageCall:
    """The stage that spots a match's proxy, half by half."""
    made = scratch / SCORES
    return StageCall(
        "spot",
        "spot",
        {
            "source": str(services.storage.proxy(match.id)),
            "model": model,
            "threshold": threshold,
            "scores": str(made),
            "starts": [video.start_seconds for video in match.videos],
        },
        services.settings.stage_limits,
        float(match.info.get("duration_seconds", 0)),
        effect=lambda session, job, result: _spotted(services, session, job, result, made),
    )


def _item_source(services: Services, item: Mapping[str, Any]) -> Path:
    if "path" in item:
        return inside_roots(item["path"], services.settings.media_roots)
    with services.database.read() as session:
        upload = session.get(UploadRow, item["upload_id"])
    path = services.storage.upload(item["upload_id"])
    if upload is None or not path.is_file():
        raise InputError("the upload is no longer here", remedy="upload it again")
    return path


def _product_stage(payload: Mapping[str, Any]) -> str:
    return "reel" if payload["is_video"] else "export"


def _match_of(services: Services, lease: Lease) -> MatchRow:
    with services.database.read() as session:
        match = session.get(MatchRow, lease.match_id) if lease.match_id else None
    if match is None:
        raise InputError("the match is no longer here")
    return match


def _locked_match(session: Session, job: JobRow) -> MatchRow:
    match = session.get(MatchRow, job.match_id, with_for_update=True) if job.match_id else None
    if match is None:
        raise InputError("the match is no longer here")
    return match


def _touch(services: Services, session: Session, match: MatchRow) -> None:
    match.version += 1
    match.updated_at = services.database.now(session)


def _simulated(
    services: Services, session: Session, job: JobRow, result: dict[str, Any], made: Path
) -> dict[str, Any]:
    match = _locked_match(session, job)
    upload = session.get_one(UploadRow, match.videos[0].upload_id)
    take_place(made, services.storage.upload(upload.id))
    upload.length = upload.received = result["bytes"]
    match.game = result["game"]
    match.state = "working"
    match.version += 1
    return {}


def _probed(session: Session, job: JobRow, result: dict[str, Any]) -> dict[str, Any]:
    match = _locked_match(session, job)
    start = 0.0
    for video, facts in zip(match.videos, result["videos"], strict=True):
        video.info = facts
        video.start_seconds, video.duration_seconds = start, facts["duration_seconds"]
        start = video.end_seconds
    match.info = {**match.videos[0].info, "duration_seconds": round(start, 3)}
    match.state = "working"
    match.version += 1
    return {}


def _proxied(
    services: Services, session: Session, job: JobRow, result: dict[str, Any], made: Path
) -> dict[str, Any]:
    match = _locked_match(session, job)
    take_place(made, services.storage.proxy(match.id))
    proxy = {name: value for name, value in result.items() if name != "videos"}
    match.info = {**match.info, "proxy": proxy}
    several, warnings = len(match.videos) > 1, []
    for video, facts in zip(match.videos, result["videos"], strict=True):
        stopped = facts["stopped_at_seconds"]
        if several or stopped is not None:
            video.start_seconds = facts["start_seconds"]
            video.duration_seconds = facts["duration_seconds"]
            match.info = {**match.info, "duration_seconds": result["duration_seconds"]}
        if stopped is not None:
            which = f"video {video.number}" if several else "the file"
            warnings.append(f"{which} is damaged or cut off: it was read up to {stopped} s")
    match.warnings = warnings
    match.version += 1
    return {}


def _spotted(
    services: Services, session: Session, job: JobRow, result: dict[str, Any], made: Path
) -> dict[str, Any]:
    """The model's events take the place of those it found before that nobody has touched."""
    match = _locked_match(session, job)
    if made.is_file():
        take_place(made, services.storage.scores(match.id))
    untouched = (
        EventRow.match_id == match.id,
        EventRow.source == "model",
        EventRow.status == "pending",
        EventRow.version == 1,
    )
    session.execute(delete(EventRow).where(*untouched))
    now = services.database.now(session)
    rows = [_event_row(match.id, event, now) for event in result["events"]]
    if rows:
        session.execute(insert(EventRow), rows)
    match.labels = result["labels"]
    match.producer = result["producer"]
    match.warnings = list(dict.fromkeys([*match.warnings, *result["warnings"]]))
    match.revision += 1
    match.version += 1
    return {"events": len(rows)}


def _event_row(match_id: str, event: Mapping[str, Any], now: float) -> dict[str, Any]:
    return {
        "id": new_id(),
        "match_id": match_id,
        "seconds": event["time"],
        "label": event["label"],
        "confidence": event["confidence"],
        "status": "pending",
        "source": "model",
        "version": 1,
        "deleted": False,
        "created_by": "model",
        "created_at": now,
        "updated_by": "model",
        "updated_at": now,
    }


def _pictured(
    services: Services, session: Session, job: JobRow, result: dict[str, Any], made: Path
) -> dict[str, Any]:
    match = _locked_match(session, job)
    take_place(made, services.storage.match(match.id) / THUMBNAILS)
    match.thumbnails = result
    match.version += 1
    return {}
