"""What a worker and the child process of a stage send each other, one JSON object a line."""

from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter


class Message(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StageTask(Message):
    """The stage to run, sent once.

    Attributes:
        arguments: of the stage, as JSON; the stage's own type checks them.
        limits: fields of `StageLimits`.
    """

    stage: str
    arguments: dict[str, Any]
    limits: dict[str, float]


class Share(Message):
    """The share of the stage that is done."""

    share: float


class Finished(Message):
    """The stage has ended well; its own type checks the result."""

    result: dict[str, Any]


class Failed(Message):
    """The stage has failed.

    Attributes:
        again: another attempt may succeed.
    """

    problem: str
    again: bool


Answer = Share | Finished | Failed
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)
