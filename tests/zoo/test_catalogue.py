"""The catalogue holds every published network, as it was published."""

import csv
import re
import runpy
from pathlib import Path

import pytest
from pydantic import ValidationError

from touchline.systems import SYSTEMS
from touchline.timebase import parse_rate
from touchline.zoo.catalogue import (
    Catalogue,
    Entry,
    catalogue,
    command_for_17_classes,
    entries,
    find_entry,
    finds_17_classes,
)


def published(cell):
    """The checksum in a cell of the table, as the catalogue writes it; None if it states none."""
    if begins := re.match(r"sha256 begins ([0-9a-f]+)", cell):
        return f"sha256-begins:{begins[1]}"
    return cell if re.match(r"(git-blob-sha1|sha256|md5):", cell) else None


def place(entry):
    """The origin of an entry, as the table of published weights names it."""
    origin = entry.origin
    if origin.kind == "page":
        return origin.place
    return f"{'hf' if origin.kind == 'hub' else 'github'}:{origin.repository}"


def test_every_published_row_has_its_entry_with_its_checksum(shared):
    by_place = {}
    for entry in entries():
        by_place.setdefault(place(entry), []).append(entry)
    rows = list(csv.DictReader((shared / "data/published_weights.csv").open(encoding="utf-8")))
    assert len(rows) > 80
    for row in rows:
        if row["origin"].startswith("keras-applications"):
            found = by_place["github:keras-team/keras-applications"]
        elif row["origin"].startswith("github release:"):
            found = by_place["github:harritaylor/torchvggish"]
        else:
            found = by_place[row["origin"]]
        files = {file.path: (file, entry) for entry in found for file in entry.files}
        checksum = published(row["checksum"])
        if checksum is None and row["path"] not in files:
            continue  # neither the name nor a checksum of a file is published
        file, entry = files[row["path"]]
        assert file.checksum == checksum, row
        assert file.bytes == (int(row["bytes"]) if row["bytes"].isdigit() else None), row
        if entry.origin.kind == "github":
            assert entry.origin.revision == row["commit"]
        if (figure := re.search(r"\bloose (\d+\.\d+)", row["reported_score"])) and not re.search(
            " to |README figure", row["reported_score"]
        ):
            assert entry.reported("loose") == float(figure[1]), row


def test_what_can_be_used_says_how():
    for entry in entries():
        parse_rate(entry.rate or "1")
        if entry.use in ("video", "features") and entry.kind == "model":
            assert entry.system in SYSTEMS and entry.rate and entry.labels
        if entry.can_be_pulled:
            assert entry.origin.kind == "hub" or all(file.checksum for file in entry.files)
        for needed in entry.needs:
            other = find_entry(needed)
            assert other is not None and other.can_be_pulled and other.kind != "model"


def test_the_first_choice_finds_17_classes_on_a_plain_video():
    first = find_entry(command_for_17_classes().rpartition(" ")[2])
    assert first is not None and first.can_be_pulled and first.use == "video"
    assert finds_17_classes(first) and not first.needs


def fields(**changed):
    return catalogue().families[0].entries[0].model_dump() | changed


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "none"},
        {"missing": "a reader"},
        {"files": []},
        {"files": [{"path": "../up.pt", "checksum": "md5:" + "0" * 32}]},
        {"files": [{"path": "/etc/passwd", "checksum": "md5:" + "0" * 32}]},
        {"files": [{"path": "a.pt"}]},
        {"files": [{"path": "a.pt", "checksum": "crc:1"}]},
        {"name": "../up"},
        {"origin": {"kind": "page", "page": "https://a", "place": "a", "files": ["a"]}},
        {"what": 1},
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(changed):
    Entry.model_validate(fields())
    with pytest.raises(ValidationError):
        Entry.model_validate(fields(**changed))


def test_names_are_unique_and_needs_are_entries():
    family = catalogue().families[0].model_dump()
    whole = {"format": "touchline-catalogue", "version": 1}
    Catalogue.model_validate({**whole, "families": [family]})
    with pytest.raises(ValidationError):
        Catalogue.model_validate({**whole, "families": [family, family]})
    family["entries"][0]["needs"] = ("nothing",)
    with pytest.raises(ValidationError):
        Catalogue.model_validate({**whole, "families": [family]})


def test_the_page_of_models_is_made_from_the_catalogue():
    root = Path(__file__).parents[2]
    made = runpy.run_path(str(root / "docs/models_page.py"))["page"]()
    page = root / "docs/models.md"
    assert page.read_text(encoding="utf-8") == made, "run: python docs/models_page.py"
    advice = made.partition("## Which to use")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z0-9+-]+)`", advice)) - {"-flow"}
    assert len(named) > 5 and all(find_entry(name) for name in named), named
