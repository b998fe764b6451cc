"""The published splits of games: training, validation, test, challenge."""

SPLIT_NAMES = {
    "train": ("train",),
    "valid": ("valid", "val", "validation"),
    "test": ("test",),
    "challenge": ("challenge",),
}
"""The published splits, with the names of each in file and folder names."""


def names_of_split(split: str) -> tuple[str, ...]:
    """All names of a split, the published one first; a custom split has one name."""
    return next((names for names in SPLIT_NAMES.values() if split in names), (split,))
