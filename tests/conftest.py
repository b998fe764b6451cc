"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("touchline", deadline=None)  # a loaded machine is not a failure
settings.load_profile("touchline")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data that may lie beside the project."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with reference data is not here")
    return folder
