"""``touchline models pull``: whole, checked, with what is needed, or one line and nothing."""

import hashlib
import io
import json
import shutil
from pathlib import Path

import pytest
from extras import needs

needs("torch")
needs("timm")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from places import place_of  # noqa: E402
from published_files import sklearn_pickle, write_pca_pickles  # noqa: E402
from small_videos import write_video  # noqa: E402

from touchline.cli import pulling as conversation  # noqa: E402
from touchline.features.stored_pca import list_pcas, store_pca  # noqa: E402
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig  # noqa: E402
from touchline.pulling import plans  # noqa: E402
from touchline.zoo import catalogue  # noqa: E402
from touchline.zoo.store import find  # noqa: E402

CHECKPOINTS = Path(__file__).parents[2].parent / "shared/data/checkpoints"
PUBLISHED = {
    "maxpool-v1": "sn-spotting_Pooling_MAXPOOL_v1.pth.tar",
    "maxpool-v2": "sn-spotting_Pooling_MAXPOOL_v2.pth.tar",
    "netvlad-v1": "sn-spotting_Pooling_NETVLAD_v1.pth.tar",
    "calf-keras": "context-aware-loss_soccernet_trained_weights_resnet_pca512.h5",
    "calf-grounding": "sn-grounding_CALF_v2_trained.pth.tar",
    "calf-grounding-negatives": "sn-grounding_CALF_v2_more_negative_trained.pth.tar",
}


def saved(document):
    held = io.BytesIO()
    torch.save(document, held)
    return held.getvalue()


def e2e_spot(classes=17):
    torch.manual_seed(0)
    return saved(E2ESpot(E2ESpotConfig("rny002_gsm", "gru", classes)).state_dict())


def calf():
    torch.manual_seed(0)
    config = CALFConfig(num_classes=17, slots=3, clip_steps=32, receptive_steps=16)
    return saved({"state_dict": CALF(config).state_dict(), "epoch": 3})


def left_in(home):
    """Every file of the user's folder; a pull that failed leaves none but what goes on."""
    return sorted(p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file())


@pytest.fixture
def published(server):
    """Put a real published checkpoint on the server, where its entry says that it lies."""

    def put(name, change=lambda data: data):
        path = CHECKPOINTS / PUBLISHED[name]
        if not path.is_file():
            pytest.skip("the published checkpoints are not here")
        place = place_of(server, catalogue.find_entry(name))
        server.files[place] = change(path.read_bytes())
        return place

    return put


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_checkpoint_is_pulled_through_an_interruption(
    call, server, published, alone, home, name
):
    place = published(name)
    size = len(server.files[place])
    server.cuts[place] = [size // 2]
    ended = call("models", "pull", name, "--yes", "--json")
    assert ended.code == 0, ended
    assert server.fetched(place) == [None, f"bytes={size // 2}-"]
    entry = catalogue.find_entry(name)
    pulled = [row["name"] for row in json.loads(ended.out)["pulled"]]
    assert pulled == [*entry.needs, name]
    card = find(name).card
    assert card.system == entry.system and card.source == entry.source
    assert (
        card.licence == entry.licence and "not be used commercially" in card.training_data_licence
    )
    assert not (home / "downloads").exists()
    again = call("models", "pull", name, "--json")
    assert json.loads(again.out) == {"pulled": [], "here": [*entry.needs, name]}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_checkpoint_with_a_changed_byte_is_refused(
    refused, published, alone, home, name
):
    published(name, lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:])
    line = refused("--quiet", "models", "pull", name, "--yes")
    assert "is not the published file" in line and "removed unopened" in line
    assert left_in(home) == []


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_checkpoint_that_is_cut_short_is_refused(refused, published, alone, home, name):
    published(name, lambda data: data[:-1])
    line = refused("--quiet", "models", "pull", name, "--yes")
    assert "bytes, the published file" in line and "touchline models import" in line
    assert left_in(home) == []


