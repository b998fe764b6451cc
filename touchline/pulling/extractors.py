"""Extractors whose weights are stored when they are first used: of a file that is named with them,
or of timm."""

from touchline.errors import CheckpointError, MissingExtraError
from touchline.features.extractor import Extractor
from touchline.features.extractors import ExtractorSpec, obtainable_weights, open_extractor


def open_with_weights(spec: ExtractorSpec) -> Extractor:
    """Open an extractor, its weights stored before; its network is loaded when it is first used.

    Raises:
        InputError: as ``store_weights`` and ``open_extractor`` have it.
    """
    store_weights(spec.name)
    return open_extractor(spec)


def store_weights(name: str) -> None:
    """Store the weights that an extractor lacks, if they can be had.

    Args:
        name: as ``ExtractorSpec`` takes it: ``resnet152@FILE``, ``timm:resnet50.a1_in1k``.

    Raises:
        CheckpointError: no such file, weights of another network, or timm's hub is out of reach.
        ConfigError: timm does not know the backbone.
        MissingExtraError: PyTorch is not installed.
    """
    lacking = obtainable_weights(name)
    if lacking is None:
        return
    weights, file = lacking
    if file is not None and not file.is_file():
        raise CheckpointError("no such file", where=file)
    try:
        from touchline.importers.extractors import fetch_timm, import_weights
    except ImportError as error:
        raise MissingExtraError(f"storing the weights of {weights}", "torch") from error
    if file is None:
        fetch_timm(weights)
    else:
        import_weights(weights, file)
