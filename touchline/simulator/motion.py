"""Where everybody is at any pitch time: the script's actions turned into movement.

Arrays hold 25 people: 0-10 home, 11-21 away (position on the pitch, not squad index), 22 the
referee, 23 and 24 the assistants.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

PEOPLE = 25
REFEREE = 22
ASSISTANTS = (23, 24)


class Pose(IntEnum):
    """What a person's body does; decides the figure that is drawn."""

    STAND = 0
    RUN = 1
    KICK = 2
    HEAD = 3
    THROW = 4  # ball held over the head
    DIVE = 5  # goalkeeper stretched through the air
    DOWN = 6  # lying on the grass
    TACKLE = 7  # sliding
    CHEER = 8  # arms up
    SHOW_YELLOW = 9  # referee, card held high
    SHOW_RED = 10
    FLAG_UP = 11  # assistant, flag straight up (offside)
    FLAG_SIDE = 12  # assistant, flag to the side (throw-in, corner)
    POINT = 13  # referee, arm towards the spot or a goal
    HOLD = 14  # goalkeeper with the ball in his arms


@dataclass(frozen=True, eq=False)
class World:
    """The pitch at n instants.

    Attributes:
        seconds: (n,) pitch time.
        xy: (n, 25, 2) metres, float32.
        heading: (n, 25) radians, 0 towards +x, pi/2 towards +y.
        speed: (n, 25) metres a second.
        pose: (n, 25) int8, members of ``Pose``.
        present: (n, 25) whether the person is on the pitch (sent off, not yet on).
        squad: (n, 22) int8, squad index of each outfield slot (changes by substitution).
        ball: (n, 3) metres, z of its centre.
    """

    seconds: npt.NDArray[np.float64]
    xy: npt.NDArray[np.float32]
    heading: npt.NDArray[np.float32]
    speed: npt.NDArray[np.float32]
    pose: npt.NDArray[np.int8]
    present: npt.NDArray[np.bool_]
    squad: npt.NDArray[np.int8]
    ball: npt.NDArray[np.float32]
