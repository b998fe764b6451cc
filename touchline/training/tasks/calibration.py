"""Training of CALF with calibration: as CALF, with a second stream of who stands where."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from touchline.datasets.features import MAIN
from touchline.errors import ConfigError
from touchline.formats.player_boxes import PLAYER_BOXES_RATE
from touchline.labels import LabelSet
from touchline.models.calibration import CalibrationConfig
from touchline.training.tasks.calf import CALFTask


class CalibrationTask(CALFTask):
    """See ``Task`` and ``CALFTask``, whose options it takes.

    Raises:
        ConfigError: an option that is not known or not allowed, or features of another rate than
            that of calibrations.
    """

    def __init__(
        self,
        config: CalibrationConfig,
        options: Mapping[str, Any],
        labels: LabelSet,
        rate: Fraction,
    ) -> None:
        super().__init__(config, options, labels, rate)
        if rate != PLAYER_BOXES_RATE:
            raise ConfigError(
                f"features of {rate} rows a second do not go with calibrations",
                remedy=f"which are {PLAYER_BOXES_RATE} a second",
            )
        self.streams = (MAIN, config.stream)
