"""What readers pass over, by kind, for one warning that names it."""

import re

from touchline.runtime.wording import counted

_NAMED = 3
_SAID_OF_IT = re.compile("( (?:above|of|outside|that|with|without) .*)")


class LeftOut:
    """What one reader passes over."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, kind: str, name: str | None = None) -> None:
        """Something of a kind, such as ``title``, with its name or place."""
        self._names.setdefault(kind, []).append(" ".join((name or "").split())[:80])

    def warnings(self) -> list[str]:
        """At most one text: ``left out: 2 titles (Score, Teams)``."""
        texts = []
        for kind, names in self._names.items():
            known = [name for name in dict.fromkeys(names) if name]
            more = ", ..." if len(known) > _NAMED else ""
            listed = f" ({', '.join(known[:_NAMED])}{more})" if known else ""
            texts.append(counted(len(names), kind, _plural(kind)) + listed)
        return [f"left out: {', '.join(texts)}"] if texts else []


def _plural(kind: str) -> str:
    """``lines without meaning``: it is the thing that is many, not what is said of it."""
    thing, *rest = _SAID_OF_IT.split(kind, maxsplit=1)
    return "".join([f"{thing}s", *rest])
