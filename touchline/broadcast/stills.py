"""Still pictures from outside: recognised by their content, bounded in size, upright."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from touchline.broadcast.ocr import Picture
from touchline.errors import MediaError
from touchline.media.frame_folders import is_frame_folder
from touchline.media.opening import open_media

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".avif")
"""Names that people give to pictures."""

MAX_PIXELS = 64_000_000


def is_still(path: str | Path) -> bool:
    """Whether a file is meant as a still picture: by its content, a broken one by its name.

    Raises:
        MediaError: there is no such file, or it cannot be opened.
    """
    if is_frame_folder(path):
        return False
    try:
        with Image.open(path, formats=FORMATS):
            return True
    except UnidentifiedImageError:
        return _is_named_so(path)
    except Image.DecompressionBombError:
        return True
    except OSError as error:
        if error.filename is None:  # of the content, not of the file
            return _is_named_so(path)
        raise MediaError(f"cannot be opened ({error.strerror})", where=path) from error


def _is_named_so(path: str | Path) -> bool:
    """Whether a name ends as a picture's, and the file is no video for all that."""
    if Path(path).suffix.lower() not in ENDINGS:
        return False
    try:
        with open_media(path):
            return False
    except MediaError:
        return True


def read_picture(path: str | Path) -> Picture:
    """A still picture as uint8 RGB of shape (height, width, 3), upright.

    Raises:
        MediaError: not such a picture, too large, or damaged.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_large(path, f"{image.width}x{image.height} pixels are too many")
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):  # 16 bits of grey, of which Pillow keeps the lowest
                grey = (np.asarray(upright) >> 8).astype(np.uint8)
                return np.repeat(grey[..., None], 3, axis=2)
            return np.asarray(upright.convert("RGB"), dtype=np.uint8)
    except UnidentifiedImageError:
        raise MediaError(
            "this is no picture that can be read", where=path, remedy="give a JPEG, PNG or WebP"
        ) from None
    except Image.DecompressionBombError:  # Pillow's own limit, which is higher
        raise _too_large(path, "it has too many pixels") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"the picture cannot be read ({error})", where=path) from error


def _too_large(path: str | Path, what: str) -> MediaError:
    return MediaError(what, where=path, remedy=f"give at most {MAX_PIXELS // 1_000_000} million")