@pytest.mark.slow
def test_one_command_brings_a_model_that_spots(call, publish, tmp_path):
    publish("e2e-spot-soccer", e2e_spot())
    ended = call("models", "pull", "e2e-spot-soccer")
    assert ended.code == 0, ended
    assert ended.err.count("licence of e2e-spot-soccer: none stated with the weights") == 1
    assert "its videos may not be used commercially" in ended.err
    card = find("e2e-spot-soccer").card
    assert card.labels.labels[:2] == ("Ball out of play", "Clearance")  # the published order
    assert (card.rate, card.width, card.height, card.crop) == ("25/12", 398, 224, None)
    assert card.metrics["loose, SoccerNet-v2 test"] == 0.7405
    video = write_video(tmp_path / "match.mp4", 100)
    ended = call("spot", video, "--model", "e2e-spot-soccer", "--json")
    assert ended.code == 0 and json.loads(ended.out)["made"] == 1, ended


def test_labels_rate_and_crop_come_from_the_catalogue(call, publish):
    publish("e2e-spot-tennis-small", e2e_spot(classes=6))
    assert call("models", "pull", "e2e-spot-tennis-small", "--no-onnx").code == 0
    card = find("e2e-spot-tennis-small").card
    assert card.labels.labels == catalogue.find_entry("e2e-spot-tennis-small").settings.labels
    assert (card.rate, card.crop, card.config["clip_len"]) == ("25/1", 224, 100)


@pytest.mark.slow
def test_spot_says_the_command_or_pulls(call, refused, publish, tmp_path):
    video = write_video(tmp_path / "match.mp4", 60)
    line = refused("spot", video, "--model", "soccer")
    assert "run: touchline models pull e2e-spot-soccer" in line
    line = refused("spot", video, "--model", "e2e-spot-soccer-small")
    assert "run: touchline models pull e2e-spot-soccer-small" in line
    publish("e2e-spot-soccer-small", e2e_spot())
    for _ in range(2):  # the second time it is here
        ended = call("spot", video, "--model", "e2e-spot-soccer-small", "--pull", "--json")
        assert ended.code == 0, ended
    events = json.loads((tmp_path / "match.events.json").read_text())
    ended = call("spot", video, "--model", "soccer", "-o", tmp_path / "soccer")
    assert ended.code == 0, ended
    best = json.loads((tmp_path / "soccer/match.events.json").read_text())
    assert best["model"] == events["model"]
    line = refused("spot", video, "--model", "soccerhigh-small", "--pull")
    assert "cannot use it yet" in line


@pytest.mark.slow
def test_calf_brings_what_it_needs_and_spots_a_plain_video(
    call, publish, stand_ins, tmp_path, home
):
    publish("calf", calf())
    ended = call("models", "pull", "calf", "--yes")
    assert ended.code == 0, ended
    lines = [line.partition(":")[0] for line in ended.out.splitlines()]
    assert lines == ["resnet152", "resnet152-pca512", "calf"]
    video = write_video(tmp_path / "match.mp4", 500)
    ended = call("spot", video, "--model", "calf", "--json")
    assert ended.code == 0 and json.loads(ended.out)["made"] == 1, ended
    listed = json.loads(call("models", "list", "--json").out)
    assert not {"calf", "resnet152", "resnet152-pca512"} & {
        row["name"] for row in listed["to_pull"]
    }


def test_only_what_is_missing_is_fetched(call, publish, stand_ins, server):
    publish("calf", calf())
    assert call("models", "pull", "calf", "--no-onnx").code == 0
    server.asked.clear()
    place = publish("calf-se", calf())
    ended = call("models", "pull", "calf-se", "calf", "--json")
    assert {path for _, path, _ in server.asked} == {place}
    assert json.loads(ended.out)["here"] == ["resnet152", "resnet152-pca512", "calf"]


