"""Which of several ways to run a network is the fastest on this machine: tried once, remembered."""

import hashlib
import json
import logging
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from touchline.errors import InputError
from touchline.runtime.atomic import write_text
from touchline.zoo.store import home

TURNS = 5
SECONDS_EACH = 0.3
"""Turns of a way end early once they took so long together."""

_FORMAT = "touchline-trial"

Way = Callable[[], Callable[[], object]]
"""Opens a network at some precision, and gives what passes a batch."""

Clock = Callable[[], float]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """How long a batch took each way.

    Attributes:
        seconds: of the processor, by the name of the way.
    """

    seconds: Mapping[str, float]

    @property
    def fastest(self) -> str:
        """The name of the way that took least."""
        return min(self.seconds, key=lambda name: self.seconds[name])

    def __str__(self) -> str:
        return ", ".join(f"{name} {1000 * taken:.1f} ms" for name, taken in self.seconds.items())


def trial(
    subject: str,
    facts: Mapping[str, object],
    ways: Mapping[str, Way],
    clock: Clock = time.process_time,
) -> Trial:
    """Pass a batch each way, one way after the other; or what an earlier trial has shown.

    Args:
        subject: what runs, for the log.
        facts: what the result depends on beside the processor: files, threads, versions.
        ways: by name.
        clock: seconds of the processor, which other programs do not lengthen as they do a clock's.
    """
    facts = {**facts, "processor": processor(), "ways": sorted(ways)}
    path = _path(facts)
    known = _read(path, facts)
    if known is not None:
        return known
    made = Trial({name: _seconds_of(way(), clock) for name, way in ways.items()})
    text = json.dumps({"format": _FORMAT, "facts": facts, "seconds": dict(made.seconds)}, indent=2)
    with suppress(InputError, OSError):  # what cannot be kept is tried again
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text + "\n")
    log.info("%s: %s is the fastest here (%s)", subject, made.fastest, made)
    return made


def processor() -> str:
    """This processor, with the instructions that it has where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    digest = hashlib.sha256("\n".join(dict.fromkeys(told)).encode()).hexdigest()
    return f"{platform.machine()} {digest[:16]}"


def _path(facts: Mapping[str, object]) -> Path:
    text = json.dumps(facts, sort_keys=True)
    return home() / "trials" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


def _read(path: Path, facts: Mapping[str, object]) -> Trial | None:
    """What is remembered; None where nothing is, or nothing that can be used."""
    try:
        told = json.loads(path.read_text("utf-8"))
        seconds = {str(name): float(taken) for name, taken in told["seconds"].items()}
        is_right = told["format"] == _FORMAT and told["facts"] == json.loads(json.dumps(facts))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    is_right = is_right and sorted(seconds) == facts["ways"]
    return Trial(seconds) if is_right and all(taken >= 0 for taken in seconds.values()) else None


def _seconds_of(run: Callable[[], object], clock: Clock) -> float:
    """The shortest of a few turns, after one that compiles."""
    run()
    taken: list[float] = []
    while len(taken) < TURNS and sum(taken) < SECONDS_EACH:
        before = clock()
        run()
        taken.append(clock() - before)
    return min(taken)
