"""An int8 variant is made of a model, compared with it, and left nowhere half-made."""

import shutil
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")
needs("onnx")

from model_folders import small_network, write_folder  # noqa: E402
from small_videos import write_video  # noqa: E402

from touchline.engines import open_engine  # noqa: E402
from touchline.engines.export import export_onnx  # noqa: E402
from touchline.errors import CheckpointError, ConfigError, InputError, MissingExtraError  # noqa: E402
from touchline.models.tdeed import TDEED, TDEEDConfig  # noqa: E402
from touchline.spotting import quantizing as module  # noqa: E402
from touchline.spotting.quantizing import SimulatedPictures, quantize  # noqa: E402
from touchline.zoo.cards import CARD_FILE, CardLabels, write_card  # noqa: E402
from touchline.zoo.store import find  # noqa: E402

LITTLE = SimulatedPictures(24, 24, 1)
FOOTBALL = ("Kick-off", "Ball out of play", "Throw-in")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def networks():
    return {
        "pictures": lambda: small_network("rny002", "gru"),
        "windows": lambda: small_network("rny002_gsm", "gru", 20),
        "maps": lambda: TDEED(TDEEDConfig("rny002_gsf", 3, 34, 1, 3, 2)).eval(),
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    @cache
    def folder(kind: str):
        path = tmp_path_factory.mktemp("exported") / kind
        overlap = 0.75 if kind == "maps" else None
        return export_onnx(write_folder(path, networks()[kind](), overlap=overlap))

    return folder


@pytest.fixture
def model(exported, tmp_path):
    def made(kind: str = "pictures", labels: tuple[str, ...] = FOOTBALL):
        path = tmp_path / "model"
        folder = exported(kind)
        shutil.copytree(folder.path, path)
        card = folder.card.model_copy(update={"labels": CardLabels(name="custom", labels=labels)})
        write_card(card, path / CARD_FILE)
        return find(path)

    return made


def contents(folder: Path):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", networks())
def test_round_trip(model, tmp_path, kind):
    needs("nncf")
    folder = model(kind)
    video = write_video(tmp_path / "a.mp4", 250, sound=False)
    made = quantize(folder, [video], simulated=LITTLE)
    assert made.comparison.steps > 0 and made.comparison.average_map is not None
    assert set(made.trial.seconds) >= {"fp32", "int8"}
    again = find(tmp_path / "model")
    assert list(again.int8_files) == [name for name in again.onnx_files if name != "head.onnx"]
    assert list(again.card.files)[: len(folder.card.files)] == list(folder.card.files)
    engines = [
        open_engine(again, engine="openvino", precision=precision) for precision in ("fp32", "int8")
    ]
    frames = np.random.default_rng(0).integers(
        0, 256, (1, engines[0].clip_len, 48, 64, 3), dtype=np.uint8
    )
    valid = np.ones(frames.shape[:2], np.float32)
    exact, coarse = (engine.logits(frames, valid) for engine in engines)
    assert not np.array_equal(exact, coarse)
    np.testing.assert_allclose(coarse, exact, atol=0.5 * np.ptp(exact))
    again.file(again.int8_files[again.onnx_files[0]][1])
    assert not [path for path in again.path.iterdir() if path.name.startswith(".")]


def test_a_copy_leaves_the_model_as_it_is(model, tmp_path):
    needs("nncf")
    folder = model(labels=("a", "b", "c"))
    before = contents(folder.path)
    videos = [write_video(tmp_path / f"{n}.mp4", 100, sound=False) for n in range(3)]
    made = quantize(folder, videos, tmp_path / "copy")
    assert made.comparison.average_map is None
    assert contents(folder.path) == before
    copy = find(tmp_path / "copy")
    assert copy.int8_files
    for name in copy.card.files:
        copy.file(name)


def test_what_costs_too_much_leaves_nothing(model, tmp_path, monkeypatch):
    needs("nncf")
    folder = model()
    before = contents(folder.path)
    monkeypatch.setattr(module, "MAX_LOST_POINTS", -1)
    with pytest.raises(CheckpointError, match=r"points of average mAP .* nothing was written"):
        quantize(folder, (), tmp_path / "copy", simulated=LITTLE)
    assert contents(folder.path) == before
    assert not (tmp_path / "copy").exists()


def test_nothing_else_is_written_over(model, tmp_path):
    """Neither another model nor any other file, and the folders made for nothing are gone."""
    needs("nncf")
    folder = model()
    other = tmp_path / "other"
    shutil.copytree(folder.path, other)
    write_card(folder.card.model_copy(update={"name": "other"}), other / CARD_FILE)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "text").write_text("kept")
    (tmp_path / "file").write_text("kept")
    before = contents(other)
    for out in (other, tmp_path / "notes"):
        for write in (quantize, export_onnx):
            with pytest.raises(ConfigError, match="is no copy of this model"):
                write(folder, out=out)
    with pytest.raises(ConfigError, match="is a file"):
        quantize(folder, out=tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written to"):
        quantize(folder, out=tmp_path / "file" / "below", simulated=LITTLE)
    assert contents(other) == before
    assert (tmp_path / "file").read_text() == (tmp_path / "notes" / "text").read_text() == "kept"


def test_an_interruption_leaves_nothing(model, monkeypatch):
    needs("nncf")
    folder = model()
    before = contents(folder.path)

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    for step in ("write_card", "trial_of", "_compare", "quantize_graphs", "_draw"):
        monkeypatch.setattr(module, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            quantize(folder, simulated=LITTLE)
        assert contents(folder.path) == before


def test_without_nncf_the_extra_is_named(model, monkeypatch):
    folder = model()
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(MissingExtraError, match=r"touchline\[quantize\]"):
        quantize(folder)


def test_what_cannot_be_quantized_is_refused_with_the_way_on(model, tmp_path, monkeypatch):
    monkeypatch.setattr("touchline.engines.quantize._nncf", lambda: None)
    with pytest.raises(ConfigError, match="--out"):
        quantize(find("demo"))
    with pytest.raises(ConfigError, match="--videos"):
        quantize(model(labels=("serve", "bounce", "swing")))
    plain = write_folder(tmp_path / "plain", small_network("rny002", ""))
    with pytest.raises(ConfigError, match="touchline models export plain"):
        quantize(plain)


def test_calibration_and_comparison_share_no_pictures(tmp_path):
    videos = [write_video(tmp_path / f"{n}.mp4", 75, sound=False) for n in range(4)]
    calibrated, compared = module._held_back(videos)
    assert [part.video for part in calibrated] == [videos[0], videos[1], videos[3]]
    assert [part.video for part in compared] == [videos[2]]
    [first], [second] = module._held_back(videos[:1])
    assert first.end_seconds == second.start_seconds == pytest.approx(2)
    assert (first.start_seconds, second.end_seconds) == (0, None)


def test_pictures_kept_are_spread_and_bounded(monkeypatch):
    pictures = module._Pictures()
    for index in range(200):
        pictures.add(np.full((20, 4, 4, 3), index, np.uint8))
    kept = [int(frames[0, 0, 0, 0]) for frames in pictures.kept]
    assert 12 <= len(kept) <= module.CALIBRATION_BATCHES
    assert len(set(np.diff(kept))) == 1 and kept[-1] >= 180
    assert all(len(frames) == module.PICTURES_PER_BATCH for frames in pictures.kept)
    monkeypatch.setattr(module, "MAX_CALIBRATION_BYTES", 1)
    few = module._Pictures()
    for frames in pictures.kept:
        few.add(frames)
    assert len(few.kept) == 1