@pytest.mark.slow
def test_another_pca_beside_it_is_no_trouble(call, publish, stand_ins, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    pca, average = write_pca_pickles(other, 2048, 512)
    rng = np.random.default_rng(9)
    components = np.linalg.qr(rng.normal(size=(2048, 512)))[0].T.astype(np.float32)
    fitted = {"components_": components, "mean_": np.zeros(2048, np.float32), "whiten": False}
    pca.write_bytes(sklearn_pickle(fitted, "sklearn.decomposition.pca", 4))
    theirs = store_pca(pca, average)
    publish("calf", calf())
    assert call("models", "pull", "calf", "--yes").code == 0
    assert len(list(list_pcas())) == 2
    assert find("calf").card.features.identity.settings["pca"] not in ("published", theirs.origin)
    video = write_video(tmp_path / "match.mp4", 500)
    assert call("spot", video, "--model", "calf").code == 0


@pytest.mark.parametrize("model", ["soccer", "auto"])
def test_names_that_choose_a_model_pull_one_where_none_is(publish, model):
    publish("e2e-spot-soccer", e2e_spot())
    conversation.pull_if_absent(model)
    assert find("e2e-spot-soccer").card.training_data == "real"
    conversation.pull_if_absent(model)  # nothing: another pull would be refused or asked


def test_a_large_pull_is_asked_about(call, refused, publish, monkeypatch, home):
    publish("e2e-spot-soccer", e2e_spot())
    monkeypatch.setattr(conversation, "ASKED_ABOVE_BYTES", 1_000_000)
    line = refused("--quiet", "models", "pull", "e2e-spot-soccer")
    assert "this fetches 18.1 MB" in line
    assert "run: touchline models pull e2e-spot-soccer --yes" in line and left_in(home) == []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(conversation.typer, "confirm", lambda text, err: False)
    assert call("models", "pull", "e2e-spot-soccer").code == 0 and left_in(home) == []
    monkeypatch.setattr(conversation.typer, "confirm", lambda text, err: True)
    assert call("models", "pull", "e2e-spot-soccer", "--no-onnx").code == 0
    assert find("e2e-spot-soccer").origin == "user"


def test_weights_of_another_shape_are_refused_and_leave_nothing(refused, publish, home):
    publish("e2e-spot-soccer", e2e_spot(classes=5))
    line = refused("--quiet", "models", "pull", "e2e-spot-soccer")
    assert "e2e-spot-models" in line and "the weights have 5 classes" in line
    assert "touchline models import checkpoint_140.pt" in line and left_in(home) == []
    publish("e2e-spot-soccer", saved({"what": torch.ones(2)}))
    assert "no known network" in refused("--quiet", "models", "pull", "e2e-spot-soccer")
    assert left_in(home) == []


def test_an_address_that_is_gone_says_how_to_go_on(refused, server, stand_ins, home):
    line = refused("models", "pull", "e2e-spot-soccer")
    assert "HTTP 404" in line
    assert "touchline models import checkpoint_140.pt --name e2e-spot-soccer" in line
    server.files.clear()
    line = refused("models", "pull", "vggish")
    assert line.endswith("touchline models import vggish-10086976.pth\n")
    assert left_in(home) == []


def test_a_login_page_in_place_of_the_file_is_one_line(refused, server, publish):
    server.pages.add(publish("e2e-spot-soccer", e2e_spot()))
    line = refused("models", "pull", "e2e-spot-soccer")
    assert "a web page instead of the file" in line and "touchline models import" in line


def test_no_connection_is_one_line(refused, monkeypatch, home):
    monkeypatch.setenv("TOUCHLINE_MIRROR", "http://127.0.0.1:9")
    line = refused("models", "pull", "e2e-spot-soccer")
    assert "no answer from 127.0.0.1:9" in line and "check the connection" in line
    assert left_in(home) == []


def test_what_an_import_needs_is_said_before_anything_is_asked(refused, server, monkeypatch):
    monkeypatch.setattr(plans.importlib.util, "find_spec", lambda name: None)
    line = refused("models", "pull", "e2e-spot-soccer")
    assert "pip install 'touchline[torch]'" in line and server.asked == []


def test_what_only_a_browser_opens_is_told_in_full(refused, server):
    line = refused("models", "pull", "tdeed-team")
    assert "https://drive.google.com/drive/folders/16IqSkctIGp76ZYKKvJvMB_ggHcQsessM" in line
    assert "checkpoint_best.pt" in line and "touchline models import checkpoint_best.pt" in line
    assert "safetensors" in refused("models", "pull", "dense-anchors")
    assert server.asked == []


def test_a_large_file_of_git_is_followed_by_its_pointer(call, refused, publish, server, home):
    data = e2e_spot()
    sha256 = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(data)}\n"
    place = publish("e2e-spot-soccer", pointer.encode())
    large = place.replace("raw.githubusercontent.com", "media.githubusercontent.com/media")
    server.files[large] = data
    for other in (pointer.replace("size", "size "), pointer.replace(sha256[:4], "0000")):
        server.files[place] = other.encode()
        assert "is not the published file" in refused(
            "--quiet", "models", "pull", "e2e-spot-soccer"
        )
    assert server.fetched(large) == []
    server.files[place] = pointer.encode()
    server.files[large] = data[:-1] + b"x"
    assert "is not the published file" in refused("--quiet", "models", "pull", "e2e-spot-soccer")
    server.files[large] = data
    assert call("models", "pull", "e2e-spot-soccer", "--no-onnx").code == 0
    assert find("e2e-spot-soccer").card.width == 398


