"""The settings of a network in a published training configuration, whatever its file is called."""

from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class PublishedSettings:
    """Facts from beside the weights; None where nothing states them.

    Attributes:
        feature_arch, temporal_arch, modality, pooling, num_classes: checked against the weights.
        clip_len: frames of a clip.
        labels: classes in the order of the outputs.
        rate: frames a second of the training pictures.
        size: width and height of the training pictures in pixels.
        crop: side of the square cut out of them.
        polarity: what a high segmentation of CALF means.
        heads: of CALF's attention.
        frame_step: from one frame of a clip to the next, in frames of the video.
    """

    feature_arch: str | None = None
    temporal_arch: str | None = None
    modality: str | None = None
    pooling: str | None = None
    num_classes: int | None = None
    clip_len: int | None = None
    labels: tuple[str, ...] | None = None
    rate: Fraction | None = None
    size: tuple[int, int] | None = None
    crop: int | None = None
    polarity: str | None = None
    heads: int | None = None
    frame_step: int | None = None

    def over(self, others: "PublishedSettings") -> "PublishedSettings":
        """These, and where they state nothing the others."""
        stated = {name: value for name, value in vars(self).items() if value is not None}
        return replace(others, **stated)
