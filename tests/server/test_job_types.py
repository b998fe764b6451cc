"""Types of jobs: what they are given, what they run, and what crosses to the child and back."""

import importlib
import pkgutil
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from touchline.events import Event, Producer
from touchline.reel import Clip, Reel
from touchline.server.jobs import stages
from touchline.server.jobs.processes import StageFailedError, _checked
from touchline.server.jobs.stages.base import (
    StageArguments,
    StageResult,
    result_type,
    run_stage,
    stage_name,
)
from touchline.server.jobs.stages.cutting import CutArguments
from touchline.server.jobs.stages.probing import ProbeResult, probe_uploads
from touchline.server.jobs.stages.spotting import SpotResult, spot_video
from touchline.server.jobs.types import JOB_TYPES
from touchline.server.jobs.types.base import JobContext
from touchline.server.jobs.types.spotting import SpotPayload, spot_match
from touchline.server.services import Services
from touchline.server.tables import EventRow

ID = "5f0c1a9e7d3b4c2f8a6e1d0b9c8f7a65"
PRODUCT = {
    "reel_id": ID, "document": {"format": "touchline-reel", "seconds": 2.0, "clips": []},
    "format": "mp4", "suffix": ".mp4", "is_video": True, "burn_labels": False, "snap": True,
    "aspect": None, "name": "reel.mp4",
}  # fmt: skip
STORED = [
    ("analyse", {"match": ID}),
    ("sample", {"match": ID, "sample": {"minutes": 1.5, "width": 640, "height": 360}}),
    ("spot", {"model": "demo", "threshold": 0.05}),
    ("product", PRODUCT),
    ("product", PRODUCT | {"is_video": False, "format": "edl", "suffix": ".edl"}),
    (
        "product",
        PRODUCT | {"each": True, "finish": {"titles": True, "logo": ID, "loudness": "r128"}},
    ),
    (
        "playlist",
        {
            "playlist_id": ID, "documents": [PRODUCT["document"]], "videos": {"a.mp4": ID},
            "files": ["01-goal.mp4"], "format": "mp4", "suffix": ".mp4", "snap": True,
            "finish": {"titles": True}, "name": "best.zip",
        },
    ),
    ("annotate", {"half": None, "slow": 3, "min_confidence": 0.3, "name": "a-annotated.mp4"}),
    ("pull", {"name": "osl-ball-2025"}),
    (
        "infer",
        {
            "model": "demo", "threshold": 0.05, "head": "action",
            "items": [
                {"item_id": "1", "sample_id": "a", "upload_id": ID},
                {"item_id": "2", "sample_id": "b", "path": "/videos/b.mp4"},
            ],
        },
    ),
]  # fmt: skip
"""The payloads that the rows of a database hold."""


def declared_stages() -> list[Any]:
    found = []
    for module in pkgutil.iter_modules(stages.__path__, f"{stages.__name__}."):
        names = vars(importlib.import_module(module.name)).values()
        found += [f for f in names if callable(f) and _is_stage(f, module.name)]
    return found


def _is_stage(function: Any, module: str) -> bool:
    own = getattr(function, "__module__", None) == module and not isinstance(function, type)
    return own and list(signature(function).parameters) == ["arguments", "progress"]


@pytest.mark.parametrize(("kind", "payload"), STORED)
def test_a_payload_is_stored_as_it_always_was(kind: str, payload: dict[str, Any]) -> None:
    """Keys of idempotency compare payloads, and a queue outlives an update."""
    read = JOB_TYPES[kind].payload.model_validate(payload)
    assert read.to_json() == payload
    assert sum(JOB_TYPES[kind].weights(read).values()) == pytest.approx(1)


def test_every_type_of_job_has_a_stored_payload_here() -> None:
    assert JOB_TYPES.keys() == {kind for kind, _ in STORED}


def test_a_payload_of_another_version_is_refused() -> None:
    with pytest.raises(ValidationError):
        JOB_TYPES["pull"].payload.model_validate({"name": "demo", "mirror": "x"})


