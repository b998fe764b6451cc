"""Code windows: buttons that tag classes, and groups of descriptors that are asked after a tag."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

COLUMNS = 12
"""Columns of the grid on which buttons lie."""

MAX_BUTTONS, MAX_GROUPS, MAX_OPTIONS = 200, 50, 60
MAX_ROWS = 500

ESCAPE = "escape"
"""The key that leaves a question of a window open."""


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=r"\S"),
    AfterValidator(_plain),
]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=30), AfterValidator(_plain)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class Part(BaseModel):
    """A part of a code window: known fields and finite numbers only."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, strict=True)


class Descriptor(Part):
    """A descriptor that a button gives by itself."""

    group: Name
    text: Name


class Group(Part):
    """Descriptors of which one is chosen after a tag, by the keys 1 to 9, 0 and so on.

    ``field`` puts the choice into the event's team, player or note; without one it is a descriptor.
    """

    name: Name
    options: Annotated[list[Name], Field(min_length=1, max_length=MAX_OPTIONS)]
    field: Literal["team", "player", "note"] | None = None


class Button(Part):
    """A button that tags a class.

    With ``lead`` and ``lag`` the event gets a length; a ``toggle`` begins one when it is pressed,
    and ends it when it is pressed again. ``asks`` names the groups that are asked after it, in
    order; ``labels`` are descriptors that it gives by itself; ``also`` names buttons that are
    pressed with it. It lies at column ``x`` of 12 and row ``y`` of the grid."""

    name: Name
    colour: Colour | None = None
    key: Key | None = None
    lead: Seconds | None = None
    lag: Seconds | None = None
    toggle: bool = False
    asks: Annotated[list[Name], Field(max_length=MAX_GROUPS)] = []
    labels: Annotated[list[Descriptor], Field(max_length=MAX_GROUPS)] = []
    also: Annotated[list[Name], Field(max_length=20)] = []
    x: Annotated[int, Field(ge=0, lt=COLUMNS)] = 0
    y: Annotated[int, Field(ge=0, lt=MAX_ROWS)] = 0
    w: Annotated[int, Field(ge=1, le=COLUMNS)] = 6
    h: Annotated[int, Field(ge=1, le=20)] = 1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.x + self.w > COLUMNS:
            raise ValueError(f"{self.name}: reaches beyond the {COLUMNS} columns; lower x or w")
        if (self.lead is None) != (self.lag is None):
            raise ValueError(f"{self.name}: lead and lag come together")
        if self.toggle and self.lead is not None:
            raise ValueError(f"{self.name}: a toggle has no lead and lag")
        return self


class CodeWindow(Part):
    """Buttons and the groups that they ask for; names are unique."""

    buttons: Annotated[list[Button], Field(max_length=MAX_BUTTONS)] = []
    groups: Annotated[list[Group], Field(max_length=MAX_GROUPS)] = []

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        buttons = [button.name for button in self.buttons]
        groups = [group.name for group in self.groups]
        for names, what in ((buttons, "button"), (groups, "group")):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"there are two {what}s called {twice[0]!r}")
        keys = [button.key for button in self.buttons if button.key]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"two buttons have the key {twice[0]!r}")
        for button in self.buttons:
            for asked in button.asks:
                if asked not in groups:
                    raise ValueError(f"{button.name}: there is no group {asked!r}")
            for other in button.also:
                if other not in buttons:
                    raise ValueError(f"{button.name}: there is no button {other!r}")
        return self


def _works(window: CodeWindow) -> CodeWindow:
    """Checks of windows that are sent; those of earlier versions are shown without them."""
    for group in window.groups:
        if twice := _twice(group.options):
            raise ValueError(f"{group.name}: the option {twice!r} is there twice")
    for button in window.buttons:
        if button.key is not None and button.key.lower() == ESCAPE:
            raise ValueError(f"{button.name}: the key Escape leaves a question open; take another")
        said = [f"{one.group}: {one.text}" for one in button.labels]
        if twice := _twice(said):
            raise ValueError(f"{button.name}: {twice} is said twice")
        if button.name in _pressed_by({one.name: one.also for one in window.buttons}, button.name):
            raise ValueError(f"{button.name}: presses itself by its `also`")
    return window


def _twice(names: list[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


def _pressed_by(also: Mapping[str, list[str]], name: str) -> set[str]:
    """The buttons that a button presses, and that these press."""
    found: set[str] = set()
    waiting = list(also[name])
    while waiting:
        if (other := waiting.pop()) not in found:
            found.add(other)
            waiting += also[other]
    return found


NewCodeWindow = Annotated[CodeWindow, AfterValidator(_works)]
"""A code window as it is sent: no button presses itself, and nothing is there twice."""
