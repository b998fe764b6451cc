"""The catalogue: every published network of the field, with what it needs and where it lies.

``catalogue.json`` holds families of entries. What a family says under ``common`` holds for each of
its entries, unless the entry says otherwise.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from touchline.labels import LABEL_SETS, SOCCERNET_V2
from touchline.runtime.checksums import agrees, checksums_of
from touchline.splits import SPLIT_NAMES
from touchline.zoo.cards import Label, Name, PictureSide

CATALOGUE_FILE = Path(__file__).with_name("catalogue.json")

FIRST_CHOICE = "e2e-spot-soccer"
"""The entry to begin with: 17 classes of real matches, on pictures, in one file."""

Kind = Literal["model", "extractor", "pca"]
Use = Literal["video", "features", "extractor", "none"]
State = Literal["pull", "by hand", "not yet"]
Metric = Literal["tight", "loose", "at1", "team at1"]

Checksum = Annotated[
    str,
    Field(
        pattern=r"^(git-blob-sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}"
        r"|sha256-begins:[0-9a-f]{8})$"
    ),
]
Repository = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$")]
Revision = Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")]
Https = Annotated[str, Field(pattern=r"^https://\S+$")]
Line = Annotated[str, Field(max_length=500)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GitHub(_Row):
    """A file in a commit of a GitHub repository."""

    kind: Literal["github"]
    repository: Repository
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]

    @property
    def where(self) -> str:
        """In words that a person can follow."""
        return f"https://github.com/{self.repository} at {self.revision[:12]}"


class Release(_Row):
    """A file of a release on GitHub; ``also`` are folders that hold the same files."""

    kind: Literal["release"]
    repository: Repository
    tag: Revision
    also: tuple[Https, ...] = ()

    @property
    def where(self) -> str:
        """In words that a person can follow."""
        return f"https://github.com/{self.repository}/releases/tag/{self.tag}"


class Hub(_Row):
    """A repository of the Hugging Face Hub."""

    kind: Literal["hub"]
    repository: Repository
    revision: Revision = "main"

    @property
    def where(self) -> str:
        """In words that a person can follow."""
        return f"https://huggingface.co/{self.repository}"


class Page(_Row):
    """A page that only a browser opens: its address, and what to take from it."""

    kind: Literal["page"]
    page: Https
    place: Line
    files: Annotated[tuple[Line, ...], Field(min_length=1)]

    @property
    def where(self) -> str:
        """In words that a person can follow."""
        return self.page


Origin = Annotated[GitHub | Release | Hub | Page, Field(discriminator="kind")]


class CatalogueFile(_Row):
    """A published file.

    Attributes:
        path: in its repository.
        checksum: as published; None where the Hub's own listing has to state it.
        bytes: its length, where it is published.
        role: what it is to the entry.
    """

    path: Annotated[str, Field(pattern=r"^[\w+. -]+(/[\w+. -]+)*$")]
    checksum: Checksum | None = None
    bytes: Annotated[int, Field(gt=0)] | None = None
    role: Literal["weights", "average"] = "weights"

    @model_validator(mode="after")
    def _stays_inside(self) -> "CatalogueFile":
        if {".", ".."} & set(self.path.split("/")):
            raise ValueError("a path of a file that leaves its folder")
        return self

    @property
    def name(self) -> str:
        """Without its folders."""
        return PurePosixPath(self.path).name


class ReportedScore(_Row):
    """A published figure, in percent, of average mAP unless the metric says otherwise."""

    metric: Metric
    value: Annotated[float, Field(ge=0, le=100)]
    on: Line

    @property
    def split(self) -> str | None:
        """The split that it is on; None where that is not stated."""
        return next((split for split in SPLIT_NAMES if split in self.on.split()), None)


class ScoresOf(_Row):
    """The networks whose scores are reported, where they are not those of one network alone.

    Attributes:
        how: ``mean``: each network is scored, and the mean of the scores is reported; ``together``:
            the events of all of them are scored as those of one.
        networks: names of their entries.
    """

    how: Literal["mean", "together"]
    networks: Annotated[tuple[Name, ...], Field(min_length=2)]


class AverageOf(_Row):
    """Networks whose curves are averaged before events are found in them.

    Attributes:
        networks: names of their entries.
        scores: as published, of the average.
    """

    networks: Annotated[tuple[Name, ...], Field(min_length=2)]
    scores: Annotated[tuple[ReportedScore, ...], Field(min_length=1)]


class ImportSettings(_Row):
    """What an import needs beyond the weights: what the published configuration says."""

    labels: str | tuple[Label, ...]
    rate: str
    size: tuple[PictureSide, PictureSide] | None = None
    crop: PictureSide | None = None
    clip_len: Annotated[int, Field(gt=0)] | None = None


class Entry(_Row):
    """A published network, or what one needs.

    Attributes:
        name: what ``models pull`` calls it, and its folder in the zoo.
        kind: what it becomes here.
        system: which network, as cards name it where touchline has it.
        network: its variant, in words.
        labels: a label set, or classes in words; empty where it has none.
        sport: empty for what is of no sport.
        rate: frames or rows a second, exactly; None where it has none.
        reads: what it is run on, in words.
        use: what touchline can do with it: spot a plain video, predict on feature files of a data
            set, extract features, or nothing yet.
        missing: what touchline lacks for it, where that is so.
        scores: as published.
        scores_of: the networks that have these scores, where it is not this one alone.
        average: the average of this network and others, where scores of it are published.
        licence: of the weights.
        commercial_use: what that licence says of it.
        training_data, training_data_licence: what it learnt from.
        needs: names of the entries that are fetched along with it.
        origin: where it lies.
        files: to fetch; empty where the Hub's listing has to be looked at, and for pages.
        about_bytes: size by the number of parameters, where none is published.
        settings: for the import.
        import_command: for what a person has to fetch.
        note: what else to know.
    """

    name: Name
    kind: Kind
    system: str = ""
    network: Line = ""
    labels: Line = ""
    sport: Line = ""
    rate: Annotated[str, Field(pattern=r"^\d+(/\d+)?$")] | None = None
    reads: Line
    use: Use
    missing: Line = ""
    scores: tuple[ReportedScore, ...] = ()
    scores_of: ScoresOf | None = None
    average: AverageOf | None = None
    licence: Annotated[str, Field(min_length=1, max_length=500)]
    commercial_use: Literal["allowed", "forbidden", "unstated"]
    training_data: Line
    training_data_licence: Annotated[str, Field(min_length=1, max_length=500)]
    needs: tuple[Name, ...] = ()
    origin: Origin
    files: tuple[CatalogueFile, ...] = ()
    about_bytes: Annotated[int, Field(gt=0)] | None = None
    settings: ImportSettings | None = None
    import_command: Line = ""
    note: Line = ""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Entry":
        if (self.use == "none") != bool(self.missing):
            raise ValueError("what cannot be used says what is missing, and nothing else does")
        if self.origin.kind == "page" and not self.import_command:
            raise ValueError("what is fetched by hand says how it is imported")
        if self.origin.kind in ("github", "release") and not self.files:
            raise ValueError("it has no files")
        if self.scores_of is not None and self.name not in self.scores_of.networks:
            raise ValueError("its scores are of other networks")
        if self.origin.kind != "hub" and any(file.checksum is None for file in self.files):
            raise ValueError("a file without a checksum")
        return self

    @property
    def is_by_hand(self) -> bool:
        """Whether only a browser can fetch it."""
        return self.origin.kind == "page"

    @property
    def can_be_pulled(self) -> bool:
        """Whether one command fetches and imports it."""
        return self.state == "pull"

    @property
    def state(self) -> State:
        """Whether one command fetches it, a person has to, or touchline cannot use it yet."""
        if self.missing:
            return "not yet"
        return "by hand" if self.is_by_hand else "pull"

    @property
    def command(self) -> str:
        """What brings it here."""
        return self.import_command if self.is_by_hand else pull_command(self.name)

    @property
    def size(self) -> int | None:
        """Bytes of its files: as published, else about; None where nothing is known."""
        known = [file.bytes for file in self.files]
        if known and None not in known:
            return sum(size for size in known if size is not None)
        return self.about_bytes

    @property
    def classes(self) -> int | None:
        """How many classes it finds; None where it has none, or only words for them."""
        if self.settings is not None and isinstance(self.settings.labels, tuple):
            return len(self.settings.labels)
        return len(LABEL_SETS[self.labels]) if self.labels in LABEL_SETS else None

    @property
    def source(self) -> str:
        """Where it comes from, in words that a person can follow."""
        first = f", {self.files[0].path}" if self.files else ""
        return f"{self.origin.where}{first}"

    @property
    def description(self) -> str:
        """What it is and what else to know, in a line."""
        return " ".join(part for part in (f"{self.network}.", self.note) if part != ".")

    @property
    def scored_networks(self) -> tuple[Name, ...]:
        """The names of the networks that its scores are of."""
        return (self.name,) if self.scores_of is None else self.scores_of.networks

    def reported(self, metric: Metric) -> float | None:
        """The first published figure by this metric, in percent."""
        return next((score.value for score in self.scores if score.metric == metric), None)


class Family(_Row):
    """Networks that belong together.

    Attributes:
        about: what they do.
        advice: whom they suit.
    """

    name: Name
    title: Line
    about: Line
    advice: Line
    entries: Annotated[tuple[Entry, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _with_what_is_common(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "common" not in values:
            return values
        rest = {key: value for key, value in values.items() if key != "common"}
        rest["entries"] = [{**values["common"], **entry} for entry in values["entries"]]
        return rest


class Catalogue(_Row):
    """All families, those for a first choice first."""

    format: Literal["touchline-catalogue"]
    version: Literal[1]
    families: tuple[Family, ...]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Catalogue":
        names = [entry.name for family in self.families for entry in family.entries]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{min(twice)} stands there twice")
        for family in self.families:
            for entry in family.entries:
                averaged = entry.average.networks if entry.average else ()
                if unknown := {*entry.needs, *entry.scored_networks, *averaged} - set(names):
                    raise ValueError(f"{entry.name} needs {min(unknown)}, which is no entry")
        return self


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue as it is shipped."""
    return Catalogue.model_validate_json(CATALOGUE_FILE.read_bytes())


def entries() -> Iterator[Entry]:
    """All entries, in the order of the catalogue."""
    for family in catalogue().families:
        yield from family.entries


def find_entry(name: str) -> Entry | None:
    """The entry of that name; None if there is none."""
    return next((entry for entry in entries() if entry.name == name), None)


def entry_of_file(path: Path) -> Entry | None:
    """The entry whose published weights a file is, by its checksum; None for any other file."""
    found = checksums_of(path)
    for entry in entries():
        for file in entry.files:
            if file.role == "weights" and file.checksum and agrees(found, file.checksum):
                return entry
    return None


def pull_command(name: str) -> str:
    """What fetches an entry."""
    return f"touchline models pull {name}"


def command_for_17_classes() -> str:
    """The command that brings the network to begin with, which knows 17 classes of real matches."""
    return pull_command(FIRST_CHOICE)


def finds_17_classes(entry: Entry) -> bool:
    """Whether it finds all actions of SoccerNet-v2."""
    return entry.labels == SOCCERNET_V2.name
