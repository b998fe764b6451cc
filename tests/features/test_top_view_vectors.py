"""Vectors that describe top views: a file as published, whatever made the weights."""

import json
import shutil
from fractions import Fraction

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
timm = needs("timm")

from touchline.batch.features import plan_extraction  # noqa: E402
from touchline.errors import ConfigError, FormatError, InputError  # noqa: E402
from touchline.features.extractor import Placement  # noqa: E402
from touchline.features.extractors import ExtractorSpec, open_extractor  # noqa: E402
from touchline.features.store import write_features  # noqa: E402
from touchline.features.top_view import TopView  # noqa: E402
from touchline.features.top_view_vectors import SUFFIX, enlarge, open_top_view  # noqa: E402
from touchline.formats.player_boxes import (  # noqa: E402
    Calibration,
    PlayerBoxes,
    calibration_document,
    calibration_name,
    player_boxes_document,
    player_boxes_name,
)
from touchline.pulling.extractors import open_with_weights  # noqa: E402

FLOAT32 = Placement(precision="fp32")

BIRD = np.array([[2.0, 0, 105], [0, 2, 68], [0, 0, 1]])


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    return timm.create_model("resnet34", num_classes=10).state_dict()


@pytest.fixture(scope="module")
def extractor(weights, tmp_path_factory):
    """The extractor with weights out of a file, in a zoo of its own."""
    folder = tmp_path_factory.mktemp("zoo")
    torch.save(weights, folder / "resnet34.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_HOME", str(folder))
        yield open_with_weights(
            ExtractorSpec(f"top-view@{folder / 'resnet34.pth'}", placement=FLOAT32)
        )


@pytest.fixture(scope="module")
def game(tmp_path_factory):
    """Five entries, of which the second and fourth are not calibrated."""
    folder = tmp_path_factory.mktemp("game")
    calibration = Calibration((210, 136), np.array([1, 0, 1, 0, 1.0]), np.repeat(BIRD[None], 5, 0))
    corners = np.array([[100, 50, 106, 68], [20, 30, 26, 48], [150, 90, 156, 108.0]])
    boxes = PlayerBoxes((210, 136), np.array([0, 1, 1, 2, 2, 3]), corners, np.full((3, 3), 200.0))
    (folder / calibration_name(1)).write_text(json.dumps(calibration_document(calibration)))
    (folder / player_boxes_name(1)).write_text(json.dumps(player_boxes_document(boxes)))
    return folder


def test_a_file_as_published(game, extractor, tmp_path):
    assert extractor.suffix == SUFFIX
    path = tmp_path / f"1_{SUFFIX}.npy"
    described = write_features(path, extractor, game / calibration_name(1))
    rows = np.load(path, allow_pickle=False)
    assert rows.shape == (5, 512) and rows.dtype == np.float32
    assert described.rate == 2 and described.first_seconds == 0
    assert np.array_equal(rows[1], rows[3])
    assert not np.allclose(rows[0], rows[2]) and not np.allclose(rows[0], rows[1])


def test_a_row_is_what_the_network_says_of_its_view(game, extractor, weights):
    view = open_top_view(game / "1_224p.mkv")
    assert isinstance(view, TopView)
    rows: list[np.ndarray] = []
    extractor.extract(game / "1_224p.mkv", rows.append, lambda share: None)
    network = timm.create_model("resnet34", num_classes=0).eval()
    network.load_state_dict({k: v for k, v in weights.items() if not k.startswith("fc.")})
    picture = torch.from_numpy(enlarge(view.read(2, 1)[0]).copy()).permute(2, 0, 1)[None] / 255
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    normal = (picture - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
    with torch.inference_mode():
        expected = network(normal)[0].numpy()
    np.testing.assert_allclose(np.concatenate(rows)[2], expected, rtol=1e-3, atol=1e-4)


def test_the_middle_is_enlarged_eightfold():
    view = np.zeros((3, 32, 64), np.uint8)
    view[:, 16, 32] = 255
    picture = enlarge(view)
    assert picture.shape == (224, 224, 3)
    rows, columns = np.nonzero(picture[..., 0] > 127)
    assert rows.min() >= 16 * 8 - 16 and rows.max() < 17 * 8 - 16
    assert columns.min() >= 32 * 8 - 144 and columns.max() < 33 * 8 - 144


def test_another_rate_is_refused(extractor, tmp_path):
    with pytest.raises(ConfigError, match="2 a second"):
        open_extractor(ExtractorSpec("top-view", rate=Fraction(25)))


def test_a_half_without_files_is_refused(game, extractor, tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        write_features(tmp_path / "x.npy", extractor, game / "2_224p.mkv")
    stranger = tmp_path / "match.mkv"
    shutil.copy(game / calibration_name(1), stranger)
    with pytest.raises(FormatError, match="state the half"):
        write_features(tmp_path / "x.npy", extractor, stranger)
    assert list(tmp_path.iterdir()) == [stranger]


def test_a_dataset_needs_no_videos(game, tmp_path):
    folder = tmp_path / "league" / "season" / "game"
    shutil.copytree(game, folder)
    spec = ExtractorSpec("top-view")
    assert [task.path(_Named()) for task in plan_extraction(tmp_path, [spec])] == [
        folder / f"1_{SUFFIX}.npy"
    ]
    [task] = plan_extraction(folder / calibration_name(1), [spec], out=tmp_path)
    assert task.path(_Named()) == tmp_path / f"1_{SUFFIX}.npy"
    with pytest.raises(InputError, match="video"):
        plan_extraction(tmp_path, [spec, ExtractorSpec("log-mel")])


class _Named:
    suffix = SUFFIX
