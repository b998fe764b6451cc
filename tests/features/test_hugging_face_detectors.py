"""Detectors of Hugging Face: read from a folder, without the network and without pickles."""

from pathlib import Path

import numpy as np
import pytest
from extras import needs

from touchline.errors import CheckpointError, ConfigError
from touchline.features.detector import PERSON, open_detector
from touchline.features.extractor import DEFAULT_PLACEMENT, Placement

needs("transformers")

pytestmark = pytest.mark.slow

LABELS = {0: "sports ball", 1: "person", 2: "N/A"}
PICTURES = np.random.default_rng(0).integers(0, 255, (5, 32, 64, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A tiny YOLOS that is sure to see a person amid every picture."""
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    path = tmp_path_factory.mktemp("hub") / "tiny"
    torch.manual_seed(0)
    config = YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[32, 64],
        num_detection_tokens=5,
        id2label=LABELS,
        label2id={label: number for number, label in LABELS.items()},
    )
    network = YolosForObjectDetection(config)
    with torch.no_grad():
        network.class_labels_classifier.layers[-1].bias[1] = 9.0
    network.save_pretrained(path)
    YolosImageProcessor(size={"shortest_edge": 32, "longest_edge": 64}).save_pretrained(path)
    return path


def test_a_folder_is_read_without_the_network(folder):
    detector = open_detector(f"hf:{folder}", None, DEFAULT_PLACEMENT)
    assert detector.network.name.startswith("torch")
    assert detector.settings == {"layout": "yolos", "classes": "ball=0,person=1"}
    assert detector.network.picture_size((96, 64)) == (96, 64)
    assert detector.network.picture_size((2666, 1333)) == (1333, 666)
    found = detector.detect(PICTURES)
    assert len(found) == len(PICTURES)
    for seen in found:  # all tokens see about the same, which is said once
        assert seen.kinds.tolist() == [PERSON] and seen.confidence[0] > 0.9
        np.testing.assert_allclose(seen.corners[0], (0.25, 0.25, 0.75, 0.75), atol=0.05)
    alone = detector.detect(PICTURES[3:4])
    np.testing.assert_allclose(alone[0].corners, found[3].corners, atol=1e-5)
    again = open_detector(f"hf:{folder}", None, Placement(threads=1))
    assert again.network.digest == detector.network.digest


def test_what_is_no_detector_is_refused(folder, tmp_path):
    with pytest.raises(CheckpointError, match="there is no such folder"):
        open_detector(f"hf:{tmp_path}/none", None, DEFAULT_PLACEMENT)
    with pytest.raises(CheckpointError, match="no detector to read here"):
        open_detector(f"hf:{tmp_path}", None, DEFAULT_PLACEMENT)
    with pytest.raises(CheckpointError, match="no detector to read here"):
        open_detector("hf:no such/name", None, DEFAULT_PLACEMENT)
    with pytest.raises(ConfigError, match="no class of people"):
        open_detector(f"hf:{folder}", "ball", DEFAULT_PLACEMENT)
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (pickled / name).write_bytes((folder / name).read_bytes())
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle would be here")
    with pytest.raises(CheckpointError, match="no detector to read here"):
        open_detector(f"hf:{pickled}", None, DEFAULT_PLACEMENT)
    damaged = (folder / "model.safetensors").read_bytes()[:200]
    (pickled / "model.safetensors").write_bytes(damaged)
    with pytest.raises(CheckpointError, match="no detector to read here"):
        open_detector(f"hf:{pickled}", None, DEFAULT_PLACEMENT)
