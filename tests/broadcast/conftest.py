"""What the tests of a broadcast's reading share."""

import pytest
from extras import needs

from touchline.broadcast import ocr


@pytest.fixture(scope="session")
def reader() -> ocr.TextReader:
    """Reads text; tests that need it are left out where it is not installed."""
    needs("rapidocr")
    return ocr.TextReader(1)
