"""``touchline models pull org/name``: one checkpoint, chosen before anything is fetched."""

import hashlib
import io
import json

import pytest
from extras import needs

needs("torch")
needs("timm")
needs("huggingface_hub")

import torch  # noqa: E402
from model_folders import small_network, write_folder  # noqa: E402

from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig  # noqa: E402
from touchline.runtime.checksums import git_blob  # noqa: E402
from touchline.zoo.store import find  # noqa: E402

CONFIG = b"DATA: {classes: [PASS, DRIVE], input_fps: 25, extract_fps: 25}"


def ball():
    torch.manual_seed(0)
    held = io.BytesIO()
    network = E2ESpot(E2ESpotConfig("rn18_gsm", "gru", 2))
    torch.save({"model_state_dict": network.state_dict()}, held)
    return held.getvalue()


@pytest.fixture
def hold(server):
    """Make the server's hub hold a repository."""

    def put(name, files, **details):
        siblings = []
        for path, data in files.items():
            row = {"rfilename": path, "size": len(data)}
            row["blobId"] = git_blob(data).partition(":")[2]
            if path.endswith((".pt", ".tar", ".safetensors")):
                sha256 = hashlib.sha256(data).hexdigest()
                row["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 130}
            siblings.append(row)
            server.files[f"/huggingface.co/{name}/resolve/{'0' * 40}/{path}"] = data
        info = {"id": name, "sha": "0" * 40, "siblings": siblings, "tags": [], **details}
        api = f"/huggingface.co/api/models/{name}/revision/main"
        server.files[api] = json.dumps(info).encode()

    return put


def fetched(server):
    """The names of the files whose content was asked for."""
    asked = {path for method, path, _ in server.asked if method == "GET"}
    return {path.rpartition("/")[2] for path in asked if "/resolve/" in path}


def test_a_short_name_is_imported_with_its_configuration(call, hold, server):
    files = {"best/weights.pth.tar": ball(), "best/config.yaml": CONFIG, "a.png": b"a"}
    hold("OpenSportsLab/OSL-loc-snbas-2023-e2e", files)
    ended = call("models", "pull", "osl-ball-2023", "--no-onnx")
    assert ended.code == 0, ended
    assert ended.err.count("licence of osl-ball-2023: AGPL-3.0") == 1
    card = find("osl-ball-2023").card
    assert card.labels.labels == ("PASS", "DRIVE") and card.rate == "25/1"
    assert card.licence == "AGPL-3.0" and card.source.endswith("OSL-loc-snbas-2023-e2e")
    assert fetched(server) == {"weights.pth.tar", "config.yaml"}
    server.asked.clear()
    assert "is here already" in call("models", "pull", "osl-ball-2023").err and not server.asked


@pytest.mark.parametrize("count", [0, 2, 20])
def test_nothing_is_fetched_where_no_single_checkpoint_is(refused, hold, server, count, home):
    files = {f"epoch_{number}.pt": b"x" * 5_000_000 for number in range(count)}
    hold("somebody/several", {**files, "README.md": b"x", "optim_019.pt": b"x"})
    line = refused("models", "pull", "somebody/several")
    assert "nothing was fetched" in line and fetched(server) == set()
    if count:
        assert f"holds {count} checkpoints" in line and "epoch_0.pt (5.0 MB)" in line
        assert "touchline models pull somebody/several --file epoch_0.pt" in line
    assert not home.exists() or not any(home.rglob("*"))


def test_one_of_several_is_chosen(call, refused, hold, server):
    files = {"seeds/1.pt": b"x", "seeds/2.pt": ball(), "config.yaml": CONFIG}
    hold("somebody/several", files)
    ended = call("models", "pull", "somebody/several", "--file", "2.pt", "--no-onnx")
    assert ended.code == 0 and fetched(server) == {"2.pt", "config.yaml"}, ended
    assert find("several").card.labels.labels == ("PASS", "DRIVE")
    hold("somebody/other", files)
    line = refused("models", "pull", "somebody/other", "--file", "3.pt")
    assert "holds 0 files '3.pt'" in line and "seeds/1.pt" in line
    line = refused("models", "pull", "somebody/other", "somebody/several", "--file", "1.pt")
    assert "name one model" in line


def test_a_model_of_our_own_comes_with_what_its_card_names(call, refused, hold, home, tmp_path):
    folder = write_folder(tmp_path / "tiny", small_network("rny002", "")).path
    files = {path.name: path.read_bytes() for path in folder.iterdir()} | {"stray.pt": b"x"}
    hold("somebody/tiny.model", files, cardData={"license": "cc-by-nc-4.0"})
    ended = call("models", "pull", "somebody/tiny.model")
    assert ended.code == 0, ended
    assert "cc-by-nc-4.0; commercial use is forbidden" in ended.err
    assert sorted(p.name for p in (home / "models/tiny.model").iterdir()) == sorted(files)[:2]
    assert "another model is there already" in refused("models", "pull", "somebody/tiny.model")
    damaged = {**files, "model.safetensors": b"x"}
    hold("somebody/damaged", damaged)
    assert "checksum" in refused("--quiet", "models", "pull", "somebody/damaged")
    assert sorted(p.name for p in (home / "models").iterdir()) == ["tiny.model"]
    del files["model.safetensors"]
    hold("somebody/partly", files)
    assert "has no model.safetensors" in refused("models", "pull", "somebody/partly")


def test_a_file_that_is_not_as_listed_is_refused(refused, hold, server, home):
    hold("somebody/ball", {"a.pt": ball(), "config.yaml": CONFIG})
    place = next(path for path in server.files if path.endswith("a.pt"))
    server.files[place] = server.files[place][:-1] + b"x"
    assert "is not the published file" in refused("--quiet", "models", "pull", "somebody/ball")
    assert not (home / "models").exists() and not (home / "downloads").exists()


@pytest.mark.parametrize("path", ["../up.pt", "/etc/up.pt", "a/../../up.pt"])
def test_a_listing_that_leaves_its_folder_is_refused(refused, hold, server, path):
    hold("somebody/evil", {path: b"x"})
    assert "is not a place in a folder" in refused("models", "pull", "somebody/evil")
    assert fetched(server) == set()


def test_what_cannot_be_had_is_one_line(refused, server, monkeypatch):
    line = refused("models", "pull", "somebody/gone")
    assert "is not on the Hugging Face Hub" in line and "hf auth login" in line
    line = refused("models", "pull", "not a name")
    assert "touchline models list" in line
    monkeypatch.setenv("TOUCHLINE_MIRROR", "http://127.0.0.1:9")
    assert "no answer from the Hugging Face Hub" in refused("models", "pull", "somebody/thing")


def test_a_repository_lies_in_a_mirror_folder(call, refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_MIRROR", str(tmp_path))
    assert "is not in the mirror" in refused("models", "pull", "somebody/ball")
    folder = tmp_path / "somebody/ball"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/x.pt").write_bytes(b"x")
    (folder / "a.pt").write_bytes(ball())
    (folder / "config.yaml").write_bytes(CONFIG)
    assert call("models", "pull", "somebody/ball", "--no-onnx").code == 0
    assert find("ball").card.source == "https://huggingface.co/somebody/ball"
