"""How a reel is finished: copied or encoded, its sound, what is drawn."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from touchline.errors import InputError, MediaError
from touchline.media.encoders import AUTO
from touchline.media.mastering import GREATEST_LUFS, LEAST_LUFS, R128_LUFS, WEB_LUFS
from touchline.media.opening import open_media
from touchline.reel import Cut

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

_OTHER_FILES = (
    *(".gif", ".bmp", ".tif", ".tiff", ".svg", ".avif", ".heic", ".pdf", ".psd"),
    *(".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".mxf", ".ts", ".mpg", ".txt"),
)
"""Endings of files that nobody writes at the end of a text."""

OUTRO_SECONDS = 3

LOUDNESSES = {"source": None, "r128": R128_LUFS, "web": WEB_LUFS}
"""Names of loudnesses, in LUFS."""


@dataclass(frozen=True)
class Finish:
    """How the file of a reel is made.

    Attributes:
        cut: ``auto`` copies the pictures of the video as they are coded wherever it can and encodes
            only those around them; ``copy`` refuses where that cannot be; ``encode`` encodes all.
        keep_hdr: leave pictures of high dynamic range as they are; by default they are
            tone-mapped to BT.709.
        loudness: of the whole reel, in LUFS; None for that of the videos.
        music: a file whose sound lies beneath, turned down where the videos are heard.
        titles: begin clips with their title, match clock and score.
        scoreboard: show teams, score and match clock all the time.
        teams: names of home and away.
        logo: a picture that is shown all the time.
        outro: a picture or a text with which the reel ends.
        encoder: of reels of which all pictures are encoded; see ``touchline.media.encoders``.
    """

    cut: Cut = "auto"
    keep_hdr: bool = False
    loudness: float | None = None
    music: Path | None = None
    titles: bool = False
    scoreboard: bool = False
    teams: tuple[str, str] | None = None
    logo: Path | None = None
    outro: Path | str | None = None
    encoder: str = AUTO

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it uses."""
        return tuple(p for p in (self.music, self.logo, self.outro) if isinstance(p, Path))


def parse_music(path: Path) -> Path:
    """A file that has sound.

    Raises:
        InputError: it cannot be read, or has none.
    """
    remedy = "give a file with sound: mp3, wav, m4a, flac, ogg or a video"
    try:
        with open_media(path) as container:
            has_sound = bool(container.streams.audio)
    except MediaError as error:
        what = error.what if not path.is_file() else "is not a file of sound of a known kind"
        raise InputError(what, where=f"--music, {path}", remedy=remedy) from error
    if not has_sound:
        raise InputError("has no sound", where=f"--music, {path}", remedy=remedy)
    return path


def parse_outro(text: str) -> Path | str:
    """A picture by the ending of its name, else a text.

    Raises:
        InputError: an empty text, or a file that is no such picture.
    """
    if not text.strip():
        raise InputError("the outro is empty", where="--outro", remedy="give a text or a picture")
    path = Path(text)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return path
    if path.suffix.lower() in _OTHER_FILES or _is_file(path):
        raise InputError(
            f"{text} is no picture that can be shown",
            where="--outro",
            remedy=f"give a text, or a picture: {', '.join(PICTURE_SUFFIXES)}",
        )
    return text


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that no file can have for its name
        return False


def parse_teams(text: str) -> tuple[str, str]:
    """Names of home and away with a comma between.

    Raises:
        InputError: not two names.
    """
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or not all(names):
        raise InputError(
            f"{text!r} does not name two teams", where="--teams", remedy="give HOME,AWAY"
        )
    return names[0], names[1]


def parse_loudness(text: str) -> float | None:
    """``r128``, ``web``, ``source`` (None) or a number of LUFS.

    Raises:
        InputError: anything else.
    """
    if text in LOUDNESSES:
        return LOUDNESSES[text]
    with suppress(ValueError):
        if LEAST_LUFS <= (value := float(text)) <= GREATEST_LUFS:
            return value
    raise InputError(
        f"{text!r} is not a loudness",
        where="--loudness",
        remedy=f"give {', '.join(LOUDNESSES)} or {LEAST_LUFS:g} to {GREATEST_LUFS:g} LUFS",
    )


PLAIN = Finish()
"""Pictures copied where they can be, nothing added."""