def test_a_folder_is_a_mirror(call, refused, publish, server, tmp_path, monkeypatch):
    place = publish("e2e-spot-soccer", e2e_spot())
    folder = tmp_path / "mirror"
    file = folder / place.removeprefix("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(server.files[place])
    monkeypatch.setenv("TOUCHLINE_MIRROR", str(folder))
    assert call("models", "pull", "e2e-spot-soccer", "--no-onnx").code == 0
    clone = folder / "jhong93/e2e-spot-models/soccer_rny002gsm_gru_rgb/checkpoint_088.pt"
    clone.parent.mkdir(parents=True)
    clone.write_bytes(publish_small := e2e_spot() + b" ")
    line = refused("--quiet", "models", "pull", "e2e-spot-soccer-small")
    assert "is not the published file" in line and clone.read_bytes() == publish_small
    monkeypatch.setenv("TOUCHLINE_MIRROR", str(tmp_path / "gone"))
    assert "TOUCHLINE_MIRROR" in refused("models", "pull", "e2e-spot-soccer-small")


def test_a_model_of_the_same_name_is_not_touched(call, refused, publish, server, tmp_path, home):
    (tmp_path / "mine.pt").write_bytes(e2e_spot())
    name = "e2e-spot-soccer"
    assert call("models", "import", tmp_path / "mine.pt", "--name", name, "--no-onnx").code == 0
    before = left_in(home)
    assert "another model is there already" in refused("models", "pull", name)
    assert left_in(home) == before and server.asked == []
    shutil.rmtree(home / "models" / name)
    (home / "models" / name).mkdir()
    assert "another model is there already" in refused("models", "pull", name)


def test_a_published_file_is_known_when_it_is_imported_by_hand(call, publish, tmp_path):
    data = e2e_spot()
    publish("e2e-spot-soccer", data)
    (tmp_path / "any name.pt").write_bytes(data)
    ended = call("models", "import", tmp_path / "any name.pt", "--no-onnx", "--json")
    assert json.loads(ended.out)["name"] == "e2e-spot-soccer"
    assert json.loads(call("models", "pull", "e2e-spot-soccer", "--json").out)["here"]
    assert "SoccerNet" in find("e2e-spot-soccer").card.training_data_licence


def test_a_full_disk_ends_in_one_line(refused, publish, monkeypatch, home):
    from touchline.runtime import fetch

    publish("e2e-spot-soccer", e2e_spot())
    small = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: small)
    assert "too full" in refused("--quiet", "models", "pull", "e2e-spot-soccer")
    assert left_in(home) == []


def test_catalogue_is_listed_and_shown(call, refused):
    listed = json.loads(call("models", "list", "--json").out)["to_pull"]
    assert {row["name"] for row in listed} == {entry.name for entry in catalogue.entries()}
    text = call("models", "list").out
    for entry in catalogue.entries():
        assert f"  {entry.name} " in text
        if entry.missing:
            assert f"not yet: {entry.missing}" in text
    shown = call("models", "show", "calf").out
    assert "loose 41.61" in shown and "git-blob-sha1:a132f187" in shown
    assert "touchline models pull calf" in shown
    found = json.loads(call("models", "show", "calf", "--json").out)["catalogue"]
    assert found["needs"] == ["resnet152", "resnet152-pca512"] and found["state"] == "pull"
    assert "names those that can be pulled" in refused("models", "show", "nobody")