def test_every_stage_has_types_of_its_own() -> None:
    found = {stage_name(stage): stage for stage in declared_stages()}
    assert len(found) == 12 and "spotting:spot_video" in found
    for stage in found.values():
        hints = get_type_hints(stage)
        assert issubclass(hints["arguments"], StageArguments)
        assert issubclass(result_type(stage), StageResult)


def test_events_and_reels_cross_the_boundary_whole() -> None:
    goal = Event(12.5, "Goal", 0.9, team="home", extra={"zone": 14})
    for producer in (None, Producer("e2e-spot", "demo", "00ff")):
        result = SpotResult(
            events=(goal,), labels=("Goal",), duration_seconds=90.0, warnings=(), producer=producer
        )
        assert SpotResult.model_validate(result.model_dump(mode="json")) == result
    reel = Reel((Clip("match.mp4", 10.0, 15.0, 0.9, None, (goal,), "The goal"),))
    arguments = CutArguments(reel=reel, sources=("a.mp4",), target="b.mp4", snap=True)
    assert CutArguments.model_validate(arguments.model_dump(mode="json")).reel == reel


def test_a_stage_refuses_arguments_that_are_not_its_own() -> None:
    with pytest.raises(ValidationError):
        run_stage("probing:probe_uploads", {"sources": ["a.mp4"], "height": 3}, lambda share: None)


@pytest.mark.parametrize(
    ("stage", "result"),
    [
        (probe_uploads, {}),
        (probe_uploads, {"videos": [{"width": "wide"}]}),
        (spot_video, {"events": [{"time": "late", "label": "Goal"}]}),
        (spot_video, {"events": [{"time": 1e12, "label": "Goal", "confidence": 1.0}],
                      "labels": [], "duration_seconds": 1.0, "warnings": [], "producer": {}}),
    ],
)  # fmt: skip
def test_a_malformed_result_of_a_child_fails_the_stage(stage: Any, result: Any) -> None:
    """A child that reads a hostile file is not trusted: its result takes no effect."""
    with pytest.raises(StageFailedError, match="malformed result"):
        _checked(stage, result)


def test_a_result_comes_back_in_its_own_type() -> None:
    facts = {
        "width": 96, "height": 64, "frame_rate": "25/1", "duration_seconds": 4.0,
        "has_audio": True, "codec": "h264", "rotation": 0, "timecode": None,
    }  # fmt: skip
    result = _checked(probe_uploads, {"videos": [facts]})
    assert isinstance(result, ProbeResult) and result.videos[0].model_dump() == facts


def test_all_that_a_model_finds_of_an_event_is_kept(
    services: Services, ready_match: Callable[..., str], tmp_path: Path
) -> None:
    """Some networks name the team, too; what people have reviewed stays."""
    match = ready_match(services, events=3)
    with services.database.write() as session:
        reviewed, *_ = session.scalars(select(EventRow).order_by(EventRow.seconds))
        reviewed.status, reviewed.version = "accepted", 2
    payload = SpotPayload(model="demo", threshold=0.1)
    context = JobContext(
        services.settings, services.database, services.storage, ID, match, payload, tmp_path
    )
    found = SpotResult(
        events=(Event(3.0, "Goal", 0.8, team="left"),), labels=("Goal",), duration_seconds=4.0,
        warnings=("cut short",), producer=Producer("tdeed"),
    )  # fmt: skip
    call = spot_match(context, context.read_match(), "demo", 0.1)
    with services.database.write() as session:
        assert call.effect(session, found) == {"events": 1}
    with services.database.read() as session:
        old, new = session.scalars(select(EventRow).order_by(EventRow.seconds))
    assert old.id == reviewed.id
    assert (new.team, new.status, new.source, new.version) == ("left", "pending", "model", 1)
    assert context.read_match().producer == {"name": "tdeed", "weights": None, "sha256": None}
