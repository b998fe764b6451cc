"""What is specific to the training of each system."""

from touchline.errors import ConfigError
from touchline.systems import SYSTEMS, load_part
from touchline.training.tasks.base import MakeTask


def task_maker(system: str) -> MakeTask:
    """What makes the task of a system that reads features.

    Raises:
        ConfigError: the system is not known, or reads video.
    """
    known = {name: row for name, row in SYSTEMS.items() if row.reads == "features"}
    if system not in known:
        raise ConfigError(
            f"system {system!r} cannot be trained on features",
            where="system",
            remedy=f"use one of: {', '.join(known)}",
        )
    make: MakeTask = load_part(str(known[system].task))
    return make
