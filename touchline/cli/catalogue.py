"""How the commands show entries of the catalogue."""

from collections.abc import Iterator
from typing import Any

from touchline.runtime import wording
from touchline.runtime.wording import bytes_text, counted
from touchline.timebase import parse_rate
from touchline.zoo.catalogue import Entry, catalogue


def summary(entry: Entry) -> dict[str, Any]:
    """An entry as one JSON object."""
    return {
        "name": entry.name,
        "kind": entry.kind,
        "system": entry.system,
        "network": entry.network,
        "labels": entry.labels,
        "classes": entry.classes,
        "sport": entry.sport,
        "rate": entry.rate,
        "reads": entry.reads,
        "scores": [score.model_dump() for score in entry.scores],
        "bytes": entry.size,
        "licence": entry.licence,
        "commercial_use": entry.commercial_use,
        "training_data": entry.training_data,
        "training_data_licence": entry.training_data_licence,
        "needs": list(entry.needs),
        "where": entry.origin.where,
        "files": _files(entry),
        "use": entry.use,
        "state": entry.state,
        "missing": entry.missing,
        "command": entry.command if entry.state != "not yet" else None,
        "note": entry.note,
    }


def _files(entry: Entry) -> list[dict[str, Any]]:
    if entry.origin.kind == "page":
        return [{"path": path, "checksum": None, "bytes": None} for path in entry.origin.files]
    return [{"path": f.path, "checksum": f.checksum, "bytes": f.bytes} for f in entry.files]


def catalogue_lines(absent: set[str]) -> Iterator[str]:
    """The entries of these names, a line each, under the titles of their families."""
    width = max((len(name) for name in absent), default=0)
    for family in catalogue().families:
        wanted = [entry for entry in family.entries if entry.name in absent]
        if wanted:
            yield f"{family.title}:"
        for entry in wanted:
            yield f"  {entry.name.ljust(width)}  {'; '.join(_facts(entry))}"


def _facts(entry: Entry) -> Iterator[str]:
    yield ", ".join(part for part in (_classes(entry), rate_text(entry)) if part) or entry.network
    if entry.scores:
        yield scores_text(entry)
    yield size_text(entry)
    yield f"licence: {entry.licence}"
    if entry.needs:
        yield f"needs {' and '.join(entry.needs)}"
    if entry.state == "by hand":
        yield "to fetch by hand"
    if entry.missing:
        yield f"not yet: {entry.missing}"


def _classes(entry: Entry) -> str:
    if entry.classes is None or entry.labels.startswith("soccernet"):
        return entry.labels
    return f"{entry.labels}, {counted(entry.classes, 'class', 'classes')}"


def rate_text(entry: Entry) -> str:
    """Frames or rows a second; empty where it has none."""
    return f"{wording.rate_text(parse_rate(entry.rate))} a second" if entry.rate else ""


def scores_text(entry: Entry) -> str:
    """The published figures by their metric, each once."""
    first = {score.metric: score.value for score in reversed(entry.scores)}
    return ", ".join(f"{metric} {value:g}" for metric, value in reversed(first.items()))


def size_text(entry: Entry) -> str:
    """How large it is: as published, or about."""
    if entry.size is None:
        return "size not published"
    return (
        bytes_text(entry.size)
        if all(f.bytes for f in entry.files)
        else f"about {bytes_text(entry.size)}"
    )


def shown(entry: Entry) -> dict[str, str]:
    """An entry by the names of its fields, for a person to read."""
    files = [f"{file['path']} {file['checksum'] or ''}".strip() for file in _files(entry)]
    fields = {
        "name": entry.name,
        "network": " ".join(part for part in (entry.system, f"({entry.network})") if part != "()"),
        "finds": ", ".join(part for part in (_classes(entry), rate_text(entry)) if part),
        "reads": entry.reads,
        "use": _USES[entry.use],
        "missing": entry.missing,
        "reported": "\n".join(f"{s.metric} {s.value:g} on {s.on}" for s in entry.scores),
        "reproduce": _reproduction(entry),
        "size": size_text(entry),
        "licence": entry.licence,
        "commercial": f"use {entry.commercial_use}"
        if entry.commercial_use != "unstated"
        else "use not stated",
        "trained on": f"{entry.training_data}; {entry.training_data_licence}",
        "needs": ", ".join(entry.needs),
        "where": entry.origin.where,
        "files": "\n".join(files),
        "note": entry.note,
        "command": entry.command if entry.state != "not yet" else "",
        "import": entry.import_command if entry.state == "not yet" else "",
    }
    return {name: text for name, text in fields.items() if text}


def _reproduction(entry: Entry) -> str:
    """What reaches the reported scores on a copy of the data; empty where nothing does."""
    can = bool(entry.scores) and entry.state != "not yet"
    return f"touchline reproduce {entry.name} --data DATASET" if can else ""


_USES = {
    "video": "touchline spot, on a plain video",
    "features": "touchline predict, on the feature files of a data set",
    "extractor": "touchline extract, and models of its features",
    "none": "none yet",
}
