"""Own files that show whether somebody changed them: nobody's corrections are written over."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from touchline.events import Timeline
from touchline.formats.touchline_json import clip_to_json, event_to_json
from touchline.reel import Reel

CONTENT = "content_sha256"
"""The field of a file that holds the checksum of its events or clips."""

Sealed = TypeVar("Sealed", Timeline, Reel)


def sealed(thing: Sealed) -> Sealed:
    """The same thing with the checksum of its content, to be written."""
    return replace(thing, extra={**thing.extra, CONTENT: _digest(thing)})


def is_as_written(thing: Timeline | Reel) -> bool:
    """Whether what was read is what touchline wrote.

    Files without a checksum are of earlier versions: events are believed to be a model's where
    they name one and no person has accepted, rejected or added any.
    """
    if CONTENT in thing.extra:
        return bool(thing.extra[CONTENT] == _digest(thing))
    if isinstance(thing, Reel):
        return True
    return thing.model is not None and not any(
        event.source in ("person", "import") or event.status in ("accepted", "rejected")
        for event in thing
    )


def _digest(thing: Timeline | Reel) -> str:
    return _digest_of(
        map(event_to_json, thing) if isinstance(thing, Timeline) else map(clip_to_json, thing)
    )


def _digest_of(rows: Iterable[Mapping[str, Any]]) -> str:
    text = json.dumps(list(rows), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
