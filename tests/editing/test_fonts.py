"""Labels of any script are drawn with a font that has their letters; where none has, it is said."""

from pathlib import Path

import numpy as np
import pytest

from touchline.editing import fonts
from touchline.editing.overlay import draw_labels

GREY = np.full((120, 400, 3), 90, np.uint8)
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


@pytest.fixture
def system_fonts(monkeypatch):
    """Sets the font files of this computer."""

    def set_to(*files):
        monkeypatch.setattr(fonts, "_system_fonts", lambda: tuple(map(str, files)))
        for cached in (fonts._path_for, fonts.font_for):
            cached.cache_clear()

    yield set_to
    for cached in (fonts._path_for, fonts.font_for):
        cached.cache_clear()


def drawn(text):
    from touchline.editing import overlay

    overlay._plate.cache_clear()
    return draw_labels(GREY, [(text, (255, 0, 0))])


def test_latin_needs_no_other_font(system_fonts):
    system_fonts()
    assert fonts.label_remarks(["Goal", "Yellow->red card (2H 63:10, 1-0) 95%"]) == []


def test_letters_that_no_font_has_are_said_with_the_package(system_fonts):
    system_fonts()
    cjk, arabic = fonts.label_remarks(["ゴール", "هدف", "Goal", "ゴール"])
    assert "letters ゴール," in cjk and "fonts-noto-cjk" in cjk
    assert "letters هدف," in arabic and "fonts-noto-core" in arabic


@pytest.mark.skipif(not DEJAVU.is_file(), reason="needs Debian's fonts-dejavu-core")
def test_a_font_of_the_computer_is_used(system_fonts, tmp_path):
    system_fonts()
    boxes = drawn("هدف")
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    system_fonts(tmp_path / "broken.ttf", DEJAVU)
    assert fonts.label_remarks(["هدف", "Tor für Köln"]) == []
    assert not np.array_equal(drawn("هدف"), boxes)


@pytest.mark.skipif(not DEJAVU.is_file(), reason="needs Debian's fonts-dejavu-core")
def test_joined_letters_without_raqm_are_said(system_fonts, monkeypatch):
    system_fonts(DEJAVU)
    monkeypatch.setattr(fonts.features, "check", lambda name: False)
    (remark,) = fonts.label_remarks(["هدف", "Goal"])
    assert "Raqm" in remark
    assert fonts.label_remarks(["Goal"]) == []
