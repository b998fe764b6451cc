"""Fixtures of the media tests."""

from fractions import Fraction
from pathlib import Path

import pytest
from numbered_clips import NAMES, Clips


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Numbered videos of the test session, made once each."""
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(params=NAMES)
def clip(request: pytest.FixtureRequest, clips: Clips) -> tuple[Path, list[Fraction]]:
    """Each kind of file in turn, with the starts of its frames and its end."""
    return clips.get(request.param)
