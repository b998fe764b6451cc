"""What the files of a run are called, and what earlier versions wrote into them."""

from typing import Any

RECIPE_FILE = "recipe.yaml"
CHECKPOINT_FILE = "last.ckpt"
LOG_FILE = "log.jsonl"

CHECKPOINT_STATE = "CheckpointCallback"
"""The entry of a checkpoint that holds the log and the best epoch so far."""

_EARLIER_STATES = ("VideoKeeper", "FeatureKeeper")


def bring_up_to_date(checkpoint: dict[str, Any]) -> None:
    """Give the entries of a checkpoint the names that they have now."""
    states = checkpoint.get("callbacks", {})
    for earlier in _EARLIER_STATES:
        if earlier in states:
            states[CHECKPOINT_STATE] = states.pop(earlier)
