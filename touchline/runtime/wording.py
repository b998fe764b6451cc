"""Numbers, names and sentences in the text that people read."""

from collections.abc import Iterable
from difflib import get_close_matches
from fractions import Fraction

_NEAR_NAMES = 3


def counted(number: int, thing: str, things: str | None = None) -> str:
    """``1 event``, ``2 events``; ``things`` where the plural is another word (``2 classes``)."""
    return f"{number} {thing}" if number == 1 else f"{number} {things or thing + 's'}"


def rate_text(rate: Fraction | float) -> str:
    """A rate as people write it: ``25``, ``29.97``, ``2.083``."""
    return f"{float(rate):.4g}"


def counted_rate(rate: Fraction | float, thing: str) -> str:
    """``25 frames a second``, ``1 row a second``."""
    return f"{rate_text(rate)} {thing}{'' if rate == 1 else 's'} a second"


def bytes_text(size: int) -> str:
    """``27 kB``, ``50.6 MB``, ``1.2 GB``."""
    for unit, scale, digits in (("GB", 10**9, 1), ("MB", 10**6, 1), ("kB", 10**3, 0)):
        if size >= scale:
            return f"{size / scale:.{digits}f} {unit}"
    return counted(size, "byte")


_VERBS = frozenset(
    {
        *("is", "are", "has", "have", "holds", "cannot", "can", "does", "do", "was", "were"),
        *("states", "needs", "ends", "lasts", "must", "may", "starts", "begins", "shows", "gives"),
        *("names", "takes", "contains", "belongs", "lies"),
    }
)


def joined(subject: str, what: str) -> str:
    """A subject and what is said of it: ``a.mp4 is not a video``, ``a.mp4: no frame is there``."""
    return f"{subject} {what}" if what.split(" ", 1)[0] in _VERBS else f"{subject}: {what}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean netvlad++ or netvlad? `` for the known names near one; else nothing."""
    near = get_close_matches(name, list(known), _NEAR_NAMES)
    return f"did you mean {' or '.join(near)}? " if near else ""
