"""Extractors by name."""

from dataclasses import dataclass
from fractions import Fraction

from touchline.engines import EngineName, Precision
from touchline.features.extractor import Extractor
from touchline.features.pictures import ModelPictures
from touchline.zoo.store import find


@dataclass(frozen=True)
class ExtractorSpec:
    """What to extract with.

    Attributes:
        name: of the extractor: a model of the zoo or its folder.
        rate: rows a second; the extractor's own by default.
        engine, precision: where and how a network computes.
        threads: processor threads at most.
    """

    name: str
    rate: Fraction | None = None
    engine: EngineName = "auto"
    precision: Precision = "auto"
    threads: int | None = None


def open_extractor(spec: ExtractorSpec) -> Extractor:
    """Make an extractor ready.

    Raises:
        InputError: no such extractor, or its weights are not here; says what would be right.
    """
    return ModelPictures(
        find(spec.name),
        rate=spec.rate,
        engine=spec.engine,
        precision=spec.precision,
        threads=spec.threads,
    )
