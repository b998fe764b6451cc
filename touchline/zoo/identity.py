"""Which extractor made features, so that a model is never fed those of another."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FeatureIdentity(BaseModel):
    """What decides the numbers of a feature file, beside the video.

    Where it computes and in which precision is not part of it.

    Attributes:
        name: of the extractor, such as ``"resnet152"``.
        weights: SHA-256 of its weights; None where it has none.
        rate: rows a second, as an exact fraction such as ``"2/1"``.
        settings: whatever else changes its numbers, such as ``{"frames": "published"}``.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    weights: Digest | None = None
    rate: Annotated[str, Field(pattern=r"^[0-9]{1,9}/[0-9]{1,9}$")]
    settings: Annotated[dict[str, str | int | None], Field(max_length=50)] = {}

    def difference(self, other: "FeatureIdentity") -> str | None:
        """In words, the first thing in which ``other`` differs; None if it is the same."""
        if self.name != other.name:
            return f"extractor {other.name} instead of {self.name}"
        if self.rate != other.rate:
            return f"{other.rate} rows a second instead of {self.rate}"
        if self.weights != other.weights:
            return f"{self.name} with weights {_short(other.weights)}, not {_short(self.weights)}"
        for key in sorted({*self.settings, *other.settings}):
            mine, theirs = self.settings.get(key), other.settings.get(key)
            if mine != theirs:
                return f"{self.name} with {key} {_plain(theirs)} instead of {_plain(mine)}"
        return None


def _short(digest: str | None) -> str:
    return "none" if digest is None else f"{digest[:12]}..."


def _plain(value: Any) -> str:
    return "unset" if value is None else str(value)[:80]
