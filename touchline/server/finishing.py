"""How the videos of a reel are finished, as the API states it and as rows and jobs keep it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from touchline.editing.finish import LOUDNESSES, parse_loudness
from touchline.editing.framing import parse_aspect
from touchline.errors import InputError
from touchline.media.encoders import AUTO, parse_encoder
from touchline.media.mastering import GREATEST_LUFS, LEAST_LUFS
from touchline.reel import Cut
from touchline.server.tables import ID_LENGTH

PICTURE, SOUND = "picture", "sound"

ASSET_FIELDS = {"logo": PICTURE, "outro_picture": PICTURE, "music": SOUND}
"""The fields that name an asset, and the kind of it."""

_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")
_API_NAMES = {"include": "labels", "team": "teams", "pin": "pins"}
"""Options of ``touchline reel`` that the API has by another name."""


def _is_shape(text: str) -> str:
    try:
        parse_aspect(text)
    except InputError as error:
        raise ValueError(f"{error.what}; {error.remedy}") from error
    return text


def _is_loudness(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is no name and no number of LUFS")
    try:
        parse_loudness(str(value))
    except InputError as error:
        raise ValueError(f"{error.what}; {error.remedy}") from error
    return value


def _is_encoder(name: str) -> str:
    try:
        return parse_encoder(name)
    except InputError as error:
        raise ValueError(f"{error.what}; {error.remedy}") from error


def _is_said(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


MAX_SHOWN = 100
"""The longest name or text that is drawn into pictures."""

AssetId = Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{ID_LENGTH}}}$")]
Shown = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_SHOWN, pattern=r"\S"),
    AfterValidator(_is_said),
]
Shape = Annotated[str, StringConstraints(max_length=9), AfterValidator(_is_shape)]
Lufs = Annotated[float, Field(ge=LEAST_LUFS, le=GREATEST_LUFS)]
Loudness = Annotated[Literal["source", "r128", "web"] | Lufs, BeforeValidator(_is_loudness)]


Encoder = Annotated[str, StringConstraints(max_length=40), AfterValidator(_is_encoder)]


class Finishing(BaseModel):
    """How the videos of a reel are finished, with the options of ``touchline reel``.

    ``titles`` begins clips with their title, clock and score, ``scoreboard`` shows a score bug all
    the time; ``teams`` are the names of home and away in both, by default those of the match.
    ``logo``, ``outro_picture`` and ``music`` are ids of assets; ``outro`` is a text. ``loudness``
    is ``source``, ``r128``, ``web`` or a number of LUFS. ``cut`` is ``auto``, which copies pictures
    as they are coded where it can, ``copy`` or ``encode``. ``aspect`` is the shape of the picture,
    such as ``9:16``; null for that of the video. ``audio_track`` counts from 1. ``encoder`` is
    ``auto``, ``software`` or FFmpeg's name of an encoder, for pictures that are all encoded; where
    it cannot be used, a warning says so and software is."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        strict=True,
        frozen=True,
        json_schema_extra={
            "examples": [
                {"titles": True, "scoreboard": True, "teams": ["North", "South"]},
                {"outro": "See you on Sunday", "loudness": "r128", "aspect": "9:16"},
            ]
        },
    )

    labels: bool = False
    titles: bool = False
    scoreboard: bool = False
    teams: Annotated[list[Shown], Field(min_length=2, max_length=2)] | None = None
    logo: AssetId | None = None
    outro: Shown | None = None
    outro_picture: AssetId | None = None
    music: AssetId | None = None
    loudness: Loudness = "source"
    aspect: Shape | None = None
    cut: Cut = "auto"
    keep_hdr: bool = False
    deinterlace: bool = True
    audio_track: Annotated[int, Field(ge=1, le=64)] | None = None
    encoder: Encoder = AUTO

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.outro is not None and self.outro_picture is not None:
            raise ValueError("a reel ends with outro or outro_picture, not with both")
        if self.teams is not None and not (self.titles or self.scoreboard):
            raise ValueError("teams are shown by titles and scoreboard; switch one of them on")
        if self.cut == "copy" and self.aspect is not None:
            raise ValueError("cut: copied pictures keep their shape; leave aspect out")
        return self

    @property
    def assets(self) -> dict[str, str]:
        """The ids of assets, by their fields."""
        named = {name: getattr(self, name) for name in ASSET_FIELDS}
        return {name: asset for name, asset in named.items() if asset is not None}

    @property
    def lufs(self) -> float | None:
        """The loudness in LUFS; None for that of the videos."""
        loudness = self.loudness
        return LOUDNESSES[loudness] if isinstance(loudness, str) else loudness

    def stored(self) -> dict[str, Any] | None:
        """As rows keep it: what differs from the default; None for nothing."""
        return self.model_dump(mode="json", exclude_defaults=True) or None


PLAIN = Finishing()


def finishing_of(stored: Mapping[str, Any] | None) -> Finishing:
    """What a row keeps."""
    return PLAIN if stored is None else Finishing.model_validate(stored)


def in_api(text: str) -> str:
    """What is said of options of ``touchline reel``, with the names that they have in the API."""
    return _OPTION.sub(lambda found: _API_NAMES.get(found[1], found[1].replace("-", "_")), text)


def asset_paths(finishing: Finishing, files: Mapping[str, Path]) -> dict[str, str]:
    """The file of each field that names an asset.

    Args:
        files: of assets, by their ids.
    """
    return {name: str(files[asset]) for name, asset in finishing.assets.items()}
