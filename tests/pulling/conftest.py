"""Published files on a server of this machine, as a mirror holds them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from extras import needs
from file_server import FileServer, serving
from places import place_of

from touchline.runtime import connections
from touchline.runtime.checksums import git_blob
from touchline.runtime.mirror import VARIABLE
from touchline.zoo import catalogue
from touchline.zoo.catalogue import Catalogue


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and no waiting between connections."""
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(connections, "FIRST_PAUSE_SECONDS", 0.001)
    return tmp_path / "home"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A running server that is the mirror of everything."""
    with serving() as running:
        monkeypatch.setenv(VARIABLE, running.address)
        yield running


Publish = Callable[..., str]


@pytest.fixture
def publish(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Put a stand-in for an entry's file on the server, with its checksum in the catalogue."""

    def put(name: str, data: bytes, number: int = 0, **changed: Any) -> str:
        document = json.loads(catalogue.catalogue().model_dump_json())
        for family in document["families"]:
            for row in family["entries"]:
                if row["name"] == name:
                    file = row["files"][number]
                    file.update({"checksum": git_blob(data), "bytes": None, **changed})
        made = Catalogue.model_validate(document)
        monkeypatch.setattr(catalogue, "catalogue", lambda: made)
        entry = catalogue.find_entry(name)
        assert entry is not None
        path = place_of(server, entry, number)
        server.files[path] = data
        return path

    return put


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that need no others."""
    document = json.loads(catalogue.catalogue().model_dump_json())
    for family in document["families"]:
        for row in family["entries"]:
            row["needs"] = []
    made = Catalogue.model_validate(document)
    monkeypatch.setattr(catalogue, "catalogue", lambda: made)


@pytest.fixture
def stand_ins(publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ResNet-152 and its PCA, of random numbers and small."""
    needs("h5py")
    from published_files import keras_file, write_pca_pickles

    from touchline.importers import extractors

    monkeypatch.setattr(extractors, "RESNET152_DEPTHS", (1, 1, 1, 1))
    made = tmp_path / "made"
    made.mkdir()
    weights = keras_file(made / "resnet152.h5", (1, 1, 1, 1), classifier=False)
    publish("resnet152", weights.read_bytes())
    for number, path in enumerate(write_pca_pickles(made, 2048, 512)):
        publish("resnet152-pca512", path.read_bytes(), number)
