"""Cards are strict and forward-compatible; the store finds models and notices changed files."""

import json
from fractions import Fraction

import pytest

from touchline.errors import CheckpointError
from touchline.zoo import store
from touchline.zoo.cards import MAX_CARD_BYTES, read_card, write_card
from touchline.zoo.store import ModelFolder, find, list_models, sha256_of

CARD = {
    "format": "touchline-model",
    "version": 1,
    "name": "tiny",
    "system": "e2e-spot",
    "config": {"feature_arch": "rny002", "temporal_arch": "", "num_classes": 2, "clip_len": 8},
    "labels": {"name": "custom", "labels": ["b", "a"]},
    "rate": "25/12",
    "width": 398,
    "height": 224,
    "suppression": {"kind": "maximum", "window_seconds": 0.96},
    "files": {},
    "grown_later": {"kept": True},
}


def put(folder, card=None, **files: bytes):
    """A model folder with a card of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    sums = {n.replace("__", "."): sha256_of(folder / n.replace("__", ".")) for n in files}
    (folder / "card.json").write_text(json.dumps((card or CARD) | {"files": sums}))
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_card_survives_a_round_trip_with_fields_that_are_not_known(tmp_path):
    folder = put(tmp_path / "tiny")
    card = read_card(folder / "card.json")
    assert card.frame_rate == Fraction(25, 12)
    assert card.label_set.labels == ("b", "a")
    assert card.num_outputs == 3
    write_card(card, folder / "again.json")
    assert read_card(folder / "again.json") == card
    assert json.loads((folder / "again.json").read_text())["grown_later"] == {"kept": True}


@pytest.mark.parametrize(
    "change",
    [
        {"rate": "fast"},
        {"rate": 25},
        {"width": "398"},
        {"width": 0},
        {"height": 100_000},
        {"labels": {"name": "custom", "labels": ["a", "a"]}},
        {"labels": {"name": "custom", "labels": ["a", "b", "c"]}},
        {"labels": {"name": "custom", "labels": []}},
        {"name": "../up"},
        {"files": {"../outside.onnx": "0" * 64}},
        {"files": {"model.onnx": "short"}},
        {"suppression": {"kind": "wild", "window_seconds": 1.0}},
        {"version": 2},
        {"crop": 300},
        {"config": None},
    ],
)
def test_a_wrong_card_is_refused_in_one_line(tmp_path, change):
    (tmp_path / "card.json").write_text(json.dumps(CARD | change))
    with pytest.raises(CheckpointError, match="is not a model card") as caught:
        read_card(tmp_path / "card.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b" " * (MAX_CARD_BYTES + 1)]
)
def test_a_broken_card_is_refused(tmp_path, data):
    (tmp_path / "card.json").write_bytes(data)
    with pytest.raises(CheckpointError):
        read_card(tmp_path / "card.json")


def test_models_are_found_by_path_then_in_the_home_then_in_the_package(tmp_path, home, monkeypatch):
    monkeypatch.setattr(store, "_PACKAGED", tmp_path / "packaged")
    put(tmp_path / "packaged" / "tiny")
    put(tmp_path / "packaged" / "other")
    assert find("tiny").origin == "packaged"
    put(home / "models" / "tiny", model__safetensors=b"x")
    assert find("tiny").origin == "user"
    assert find(home / "models" / "tiny").origin == "path"
    assert find(home / "models" / "tiny" / "model.safetensors").path == home / "models" / "tiny"
    assert [(f.path.name, f.origin) for f in list_models()] == [
        ("tiny", "user"),
        ("other", "packaged"),
    ]


@pytest.mark.parametrize("name", ["nothing", "..", ".", "", "../x", "a/b", "\x00"])
def test_an_unknown_model_is_an_error_that_lists_those_known(home, name):
    put(home / "models" / "tiny")
    with pytest.raises(CheckpointError):
        find(name)
    with pytest.raises(CheckpointError, match=r"known models: .*tiny"):
        find("nothing")


def test_a_foreign_checkpoint_points_to_import(tmp_path):
    (tmp_path / "checkpoint_088.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="touchline models import"):
        find(tmp_path / "checkpoint_088.pt")


def test_a_changed_file_is_noticed(tmp_path):
    folder = find(put(tmp_path / "tiny", model__safetensors=b"weights"))
    assert folder.file("model.safetensors").read_bytes() == b"weights"
    (tmp_path / "tiny" / "model.safetensors").write_bytes(b"Weights")
    with pytest.raises(CheckpointError, match="checksum"):
        folder.file("model.safetensors")
    (tmp_path / "tiny" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        folder.file("model.safetensors")
    with pytest.raises(CheckpointError, match=r"no model\.onnx"):
        folder.file("model.onnx")


def test_onnx_must_not_reach_for_other_files(tmp_path):
    # Between two blocks of the reader, so that neither holds the whole word.
    data = b"\0" * ((1 << 20) - 4) + b"location" + b"\0" * 10
    folder = find(put(tmp_path / "tiny", model__onnx=data))
    with pytest.raises(CheckpointError, match="outside the file"):
        folder.file("model.onnx")


def test_broken_models_do_not_hide_the_others(home):
    put(home / "models" / "good")
    put(home / "models" / "bad")
    (home / "models" / "bad" / "card.json").write_text("{")
    assert [folder.path.name for folder in list_models() if folder.origin == "user"] == ["good"]


def test_the_layouts_of_onnx_files(tmp_path):
    card = find(put(tmp_path / "a", picture__onnx=b"1")).card
    assert ModelFolder(tmp_path, card).onnx_files == ()
    assert find(put(tmp_path / "b", picture__onnx=b"1", head__onnx=b"2")).onnx_files
