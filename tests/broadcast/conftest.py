"""What the tests of a broadcast's reading share."""

import pytest

from touchline.broadcast import ocr


@pytest.fixture(scope="session")
def reader() -> ocr.TextReader:
    """Reads text; tests that need it are left out where it is not installed."""
    if not ocr.is_installed():
        pytest.skip("reading text in pictures needs the optional part [broadcast]")
    return ocr.TextReader(1)
