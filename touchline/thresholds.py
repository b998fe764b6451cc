"""The least confidence of events that people are shown, for all classes or for each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from touchline.errors import InputError
from touchline.events import Event

SHOWN_CONFIDENCE = 0.3
"""Events of lower confidence are not shown at first where a person reads them one by one."""


@dataclass(frozen=True)
class Thresholds:
    """The least confidence that an event must have; one that somebody has accepted needs none.

    Attributes:
        least: for classes without an own value.
        by_label: (label, least confidence) of classes that have one.
    """

    least: float = 0.0
    by_label: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of_classes(cls, by_label: Mapping[str, float], least: float = 0.0) -> Self:
        """The thresholds of these classes."""
        return cls(least, tuple(sorted(by_label.items())))

    def __bool__(self) -> bool:
        """Whether any event can be below."""
        return self.least > 0 or any(value > 0 for _, value in self.by_label)

    def of(self, label: str) -> float:
        """The least confidence of a class; upper and lower case are the same."""
        folded = label.casefold()
        return next((v for name, v in self.by_label if name.casefold() == folded), self.least)

    def keep(self, event: Event) -> bool:
        """Whether an event is shown."""
        return event.status == "accepted" or event.confidence >= self.of(event.label)

    def refuse_unknown(self, labels: Iterable[str]) -> None:
        """Check that there is a class for each own value.

        Raises:
            InputError: a class is none of these; the message lists them.
        """
        known = {label.casefold(): label for label in labels}
        for name, _ in self.by_label:
            if name.casefold() not in known:
                raise InputError(
                    f"no event has the class {name!r}",
                    remedy=f"there are: {', '.join(sorted(known.values())) or 'none'}",
                )


EVERY_EVENT = Thresholds()
SHOWN_AT_FIRST = Thresholds(SHOWN_CONFIDENCE)


def parse_thresholds(texts: Sequence[str], where: str = "--min-confidence") -> Thresholds:
    """Thresholds as they are typed: one number for all classes, ``Goal=0.4`` for one.

    Args:
        where: the option that they are typed for.

    Raises:
        InputError: malformed, outside 0 to 1, or given twice.
    """
    given: dict[str, float] = {}
    for text in texts:
        label, equals, number = text.rpartition("=")
        label = label.strip()
        if (equals and not label) or label in given:
            raise InputError(
                f"{text!r} is not a least confidence" if equals and not label
                else f"two values for {label or 'all classes'}",
                where=where,
                remedy="give one number, such as 0.3, or one for a class: Goal=0.4",
            )  # fmt: skip
        given[label] = _share(number, text, where)
    least = given.pop("", 0.0)
    return Thresholds.of_classes(given, least)


def _share(number: str, text: str, where: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(
            f"{text!r} is not a least confidence",
            where=where,
            remedy="give a number from 0 to 1, such as 0.3, or one for a class: Goal=0.4",
        )
    return value
