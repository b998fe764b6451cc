"""Checksums of the content of touchline's own files, which show whether a file was changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from touchline.events import Match, Timeline
from touchline.formats.touchline_json import clip_to_json, event_to_json
from touchline.reel import Reel

CHECKSUM = "content_sha256"
"""The field of a file for the checksum of its events or clips."""

Content = TypeVar("Content", Timeline, Match, Reel)


def with_checksum(content: Content) -> Content:
    """A copy with its checksum in ``extra``, for writing."""
    return replace(content, extra={**content.extra, CHECKSUM: _checksum(content)})


def is_as_written(content: Timeline | Match | Reel) -> bool:
    """Whether the content of a file is unchanged since touchline wrote it.

    Timelines and reels of earlier versions have no checksum: events count as unchanged if they
    state a model and none is accepted, rejected or added by a person.
    """
    if CHECKSUM in content.extra:
        return bool(content.extra[CHECKSUM] == _checksum(content))
    if isinstance(content, Reel):
        return True
    if isinstance(content, Match):
        return False
    return content.model is not None and not any(
        event.source in ("person", "import") or event.status in ("accepted", "rejected")
        for event in content
    )


def _checksum(content: Timeline | Match | Reel) -> str:
    if isinstance(content, Reel):
        return _checksum_of(map(clip_to_json, content))
    if isinstance(content, Timeline):
        return _checksum_of(map(event_to_json, content))
    return _checksum_of(
        {"half": timeline.half, **event_to_json(event)}
        for timeline in content.timelines
        for event in timeline
    )


def _checksum_of(rows: Iterable[Mapping[str, Any]]) -> str:
    text = json.dumps(list(rows), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
