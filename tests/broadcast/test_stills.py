"""Pictures from outside become the same pixels however they are stored, or one clear error."""

import numpy as np
import pytest
from PIL import Image

from touchline.broadcast.stills import is_still, read_picture
from touchline.errors import MediaError


@pytest.fixture
def grey():
    return Image.fromarray(np.linspace(0, 255, 48 * 64).reshape(48, 64).astype(np.uint8))


def sixteen_bits(picture):
    return Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("rgb.png", lambda one: one.convert("RGB")),
        ("grey.png", lambda one: one),
        ("with-alpha.png", lambda one: one.convert("RGBA")),
        ("palette.png", lambda one: one.convert("P")),
        ("cmyk.tif", lambda one: one.convert("RGB").convert("CMYK")),
        ("16-bits.png", sixteen_bits),
        ("16-bits.tif", sixteen_bits),
    ],
)
def test_a_picture_is_the_same_however_it_is_stored(tmp_path, grey, name, stored):
    stored(grey).save(tmp_path / name)
    assert is_still(tmp_path / name)
    read = read_picture(tmp_path / name)
    wanted = np.repeat(np.asarray(grey)[..., None], 3, axis=2)
    assert (read.dtype, read.shape) == (np.uint8, (48, 64, 3))
    np.testing.assert_allclose(read.astype(int), wanted, atol=1)


def test_a_picture_is_turned_upright(tmp_path, grey):
    exif = Image.Exif()
    exif[0x0112] = 6  # its top is on the right
    grey.convert("RGB").save(tmp_path / "turned.png", exif=exif)
    turned = np.rot90(np.asarray(grey), -1)
    np.testing.assert_array_equal(read_picture(tmp_path / "turned.png")[..., 0], turned)


@pytest.mark.parametrize(
    ("shape", "what"),
    [((9000, 9000), "9000x9000 pixels are too many"), ((20000, 20000), "it has too many pixels")],
)
def test_too_large_a_picture_is_refused_with_the_limit(tmp_path, shape, what):
    path = tmp_path / "large.png"
    Image.new("1", shape).save(path)
    with pytest.raises(MediaError, match=f"{what}; give at most 64 million"):
        read_picture(path)


def test_a_picture_cut_short_is_refused(tmp_path, grey):
    path = tmp_path / "whole.png"
    grey.resize((640, 480)).save(path)
    cut = tmp_path / "cut.png"
    cut.write_bytes(path.read_bytes()[:200])
    assert is_still(cut)
    with pytest.raises(MediaError, match=r"cut\.png: the picture cannot be read"):
        read_picture(cut)
