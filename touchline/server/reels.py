"""Reels as the documents that database and reel files hold; for stages, free of the database."""

from typing import Any

from touchline.formats.base import Record, Source
from touchline.formats.touchline_json import clip_from_json, reel_to_json
from touchline.reel import Reel


def reel_of(document: dict[str, Any]) -> Reel:
    """The reel that a document describes.

    Raises:
        InputError: it is none; the message names the place.
    """
    record = Record(Source("reel", "reel", b""), document)
    return Reel(tuple(clip_from_json(clip) for clip in record.records("clips")))


def document_of(reel: Reel) -> dict[str, Any]:
    """A reel as the document that reel files hold."""
    return reel_to_json(reel)
