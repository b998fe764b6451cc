"""Fonts for labels in any script: the packaged one, else one of this computer."""

import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont, features

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_ENDINGS = (".ttf", ".otf", ".ttc")
_MAX_FONTS = 3000
_TRIED_SIZE = 16
_NO_LETTER = "\uffff"
"""No font has a letter for it, so that it is drawn as what stands for missing ones."""

_CJK = ((0x1100, 0x11FF), (0x2E80, 0xA4CF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF),
        (0x20000, 0x3FFFF))  # fmt: skip
_JOINED = ((0x0590, 0x08FF), (0x0900, 0x0DFF), (0x0E00, 0x0EFF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFF))
"""Scripts written from the right, or whose letters change with those beside them."""


@lru_cache(maxsize=64)
def font_for(text: str, size: int) -> Font:
    """A font of a size in pixels that has the letters of a text, or as many as any here has."""
    path = _path_for("".join(sorted(set(text))))
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


def label_remarks(texts: Iterable[str]) -> list[str]:
    """What is wrong with texts when they are drawn, and what would help; one line for each."""
    different = dict.fromkeys(texts)
    every = "".join(different)
    missing = (_without_letter(font_for(text, _TRIED_SIZE), text) for text in different)
    remarks = [
        f"no font here has the letters {letters[:20]}, they are drawn as boxes: install one "
        f"(Debian: apt install {package})"
        for package, letters in _by_package("".join(dict.fromkeys("".join(missing)))).items()
    ]
    if any(_is_in(letter, _JOINED) for letter in every) and not features.check("raqm"):
        remarks.append(
            "labels written from the right, or with joined letters, are drawn letter by letter: "
            "this Pillow has no Raqm (Debian: apt install libraqm0)"
        )
    return remarks


def _by_package(letters: str) -> dict[str, str]:
    """Letters that are missing, by the Debian package that has them."""
    found: dict[str, str] = {}
    for letter in letters:
        package = "fonts-noto-cjk" if _is_in(letter, _CJK) else "fonts-noto-core"
        found[package] = found.get(package, "") + letter
    return found


@lru_cache(maxsize=64)
def _path_for(letters: str) -> str | None:
    """The font file with the most of these letters; None for the packaged one."""
    best, least = None, len(_without_letter(ImageFont.load_default(_TRIED_SIZE), letters))
    for path in _system_fonts() if least else ():
        try:
            missing = len(_without_letter(ImageFont.truetype(path, _TRIED_SIZE), letters))
        except (OSError, ValueError):  # no font, or one of bitmaps of other sizes
            continue
        if missing < least:
            best, least = path, missing
        if not least:
            break
    return best


def _without_letter(font: Font, letters: str) -> str:
    """Those of some letters that a font does not have."""
    nothing = _drawn(font, _NO_LETTER)
    shown = (letter for letter in letters if letter.isprintable() and letter != " ")
    return "".join(letter for letter in shown if _drawn(font, letter) == nothing)


def _drawn(font: Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[str, ...]:
    """The font files of this computer, upright ones without serifs first."""
    found = [path for folder in _font_folders() for path in _fonts_in(folder)]
    return tuple(map(str, sorted(found[:_MAX_FONTS], key=_rank)))


def _font_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts")]
    if sys.platform == "darwin":
        return [home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    shared = [Path("/usr/local/share/fonts"), Path("/usr/share/fonts")]
    return [home / ".local/share/fonts", home / ".fonts", *shared]


def _fonts_in(folder: Path) -> Iterator[Path]:
    for place, _, files in os.walk(folder):
        yield from (Path(place, name) for name in files if name.lower().endswith(_ENDINGS))


def _rank(path: Path) -> tuple[bool, bool, str]:
    name = path.stem.lower()
    slanted = any(word in name for word in ("italic", "oblique", "bold", "light", "thin", "mono"))
    return slanted, "sans" not in name, name


def _is_in(letter: str, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= ord(letter) <= last for first, last in ranges)
