"""Which extractor made features, so that a model is never fed those of another."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from touchline.timebase import format_rate

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

PUBLISHED: Literal["published"] = "published"
"""In place of a checksum: the published weights or PCA, whose files were not there to be hashed."""

PUBLISHED_PICTURES: dict[str, str | int | None] = {
    "frames": PUBLISHED,
    "crop": PUBLISHED,
    "channels": PUBLISHED,
}
"""Settings of what SoccerNet's published picture features were made with."""


class FeatureIdentity(BaseModel):
    """What decides the numbers of a feature file, beside the video.

    Where it computes and in which precision is not part of it.

    Attributes:
        name: of the extractor, such as ``"resnet152"``.
        weights: SHA-256 of its weights; None where it has none, ``"published"`` where a model is
            known to need the published ones.
        rate: rows a second, as an exact fraction such as ``"2/1"``.
        settings: whatever else changes its numbers, such as ``{"frames": "published"}``.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    weights: Digest | Literal["published"] | None = None
    rate: Annotated[str, Field(pattern=r"^[0-9]{1,9}/[0-9]{1,9}$")]
    settings: Annotated[dict[str, str | int | None], Field(max_length=50)] = {}

    def difference(self, other: "FeatureIdentity") -> str | None:
        """In words, the first thing in which ``other`` differs; None if it is the same.

        Where this one says ``"published"``, whatever can be the published one is the same: weights
        there are, and a PCA of two files, since its average is published apart.
        """
        if self.name != other.name:
            return f"extractor {other.name} instead of {self.name}"
        if self.rate != other.rate:
            return f"{Fraction(other.rate)} rows a second instead of {Fraction(self.rate)}"
        if self.weights != other.weights and (self.weights != PUBLISHED or other.weights is None):
            return f"{self.name} with weights {_short(other.weights)}, not {_short(self.weights)}"
        for key in sorted({*self.settings, *other.settings}):
            mine, theirs = self.settings.get(key), other.settings.get(key)
            if mine != theirs and not (key == "pca" and _may_be_published(mine, theirs)):
                return f"{self.name} with {key} {_plain(theirs)} instead of {_plain(mine)}"
        return None


def published_identity(name: str, rate: Fraction) -> FeatureIdentity | None:
    """What makes the feature files of a name that is known, such as ``"ResNET_TF2_PCA512"``.

    Returns:
        the identity; None where no extractor here makes such files.
    """
    if name not in _PUBLISHED_FILES:
        return None
    extractor, settings = _PUBLISHED_FILES[name]
    weights = None if extractor in _WITHOUT_WEIGHTS else PUBLISHED
    return FeatureIdentity(
        name=extractor, weights=weights, rate=format_rate(rate), settings=settings
    )


_PUBLISHED_FILES: dict[str, tuple[str, dict[str, str | int | None]]] = {
    **{f"ResNET{rate}_TF2": ("resnet152", PUBLISHED_PICTURES) for rate in ("", "_5fps", "_25fps")},
    **{
        f"ResNET{rate}_TF2_PCA512": ("resnet152", {**PUBLISHED_PICTURES, "pca": PUBLISHED})
        for rate in ("", "_5fps", "_25fps")
    },
    "VGGish": ("vggish-half-second", {}),
    "VGGish_096": ("vggish", {}),
    "log_mel": ("log-mel", {}),
    "mel_power": ("mel-power", {}),
    "FFT": ("fft", {}),
}

_WITHOUT_WEIGHTS = {"log-mel", "mel-power", "fft"}


def _may_be_published(expected: str | int | None, given: str | int | None) -> bool:
    return expected == PUBLISHED and isinstance(given, str) and "+" in given


def _short(digest: str | None) -> str:
    if digest is None:
        return "none"
    return digest if digest == PUBLISHED else f"{digest[:12]}..."


def _plain(value: Any) -> str:
    return "unset" if value is None else str(value)[:80]
