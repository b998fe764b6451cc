"""How simulated matches are put on air: the choices that a user has."""

from dataclasses import dataclass
from typing import TypeVar

from touchline.errors import InputError
from touchline.simulator import bug_designs, wipes
from touchline.simulator.bug_designs import BugDesign
from touchline.simulator.wipes import Wipe

LOOKS = ("broadcast", "classic")
POOLS = ("all", "tuning", "held-out")

Choice = TypeVar("Choice", BugDesign, Wipe)


@dataclass(frozen=True)
class Presentation:
    """How simulated matches are put on air.

    Attributes:
        look: ``broadcast``, or ``classic``: the plain graphics and the telling crowd that the
            shipped demo network was trained with.
        bugs: which score bugs matches may have: a pool (``all``, ``tuning``, ``held-out``) from
            which each match's seed takes one, or the name of a design.
        wipes: the same for wipes.

    Raises:
        InputError: there is no such look, pool or design.
    """

    look: str = "broadcast"
    bugs: str = "all"
    wipes: str = "all"

    def __post_init__(self) -> None:
        if self.look not in LOOKS:
            raise InputError(
                f"unknown look {self.look!r}", where="look", remedy=f"choose {' or '.join(LOOKS)}"
            )
        self.designs()
        self.animations()

    def designs(self) -> tuple[BugDesign, ...]:
        """The designs that a match may have."""
        pools = {"tuning": bug_designs.TUNING, "held-out": bug_designs.HELD_OUT}
        return _pool(self.bugs, pools, bug_designs.DESIGNS, "bugs")

    def animations(self) -> tuple[Wipe, ...]:
        """The wipes that a match may have."""
        pools = {"tuning": wipes.TUNING, "held-out": wipes.HELD_OUT}
        return _pool(self.wipes, pools, wipes.WIPES, "wipes")


def _pool(
    name: str,
    pools: dict[str, tuple[Choice, ...]],
    known: dict[str, Choice],
    where: str,
) -> tuple[Choice, ...]:
    if name == "all":
        return tuple(known.values())
    if name in pools:
        return pools[name]
    if name in known:
        return (known[name],)
    raise InputError(
        f"there is no {name!r}", where=where, remedy=f"choose {', '.join((*POOLS, *known))}"
    )


CLASSIC = Presentation("classic")
