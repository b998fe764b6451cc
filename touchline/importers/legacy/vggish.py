"""Weights of VGGish as the PyTorch port publishes them."""

from collections.abc import Mapping

from torch import Tensor

POSTPROCESSOR = "pproc."
"""Before the names of the quantiser's numbers, which a whole model's file has too."""


def is_vggish(weights: Mapping[str, Tensor]) -> bool:
    """Whether these are the entries of a VGGish."""
    return {"features.0.weight", "features.13.weight", "embeddings.4.weight"} <= set(weights)


def rename(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Its entries without the quantiser's."""
    return {key: value for key, value in weights.items() if not key.startswith(POSTPROCESSOR)}
