"""What every stage is: a function ``(arguments, progress) -> result`` that runs in a child process.

Arguments and result are types of the stage's own module; both cross the boundary of the process as
JSON and are validated on the other side. Files go into the folder that the arguments name. A stage
has no access to the database.
"""

import importlib
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, InstanceOf, PlainSerializer

from touchline.events import Event
from touchline.formats.base import Record, SourceFile
from touchline.formats.touchline_json import event_from_json, event_to_json, reel_to_json
from touchline.reel import Reel
from touchline.runtime.progress import Progress
from touchline.server.reels import reel_from_json


class StageArguments(BaseModel):
    """What a stage is called with."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StageResult(BaseModel):
    """What a stage returns."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Arguments = TypeVar("Arguments", bound=StageArguments)
Result = TypeVar("Result", bound=StageResult)
Stage = Callable[[Arguments, Progress], Result]


def _event_from_json(value: Any) -> Any:
    if isinstance(value, Event):
        return value
    return event_from_json(Record(SourceFile("event", "event", b""), value))


def _reel_from_json(value: Any) -> Any:
    return value if isinstance(value, Reel) else reel_from_json(value)


JsonEvent = Annotated[
    InstanceOf[Event], BeforeValidator(_event_from_json), PlainSerializer(event_to_json)
]
"""An event that crosses the boundary as the object that event files hold."""

JsonReel = Annotated[
    InstanceOf[Reel], BeforeValidator(_reel_from_json), PlainSerializer(reel_to_json)
]
"""A reel that crosses the boundary as the document that reel files hold."""


def stage_name(stage: Callable[..., Any]) -> str:
    """The name by which `run_stage` finds a stage, such as ``"probing:probe_uploads"``."""
    return f"{stage.__module__.rpartition('.')[2]}:{stage.__name__}"


def result_type(stage: Stage[Arguments, Result]) -> type[Result]:
    """The type that a stage declares to return."""
    declared: type[Result] = get_type_hints(stage)["return"]
    return declared


def run_stage(name: str, arguments: Any, progress: Progress) -> dict[str, Any]:
    """Run one stage.

    Args:
        name: as `stage_name` writes it.
        arguments: of the stage, as JSON.

    Returns:
        The result, as JSON.

    Raises:
        InputError: the input is wrong.
        ValidationError: the arguments do not fit the stage.
    """
    module, _, function = name.partition(":")
    stage = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    declared: type[StageArguments] = get_type_hints(stage)["arguments"]
    result: StageResult = stage(declared.model_validate(arguments), progress)
    return result.model_dump(mode="json")
