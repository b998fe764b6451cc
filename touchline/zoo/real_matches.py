"""Which of the models that are here to run on a real match."""

from pathlib import Path

from touchline.errors import CheckpointError
from touchline.labels import SOCCERNET_V2
from touchline.zoo.cards import CARD_FILE, ModelCard
from touchline.zoo.catalogue import command_for_17_classes
from touchline.zoo.identity import published_identity
from touchline.zoo.store import ModelFolder, find, list_models

AUTO = "auto"
"""Name of the default: what the broadcast says, and the best network for real matches."""

AUTO_DESCRIPTION = (
    "What the broadcast itself says (score, clock, goals, replays, excitement), and the best "
    "network for real matches that is here."
)

SOCCER = "soccer"
"""Name of the best network of the 17 classes for real matches that is here."""

_SIMULATED = "simulated"


def require_model(name: str) -> None:
    """Refuse the name of a model that is not here; the default always is.

    Raises:
        CheckpointError: there is no such model, or its card is broken.
    """
    if name != AUTO:
        find_model(name)


def find_model(name: str | Path) -> ModelFolder:
    """The model of that name or path; ``soccer`` is the best for real matches that is here.

    Raises:
        CheckpointError: there is no such model, or its card is broken.
    """
    named = {folder.path.name for folder in list_models()}
    if name != SOCCER or SOCCER in named:
        return find(name)
    best = next(filter(_reads_videos, models_for_real_matches()), None)
    if best is None:
        raise CheckpointError(
            f"no network that finds the {len(SOCCERNET_V2)} classes of real matches is here",
            where=SOCCER,
            remedy=f"run: {command_for_17_classes()}",
        )
    return best


def models_for_real_matches() -> list[ModelFolder]:
    """The models by name that find the 17 classes and learnt from real matches, the best first.

    Best is the highest published score, by the tight metric before the loose one; of models
    without one, the one that came last.
    """
    fitting = [folder for folder in list_models() if _finds_actions(folder) and knows_real(folder)]
    return sorted(fitting, key=_rank, reverse=True)


def knows_real(folder: ModelFolder) -> bool:
    """Whether a model learnt from real matches, as far as its card says."""
    card = folder.card
    if card.training_data is not None:
        return card.training_data == "real"
    return _SIMULATED not in card.training_data_licence  # cards from before it had a field


def _reads_videos(folder: ModelFolder) -> bool:
    """Whether it reads pictures, or features whose extractor is known."""
    card = folder.card
    return all(
        stream.identity is not None or published_identity(stream.name, card.frame_rate) is not None
        for stream in (card.features, *card.streams.values())
        if stream is not None
    )


def _finds_actions(folder: ModelFolder) -> bool:
    return set(folder.card.labels.labels) == set(SOCCERNET_V2)


def _rank(folder: ModelFolder) -> tuple[float, float, float]:
    came = (folder.path / CARD_FILE).stat().st_mtime
    return _published(folder.card, "tight"), _published(folder.card, "loose"), came


def _published(card: ModelCard, metric: str) -> float:
    """The best published score by a metric, as imports note it in cards; -1 without one."""
    scores = [
        float(value)
        for name, value in card.metrics.items()
        if name.startswith(f"{metric}, ") and isinstance(value, int | float)
    ]
    return max(scores, default=-1.0)
