"""touchline: a match video goes in; a timeline of what happened, and a highlight reel, come out.

    spotter = touchline.load()
    timeline = spotter.spot("match.mp4")
    reel = touchline.highlights(timeline, seconds=180)
    reel.write("reel.mp4", video="match.mp4")

Names are loaded when they are first used, so that importing the package stays quick.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from touchline.hooks import set_reel_writer

if TYPE_CHECKING:
    from touchline.errors import InputError, TouchlineError
    from touchline.events import Event, Match, Timeline, Video
    from touchline.formats import read, write
    from touchline.labels import LABEL_SETS, LabelSet
    from touchline.pipeline import highlights
    from touchline.reel import Clip, Reel
    from touchline.scores import Scores
    from touchline.spotting.picture_spotter import Spotter
    from touchline.spotting.spotter import load

__version__ = "0.1.0"

_HOMES = {
    "Clip": "touchline.reel",
    "Event": "touchline.events",
    "InputError": "touchline.errors",
    "LABEL_SETS": "touchline.labels",
    "LabelSet": "touchline.labels",
    "Match": "touchline.events",
    "Reel": "touchline.reel",
    "Scores": "touchline.scores",
    "Spotter": "touchline.spotting.picture_spotter",
    "Timeline": "touchline.events",
    "TouchlineError": "touchline.errors",
    "Video": "touchline.events",
    "highlights": "touchline.pipeline",
    "load": "touchline.spotting.spotter",
    "read": "touchline.formats",
    "write": "touchline.formats",
}

__all__ = [
    "LABEL_SETS",
    "Clip",
    "Event",
    "InputError",
    "LabelSet",
    "Match",
    "Reel",
    "Scores",
    "Spotter",
    "Timeline",
    "TouchlineError",
    "Video",
    "__version__",
    "highlights",
    "load",
    "read",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'touchline' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__


def _write_reel(reel: "Reel", path: Path, video: str | Path | Mapping[int, Path] | None) -> None:
    importlib.import_module("touchline.pipeline").write_reel(reel, path, video)


set_reel_writer(_write_reel)
